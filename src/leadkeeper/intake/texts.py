"""Which texts a lead may hold. Pure."""

from __future__ import annotations

import re
from typing import Final

UNCLEAN: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
"""What no text of a lead holds: control characters other than tab and line breaks, halves of surrogate pairs."""

_CONTROLS: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_SURROGATES: Final = re.compile("[\ud800-\udfff]")


def clean(text: str) -> str:
    """``text`` without control characters; halves of surrogate pairs become U+FFFD."""
    if UNCLEAN.search(text) is None:
        return text
    return _SURROGATES.sub("\ufffd", _CONTROLS.sub("", text))
