"""What a customer agreed to, as a lead keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pydantic_core import to_json

from leadkeeper.clock import to_text

CONTACT: Final = "contact"
"""The purpose of the storefront's forms: the publisher makes contact about the offer."""


@dataclass(frozen=True, slots=True)
class Consent:
    """The text that the customer read, its language, and the purpose in one word. Nothing of the customer's own."""

    text: str
    purpose: str
    language: str

    def stored(self, now: int) -> str:
        """As a lead keeps it, with the moment (ms) at which it was kept."""
        summary = {"text": self.text, "purpose": self.purpose, "language": self.language, "at": to_text(now)}
        return to_json(summary).decode()
