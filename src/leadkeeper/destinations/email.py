"""E-mail notice: a mail to the contact e-mails says that a lead came, and where to read it. No personal data in it.

A mail server that took a mail may still lose it, and sending twice makes two mails: so it is never repeated blindly.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import EmailStr, Field

from leadkeeper.catalogue import diagnose
from leadkeeper.destinations.destination import Check, CheckStep, Config, OutgoingLead, Preview
from leadkeeper.destinations.http import Network, NoFreeConnection, diagnose_network
from leadkeeper.destinations.mail import SECONDS, Mailer
from leadkeeper.destinations.mail_text import lead_notice
from leadkeeper.diagnosis import Answer, Kind, Receipt


class EmailConfig(Config):
    """Microsoft's ``emailLeadConfiguration``: who is told."""

    contact_email: list[EmailStr] = Field(
        min_length=1,
        max_length=50,
        title="Contact e-mails",
        description="Who is told of each lead. The mail names the offer and links to the lead, nothing personal.",
    )

    @property
    def announces(self) -> Literal["each", "daily", "none"]:
        """Never: the delivery itself is the notice."""
        return "none"

    @property
    def host(self) -> str:
        """The domains of the addresses."""
        return ", ".join(sorted({address.rpartition("@")[2] for address in self.contact_email}))


class Email:
    """A line to some mailboxes, over the operator's mail server."""

    name: ClassVar[str] = "email"
    title: ClassVar[str] = "E-mail notice"
    lead_destination: ClassVar[str] = "email"
    config_key: ClassVar[str] = "emailLeadConfiguration"
    config: ClassVar[type[Config]] = EmailConfig
    batch: ClassVar[int] = 1
    repeatable: ClassVar[bool] = False

    def __init__(self, config: EmailConfig, network: Network) -> None:
        self._to = [str(address) for address in config.contact_email]
        self._mailer = None if network.policy.mail_server is None else Mailer(network.policy.mail_server)
        self._base_url = network.policy.base_url
        self._network = network

    async def check(self) -> Check:
        """The mail server can be reached and lets us sign in. Whether the mailboxes exist, only a mail can prove."""
        if self._mailer is None:
            diagnosis = diagnose(Kind.MAIL_NOT_SET_UP)
            return Check((CheckStep("mailServer", False, diagnosis.summary),), diagnosis)
        try:
            async with self._network.handing_in_mail(SECONDS):
                found = await self._mailer.probe()
        except NoFreeConnection as error:
            found = diagnose_network(error)
        detail = "The mail server lets us sign in." if found is None else found.summary
        mailboxes = CheckStep("mailboxes", None, "Only a mail can prove that they exist.")
        return Check((CheckStep("mailServer", found is None, detail), mailboxes), found)

    async def deliver(self, leads: Sequence[OutgoingLead]) -> Sequence[Answer]:
        """One mail for each lead; see :class:`~leadkeeper.destinations.destination.Destination`."""
        return [await self._send(lead) for lead in leads]

    async def preview(self, lead: OutgoingLead) -> Preview:
        """The mail for ``lead``."""
        message = lead_notice([lead.id], lead.offer_title, self._base_url, self._to, "leadkeeper", lead.id)
        return Preview({"to": self._to, "subject": message["Subject"], "text": message.get_content()})

    async def aclose(self) -> None:
        """Nothing is held."""

    async def _send(self, lead: OutgoingLead) -> Answer:
        if self._mailer is None:
            return diagnose(Kind.MAIL_NOT_SET_UP)
        message = lead_notice([lead.id], lead.offer_title, self._base_url, self._to, self._mailer.sender, lead.id)
        try:
            async with self._network.handing_in_mail(SECONDS):
                failed = await self._mailer.send(message, self._to)
        except NoFreeConnection as error:
            failed = diagnose_network(error)
        if failed is not None:
            return failed
        return Receipt(confirmed=False, remote_id=message["Message-ID"], note="The mail server took the notice.")
