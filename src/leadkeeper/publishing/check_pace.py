"""How fast publishing goes over the connections of one publisher: its checks and test leads have a pace."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import sqlalchemy as sa

from leadkeeper.access.quotas import USUAL, Quotas, quotas_of
from leadkeeper.clock import Clock, now_ms
from leadkeeper.storage import tables as t
from leadkeeper.storage.conflicts import insert_for
from leadkeeper.storage.engine import Storage
from leadkeeper.storage.hot import HotStatement

AT_ONCE_SECONDS: Final = 6
"""A publisher whose pace was not used lately may begin as many at once as the pace allows in so many seconds."""
FARTHEST_MS: Final = 600_000
"""A turn that lies further off was written by a clock that was ahead: nobody waits for it."""
KNOWN_SECONDS: Final = 60
"""How long a publisher's quota is taken to be what it was."""
_MOST: Final = 10_000
"""How many publishers are remembered; those whose pace was not used lately need not be."""


class CheckPace:
    """The pace of every publisher by its quota ``publishingChecksAMinute``, in all processes together.

    Whoever publishes many offers, or the same over and over, waits here for nobody but itself: nothing is refused.
    When the next turn is due stands in the publisher's row, so that workers give turns in one order.
    """

    def __init__(
        self,
        storage: Storage,
        usual: Quotas = USUAL,
        clock: Clock = now_ms,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._storage = storage
        self._usual = usual
        self._clock = clock
        self._sleep = sleep
        self._known: dict[str, tuple[int, int]] = {}

    async def turn(self, publisher_id: str) -> None:
        """Wait for the publisher's next turn, in the order of asking. Raises ``StorageAway``."""
        interval = max(1, round(60_000 / await self._a_minute(publisher_id)))
        now = self._clock()
        due = await self._storage.write(_next, publisher_id, interval, now)
        wait = due - AT_ONCE_SECONDS * 1_000 - now
        if wait > 0:
            await self._sleep(wait / 1_000)

    async def _a_minute(self, publisher_id: str) -> int:
        now = self._clock()
        known = self._known.get(publisher_id)
        if known is not None and 0 <= now - known[0] < KNOWN_SECONDS * 1_000:
            return known[1]
        if len(self._known) > _MOST:
            self._known.clear()
        quotas = await self._storage.read(quotas_of, publisher_id, self._usual)
        self._known[publisher_id] = (now, max(1, quotas.publishing_checks_a_minute))
        return self._known[publisher_id][1]


def _next(conn: sa.Connection, publisher_id: str, interval: int, now: int) -> int:
    """When this turn is due; the publisher's next one is due ``interval`` ms later."""
    given = {"publisher": publisher_id, "now": now, "interval": interval, "farthest": now + FARTHEST_MS}
    return int(_NEXT.scalar(conn, given)) - interval


def _next_statement(dialect: str) -> sa.UpdateBase:
    p = t.publishing_pace.c
    now, interval, farthest = (sa.bindparam(name, type_=sa.BigInteger) for name in ("now", "interval", "farthest"))
    begins = sa.case((p.due_at.between(now, farthest), p.due_at), else_=now)
    taken = insert_for(dialect, t.publishing_pace).values(publisher_id=sa.bindparam("publisher"), due_at=now + interval)
    return taken.on_conflict_do_update(index_elements=[p.publisher_id], set_={"due_at": begins + interval}).returning(
        p.due_at
    )


_NEXT: Final = HotStatement(_next_statement)  # several times for each publication
