"""What the demo tells has Portuguese words, also where the sandbox says it, which is translated nowhere."""

from __future__ import annotations

import re

from leadkeeper.doors.cli.demo import cast
from leadkeeper.doors.cli.demo.mishap_words import MISHAPS, RECEIPTS, TAKEN, TITLES, receipt_text, title_text
from leadkeeper.texts import LazyText
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


def test_what_places_are_called_and_show_is_known() -> None:
    titles, receipts = set(), set()
    for path in (ROOT / "src/leadkeeper/sandbox").glob("*/place.py"):
        source = path.read_text(encoding="utf-8")
        titles |= set(re.findall(r'\bPlace\([\w"-]+, "([^"]+)"', source))
        receipts |= set(re.findall(r'FoundLead\(\s*f?"([^"{]+?)\s*(?:\{|")', source))
    products = {title for title in titles if PORTUGUESE.tell(title_text(title)) == title}
    assert products == titles - TITLES
    assert len(titles) == 10
    assert receipts == {*RECEIPTS, TAKEN}
    assert PORTUGUESE.tell(receipt_text("row 2026-11-29/x")) == "linha 2026-11-29/x"
    assert PORTUGUESE.tell(receipt_text(TAKEN)) != TAKEN


def test_what_customers_read_and_what_is_posted_has_portuguese_words() -> None:
    told = [of for listing in cast.PUBLISHED.values() for of in listing.values() if isinstance(of, str)]
    told += [name for name, *_ in cast.HOOK_LEADS] + [what for what, *_ in cast.ACCOUNTS]
    assert len(told) == 15
    assert [each for each in told if not isinstance(each, LazyText) or not PORTUGUESE.can_tell(each)] == []
