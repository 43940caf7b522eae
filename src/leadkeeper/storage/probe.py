"""Whether a lead could be kept now: something small is written, durably, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import secrets
from typing import Final

import sqlalchemy as sa

from leadkeeper.clock import new_id
from leadkeeper.storage import tables as t
from leadkeeper.storage.away import DAMAGED
from leadkeeper.storage.damage import damage_count
from leadkeeper.storage.engine import Storage, StorageAway

WAIT_SECONDS: Final = 2.0
REMEMBER_SECONDS: Final = 1.0
LARGEST: Final = 64 * 1024
"""As much as one lead may bring; nothing that the database could press together."""


class KeepingProbe:
    """Asks the database by a real write: one at a time, and while it is well once in :data:`REMEMBER_SECONDS`.

    A small one will do as long as nothing was refused that is larger: what is small still fits a full disk, in pages
    that are there already. Once something was refused for want of room (a lead, or anything else of this process), a
    lead can be kept when a write like the largest lead's has succeeded, and not before. A damaged file stays so until
    another stands in its place: part of it may still be written, but a lead is read from many parts.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._asking: asyncio.Future[int] | None = None
        self._good_until = 0.0
        self._proven = 0

    async def require(self) -> int:
        """Return when a lead could be kept a moment ago; how many damaged records were known then.

        Raises :class:`StorageAway` when not, or when it took longer than :data:`WAIT_SECONDS` to find out.
        """
        now = asyncio.get_running_loop().time()
        # In a damaged file nothing is to be proven: small writes notice when another stands in its place.
        refused = not self._storage.damaged and self._proven != self._storage.refusals
        if self._asking is None or (self._asking.done() and (now >= self._good_until or self._may_change(refused))):
            self._good_until = now + REMEMBER_SECONDS
            self._asking = asyncio.ensure_future(self._ask(refused=refused))
        try:
            return await asyncio.wait_for(asyncio.shield(self._asking), WAIT_SECONDS)
        except TimeoutError:
            raise StorageAway.because(f"the database does not answer within {WAIT_SECONDS:g} s") from None

    def _may_change(self, refused: bool) -> bool:
        """Whether it is asked again before the time is over; of a damaged file nobody needs to know sooner."""
        return not self._storage.damaged and (refused or self._asking is None or _failed(self._asking))

    async def _ask(self, *, refused: bool) -> int:
        before = self._storage.refusals
        damaged = await self._storage.write(_write_like_a_lead if refused else _write)
        if self._storage.damaged:
            raise StorageAway.because(DAMAGED)
        if refused:
            self._proven = before
        return damaged


def _failed(asked: asyncio.Future[int]) -> bool:
    return asked.cancelled() or asked.exception() is not None


def _write(conn: sa.Connection) -> int:
    row = {"id": new_id(), "until": 0}
    conn.execute(sa.insert(t.lease).values(row))
    conn.execute(sa.delete(t.lease).where(t.lease.c.id == row["id"]))
    return damage_count(conn)


def _write_like_a_lead(conn: sa.Connection) -> int:
    """A lead, which nobody sees, and its delivery: their tables and indexes must have room as well."""
    id_, now = new_id(), 0
    lead = {"id": id_, "publisher_id": "", "offer_id": "", "source": "", "action": "", "email": "", "test": True}
    lead |= {"created_at": now, "unrouted": False, "body": secrets.token_hex(LARGEST // 2)}
    delivery = {"id": id_, "lead_id": id_, "connection_id": "", "state": "withheld", "due_at": now, "attempts": 0}
    delivery |= {"crash_count": 0, "created_at": now, "changed_at": now}
    for table, row in ((t.lead, lead), (t.delivery, delivery)):
        conn.execute(sa.insert(table).values(row))
        conn.execute(sa.delete(table).where(table.c.id == id_))
    return _write(conn)
