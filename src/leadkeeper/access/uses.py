"""When keys and hooks were used last: to the minute, off the way of any request.

A use costs a look into memory. Those of some seconds are written in one transaction, each key and hook at most once a
minute from one process: however often somebody calls, nobody else's writes wait for it. Uses that a process has not
written when it is killed, or that the database does not take, are forgotten.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import sqlalchemy as sa

from leadkeeper.clock import Clock, now_ms
from leadkeeper.gate import NOBODY, on_behalf_of
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage, StorageAway

SOON: Final = 5.0
"""How long (s) a use may wait to be written."""
EVERY_MS: Final = 60_000
"""How often one key's or hook's uses are written at most."""
_MOST: Final = 20_000
"""The most keys and hooks that are remembered; beyond, some may be written more often."""


class Used(StrEnum):
    """What opens a door by itself, so that its last use is remembered."""

    KEY = "key"
    HOOK = "hook"


_TABLES: Final[Mapping[Used, sa.Table]] = {Used.KEY: t.key, Used.HOOK: t.hook}


class Uses:
    """Remembers for one process when keys and hooks were last used, and writes it down from time to time."""

    def __init__(self, storage: Storage, clock: Clock = now_ms) -> None:
        self._storage = storage
        self._clock = clock
        self._seen: dict[tuple[Used, str], int] = {}
        self._waiting: dict[tuple[Used, str], int] = {}
        self._task: asyncio.Task[None] | None = None

    def seen(self, what: Used, id: str) -> None:
        """It is being used now."""
        now, one = self._clock(), (what, id)
        if abs(now - self._seen.get(one, 0)) < EVERY_MS:
            return
        if len(self._seen) >= _MOST:
            self._seen.clear()
        self._seen[one] = self._waiting[one] = now
        if self._task is None:
            with on_behalf_of(NOBODY):
                self._task = asyncio.create_task(self._write_soon(), name="uses")

    async def settled(self) -> None:
        """Write what waits now. Nothing happens while the database is away."""
        waiting, self._waiting = self._waiting, {}
        if waiting:
            with contextlib.suppress(StorageAway):
                await self._storage.write(_write, waiting)

    async def aclose(self) -> None:
        """Watch no more; what waits is written, if the database is there."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self.settled()

    async def _write_soon(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(SOON)
                await self.settled()
        finally:
            self._task = None


def _write(conn: sa.Connection, uses: Mapping[tuple[Used, str], int]) -> None:
    rows: defaultdict[Used, list[dict[str, object]]] = defaultdict(list)
    for (what, id), at in sorted(uses.items()):  # in one order, so that no two processes wait for each other
        rows[what].append({"one": id, "at": at})
    moment = sa.bindparam("at", type_=sa.BigInteger)
    for what, each in rows.items():
        c = _TABLES[what].c
        newer = c.used_at.is_(None) | (c.used_at < moment)
        conn.execute(sa.update(_TABLES[what]).where(c.id == sa.bindparam("one"), newer).values(used_at=moment), each)
