"""What a customer did and where, in the words of people who sell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from leadkeeper.texts import lazy_gettext as _

ACTIONS: Final[Mapping[str, str]] = {
    "INS": _("Installed it"),
    "PLT": _("Asked to be contacted"),
    "DNC": _("Do not contact"),
    "Create": _("Bought it in the portal"),
    "StartTestDrive": _("Started a test drive"),
}
SOURCES: Final[Mapping[str, str]] = {
    "AzureMarketplace": _("Azure Marketplace"),
    "AzurePortal": _("Azure portal"),
    "TestDrive": _("Test drive"),
    "SPZA": "AppSource",
}


def action_word(action: str) -> str:
    """What the customer did; an action that nobody has told us of stays as it came."""
    return ACTIONS.get(action, action)


def source_word(source: str) -> str:
    """Where the customer did it."""
    return SOURCES.get(source, source)
