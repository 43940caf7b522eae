"""The program looks through its own records, a few at a time, and remembers those that it finds damaged.

Each process begins at a place of its own, anywhere: one that is started again every hour comes by the newest record as
often as by the oldest.

So ``/readyz`` and ``/metrics`` can tell of them without reading any: see ``storage.damage``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Final

import sqlalchemy as sa
import structlog

from leadkeeper.clock import Clock
from leadkeeper.inbox.damaged import WALKS, DamagedRecord, Looked, Place, Walk, still
from leadkeeper.periodic import Job, run_periodically
from leadkeeper.storage import tables as t
from leadkeeper.storage.damage import Record, Remembered, forget, remember
from leadkeeper.storage.engine import Storage, one_of

LOOK_SECONDS: Final = 2.0
RECORDS: Final = 200
"""How many records of each kind are read in one look."""
SHORTEST_REST: Final = 10.0
"""So many seconds are between two looks at least: of a million records of a kind all are read within 14 hours then."""
LONGEST_REST: Final = 60.0
"""So many at most, however slow a look is: then it takes three and a half days."""
RESTS: Final = 350
"""How many times as long as a look took nobody looks again: it takes 0.3 % of a core at most, between these bounds."""
KNOWN: Final = 200
"""How many of those that are known to be damaged are read again in one look."""

Places = Mapping[Record, Place | None]
"""Behind which record the walk through each kind goes on; ``None`` where it begins with the first."""

log: Final = structlog.get_logger(__name__)


class Inspection:
    """Runs beside every worker; each goes through all records in a round of its own."""

    def __init__(self, storage: Storage, clock: Clock, random_unit: Callable[[], float]) -> None:
        self._storage = storage
        self._clock = clock
        self._random_unit = random_unit
        self._places: Places | None = None
        self._rests_until = 0.0
        self._known = ("", "")

    async def run(self) -> None:
        """Look again and again until cancelled."""
        await run_periodically(Job("inspection", self._look_unless_resting, LOOK_SECONDS))

    async def _look_unless_resting(self) -> None:
        begun = time.monotonic()
        if begun >= self._rests_until:
            await self.look()
            self._rests_until = begun + rest_after(time.monotonic() - begun)

    async def look(self) -> None:
        """Read the next few records of each kind, and again some that are known to be damaged."""
        now = self._clock()
        places = self._places
        if places is None:
            places = await self._storage.read(_anywhere, self._random_unit)
        fixed, known = await self._storage.read(_fixed, self._known, now)
        found, following = await self._storage.read(_found, places)
        if found or fixed:
            await self._storage.write(_write, found, fixed, now)
        self._known, self._places = known, following
        for each in found:
            log.error("a record is damaged", record=each.damage.record.value, summary=each.summary)
        for damage in fixed:
            log.info("a damaged record is fixed or gone", record=damage.record)


def rest_after(took: float) -> float:
    """How many seconds after a look that took so many began the next one may begin."""
    return min(LONGEST_REST, max(SHORTEST_REST, took * RESTS))


def _anywhere(conn: sa.Connection, random_unit: Callable[[], float]) -> Places:
    return {walk.record: walk.anywhere(conn, random_unit()) for walk in WALKS}


def _found(conn: sa.Connection, places: Places) -> tuple[list[DamagedRecord], Places]:
    """Those that are found for the first time, and where each walk goes on."""
    found, following = list[DamagedRecord](), dict[Record, Place | None]()
    for walk in WALKS:
        try:
            looked = _look(conn, walk, places.get(walk.record))
        except sa.exc.DBAPIError:
            raise  # the transaction is over
        except Exception as error:
            log.error("records of a kind cannot be inspected", record=walk.record.value, error=type(error).__name__)
            continue
        found += looked.found
        following[walk.record] = looked.last
    if not found:
        return [], following
    d = t.damaged_record.c
    asked = one_of(conn, d.key, {each.damage.stored for each in found})
    known = {(row.record, row.key) for row in conn.execute(sa.select(d.record, d.key).where(asked))}
    return [each for each in found if (each.damage.record.value, each.damage.stored) not in known], following


def _look(conn: sa.Connection, walk: Walk, after: Place | None) -> Looked:
    """The next records of one kind; behind the last one stands the first."""
    looked = walk.step(conn, after, RECORDS)
    if after is None or looked.last is not None or looked.records == RECORDS:
        return looked
    more = walk.step(conn, None, RECORDS - looked.records)
    known = {each.damage for each in looked.found}
    return Looked(
        [*looked.found, *(each for each in more.found if each.damage not in known)],
        looked.records + more.records,
        more.last,
    )


def _fixed(conn: sa.Connection, after: tuple[str, str], now: int) -> tuple[list[Remembered], tuple[str, str]]:
    """Those that are to be told no more, and behind which of the known ones to go on."""
    d = t.damaged_record.c
    behind = sa.tuple_(d.record, d.key) > sa.tuple_(*map(sa.literal, after))
    rows = conn.execute(sa.select(t.damaged_record).where(behind).order_by(d.record, d.key).limit(KNOWN)).all()
    following = (rows[-1].record, rows[-1].key) if len(rows) == KNOWN else ("", "")
    over = [row for row in rows if still(conn, row, now) is None]
    return [Remembered(row.record, row.key) for row in over], following


def _write(conn: sa.Connection, found: list[DamagedRecord], fixed: list[Remembered], now: int) -> None:
    forget(conn, fixed)
    remember(conn, [each.damage for each in found], now)
