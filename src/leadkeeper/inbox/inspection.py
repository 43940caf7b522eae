"""The program looks through its own records, a few at a time, and remembers those that it finds damaged.

So ``/readyz`` and ``/metrics`` can tell of them without reading any: see ``storage.damage``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

import sqlalchemy as sa
import structlog

from leadkeeper.clock import Clock
from leadkeeper.inbox.damaged import BY_RECORD, WALKS, Found, Place
from leadkeeper.storage import tables as t
from leadkeeper.storage.damage import Damage, Record, damage_of, forget, remember
from leadkeeper.storage.engine import Storage, StorageAway

LOOK_SECONDS: Final = 10.0
RECORDS: Final = 200
"""How many records of each kind are read in one look: of ten million, all within a week."""
KNOWN: Final = 200
"""How many of those that are known to be damaged are read again in one look."""

log: Final = structlog.get_logger(__name__)


class Inspection:
    """Runs beside every worker; each goes through all records in a round of its own."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock
        self._places: dict[Record, Place | None] = dict.fromkeys(BY_RECORD)
        self._known = ("", "")

    async def run(self) -> None:
        """Look every few seconds until cancelled."""
        while True:
            try:
                await self.look()
            except StorageAway:
                log.debug("records are not inspected: the database is away")
            except Exception as error:
                log.error("inspection failed", error=type(error).__name__)
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Read the next few records of each kind, and again some that are known to be damaged."""
        now = self._clock()
        mended, self._known = await self._storage.read(_mended, self._known, now)
        found, self._places = await self._storage.read(_found, self._places)
        if found or mended:
            await self._storage.write(_write, found, mended, now)
        for each in found:
            log.error("a record is damaged", record=each.damage.record.value, told=each.told)
        for damage in mended:
            log.info("a damaged record is mended or gone", record=damage.record.value)


def _found(
    conn: sa.Connection, places: Mapping[Record, Place | None]
) -> tuple[list[Found], dict[Record, Place | None]]:
    """Those that are found for the first time, and where each walk goes on."""
    looked = {walk.record: walk.step(conn, places[walk.record], RECORDS) for walk in WALKS}
    found = [each for one in looked.values() for each in one.found]
    following = {record: one.last for record, one in looked.items()}
    if not found:
        return [], following
    d = t.damaged_record.c
    known = {(row.record, row.key) for row in conn.execute(sa.select(d.record, d.key))}
    return [each for each in found if (each.damage.record.value, each.damage.stored) not in known], following


def _mended(conn: sa.Connection, after: tuple[str, str], now: int) -> tuple[list[Damage], tuple[str, str]]:
    """Those that are to be told no more, and behind which of the known ones to go on."""
    d, (record, key) = t.damaged_record.c, after
    behind = (d.record > record) | ((d.record == record) & (d.key > key))
    rows = conn.execute(sa.select(t.damaged_record).where(behind).order_by(d.record, d.key).limit(KNOWN)).all()
    following = (rows[-1].record, rows[-1].key) if len(rows) == KNOWN else ("", "")
    told = [(damage_of(row), row.found_at) for row in rows]
    return [each for each, at in told if BY_RECORD[each.record].still(conn, each, at, now) is None], following


def _write(conn: sa.Connection, found: list[Found], mended: list[Damage], now: int) -> None:
    forget(conn, mended)
    remember(conn, [each.damage for each in found], now)
