"""What a person reads of a diagnosis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from leadkeeper.diagnosis import Who
from leadkeeper.texts import _


@dataclass(frozen=True, slots=True)
class Text:
    """What a person reads of a diagnosis: its cause in one sentence, and the steps that fix it."""

    summary: str
    steps: tuple[str, ...]


WHO_ACTS: Final[dict[Who, str]] = {
    Who.NOBODY: _("nobody"),
    Who.PUBLISHER: _("publisher"),
    Who.DESTINATION_ADMIN: _("administrator of the destination"),
    Who.OPERATOR: _("operator"),
    Who.LEADKEEPER: _("Leadkeeper's maintainers"),
}
"""Who must act, in words; ``Language.gettext`` tells it in a language."""
