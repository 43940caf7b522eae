"""The language that a request asks for."""

from __future__ import annotations

import re
from typing import Final

from leadkeeper.texts import Language, Languages

_RANGE: Final = re.compile(
    r"\s*(?P<tag>(?:[A-Za-z]{1,8}|\*)(?:-[A-Za-z0-9-]*)?)\s*"
    r"(;\s*q\s*=\s*(?P<weight>0(\.[0-9]{0,3})?|1(\.0{0,3})?)\s*)?"
)
_LONGEST: Final = 1_000
VARY: Final = (b"vary", b"Accept-Language")
"""The header of an answer whose language depends on what was asked for."""


def accepted(header: str | None, languages: Languages) -> Language:
    """The language that an ``Accept-Language`` wants most of those that there are, the first if it wants none.

    A language is wanted as much as its own tag or one that begins as it does: ``pt`` as much as any Portuguese; of two
    the same, the one that is named exactly. Takes any text; what is no language range is passed over.
    """
    wanted: dict[str, float] = {}
    for text in (header or "")[:_LONGEST].split(","):
        found = _RANGE.fullmatch(text)
        if found is not None:
            tag, weight = found["tag"].lower().rstrip("-"), float(found["weight"] or 1)
            wanted[tag] = max(weight, wanted.get(tag, 0.0))
    return max(languages, key=lambda language: _wish(language.code.lower(), wanted))


def _wish(code: str, wanted: dict[str, float]) -> tuple[float, bool]:
    """How much a language is wanted, and whether by its own tag."""
    if code in wanted:
        return wanted[code], wanted[code] > 0
    primary = code.partition("-")[0]
    alike = [weight for tag, weight in wanted.items() if tag.partition("-")[0] == primary]
    return max(alike, default=wanted.get("*", 0.0)), False
