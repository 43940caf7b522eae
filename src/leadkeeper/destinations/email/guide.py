"""What a publisher is told who connects e-mail notices: when to choose it, its ways, where to find each value."""

from __future__ import annotations

from typing import Final

from leadkeeper.destinations.guide import Guide, Way
from leadkeeper.texts import lazy_gettext as _

GUIDE: Final = Guide(
    "mail",
    _("You have no system for leads yet: people are told by mail that one came, and read it here."),
    (
        Way(
            "mail",
            _("E-mail notice"),
            "",
            ("contactEmail",),
            (
                _("Enter the mailboxes of those who answer leads, one on a line."),
                _("Each is asked once whether it wants these mails, and gets none before it says yes."),
                _("The mail names the offer and links to the lead here: it holds no personal data."),
            ),
            needed=("contactEmail",),
        ),
    ),
    place=70,
)
