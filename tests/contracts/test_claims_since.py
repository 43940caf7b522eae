"""A claim begins where the last one ended; what came back from before is found all the same. Both databases."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import asyncpg
import pytest
import sqlalchemy as sa

from leadkeeper.delivery.claim import Work, claim
from leadkeeper.delivery.queue import LATE, ConnectionQueue
from leadkeeper.delivery.schedule import SECOND
from leadkeeper.sandbox.authority import Authority
from leadkeeper.storage import tables as t
from tests.contracts.claiming import begin_with, take
from tests.contracts.installation import TestInstallation, furnished, lead
from tests.contracts.test_worker import scene

WAITED = 400
"""How many leads were carried while somebody's transaction was open."""


def entries_read(conn: sa.Connection) -> int:
    """How many entries of the index of what is ready this connection went through, as PostgreSQL counts them."""
    if conn.dialect.name != "postgresql":
        return 0
    return conn.scalar(sa.text("SELECT pg_stat_get_xact_tuples_returned('ix_delivery_ready'::regclass)")) or 0


def claiming(
    lease_id: str, connection_id: str, since: int, now: int
) -> Callable[[sa.Connection], tuple[list[Work], int]]:
    """A claim of that connection's; and how many entries of the index of what is ready it went through."""

    def act(conn: sa.Connection) -> tuple[list[Work], int]:
        if conn.dialect.name == "postgresql":
            # So few rows it reads whole, once it has counted them; an installation's it does not.
            conn.execute(sa.text("SET LOCAL enable_seqscan = off")).close()
            conn.execute(sa.text("SET LOCAL enable_bitmapscan = off")).close()
        before = entries_read(conn)  # in earlier transactions of this connection, as far as they are not handed on yet
        works = claim(conn, lease_id, {}, lambda _: 8, now, [connection_id], since={connection_id: since})
        return works, entries_read(conn) - before

    return act


async def claimed(installation: TestInstallation, lease_id: str, since: int) -> tuple[list[Work], int]:
    """Claim for the one connection."""
    (connection,) = await installation.connections.list()
    return await installation.storage.write(claiming(lease_id, connection.id, since, installation.now))


@contextlib.asynccontextmanager
async def open_transaction(database_url: str) -> AsyncIterator[None]:
    """Meanwhile somebody may see all rows as they are now, as a dump does."""
    connection = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    try:
        await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        await connection.fetchval("SELECT count(*) FROM lead")
        yield
    finally:
        await connection.close()


@pytest.mark.databases("postgresql")
async def test_what_an_open_transaction_keeps_is_not_gone_through_by_each_claim(database_url: str) -> None:
    async with furnished(database_url) as installation, open_transaction(database_url):
        lease_id = await begin_with(installation, 0)
        await installation.intake.keep_many([lead(number) for number in range(WAITED)])
        (work,) = await take(installation, lease_id, WAITED + 1)
        assert (len(work.claimed), work.up_to) == (WAITED, installation.now)
        installation.now += 10 * SECOND
        await installation.intake.keep_many([lead(1_000 + number) for number in range(16)])
        (work,), gone_through = await claimed(installation, lease_id, work.up_to + SECOND)
        assert len(work.claimed) == 8
        assert gone_through < WAITED / 4
        (work,), gone_through = await claimed(installation, lease_id, 0)
        assert len(work.claimed) == 8
        assert gone_through > WAITED


async def test_a_claim_takes_nothing_from_before_and_says_up_to_when_all_is_taken(database_url: str) -> None:
    async with furnished(database_url) as installation:
        lease_id = await begin_with(installation, 3)
        early = installation.now
        installation.now += 20 * SECOND
        await installation.intake.keep_many([lead(number) for number in range(3, 15)])
        (work,), _ = await claimed(installation, lease_id, early + 1)
        assert (len(work.claimed), work.up_to) == (8, installation.now), "the rest was due no earlier"
        (work,), _ = await claimed(installation, lease_id, early + 1)
        assert (len(work.claimed), work.up_to) == (4, installation.now)
        nothing, _ = await claimed(installation, lease_id, early + 1)
        assert nothing == []
        (work,), _ = await claimed(installation, lease_id, 0)
        assert len(work.claimed) == 3


def test_a_queue_looks_back_when_it_is_time_and_when_it_gave_something_back() -> None:
    queue = ConnectionQueue("connection", "contoso")
    assert queue.since(1.0) == 0, "at first at all that waits"
    queue.claimed(100 * SECOND, 2.0)
    assert (queue.since(1.9), queue.since(2.0)) == (100 * SECOND - LATE, 0)
    queue.claimed(200 * SECOND, None)
    assert (queue.since(1.9), queue.since(2.0)) == (200 * SECOND - LATE, 0)
    queue.claimed(0, None)
    assert queue.since(1.9) == 0, "not all was claimed"
    queue.claimed(200 * SECOND, 2.0)
    queue.drop()
    assert queue.since(1.9) == 0


async def test_what_comes_back_from_before_goes_out_while_new_leads_keep_coming(
    database_url: str, authority: Authority
) -> None:
    """As from a worker that vanished: it was due long ago, and nobody is told of it."""
    async with scene(database_url, authority) as s:
        await s.connect()
        await s.intake.keep_many([lead(number) for number in range(5)])
        await s.until(lambda states: states == {"delivered": 5})
        long_ago = s.installation.now - 3_600 * SECOND
        again = sa.update(t.delivery).values(state="waiting", due_at=long_ago)
        await s.installation.storage.write(lambda conn: conn.execute(again).rowcount)
        numbers = iter(range(1_000, 9_000))

        async with asyncio.timeout(90):
            while await s.installation.count(t.delivery, t.delivery.c.due_at == long_ago, t.READY):
                await s.intake.keep(lead(next(numbers)))
