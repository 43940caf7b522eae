"""An installation whose destinations fail and work again at the test's word, while days pass in an instant."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any

import sqlalchemy as sa

from leadkeeper.catalogue import diagnose
from leadkeeper.connections.connection import Connection
from leadkeeper.delivery.claim import claim
from leadkeeper.delivery.housekeeping import Housekeeping
from leadkeeper.delivery.lease import close_lease, open_lease
from leadkeeper.delivery.record import record_answers
from leadkeeper.destinations.interface import Context
from leadkeeper.diagnosis import Answer, Evidence, Kind, Receipt
from leadkeeper.mail.address import DEFAULT_RULES, MailRules
from leadkeeper.mail.mailer import Mailer, parse_mail_server
from leadkeeper.network.client import Network, NetworkPolicy
from leadkeeper.notices.sender import Sender
from leadkeeper.offer import OfferRef
from leadkeeper.storage import tables as t
from tests.contracts.installation import CRM, TestInstallation, furnished, sent
from tests.contracts.mailbox import Mailbox, mailbox

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
FAILED = diagnose(Kind.SERVER_ERROR, Evidence(status=500, text="grace@customer.example must not be told"))
BOSS = "boss@contoso.example"
NEVER = 2**62


def settings(*contacts: str, url: str = "https://leads.example/hook") -> dict[str, Any]:
    """An HTTPS endpoint with these contact e-mails."""
    config: dict[str, Any] = {"httpsEndpointUrl": url, "contactEmail": list(contacts), "notice": "none"}
    return {"leadDestination": "httpsEndpoint", "httpsEndpointLeadConfiguration": config}


@dataclass
class Plight:
    """An installation, its mail server, and what its worker does, one step at a time."""

    installation: TestInstallation
    box: Mailbox
    network: Network
    rules: MailRules = DEFAULT_RULES

    @property
    def housekeeping(self) -> Housekeeping:
        """That of a worker which has just started."""
        installation = self.installation
        return Housekeeping(
            installation.storage,
            installation.connections,
            Context(self.network),
            lambda _: None,
            clock=installation.clock,
            random_unit=lambda: 0.5,
        )

    @property
    def sender(self) -> Sender:
        """That of a worker which has just started."""
        server = parse_mail_server(f"smtp://127.0.0.1:{self.box.port}", "leads@marketplace.example")
        return Sender(
            self.installation.storage, Mailer(server), "https://leads.example", self.installation.clock, self.rules
        )

    async def connect(self, *contacts: str, offer: OfferRef = CRM, name: str = "primary") -> Connection:
        """Make the connection, or enter its settings anew; nobody looks at it unasked."""
        if offer != CRM:
            await self.installation.catalogue.put_offer(
                offer, title=offer.offer_id.title(), offer_type="saas", live=True, by="test"
            )
        made, _, _ = await self.installation.connections.put(
            offer, name, settings(*(contacts or (BOSS,))), by="test", trusted=True
        )
        assert made is not None
        await self.run(sa.update(t.connection).values(check_at=NEVER))
        return made

    async def run(self, statement: sa.Executable) -> None:
        """Write something into the database."""
        await self.installation.storage.write(lambda conn: conn.execute(statement) and None)

    async def rows(self, query: sa.Select[Any]) -> Sequence[sa.Row[Any]]:
        """What stands there."""
        return await self.installation.storage.read(lambda conn: conn.execute(query).all())

    async def answers(
        self, answer: Answer, *, repeatable: bool = True, only: str | None = None, most: int | None = None
    ) -> int:
        """Everything that is due now (``most`` of it) is sent and gets this answer; how many sends that were."""
        count, lease_id = 0, await self.installation.storage.write(open_lease, self.installation.now + HOUR)
        mine = None if only is None else [only]
        share = 100 if most is None else most
        while works := await self.installation.storage.write(
            claim, lease_id, {}, lambda _: share, self.installation.now, mine
        ):
            now = self.installation.now
            sends = [
                sent(work, claimed, lease_id, answer, now, repeatable=repeatable)
                for work in works
                for claimed in work.claimed
            ]
            await self.installation.storage.write(record_answers, sends, self.installation.now, 0.5)
            count += len(sends)
            if most is not None:
                break
        await self.installation.storage.write(close_lease, lease_id, self.installation.now)
        return count

    async def passes(self, ms: int, *, mails: bool = True) -> None:
        """Time passes; two workers look after the installation, and mails that are due go out."""
        self.installation.now += ms
        await asyncio.gather(self.housekeeping.look(), self.housekeeping.look())
        if mails:
            await self.post()

    async def post(self) -> None:
        """Mails that are due, now or within a minute, go out; two workers send them."""
        for _ in range(2):
            await asyncio.gather(self.sender.look(), self.sender.look())
            self.installation.now += MINUTE

    async def fails(self, ms: int, every: int = 5 * MINUTE, answer: Answer = FAILED) -> None:
        """For so long whatever is due gets ``answer``, and nothing else happens."""
        until = self.installation.now + ms
        while self.installation.now < until:
            await self.answers(answer)
            await self.passes(every)

    async def fails_until_given_up(self, answer: Answer = FAILED) -> None:
        """Over two weeks every try of every lead gets ``answer``, until none is tried any more."""
        for _ in range(3_000):
            await self.answers(answer)
            left = sa.select(
                sa.func.min(t.delivery.c.due_at).label("due"), sa.func.max(t.connection.c.closed_until).label("closed")
            ).where(t.READY)
            query = left.join_from(t.delivery, t.connection, t.connection.c.id == t.delivery.c.connection_id)
            (found,) = await self.rows(query)
            due, closed = found.due, found.closed
            if due is None:
                return
            self.installation.now = max(self.installation.now, due, closed) + 1
        raise AssertionError(f"still tried: {await self.installation.states()}")

    def mails(self, to: str = BOSS) -> list[EmailMessage]:
        """What this contact got so far; forgotten afterwards."""
        found = self.box.sent_to(to)
        self.box.mails.clear()
        self.box.recipients.clear()
        return found

    async def works_for_good(self) -> int:
        """Whatever is due is taken, until nothing is left to do; how many leads were taken."""
        taken = 0
        for _ in range(40):
            taken += (now := await self.answers(Receipt()))
            await self.passes(20 * SECOND, mails=False)
            if not now and not await self.installation.count(t.delivery, t.READY):
                break
        return taken


@asynccontextmanager
async def plight(url: str, rules: MailRules = DEFAULT_RULES) -> AsyncIterator[Plight]:
    """A new installation over the database."""
    network = Network(NetworkPolicy())
    async with furnished(url) as installation:
        with mailbox() as box:
            try:
                yield Plight(installation, box, network, rules)
            finally:
                await network.aclose()
