"""Which texts can be kept, and Unicode's normal forms of texts of any length. Pure.

Python puts the marks of one letter in order one by one: ten thousand on one letter keep a process busy for a second,
and nobody else is served meanwhile. Runs of marks are therefore broken as Unicode's Stream-Safe Text Format does
(UAX 15, section 13), which no text of any language has need of.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

UNSTORABLE: Final = re.compile("[\0\ud800-\udfff]")
"""What no database keeps: NUL, and halves of surrogate pairs, which are no characters."""
_MOST_MARKS: Final = 30
_JOINER: Final = "\u034f"
_MAY_BE_MARKS: Final = re.compile(rf"(?:[^\w\x00-\x7f]|[\uff9e\uff9f]){{{_MOST_MARKS + 1},}}")
"""Runs in which more than so many marks may follow one another: no mark counts as a letter, but for two of Japanese."""


def composed(text: str) -> str:
    """The text in NFKC, in which whatever means the same is written alike."""
    return unicodedata.normalize("NFKC", _stream_safe(text))


def is_composed(text: str) -> bool:
    """Whether :func:`composed` would leave the text as it is."""
    safe = _stream_safe(text)
    return safe == text and unicodedata.is_normalized("NFKC", safe)


def decomposed(text: str) -> str:
    """The text in NFKD, in which marks stand behind their letters."""
    return unicodedata.normalize("NFKD", _stream_safe(text))


def without_marks(text: str) -> str:
    """The text without accents and other marks, for comparing what people write with them or without."""
    if text.isascii():
        return text
    return "".join(letter for letter in decomposed(text) if not unicodedata.combining(letter))


def _stream_safe(text: str) -> str:
    return text if text.isascii() else _MAY_BE_MARKS.sub(_broken, text)


def _broken(found: re.Match[str]) -> str:
    parts: list[str] = []
    run = 0
    for letter in found[0]:
        marks = unicodedata.normalize("NFKD", letter)
        if unicodedata.combining(marks[0]):
            if run >= _MOST_MARKS:
                parts.append(_JOINER)
                run = 0
            run += len(marks)
        else:
            run = 0
        parts.append(letter)
    return "".join(parts)
