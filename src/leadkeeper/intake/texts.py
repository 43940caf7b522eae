"""Which texts a lead may hold. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

UNCLEAN: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
"""What no text of a lead holds: control characters other than tab and line breaks, halves of surrogate pairs."""

INVISIBLE: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""Characters that nobody sees: Unicode's ``Default_Ignorable_Code_Point``, which IDNA leaves out of domains."""

_CONTROLS: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_SURROGATES: Final = re.compile("[\ud800-\udfff]")
_ENDS: Final = (
    " \t\r\n\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f"
    "\u3000\u00ad\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2061\u2062\u2063\u2064\u2066\u2067"
    "\u2068\u2069\ufeff"
)


def is_clean(text: str) -> bool:
    """Whether ``text`` holds nothing of :data:`UNCLEAN`."""
    # Nothing of it is printable, and that is asked in a tenth of the time.
    return text.isprintable() or UNCLEAN.search(text) is None


def clean(text: str) -> str:
    """``text`` without control characters; halves of surrogate pairs become U+FFFD."""
    if is_clean(text):
        return text
    return _SURROGATES.sub("\ufffd", _CONTROLS.sub("", text))


def trimmed(text: str) -> str:
    """``text`` without spaces and characters that nobody sees at its ends."""
    return text.strip(_ENDS)


def texts_within(value: object) -> Iterator[str]:
    """Every text in a value as JSON has it, the keys of its objects among them."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield str(key)
            yield from texts_within(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from texts_within(inner)
