"""When keys and hooks were used last, and which keys the last payloads had: to the minute, off the way of any request.

A use costs a look into memory. Those of some seconds are written in one transaction, each key and hook at most once a
minute from one process: however often somebody calls, nobody else's writes wait for it. Uses that a process has not
written when it is killed, or that the database does not take, are forgotten.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import sqlalchemy as sa

from leadkeeper.access.payloads import KEPT, PayloadKeys, with_payloads
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
_VARIED: Final = 4 * KEPT
"""The most payloads of a hook that are remembered, each by a number: they may be of any size, and all different."""


class Used(StrEnum):
    """What opens a door by itself, so that its last use is remembered."""

    KEY = "key"
    HOOK = "hook"
    OLD_ADDRESS = "oldAddress"
    """A hook's address from before it was rotated."""


_COLUMNS: Final = {Used.HOOK: "used_at", Used.OLD_ADDRESS: "old_used_at"}


class Uses:
    """Remembers for one process when keys and hooks were last used, and writes it down from time to time."""

    def __init__(self, storage: Storage, clock: Clock = now_ms) -> None:
        self._storage = storage
        self._clock = clock
        self._seen: dict[tuple[Used, str], int] = {}
        self._waiting: dict[tuple[Used, str], int] = {}
        self._taken: dict[str, dict[int, int]] = {}
        self._payloads: dict[str, dict[PayloadKeys, int]] = {}
        self._task: asyncio.Task[None] | None = None

    def seen(self, what: Used, id: str) -> None:
        """It is being used now."""
        now, one = self._clock(), (what, id)
        if abs(now - self._seen.get(one, 0)) < EVERY_MS:
            return
        if len(self._seen) >= _MOST:
            self._seen.clear()
        self._seen[one] = self._waiting[one] = now
        self._begin()

    def took(self, hook_id: str, keys: PayloadKeys) -> None:
        """A payload with these keys was posted to the hook now. Of one that varies them, a few are remembered."""
        now, number = self._clock(), hash(keys)
        if len(self._taken) >= _MOST and hook_id not in self._taken:
            self._taken.clear()
        taken = self._taken.setdefault(hook_id, {})
        if abs(now - taken.get(number, 0)) < EVERY_MS:
            return
        if len(taken) >= _VARIED and number not in taken:
            del taken[min(taken, key=lambda each: taken[each])]
        known = self._payloads.setdefault(hook_id, {})
        taken[number] = known[keys] = now
        if len(known) > KEPT:
            del known[min(known, key=lambda each: known[each])]
        self._begin()

    def _begin(self) -> None:
        if self._task is None:
            with on_behalf_of(NOBODY):
                self._task = asyncio.create_task(self._write_soon(), name="uses")

    async def settled(self) -> None:
        """Write what waits now. Nothing happens while the database is away."""
        waiting, self._waiting = self._waiting, {}
        payloads, self._payloads = self._payloads, {}
        if waiting or payloads:
            with contextlib.suppress(StorageAway):
                await self._storage.write(_write, waiting, payloads)

    async def aclose(self) -> None:
        """Watch no more; what waits is written, if the database is there."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self.settled()

    async def _write_soon(self) -> None:
        try:
            while self._waiting or self._payloads:
                await asyncio.sleep(SOON)
                await self.settled()
        finally:
            self._task = None


def _write(
    conn: sa.Connection, uses: Mapping[tuple[Used, str], int], payloads: Mapping[str, Mapping[PayloadKeys, int]]
) -> None:
    keys = sorted((id, at) for (what, id), at in uses.items() if what is Used.KEY)
    if keys:
        c = t.key.c
        newer = c.used_at.is_(None) | (c.used_at < sa.bindparam("at", type_=sa.BigInteger))
        moment = sa.bindparam("at", type_=sa.BigInteger)
        query = sa.update(t.key).where(c.id == sa.bindparam("one"), newer).values(used_at=moment)
        conn.execute(query, [{"one": id, "at": at} for id, at in keys])
    hooks = {id for what, id in uses if what is not Used.KEY} | payloads.keys()
    for id in sorted(hooks):  # in one order and each row once, so that no two processes wait for each other
        used = {column: uses[what, id] for what, column in _COLUMNS.items() if (what, id) in uses}
        _write_hook(conn, id, used, payloads.get(id, {}))


def _write_hook(conn: sa.Connection, id: str, used: Mapping[str, int], payloads: Mapping[PayloadKeys, int]) -> None:
    c = t.hook.c
    row = conn.execute(
        sa.select(c.used_at, c.old_used_at, c.payloads).where(c.id == id, c.removed_at.is_(None)).with_for_update()
    ).first()
    if row is None:
        return
    values: dict[str, object] = {column: max(at, row._mapping[column] or at) for column, at in used.items()}
    if payloads:
        values["payloads"] = with_payloads(row.payloads, payloads)
    conn.execute(sa.update(t.hook).where(c.id == id).values(**values))
