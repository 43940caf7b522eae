"""What a worker holds: a lease that it renews late or loses, and queues under steady load."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import pytest
import sqlalchemy as sa

from leadkeeper.catalogue import diagnose
from leadkeeper.clock import now_ms
from leadkeeper.delivery.claim import claim
from leadkeeper.delivery.due import Due
from leadkeeper.delivery.lease import open_lease, sweep_leases
from leadkeeper.delivery.lookout import POLL_SECONDS
from leadkeeper.delivery.pace import START
from leadkeeper.delivery.record import record_answers
from leadkeeper.delivery.worker import Worker
from leadkeeper.destinations.interface import Context
from leadkeeper.diagnosis import Kind, Receipt
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.faults import Exchange, answer
from leadkeeper.storage import tables as t
from tests.contracts.installation import CRM, furnished, lead, sent
from tests.contracts.test_worker import Scene, scene

SECONDS = 60
TAKEN = answer(200)


class Held:
    """A remote system that keeps the first ``count`` requests until it is let go, and answers all others at once."""

    def __init__(self, count: int) -> None:
        self._left = count
        self._go = asyncio.Event()
        self.kept = 0

    async def __call__(self, exchange: Exchange) -> None:
        if self._left > 0:
            self._left -= 1
            self.kept += 1
            await self._go.wait()
        await TAKEN(exchange)

    def let_go(self) -> None:
        """Answer what waits."""
        self._go.set()

    async def until_kept(self, count: int) -> None:
        """Wait until so many requests are kept."""
        async with asyncio.timeout(SECONDS):
            while self.kept < count:  # noqa: ASYNC110 - they come over the network
                await asyncio.sleep(0.01)


def idle_worker(s: Scene, kind: type[Worker] = Worker, *, lease_seconds: float = 3) -> Worker:
    """A second worker over the same installation, which does only what the test tells it to."""
    context: Context = s.worker._context
    return kind(s.installation.storage, s.installation.connections, context, lease_seconds=lease_seconds, clock=now_ms)


async def connection_id(s: Scene) -> str:
    (made,) = await s.installation.connections.list(CRM)
    return made.id


async def test_a_lease_that_is_renewed_late_goes_on_with_what_it_holds(database_url: str, authority: Authority) -> None:
    """Calls that ended while it was not known to hold began no others: nobody else would, before it ran out."""
    async with scene(database_url, authority) as s:
        await s.worker.stop(1)
        s.remote.fault = remote = Held(START)
        await s.connect()
        await s.intake.keep_many([lead(number) for number in range(3 * START)])
        worker = idle_worker(s, lease_seconds=60)
        worker._lease._ms = 3_000  # so often it renews; the lease itself outlasts the test
        await worker._lease.begin()
        await s.installation.storage.write(
            lambda conn: conn.execute(sa.update(t.lease).values(until=now_ms() + 600_000))
        )
        worker._lease._ends = time.monotonic() + 600
        await worker._claim_for([Due(await connection_id(s), "contoso")])
        await remote.until_kept(START)
        worker._lease._ends = time.monotonic()  # the renewal is late
        remote.let_go()
        await s.until(lambda states: states == {"delivered": START, "sending": 2 * START}, SECONDS)
        beating = asyncio.create_task(worker._lease.beat())
        try:
            await s.until(lambda states: states == {"delivered": 3 * START}, SECONDS)
        finally:
            beating.cancel()
            await asyncio.gather(beating, return_exceptions=True)
            for queue in worker._queues:
                await queue.closed()
        assert len(s.remote.received) == 3 * START


async def test_what_a_lost_lease_held_is_carried_and_late_answers_move_nothing(
    database_url: str, authority: Authority
) -> None:
    """By this worker, under a new lease: its old calls still hang."""
    async with scene(database_url, authority, total_seconds=5, lease_seconds=6) as s:  # their sockets are free after it
        s.remote.fault = remote = Held(START)
        await s.connect()
        await s.intake.keep_many([lead(number) for number in range(3 * START)])
        await remote.until_kept(START)
        await s.installation.storage.write(lambda conn: conn.execute(sa.update(t.lease).values(until=0)) and None)
        await s.until(lambda states: states == {"delivered": 3 * START}, SECONDS)
        remote.let_go()
        async with asyncio.timeout(SECONDS):
            while await s.installation.count(t.attempt, t.attempt.c.late) < START:  # noqa: ASYNC110 - another task writes
                await asyncio.sleep(0.05)
        assert await s.installation.states() == {"delivered": 3 * START}


class Steady(Worker):
    """There is always more to claim for one connection, until another's queue was looked after or time is up."""

    until = 0.0
    busy = ""
    watched = ""

    def _news(self) -> Sequence[Due]:
        queue = self._queues.get(self.watched)
        done = queue is None or not queue.waiting or time.monotonic() > self.until
        return [] if done else [Due(self.busy, "contoso")]


async def test_lanes_are_looked_after_while_there_is_always_more_to_claim(
    database_url: str, authority: Authority
) -> None:
    """What was claimed ahead for a connection that is closed meanwhile comes back, however busy others are."""
    async with scene(database_url, authority) as s:
        await s.worker.stop(1)
        s.remote.fault = remote = Held(10_000)
        await s.connect()
        await s.connect("other")
        await s.intake.keep_many([lead(number) for number in range(40)])
        mine, other = (one.id for one in await s.installation.connections.list(CRM))
        worker = idle_worker(s, Steady, lease_seconds=600)
        assert isinstance(worker, Steady)
        await worker._lease.begin()
        await worker._claim_for([Due(mine, "contoso")])
        queue = worker._queues.get(mine)
        assert queue is not None
        assert queue.waiting
        await s.installation.storage.write(
            lambda conn: conn.execute(sa.update(t.connection).where(t.connection.c.id == mine).values(paused=True))
        )
        worker.busy, worker.watched, worker.until = other, mine, time.monotonic() + 20 * POLL_SECONDS
        worker._checked_at = time.monotonic()
        await worker._claim()
        assert not queue.waiting
        remote.let_go()
        for call in worker._calls:
            call.cancel()
        await asyncio.gather(*worker._calls, return_exceptions=True)
        for each in worker._queues:
            await each.closed()


@pytest.mark.parametrize("order", ["the late one last", "the late one first"])
async def test_a_late_answer_that_is_written_down_together_with_the_newer_one_moves_nothing(
    database_url: str, order: str
) -> None:
    """Both sends of one lead end at the same moment, the older under a lease that was lost."""
    failed = diagnose(Kind.SERVER_ERROR)
    async with furnished(database_url) as installation:
        await installation.connect()
        await installation.intake.keep(lead(1))
        storage, sends = installation.storage, []
        for one in (failed, Receipt()):
            lease_id = await storage.write(open_lease, installation.now + 10_000)
            (work,) = await storage.write(claim, lease_id, {}, lambda _: 1, installation.now, None)
            sends.append(sent(work, work.claimed[0], lease_id, one, installation.now))
            if one is failed:
                installation.now += 20_000
                assert await storage.write(sweep_leases, installation.now) == 1
                installation.now += 20_000
        if order == "the late one last":
            sends.reverse()
        await storage.write(record_answers, sends, installation.now, 0.5)
        assert await installation.states() == {"delivered": 1}
        a = t.attempt.c
        query = sa.select(a.outcome, a.late).where(a.outcome.in_(["failed", "delivered"]))
        summary = await storage.read(lambda conn: {tuple(row) for row in conn.execute(query)})
        assert summary == {("failed", True), ("delivered", False)}
        (connection,) = await installation.connections.list(CRM)
        assert connection.health.failures == 0
