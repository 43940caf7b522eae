"""The mail that confirms to a customer that a request was received: where the operator wants it, and bounded.

It says nothing that the customer wrote. Nobody can have others flooded with it: an address gets few of them a day,
whoever sends forms causes few an hour, and a publisher's offers cause a part of what the publisher may have mailed.
All processes of an installation count together, in the transaction that writes the mail down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Final

import sqlalchemy as sa
import structlog

from leadkeeper.access.marketplace import MarketplaceName
from leadkeeper.access.people.guesses import Guesses
from leadkeeper.clock import Clock, now_ms
from leadkeeper.mail.address import MailAddress, MailRules, parse_address
from leadkeeper.mail.fates import mail_row
from leadkeeper.mail.text import Envelope, mail, quoted
from leadkeeper.notices.whom import wanted
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage, StorageAway
from leadkeeper.texts import Language, Languages

PER_MAILBOX: Final = (3, 86_400_000)
"""How many confirmations one mailbox gets in how many ms."""
PER_SENDER: Final = (10, 3_600_000)
"""How many one client address causes in how many ms."""
PART: Final = 10
"""A publisher's offers cause at most one confirmation in so many of the mails that may go out for it in an hour."""

log: Final = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What was asked for, of whom, and in which language; ``support`` may be empty. ``lead_id`` is the reference."""

    lead_id: str
    email: str
    title: str
    publisher_id: str
    publisher: str
    support: str
    language: Language


class Confirmations:
    """Writes them down; whoever sends mails sends them, and ``/portal/mails`` shows what became of each."""

    def __init__(
        self,
        storage: Storage,
        sender: MailAddress | None,
        marketplace: MarketplaceName | str,
        rules: MailRules,
        clock: Clock = now_ms,
    ) -> None:
        """Without a ``sender`` none is written."""
        self._storage = storage
        self._sender = sender
        self._marketplace = marketplace
        self._clock = clock
        self._senders = Guesses(storage, "confirmations from", *PER_SENDER, clock)
        self._mailboxes = Guesses(storage, "confirmations to", *PER_MAILBOX, clock)
        self._publishers = Guesses(storage, "confirmations of", max(1, rules.mails // PART), 3_600_000, clock)

    async def confirm(self, asked: Confirmation, client: str) -> bool:
        """Have the request confirmed, once a lead; whether a mail was written down for it.

        ``client`` is the address from which it came. Nothing is written to a mailbox that wants no mail from here, of a
        lead whose data are withheld, and over the bounds. It never raises: the lead is kept whatever becomes of this.
        """
        if self._sender is None:
            return False
        try:
            address = parse_address(asked.email)
        except ValueError:
            return False
        message = confirmation(asked, str(self._marketplace), address, self._sender)
        try:
            await self._senders.tidy()
            return await self._storage.write(self._bounded, message, address, asked, client)
        except StorageAway:
            return False

    def _bounded(
        self, conn: sa.Connection, message: EmailMessage, to: MailAddress, asked: Confirmation, client: str
    ) -> bool:
        """What is over one bound counts for none that follows: nobody uses up what others have."""
        # Always in this order: of two that wait for the same rows, one is first at all of them.
        bounds = ((self._senders, client), (self._mailboxes, to.mailbox), (self._publishers, asked.publisher_id))
        if any(bound.count_within(conn, whose) for bound, whose in bounds):
            log.info("no confirmation: too many", publisher=asked.publisher_id)
            return False
        return _write(conn, message, to, asked, self._clock())


def confirmation(asked: Confirmation, marketplace: str, to: MailAddress, sender: MailAddress) -> EmailMessage:
    """The mail, in the language in which the customer asked."""
    title, publisher = quoted(asked.title), quoted(asked.publisher)

    def write(language: Language) -> Sequence[str]:
        lines = [
            language.gettext(
                "Thank you for your request about %(title)s on %(marketplace)s. It is kept, and goes to %(publisher)s.",
                title=title,
                marketplace=marketplace,
                publisher=publisher,
            ),
            "",
            language.gettext("Your reference: %(reference)s", reference=asked.lead_id),
        ]
        if asked.support:
            lines.append(language.gettext("Help from the publisher: %(support)s", support=asked.support))
        ending = language.gettext(
            "If you did not ask for this, somebody entered your address by mistake: you need not do anything."
        )
        return [*lines, "", ending]

    subject = asked.language.gettext("Your request about %(title)s", title=title)
    return mail(subject, write, Envelope([to.key], sender, asked.lead_id, Languages((asked.language,))))


def _write(conn: sa.Connection, message: EmailMessage, to: MailAddress, asked: Confirmation, now: int) -> bool:
    """The mail has its lead's id, so that there is one and it goes when the lead's data go."""
    c = t.lead.c
    kept = conn.execute(sa.select(c.withheld).where(c.id == asked.lead_id)).first()
    there = conn.execute(sa.select(t.mail.c.id).where(t.mail.c.id == asked.lead_id)).first()
    if kept is None or kept.withheld or there is not None or not wanted(conn, [to.key]):
        return False
    row = mail_row(message, to.key, asked.publisher_id, now)
    conn.execute(sa.insert(t.mail).values(row | {"id": asked.lead_id}))
    return True
