"""English texts of the catalogue on what ought to be in another language."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Final

from tests.languages import PORTUGUESE

_VALUE: Final = re.compile(r"%\(\w+\)s")


def english_on(text: str) -> list[str]:
    """The texts of the catalogue that stand in ``text`` in English, of those that Portuguese has other words for.

    Looked for are those of two words at least besides their values; a value is anything of at most 80 characters.
    """
    flat = " ".join(text.split())
    return [found[0] for first, each in _sentences() if first in flat and (found := each.search(flat))]


@cache
def _sentences() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """The longest plain part of each text, which is quick to look for, and the whole as a pattern."""
    known: Any = PORTUGUESE.catalogue
    texts = {text for text in known._catalog if isinstance(text, str) and text and known._catalog[text] != text}
    found = []
    for text in sorted(texts):
        parts = _VALUE.split(" ".join(text.replace("%%", "%").split()))
        if len(" ".join(parts).split()) >= 2:
            pattern = ".{1,80}?".join(map(re.escape, parts))
            found.append((max(parts, key=len), re.compile(rf"(?<!\w){pattern}(?!\w)")))
    return tuple(found)
