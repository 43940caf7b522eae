"""What goes wrong in the demo has Portuguese words, although the sandbox that says it is translated nowhere."""

from __future__ import annotations

import re

from leadkeeper.doors.cli.demo.mishap_words import MISHAPS
from tests.house.pages import ROOT
from tests.languages import PORTUGUESE

_MISHAP = re.compile(r'Mishap\(\s*"([^"]+)",\s*"([^"]+)"')


def test_every_mishap_of_the_sandbox_is_known() -> None:
    found = set()
    for path in (ROOT / "src/leadkeeper/sandbox").glob("*/place.py"):
        source = path.read_text(encoding="utf-8")
        assert source.count("Mishap(") == len(_MISHAP.findall(source)), path
        found |= {text for pair in _MISHAP.findall(source) for text in pair}
    assert found == MISHAPS
    assert [text for text in MISHAPS if PORTUGUESE.gettext(text) == text] == []
