"""An installation whose leads go to a stand-in, where people change and remove their records."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.catalogue import to_stored
from leadkeeper.clock import new_id
from leadkeeper.connections.adapters import open_adapter
from leadkeeper.delivery.claim import LEAD_COLUMNS, outgoing_lead
from leadkeeper.destinations.interface import Adapter, Context, SentRecord
from leadkeeper.diagnosis import Receipt
from leadkeeper.network.client import Network, NetworkPolicy
from leadkeeper.offer import OfferRef
from leadkeeper.reconciliation.task import ReconciliationTask
from leadkeeper.sandbox.marketo.stand_in import Marketo
from leadkeeper.storage import tables as t
from tests.contracts.cases.case import Line
from tests.contracts.stages import SandboxStage
from tests.contracts.test_destinations import Meet, Meeting, nowhere, settings_of
from tests.contracts.test_read_back import People, _remover
from tests.in_process import OFFER, Installation, Visitor, batch, installation, lead

REF: Final = OfferRef("contoso", "crm-pro")
ONE: Final = f"{OFFER}/connections/primary"
CALLS: Final = 40
"""So many leads are delivered with one pace: Marketo's lets no more go at once."""


@dataclass
class Scene:
    """An installation whose offer's leads go to a stand-in; the time goes on as the test says."""

    home: Installation
    operator: Visitor
    context: Context
    meeting: Meeting
    later: int = 0
    sent: dict[str, SentRecord] = field(default_factory=dict)

    def clock(self) -> int:
        """The time by which runs go."""
        return self.home.services.clock() + self.later

    @property
    def task(self) -> ReconciliationTask:
        """A process that reads back."""
        services = self.home.services
        return ReconciliationTask(
            services.storage, services.connections, self.context, days=7, clock=self.clock, random_unit=lambda: 0.5
        )

    @contextlib.asynccontextmanager
    async def adapter(self) -> AsyncIterator[Adapter]:
        """The line to the destination, as a worker opens it; with a network, and so with a pace, of its own."""
        connection = await self.home.services.connections.get(REF, "primary")
        assert connection is not None
        network = Network(self.context.network.policy, resolve=nowhere)
        opened = open_adapter(connection, replace(self.context, network=network), self.home.services.storage)
        try:
            yield opened
        finally:
            await opened.aclose()
            await network.aclose()

    async def hand_in(self, count: int, **more: Any) -> None:
        """So many customers act."""
        customers = [{"lastName": "Lovelace", "email": f"{new_id()}@northwind.example"} for _ in range(count)]
        lines = b"\n".join(_line(customer, more) for customer in customers)
        answer = await batch(self.operator, lines)
        assert answer.status == 200, answer.body
        assert len(answer.body.splitlines()) == count

    async def carry(self) -> set[str]:
        """Deliver what waits, as a worker does, and as many in a call as the adapter takes; which leads these were."""
        carried = set()
        while rows := (await self.home.services.storage.read(_waiting))[:CALLS]:
            carried |= {row.id for row in rows}
            await self._carry(rows)
        return carried

    async def _carry(self, rows: Sequence[sa.Row[Any]]) -> None:
        async with self.adapter() as adapter:
            for begin in range(0, len(rows), adapter.batch):
                some = rows[begin : begin + adapter.batch]
                leads = [outgoing_lead(row, row.title, row.display_name) for row in some]
                answers = await adapter.deliver(leads)
                receipts = [answer for answer in answers if isinstance(answer, Receipt)]
                assert len(receipts) == len(some), answers
                await self.home.services.storage.write(_delivered, some, receipts, self.clock())
                self.sent |= {each.id: SentRecord(each, got) for each, got in zip(leads, receipts, strict=True)}

    async def reconcile(self) -> dict[str, Any]:
        """Somebody asks for a run, and it is done."""
        asked = await self.operator.post(f"{ONE}/reconciliation")
        assert asked.status == 202, asked.body
        await self.task.look()
        return await self.report()

    async def report(self) -> dict[str, Any]:
        """What is known."""
        answer = await self.operator.get(f"{ONE}/reconciliation")
        assert answer.status == 200, answer.body
        found: dict[str, Any] = answer.json()
        return found

    async def missing(self) -> set[str]:
        """The leads that are listed as missing."""
        found: set[str] = set()
        cursor = ""
        while True:
            page = (await self.operator.get(f"{ONE}/missing-leads?limit=60{cursor}")).json()
            found |= {each["leadId"] for each in page["leads"]}
            if page["nextCursor"] is None:
                return found
            cursor = f"&cursor={page['nextCursor']}"

    async def execute(self, statement: Any) -> None:
        """Change the database."""
        await self.home.services.storage.write(lambda conn: conn.execute(statement) and None)


