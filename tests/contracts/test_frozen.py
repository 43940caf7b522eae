"""A process that freezes within a transaction keeps the others waiting for some seconds, not until it wakes up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_connection

from leadkeeper.settings import Settings
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import StorageAway, open_storage
from leadkeeper.storage.frozen import FROZEN_SECONDS, end_frozen
from leadkeeper.storage.migrate import upgrade
from leadkeeper.storage.postgresql import TRANSACTION_SECONDS, PostgreSQL

DATABASES = ("postgresql", "pgbouncer-transaction")
FROZEN: Final = 2.0
"""Seconds after which a transaction that says nothing is taken for frozen: a busy test is not."""
MARK: Final = "frozen here"
ON_ITS_WAY: Final = sa.text(f"SELECT '{MARK}', CAST(:number AS integer)")
"""A statement with a parameter: the driver asks the server what it is before it gives it."""
Prepare = Callable[..., Awaitable[Any]]


@asynccontextmanager
async def frozen(url: str, monkeypatch: pytest.MonkeyPatch, *, asked: bool) -> AsyncIterator[asyncio.Task[None]]:
    """A transaction that holds the clock's row and says nothing more, as in a process that was stopped.

    ``asked``: it has asked what the parameters of its next statement are, and has not given them.
    """
    there, thaw = asyncio.Event(), asyncio.Event()
    prepare: Prepare = AsyncAdapt_asyncpg_connection._prepare

    async def stop(self: Any, operation: str, *more: Any) -> Any:
        mine = MARK in operation
        prepared = await prepare(self, operation, *more) if asked or not mine else None
        if mine:
            there.set()
            await thaw.wait()
        return prepared if asked or not mine else await prepare(self, operation, *more)

    def transaction(conn: sa.Connection) -> None:
        conn.execute(sa.update(t.clock).values(seen_at=7))
        conn.execute(ON_ITS_WAY, {"number": 1})

    monkeypatch.setattr(AsyncAdapt_asyncpg_connection, "_prepare", stop)
    storage = PostgreSQL(sa.make_url(url), frozen_seconds=FROZEN)
    writing = asyncio.create_task(storage.write(transaction))
    try:
        await there.wait()
        yield writing
    finally:
        thaw.set()
        await asyncio.gather(writing, return_exceptions=True)
        await storage.close()


@pytest.mark.parametrize("asked", [False, True], ids=["between two statements", "within a statement"])
async def test_what_a_frozen_process_holds_is_let_go(
    database_url: str, monkeypatch: pytest.MonkeyPatch, *, asked: bool
) -> None:
    """Another writes what it held; when it wakes up it is told that the database was away, and begins anew."""
    storage = open_storage(database_url)
    await storage.migrate(upgrade)
    async with frozen(database_url, monkeypatch, asked=asked) as writing:
        async with asyncio.timeout(TRANSACTION_SECONDS):
            held = asyncio.create_task(
                storage.write(lambda conn: conn.execute(sa.update(t.clock).values(seen_at=8)).close())
            )
            ended = 0
            while not held.done():
                ended += await storage.read(end_frozen, FROZEN)
                await asyncio.wait([held], timeout=0.05)
            await held
        assert not writing.done()
        assert ended == asked, "the server ends by itself what is idle"
    with pytest.raises(StorageAway):
        writing.result()
    assert await storage.read(lambda conn: conn.scalar(sa.select(t.clock.c.seen_at))) == 8
    await storage.close()


async def test_every_transaction_is_bounded(database_url: str) -> None:
    """Those that only read, too."""

    def bound(conn: sa.Connection) -> str:
        return conn.scalar(sa.select(sa.func.current_setting("idle_in_transaction_session_timeout"))) or ""

    storage = open_storage(database_url)
    assert await storage.read(bound) == await storage.write(bound) == f"{FROZEN_SECONDS}s"
    assert await storage.migrate(bound) == f"{TRANSACTION_SECONDS}s"
    await storage.close()


async def test_what_is_at_work_is_left_alone(database_url: str) -> None:
    """A statement that takes long, a session that does nothing, and what is not ours."""
    storage = open_storage(database_url)
    theirs = await asyncpg.connect(database_url.replace("+asyncpg", ""), statement_cache_size=0)
    at_work = asyncio.create_task(storage.read(lambda conn: conn.scalar(sa.select(sa.func.pg_sleep(1.5)))))
    async with theirs.transaction():
        asked = await theirs.prepare("SELECT CAST($1 AS integer)")  # and gives nothing
        while not at_work.done():
            assert await storage.read(end_frozen, 0.1) == 0
            await asyncio.wait([at_work], timeout=0.1)
        assert await asked.fetchval(3) == 3
    await at_work
    await theirs.close()
    await storage.close()


def test_nobody_else_loses_a_lease_by_it() -> None:
    """All renew theirs a third of its time after it was renewed, and wait for the same row."""
    lease = Settings.model_fields["lease_seconds"].default
    assert lease / 3 + FROZEN_SECONDS < lease
