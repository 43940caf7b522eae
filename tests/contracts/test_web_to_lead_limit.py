"""What Web-to-Lead took counts for 24 hours, whatever becomes of leads and connections meanwhile. Both databases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import pytest
import sqlalchemy as sa

from leadkeeper.clock import now_ms
from leadkeeper.delivery.schedule import State
from leadkeeper.delivery.worker import Worker
from leadkeeper.destinations.interface import Context
from leadkeeper.diagnosis import Receipt
from leadkeeper.inbox.redelivery import Redelivery
from leadkeeper.intake.keep import Intake
from leadkeeper.reconciliation.confirmed import keep_found
from leadkeeper.sandbox import faults
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.faults import Fault
from leadkeeper.storage import tables as t
from leadkeeper.validation.validator import Validator
from tests.contracts.installation import CRM, TestInstallation, furnished, lead
from tests.contracts.scripted import Remote, remote_side

HOST: Final = "webto.salesforce.com"
POST: Final = "POST /servlet/servlet.WebToLead"
TAKEN: Final = faults.answer(200, content_type="text/html", is_processed="true", connection="close")
REJECTED: Final = faults.answer(
    200, content_type="text/html", is_processed="true Exception:common.exception.SalesforceGenericException"
)
LOST: Final = faults.answer(502, connection="close")
MINE: Final = "00D58000000JmlM"
OTHER: Final = "00D5e000000NoOr"
LIMIT: Final = 2
HOUR: Final = 3_600_000


@dataclass
class Scene:
    """An installation of which one connection goes over Web-to-Lead, to a Salesforce that answers as told."""

    home: TestInstallation
    side: Remote

    async def connect(self, name: str = "primary", oid: str = MINE, **more: Any) -> None:
        settings = {"objectIdentifier": oid, "webToLeadDailyLimit": LIMIT, **more}
        body = {"leadDestination": "salesforce", "salesforceLeadConfiguration": settings}
        await self.home.connections.put(CRM, name, body, by="test")

    async def send(self, name: str = "primary") -> str:
        """Send one test lead; what came of it: ``sent``, or the kind of its diagnosis."""
        validator = Validator(self.home.storage, self.home.connections, Context(self.side.network))
        found = await validator.validate(CRM, name, by="worker")
        return "sent" if found.diagnosis is None else found.diagnosis.kind

    async def execute(self, *statements: Any) -> None:
        await self.home.storage.write(lambda conn: [conn.execute(each) for each in statements] and None)

    async def rows(self, query: Any) -> list[Any]:
        return await self.home.storage.read(lambda conn: [*conn.execute(query).all()])


@asynccontextmanager
async def web_to_lead(url: str, authority: Authority, fault: Fault | list[Fault] = TAKEN) -> AsyncIterator[Scene]:
    async with furnished(url) as home, remote_side(authority, {POST: fault}, HOST) as side:
        scene = Scene(home, side)
        await scene.connect()
        yield scene


async def confirmed(scene: Scene) -> None:
    """Reconciliation finds them there."""
    d = t.delivery.c
    rows = await scene.rows(sa.select(d.id, d.lead_id, d.connection_id, d.changed_at))
    found = [(row.id, row.lead_id, row.changed_at, Receipt(remote_id="00Q", confirmed=True)) for row in rows]
    assert await scene.home.storage.write(keep_found, rows[0].connection_id, 0, found, rows[0].changed_at) == LIMIT


async def to_be_sent_again(scene: Scene) -> None:
    """Somebody lets them go out once more."""
    for row in await scene.rows(sa.select(t.delivery.c.id)):
        await Redelivery(scene.home.storage).retry(row.id, by="test")


async def moved_away(scene: Scene) -> None:
    """The connection gets another organization, and the first one back."""
    await scene.connect(oid=OTHER)
    assert await scene.send() == "sent", "another organization has a limit of its own"
    await scene.connect()


async def made_anew(scene: Scene) -> None:
    """The connection is removed; another destination has its place for a while."""
    await scene.home.connections.remove(CRM, "primary", by="test")
    await scene.home.connect()
    await scene.home.connections.remove(CRM, "primary", by="test")
    await scene.connect()


async def erased(scene: Scene) -> None:
    """The leads are no longer there, with all that belonged to them."""
    await scene.execute(sa.delete(t.attempt), sa.delete(t.delivery), sa.delete(t.lead))


@pytest.mark.parametrize("happens", [confirmed, to_be_sent_again, moved_away, made_anew, erased])
async def test_what_was_sent_counts_whatever_becomes_of_it(
    database_url: str, authority: Authority, happens: Callable[[Scene], Awaitable[None]]
) -> None:
    async with web_to_lead(database_url, authority) as scene:
        assert [await scene.send() for _ in range(LIMIT)] == ["sent"] * LIMIT
        await happens(scene)
        before = len(scene.side.server.received)
        assert await scene.send() == "salesforceDailyLimit"
        assert len(scene.side.server.received) == before


async def test_what_may_have_arrived_counts_whatever_somebody_finds(database_url: str, authority: Authority) -> None:
    async with web_to_lead(database_url, authority, [LOST, LOST, TAKEN]) as scene:
        assert [await scene.send() for _ in range(LIMIT)] == ["serverError"] * LIMIT
        assert await scene.send() == "salesforceDailyLimit"
        states = sa.update(t.delivery).where(t.delivery.c.state == State.SET_ASIDE.value)
        await scene.execute(states.values(state=State.DELIVERED.value))
        assert await scene.send() == "salesforceDailyLimit"


async def test_what_was_rejected_uses_nothing(database_url: str, authority: Authority) -> None:
    async with web_to_lead(database_url, authority, [REJECTED, REJECTED, REJECTED, TAKEN]) as scene:
        assert [await scene.send() for _ in range(3)] == ["salesforceFormRejected"] * 3
        assert [await scene.send() for _ in range(3)] == ["sent", "sent", "salesforceDailyLimit"]


async def test_several_processes_agree(database_url: str, authority: Authority) -> None:
    """Each opens a line of its own; what the others have under way counts."""
    async with web_to_lead(database_url, authority) as scene:
        await scene.connect("second")
        answers = await asyncio.gather(*(scene.send(name) for name in ("primary", "second") * 4))
        assert answers.count("sent") == LIMIT
        assert len(scene.side.server.received) == LIMIT


async def test_leads_over_the_limit_wait_and_are_not_sent(database_url: str, authority: Authority) -> None:
    async with web_to_lead(database_url, authority) as scene:
        home = scene.home
        home.connections._clock = now_ms
        worker = Worker(home.storage, home.connections, Context(scene.side.network))
        await Intake(home.storage, worker.wake).keep_many([lead(number) for number in range(5)])
        rests = sa.select(t.connection.c.closed_until).where(t.connection.c.closed_until > now_ms() + 23 * HOUR)
        carrying = asyncio.create_task(worker.run())
        try:
            async with asyncio.timeout(90):
                # Those that were taken may be written down last: then the others come once more, and wait after that.
                while not (found := await scene.rows(rests)):  # noqa: ASYNC110 - another task writes it down
                    await asyncio.sleep(0.02)
        finally:
            await worker.stop(1)
            await carrying
        assert found[0][0] <= now_ms() + 24 * HOUR
        assert (await home.states())["unconfirmed"] == len(scene.side.server.received) == LIMIT
