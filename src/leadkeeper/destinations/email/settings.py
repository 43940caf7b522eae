"""The settings of the e-mail notice."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from leadkeeper.destinations.interface import Config
from leadkeeper.mail.address import ContactEmail
from leadkeeper.texts import lazy_gettext


class EmailConfig(Config):
    """Microsoft's ``emailLeadConfiguration``: who is told."""

    contact_email: list[ContactEmail] = Field(
        min_length=1,
        max_length=50,
        title=lazy_gettext("Contact e-mails"),
        description=lazy_gettext(
            "Who is told of each lead. The mail names the offer and links to the lead, nothing personal."
        ),
    )

    @property
    def announces(self) -> Literal["each", "daily", "none"]:
        """Never: the delivery itself is the notice."""
        return "none"

    @property
    def host(self) -> str:
        """The domains of the addresses."""
        return ", ".join(sorted({address.rpartition("@")[2] for address in self.contact_email}))

    @property
    def repeatable(self) -> bool:
        """Never: sending twice makes two mails."""
        return False
