"""How often wrong passwords and codes were tried, or mails were asked for, counted over all processes.

Counts are rows, so that many processes give nobody more guesses than one. Whose they are is kept as a hash alone.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from leadkeeper.access.keys import hashed
from leadkeeper.clock import Clock, now_ms
from leadkeeper.storage import tables as t
from leadkeeper.storage.conflicts import insert_into
from leadkeeper.storage.engine import Storage

TIDY_EVERY: Final = 60_000
"""Rows whose time is over are removed at most so often (ms) by each process."""


class Guesses:
    """Counts of one ``kind`` within a time that begins with the first guess: ``most`` in ``per_ms`` are let pass."""

    def __init__(self, storage: Storage, kind: str, most: int, per_ms: int, clock: Clock = now_ms) -> None:
        self._storage = storage
        self._kind = kind
        self._most = most
        self._per_ms = per_ms
        self._clock = clock
        self._tidied = 0

    async def count(self, whose: str) -> int:
        """Count one; how long (ms) whoever it was shall wait: 0 while they have not tried too often."""
        return await self._storage.write(self._count, self._row(whose))

    async def take_back(self, whose: str) -> None:
        """One that was counted beforehand was right."""
        g = t.guess.c
        this = sa.update(t.guess).where(g.whose == self._row(whose), g.tries > 0).values(tries=g.tries - 1)
        await self._storage.write(lambda conn: conn.execute(this) and None)

    def count_within(self, conn: sa.Connection, whose: str) -> int:
        """The same within a transaction of the caller's, which removes no rows whose time is over: see :meth:`tidy`."""
        return self._counted(conn, self._row(whose))

    async def tidy(self) -> None:
        """Remove rows whose time is over, of every kind, if it was not done just now.

        A transaction of its own, for whoever counts within theirs.
        """
        if self._is_untidy():
            await self._storage.write(lambda conn: conn.execute(_over(self._clock())) and None)

    def _row(self, whose: str) -> str:
        return hashed(f"{self._kind} {whose}")

    def _is_untidy(self) -> bool:
        now = self._clock()
        untidy = abs(now - self._tidied) >= TIDY_EVERY
        self._tidied = now if untidy else self._tidied
        return untidy

    def _count(self, conn: sa.Connection, whose: str) -> int:
        found = self._counted(conn, whose)
        if self._is_untidy():  # last: what waits for others' rows holds none that they wait for
            conn.execute(_over(self._clock()))
        return found

    def _counted(self, conn: sa.Connection, whose: str) -> int:
        now, g = self._clock(), t.guess.c
        is_over = sa.or_(g.begun_at <= now - self._per_ms, g.begun_at > now)
        insert = insert_into(conn, t.guess)
        counted = insert.values(whose=whose, begun_at=now, tries=1, until=now + self._per_ms).on_conflict_do_update(
            index_elements=[g.whose],
            set_={
                "tries": sa.case((is_over, 1), else_=g.tries + 1),
                "begun_at": sa.case((is_over, now), else_=g.begun_at),
                "until": sa.case((is_over, now + self._per_ms), else_=g.until),
            },
        )
        row = conn.execute(counted.returning(g.tries, g.begun_at)).one()
        return 0 if row.tries <= self._most else max(1, row.begun_at + self._per_ms - now)


def _over(now: int) -> sa.Delete:
    """Removes rows whose time is over, but for those that somebody counts in at this moment: it waits for nobody."""
    g = t.guess.c
    return sa.delete(t.guess).where(
        g.whose.in_(sa.select(g.whose).where(g.until < now).with_for_update(skip_locked=True))
    )
