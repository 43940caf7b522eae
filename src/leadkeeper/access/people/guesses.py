"""How often wrong passwords and codes were tried, counted over all processes of the installation.

Counts are rows, so that many processes give nobody more guesses than one. Whose they are is kept as a hash alone.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from leadkeeper.access.keys import hashed
from leadkeeper.clock import Clock, now_ms
from leadkeeper.storage import tables as t
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

    def _row(self, whose: str) -> str:
        return hashed(f"{self._kind} {whose}")

    def _count(self, conn: sa.Connection, whose: str) -> int:
        now, g = self._clock(), t.guess.c
        if abs(now - self._tidied) >= TIDY_EVERY:
            self._tidied = now
            conn.execute(sa.delete(t.guess).where(g.until < now, g.whose != whose))
        is_over = sa.or_(g.begun_at <= now - self._per_ms, g.begun_at > now)
        insert = (postgresql if conn.dialect.name == "postgresql" else sqlite).insert(t.guess)
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
