"""What a check that passes did not look at, for each way to a destination. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from leadkeeper.texts import Language


@dataclass(frozen=True, slots=True)
class Unseen:
    """One plain sentence: what the check cannot see, and what alone can show it."""

    text: str

    def summary(self, language: Language) -> str:
        """The sentence in that language."""
        return language.gettext(self.text)
