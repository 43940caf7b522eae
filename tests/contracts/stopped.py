"""Transactions that a test holds open for as long as it wants, on both databases."""

from __future__ import annotations

import asyncio
import threading

import asyncpg
import sqlalchemy as sa

from leadkeeper.storage.engine import change_routes

SECONDS = 60
_HELD = 4711


class Stopped:
    """Transactions that stay within their transaction until they are let go."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url.replace("+asyncpg", "")
        self._event = threading.Event()
        self._holder: asyncpg.Connection | None = None
        self.begun = 0

    async def __aenter__(self) -> Stopped:
        if self._url.startswith("postgresql"):
            self._holder = await asyncpg.connect(self._url)
            await self._holder.execute("SELECT pg_advisory_lock($1)", _HELD)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._event.set()
        if self._holder is not None:
            await self._holder.close()

    def act(self, conn: sa.Connection, *publishers: str) -> None:
        """Hold the routes of ``publishers``, and everything else that a transaction holds."""
        change_routes(conn, *publishers)
        self.begun += 1
        if self._holder is None:
            assert self._event.wait(SECONDS)
        else:
            conn.execute(sa.select(sa.func.pg_advisory_xact_lock_shared(_HELD)))

    async def until_somebody_waits(self) -> None:
        """Wait until a transaction waits within the database for what another holds."""
        assert self._holder is not None
        asked = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND classid = 7853"
        async with asyncio.timeout(SECONDS):
            while not await self._holder.fetchval(asked):  # noqa: ASYNC110 - the server tells nobody
                await asyncio.sleep(0.01)

    async def until_a_row_is_awaited(self) -> None:
        """Wait until a transaction waits within the database for a row that another changes or holds."""
        assert self._holder is not None
        asked = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND wait_event_type = 'Lock' AND wait_event IN ('transactionid', 'tuple')"
        )
        async with asyncio.timeout(SECONDS):
            while not await self._holder.fetchval(asked):  # noqa: ASYNC110 - the server tells nobody
                await asyncio.sleep(0.01)

    async def until(self, count: int) -> None:
        """Wait until so many transactions are under way."""
        async with asyncio.timeout(SECONDS):
            while self.begun < count:  # noqa: ASYNC110 - it begins in another thread
                await asyncio.sleep(0.01)
