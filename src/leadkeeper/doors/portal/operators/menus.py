"""The navigation of operators: what they see to, in two menus, so that it can be read on a phone too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from leadkeeper.texts import lazy_gettext as _


@dataclass(frozen=True, slots=True)
class Place:
    """A page in a menu. It is the present one where the address begins so, or holds ``part``."""

    address: str
    icon: str
    label: str
    part: str = ""

    def is_at(self, path: str) -> bool:
        """Whether the page at ``path`` belongs here."""
        return path == self.address or path.startswith(f"{self.address}/") or bool(self.part and self.part in path)


@dataclass(frozen=True, slots=True)
class Menu:
    """Pages under one word."""

    icon: str
    label: str
    places: Sequence[Place]

    def is_at(self, path: str) -> bool:
        """Whether the page at ``path`` is one of these."""
        return any(place.is_at(path) for place in self.places)


OPERATOR_MENUS: Final = (
    Menu(
        "building-store",
        _("Publishers"),
        (
            Place("/portal/operate/publishers", "building-store", _("All publishers")),
            Place("/portal/people", "users", _("People"), "/members"),
            Place("/portal/certification", "list-check", _("Certification")),
            Place("/portal/operate/connections", "plug-connected", _("All connections")),
            Place("/portal/operate/hooks", "webhook", _("All hooks")),
        ),
    ),
    Menu(
        "settings",
        _("Installation"),
        (
            Place("/portal/operate/workers", "rocket", _("Workers and queue")),
            Place("/portal/operate/keys", "key", _("Keys")),
            Place("/portal/operate/branding", "building-store", _("Name and looks")),
            Place("/portal/operate/settings", "settings", _("Settings in force")),
            Place("/portal/channels", "bell", _("Channels")),
            Place("/portal/mails", "mail", _("Mails")),
            Place("/portal/audit", "history", _("Audit")),
            Place("/portal/retention", "archive", _("Data kept"), "/retention"),
        ),
    ),
)
