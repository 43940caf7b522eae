"""What may not be said of a lead that no destination confirmed, in any text that somebody reads."""

from __future__ import annotations

import re
from typing import Final

_CLAIM: Final = re.compile(
    r"\b(received|delivered|proven|proved|arrived|healthy|created|recebid[oa]s?|entregues?|comprovad[oa]s?"
    r"|provad[oa]s?|chegou|chegaram|criad[oa]s?)\b",
    re.IGNORECASE,
)


def claims(text: str) -> list[str]:
    """The words in ``text`` that claim what nobody knows, each with what stands around it."""
    text = re.sub(r'"(createdTime|proven|asReceived)":', "", text)  # names of JSON, whose values are looked at
    text = re.sub(r"<(style|script)\b.*?</\1>", "", text, flags=re.DOTALL)
    return [text[max(0, found.start() - 60) : found.end() + 40] for found in _CLAIM.finditer(text)]
