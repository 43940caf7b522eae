"""Links to people, by mail: handed over at once, so that whoever waits for it knows what came of it."""

from __future__ import annotations

import asyncio
import contextlib
from email.message import EmailMessage
from typing import Final

import sqlalchemy as sa
import structlog

from leadkeeper.access.mail_bound import spend
from leadkeeper.access.people.guesses import Guesses
from leadkeeper.access.people.links import Links, NewLink
from leadkeeper.access.people.records import email_of
from leadkeeper.access.tries import Tries
from leadkeeper.clock import Clock, now_ms
from leadkeeper.gate import NOBODY, on_behalf_of
from leadkeeper.mail.address import MailRules, parse_address
from leadkeeper.mail.fates import record_sent
from leadkeeper.mail.mailer import Mailer, Results
from leadkeeper.mail.people import invitation, new_password
from leadkeeper.problem import Problem
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage, StorageAway
from leadkeeper.texts import Languages

log: Final = structlog.get_logger(__name__)

ASKED: Final = (3, 3_600_000)
"""How many mails with a link to a new password one address, of a person or of whoever asks, causes in how many ms."""
AT_ONCE: Final = 20
"""How many of those are under way at a time; of more nothing comes, and whoever asked asks again."""


class LinkMail:
    """Mails links, where there is a mail server. ``marketplace`` is the name by which mails call this installation."""

    def __init__(
        self,
        storage: Storage,
        links: Links,
        mailer: Mailer | None,
        *,
        base_url: str,
        marketplace: object,
        rules: MailRules,
        languages: Languages,
        clock: Clock = now_ms,
    ) -> None:
        self._storage = storage
        self._links = links
        self._mailer = mailer
        self._base_url = base_url
        self._marketplace = marketplace
        self._rules = rules
        self._languages = languages
        self._clock = clock
        self._asked = Tries(*ASKED)
        self._everywhere = Guesses(storage, "new password", *ASKED, clock)
        self._under_way: set[asyncio.Task[None]] = set()

    @property
    def is_possible(self) -> bool:
        """Whether there is a mail server."""
        return self._mailer is not None

    async def invite(self, link: NewLink, publisher_id: str | None, publisher: str) -> bool:
        """Mail an invitation; whether the mail server took it. ``publisher`` is its name, empty for operators."""
        mailer = self._mailer
        if mailer is None or not await self._storage.write(self._may_write, link.email, publisher_id):
            return False
        address = f"{self._base_url}/portal/invitation/{link.token}"
        message = invitation(
            address, publisher, str(self._marketplace), self._base_url, mailer.sender, self._languages, link.id
        )
        results = await mailer.send(message, [link.email])
        (summary,) = results.values()
        if summary is not None:
            log.warning("invitation not sent", kind=summary.kind.value, publisher=publisher_id)
        await self._record(message, results, publisher_id)
        return summary is None

    def ask_new_password(self, email: str, address: str) -> None:
        """Mail a link to whoever can sign in with ``email``, asked for from ``address``; nobody is told whether.

        It goes on by itself, so that not even the time that it takes tells.
        """
        try:
            key, now = email_of(email), self._clock()
        except Problem:
            return
        waits = max(self._asked.count(f"to {key}", now), self._asked.count(f"from {address}", now))
        if self._mailer is None or waits or len(self._under_way) >= AT_ONCE:
            return
        with on_behalf_of(NOBODY):
            task = asyncio.create_task(self._send_new_password(self._mailer, key, address), name="new password")
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def aclose(self) -> None:
        """Wait for what is under way."""
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def _send_new_password(self, mailer: Mailer, email: str, asked_from: str) -> None:
        try:
            if await self._everywhere.count(f"to {email}") or await self._everywhere.count(f"from {asked_from}"):
                return
            link = await self._links.asked_reset(email)
        except StorageAway:
            return
        if link is None:
            return
        address = f"{self._base_url}/portal/password/{link.token}"
        message = new_password(address, str(self._marketplace), self._base_url, mailer.sender, self._languages, link.id)
        results = await mailer.send(message, [link.email])
        (summary,) = results.values()
        if summary is not None:
            log.warning("link to a new password not sent", kind=summary.kind.value)
        await self._record(message, results, None)

    async def _record(self, message: EmailMessage, results: Results, publisher_id: str | None) -> None:
        """What became of it stays to be read; the link in it does not."""
        with contextlib.suppress(StorageAway):
            await self._storage.write(record_sent, message, results, publisher_id or "", self._clock(), None)

    def _may_write(self, conn: sa.Connection, email: str, publisher_id: str | None) -> bool:
        """Not to a mailbox that wants nothing from here, and not more than a publisher's mails of an hour."""
        d = t.declined_mailbox.c
        declined = sa.select(d.mailbox).where(d.mailbox == parse_address(email).mailbox)
        if conn.execute(declined).first() is not None:
            return False
        return publisher_id is None or bool(spend(conn, publisher_id, 1, self._rules, self._clock()))
