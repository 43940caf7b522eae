"""The languages in which diagnoses are told, and what is said of one in a language."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from leadkeeper.diagnosis import Who


class Language(StrEnum):
    """A language for which every kind has a text, by its code (ISO 639-1)."""

    ENGLISH = "en"
    PORTUGUESE = "pt"


@dataclass(frozen=True, slots=True)
class Text:
    """What a person reads of a diagnosis: its cause in one sentence, and the steps that mend it."""

    summary: str
    steps: tuple[str, ...]


WHO_ACTS: Final[dict[Language, dict[Who, str]]] = {
    Language.ENGLISH: {
        Who.NOBODY: "nobody",
        Who.PUBLISHER: "publisher",
        Who.DESTINATION_ADMIN: "administrator of the destination",
        Who.OPERATOR: "operator",
        Who.LEADKEEPER: "Leadkeeper's maintainers",
    },
    Language.PORTUGUESE: {
        Who.NOBODY: "ninguém",
        Who.PUBLISHER: "publicador",
        Who.DESTINATION_ADMIN: "administrador do destino",
        Who.OPERATOR: "operador",
        Who.LEADKEEPER: "quem desenvolve o Leadkeeper",
    },
}
"""Who must act, in words."""
