"""A lead comes in and is kept, on both databases."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa

from leadkeeper.connections.deliveries import BACKFILL
from leadkeeper.delivery.hasten import hasten, hastened
from leadkeeper.intake.keep import Accepted, Intake
from leadkeeper.offer import OfferRef
from leadkeeper.problem import Problem, ProblemType
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage, StorageAway, open_storage
from tests.contracts.installation import CRM, endpoint, furnished, lead


async def test_a_lead_and_its_deliveries_are_one(database_url: str) -> None:
    async with furnished(database_url) as installation:
        await installation.connect()
        await installation.connect("second")
        kept = await installation.intake.keep(lead())
        assert [d.connection for d in kept.deliveries] == ["primary", "second"]
        assert not kept.repeat
        assert await installation.count(t.lead) == 1
        assert await installation.states() == {"pending": 2}


async def test_what_comes_together_is_written_together(database_url: str) -> None:
    async with furnished(database_url) as installation:
        connection = await installation.connect()
        woken: list[set[str]] = []
        intake = Intake(installation.storage, lambda ids: woken.append(set(ids)), installation.clock)
        kept = await intake.keep_many([lead(i) for i in range(1200)])
        assert len({k.id for k in kept if isinstance(k, Accepted)}) == 1200
        assert woken == [{connection.id}] * 3
        assert await installation.count(t.delivery) == 1200


async def test_refused_ones_leave_nothing_and_spoil_nothing(database_url: str) -> None:
    async with furnished(database_url) as installation:
        closed = OfferRef("contoso", "closed")
        await installation.catalogue.put_offer(closed, title="Closed", offer_type="saas", live=False, by="test")
        answers = await installation.intake.keep_many(
            [lead(1), lead(2, offer=OfferRef("contoso", "none")), lead(3, offer=closed), lead(4)]
        )
        types = [answer.type if isinstance(answer, Problem) else "kept" for answer in answers]
        assert types == ["kept", ProblemType.UNKNOWN_OFFER, ProblemType.OFFER_NOT_LIVE, "kept"]
        assert await installation.count(t.lead) == 2


async def test_the_same_key_is_the_same_lead_whoever_asks(database_url: str) -> None:
    async with furnished(database_url) as installation:
        await installation.connect()
        other_storage = open_storage(database_url)
        other = Intake(other_storage, clock=installation.clock)
        both = [(installation.intake if i % 2 else other).keep(lead(i % 10, key=f"key-{i % 10}")) for i in range(80)]
        answers = await asyncio.gather(*both)
        assert await installation.count(t.lead) == 10
        assert await installation.count(t.delivery) == 10
        for number in range(10):
            assert len({answer.id for answer in answers[number::10]}) == 1
            assert sum(not answer.repeat for answer in answers[number::10]) == 1
        again = await installation.intake.keep(lead(3, key="key-3"))
        assert again.repeat
        assert [d.connection for d in again.deliveries] == ["primary"]
        await other_storage.close()


async def test_a_key_used_for_another_lead_is_refused(database_url: str) -> None:
    async with furnished(database_url) as installation:
        await installation.intake.keep(lead(1, key="k"))
        with pytest.raises(Problem) as refused:
            await installation.intake.keep(lead(2, key="k"))
        assert refused.value.type is ProblemType.IDEMPOTENCY_KEY_REUSED
        assert await installation.count(t.lead) == 1


async def test_keys_of_two_publishers_do_not_meet(database_url: str) -> None:
    async with furnished(database_url) as installation:
        await installation.catalogue.put_publisher("fabrikam", "Fabrikam", by="test")
        theirs = OfferRef("fabrikam", "erp")
        await installation.catalogue.put_offer(theirs, title="ERP", offer_type="saas", live=True, by="test")
        one = await installation.intake.keep(lead(1, key="k"))
        two = await installation.intake.keep(lead(1, key="k", offer=theirs))
        assert one.id != two.id
        assert not two.repeat


async def test_leads_wait_for_the_first_connection(database_url: str) -> None:
    """It takes them in steps, however many there are; another that comes meanwhile takes none of them."""
    async with furnished(database_url) as installation:
        await installation.intake.keep_many([lead(i) for i in range(2500)])
        assert await installation.count(t.lead, t.lead.c.unrouted) == 2500
        first = await installation.connect()
        assert await installation.count(t.delivery) == BACKFILL
        assert await installation.count(t.lead, t.lead.c.unrouted) == 2500 - BACKFILL
        installation.now += 1
        await installation.connect("second")
        assert await go_on(installation.storage, installation.now) == 2
        assert await installation.count(t.delivery, t.delivery.c.connection_id == first.id) == 2500
        assert await installation.count(t.delivery) == 2500
        assert await installation.count(t.lead, t.lead.c.unrouted) == 0


async def test_workers_take_leads_over_together_and_die_between_steps(database_url: str) -> None:
    """What one has not committed is there for the others: no lead is left, and none goes twice."""
    async with furnished(database_url) as installation:
        await installation.intake.keep_many([lead(i) for i in range(4500)])
        first = await installation.connect()

        def step_and_die(conn: sa.Connection) -> None:
            assert hasten(conn, first.id, installation.now)
            raise ConnectionResetError

        with pytest.raises((ConnectionResetError, StorageAway)):
            await installation.storage.write(step_and_die)
        assert await installation.count(t.delivery) == BACKFILL
        others = [open_storage(database_url) for _ in range(2)]
        await installation.connections.remove(CRM, first.name, by="test")
        await asyncio.gather(*(go_on(storage, installation.now) for storage in others))
        await go_on(installation.storage, installation.now)
        assert await installation.count(t.lead, t.lead.c.unrouted) == 0
        rows = await installation.storage.read(lambda conn: list(conn.scalars(sa.select(t.delivery.c.lead_id))))
        assert len(rows) == len(set(rows)) == 4500
        for storage in others:
            await storage.close()


async def go_on(storage: Storage, now: int) -> int:
    """Do what a worker does every second, until there is nothing to do; how many steps that took."""
    steps = 0
    while marked := await storage.read(hastened):
        for connection_id in marked:
            await storage.write(hasten, connection_id, now)
            steps += 1
    return steps


async def test_every_lead_goes_to_exactly_the_connections_live_when_it_was_kept(database_url: str) -> None:
    """Leads pour in while connections come and go, from another process: none misses one, none gets one too many."""
    async with furnished(database_url) as installation:
        other_storage = open_storage(database_url)
        other = Intake(other_storage, clock=installation.clock)
        stop = asyncio.Event()

        async def pour(intake: Intake) -> None:
            number = 0
            while not stop.is_set():
                await asyncio.gather(*(intake.keep(lead(number + i)) for i in range(7)))
                number += 7

        pouring = [asyncio.create_task(pour(intake)) for intake in (installation.intake, other)]
        for _ in range(5):
            await installation.connections.put(CRM, "a", endpoint(), by="test")
            await asyncio.sleep(0.03)
            await installation.connections.put(CRM, "b", endpoint(), by="test")
            await asyncio.sleep(0.03)
            await installation.connections.remove(CRM, "a", by="test")
            await asyncio.sleep(0.03)
        stop.set()
        await asyncio.gather(*pouring)
        # "b" was never removed: whatever was kept after it came has a delivery over it, and nothing has two.
        deliveries = sa.select(t.delivery.c.lead_id, t.connection.c.name).join(
            t.connection, t.connection.c.id == t.delivery.c.connection_id
        )
        rows = await installation.storage.read(lambda conn: [tuple(row) for row in conn.execute(deliveries)])
        assert len(rows) == len(set(rows))
        with_b = {lead_id for lead_id, name in rows if name == "b"}
        leads = await installation.storage.read(
            lambda conn: list(conn.scalars(sa.select(t.lead.c.id).order_by(t.lead.c.id)))
        )
        assert {lead_id for lead_id, _ in rows} == set(leads)
        assert await installation.count(t.lead, t.lead.c.unrouted) == 0
        assert with_b
        await other_storage.close()


async def test_a_key_repeated_at_once_is_told_the_same_deliveries(database_url: str) -> None:
    async with furnished(database_url) as installation:
        await installation.connect()
        first, second = await installation.intake.keep_many([lead(key="k"), lead(key="k")])
        assert isinstance(first, Accepted)
        assert isinstance(second, Accepted)
        assert second.repeat
        assert second.deliveries == first.deliveries
        assert len(first.deliveries) == 1
