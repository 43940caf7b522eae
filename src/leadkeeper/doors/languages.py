"""The language that a request asks for."""

from __future__ import annotations

import re
from typing import Final

from leadkeeper.diagnoses.text import Language

_RANGE: Final = re.compile(
    r"\s*(?P<language>[A-Za-z]{1,8}|\*)(-[A-Za-z0-9-]*)?\s*(;\s*q\s*=\s*(?P<weight>0(\.[0-9]{0,3})?|1(\.0{0,3})?)\s*)?"
)
_LONGEST: Final = 1_000


def accepted(header: str | None) -> Language:
    """The language that an ``Accept-Language`` wants most of those that there are: pt for any Portuguese, else en.

    Takes any text; what is no language range is passed over.
    """
    wanted: dict[str, float] = {}
    for text in (header or "")[:_LONGEST].split(","):
        found = _RANGE.fullmatch(text)
        if found is not None:
            name, weight = found["language"].lower(), float(found["weight"] or 1)
            wanted[name] = max(weight, wanted.get(name, 0.0))
    return max(Language, key=lambda language: wanted.get(language.value, wanted.get("*", 0.0)))