def _line(customer: Mapping[str, str], more: Mapping[str, Any]) -> bytes:
    return json.dumps(lead(customer=customer, **more)).encode()


def _waiting(conn: sa.Connection) -> Sequence[sa.Row[Any]]:
    d, c = t.delivery.c, t.lead.c
    query: sa.Select[Any] = sa.select(
        *LEAD_COLUMNS, d.id.label("delivery_id"), t.offer.c.title, t.publisher.c.display_name
    )
    query = query.join(t.delivery, d.lead_id == c.id).join(t.publisher, t.publisher.c.id == c.publisher_id)
    query = query.join(t.offer, (t.offer.c.publisher_id == c.publisher_id) & (t.offer.c.id == c.offer_id))
    return conn.execute(query.where(t.READY).order_by(c.id)).all()


def _delivered(conn: sa.Connection, rows: Sequence[sa.Row[Any]], receipts: Sequence[Receipt], now: int) -> None:
    for row, receipt in zip(rows, receipts, strict=True):
        values = {"state": receipt.outcome.value, "changed_at": now}
        conn.execute(sa.update(t.delivery).where(t.delivery.c.id == row.delivery_id).values(values))
        attempt = {"id": new_id(), "delivery_id": row.delivery_id, "at": now, "took_ms": 1, "late": False}
        conn.execute(sa.insert(t.attempt).values(**attempt, outcome=receipt.outcome.value, answer=to_stored(receipt)))


def opened(meet: Meet, line: Line, database_url: str, **more: Any) -> Any:
    """A scene before this line's stand-in."""

    @contextlib.asynccontextmanager
    async def opening() -> AsyncIterator[Scene]:
        meeting = await meet(line)
        account = getattr(getattr(meeting.adapter, "_account", None), "name", None)
        settings = settings_of(line, None, account or "")
        policy = NetworkPolicy(hosts=meeting.stage.hosts, ca_file=meeting.stage.ca_file)
        network = Network(policy, resolve=nowhere)
        if isinstance(meeting.stage, SandboxStage):  # so many leads come at once in tests alone
            meeting.stage.sandbox.stand_in(Marketo).subscription.rate_limit = 10_000
        try:
            async with installation(database_url, **more) as home:
                operator = await home.visitor("operator")
                provider = line.destination
                body = {"leadDestination": provider.lead_destination, provider.config_key: settings}
                answer = await operator.put(ONE, body)
                assert answer.status == 201, answer.body
                yield Scene(home, operator, Context(network), meeting)
        finally:
            await network.aclose()

    return opening()


async def remove(scene: Scene, leads: Collection[str]) -> None:
    """Somebody removes their records there."""
    sent = [scene.sent[each] for each in leads]
    if scene.meeting.line.destination.name.startswith("azure"):
        await _remover(scene.meeting)(sent)
    else:
        people = People(scene.meeting)
        for each in sent:
            people.do("delete", each)


DELIVERED: Final = 12


async def with_gone(scene: Scene, count: int = 3) -> set[str]:
    """Some leads are delivered, and these of them are removed there."""
    await scene.hand_in(DELIVERED)
    await scene.carry()
    gone = set(sorted(scene.sent)[:count])
    await remove(scene, gone)
    return gone
