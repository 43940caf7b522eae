"""Whether a lead could be kept now: something small is written, durably, and leaves nothing behind."""

from __future__ import annotations

import asyncio
from typing import Final

import sqlalchemy as sa

from leadkeeper.clock import new_id
from leadkeeper.storage import tables as t
from leadkeeper.storage.damage import damage_count
from leadkeeper.storage.engine import Storage, StorageAway

WAIT_SECONDS: Final = 2.0
REMEMBER_SECONDS: Final = 1.0


class KeepingProbe:
    """Asks the database by a real write: one at a time, and while it is well once in :data:`REMEMBER_SECONDS`."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._asking: asyncio.Future[int] | None = None
        self._good_until = 0.0

    async def require(self) -> int:
        """Return when a lead could be kept a moment ago; how many damaged records were known then.

        Raises :class:`StorageAway` when not, or when it took longer than :data:`WAIT_SECONDS` to find out.
        """
        now = asyncio.get_running_loop().time()
        if self._asking is None or (self._asking.done() and (_failed(self._asking) or now >= self._good_until)):
            self._good_until = now + REMEMBER_SECONDS
            self._asking = asyncio.ensure_future(self._storage.write(_write))
        try:
            return await asyncio.wait_for(asyncio.shield(self._asking), WAIT_SECONDS)
        except TimeoutError:
            raise StorageAway.because(f"the database does not answer within {WAIT_SECONDS:g} s") from None


def _failed(asked: asyncio.Future[int]) -> bool:
    return asked.cancelled() or asked.exception() is not None


def _write(conn: sa.Connection) -> int:
    row = {"id": new_id(), "until": 0}
    conn.execute(sa.insert(t.lease).values(row))
    conn.execute(sa.delete(t.lease).where(t.lease.c.id == row["id"]))
    return damage_count(conn)
