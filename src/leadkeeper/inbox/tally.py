"""Counts the leads of the last days again and again, a few at a time, so that pages show figures without counting.

Today and yesterday are counted every few seconds, the other days every quarter of an hour; nothing on the way of a lead
waits for it. Whatever number of leads there is, counting takes a fiftieth of one process at most: the next round begins
fifty times as long after the last as that took. Of several workers one counts at a time, as a rule; should two do so,
both write down the same.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from itertools import groupby
from typing import Any, Final

import sqlalchemy as sa
import structlog
from sqlalchemy.dialects import postgresql, sqlite

from leadkeeper.clock import Clock, least_id
from leadkeeper.inbox.figures import DAY_MS, DAYS, EVERYBODY, Figures, as_columns
from leadkeeper.periodic import Job, run_periodically
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage

EVERY_MS: Final = 15_000
ALL_EVERY_MS: Final = 900_000
REST: Final = 50
"""How many times as long as a round took nobody begins another."""
LEADS: Final = 500
"""How many leads are counted in one transaction."""
ROWS: Final = 500
SLACK_MS: Final = 3_600_000
"""How far the clock of the machine that made a lead's id may be from the database's; beyond, a lead is left out."""
LOOK_SECONDS: Final = 5.0

log: Final = structlog.get_logger(__name__)


class Tally:
    """Runs beside every worker."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock
        self._rests_until = 0.0

    async def run(self) -> None:
        """Count until cancelled."""
        await run_periodically(Job("figures by day", self._look_unless_resting, LOOK_SECONDS))

    async def _look_unless_resting(self) -> None:
        if time.monotonic() >= self._rests_until:
            await self.look()

    async def look(self) -> int:
        """Count the days that were not counted for long; answers how many those were."""
        now = self._clock()
        due = await self._storage.read(_due, now)
        begun = time.monotonic()
        for day in due:
            await self.count(day, now)
        if due:
            await self._storage.write(_forget, now)
        self._rests_until = time.monotonic() + (time.monotonic() - begun) * REST
        return len(due)

    async def count(self, day: int, now: int) -> None:
        """Count one day's leads and write down what is new of it."""
        found: defaultdict[str, Figures] = defaultdict(Figures)
        after: str | None = least_id(day * DAY_MS - SLACK_MS)
        while after is not None:
            rows, after = await self._storage.read(_leads, day, after)
            for _, deliveries in groupby(rows, lambda row: row.id):
                _count_lead(list(deliveries), found)
        everybody = {"publisher_id": EVERYBODY, "day": day, **as_columns(found.pop(EVERYBODY, Figures()))}
        counted = [{"publisher_id": whose, "day": day, **as_columns(each)} for whose, each in found.items()]
        new, gone = await self._storage.read(_changed, day, counted)
        for at in range(0, max(len(new), len(gone)), ROWS):
            await self._storage.write(_write, day, new[at : at + ROWS], gone[at : at + ROWS], now)
        # Last, since it says when the day was counted.
        await self._storage.write(_write, day, [everybody], [], now)


def _due(conn: sa.Connection, now: int) -> list[int]:
    """The days to count now, the newest first."""
    f, today = t.day_figure.c, now // DAY_MS
    days = range(today, today - DAYS, -1)
    counted = {
        row.day: row.counted_at
        for row in conn.execute(
            sa.select(f.day, f.counted_at).where(f.publisher_id == EVERYBODY, f.day.between(days[-1], today))
        )
    }
    return [day for day in days if _is_due(counted.get(day), day >= today - 1, now)]


def _is_due(counted_at: int | None, recent: bool, now: int) -> bool:
    # One that was counted in the future: the time was set back.
    return counted_at is None or counted_at > now or counted_at <= now - (EVERY_MS if recent else ALL_EVERY_MS)


def _leads(conn: sa.Connection, day: int, after: str) -> tuple[Sequence[sa.Row[Any]], str | None]:
    """The deliveries of a day's next leads, and behind which lead to go on; ``None`` at the end."""
    c, d, end = t.lead.c, t.delivery.c, least_id((day + 1) * DAY_MS + SLACK_MS)
    ids = sa.select(c.id).where(c.id > after, c.id < end).order_by(c.id)
    last: str | None = conn.scalar(ids.offset(LEADS - 1).limit(1))
    columns: list[Any] = [c.id, c.publisher_id, c.withheld, c.created_at, d.state, d.changed_at]
    query = sa.select(*columns).outerjoin_from(t.lead, t.delivery, d.lead_id == c.id)
    begin = day * DAY_MS
    of_day = (c.created_at >= begin, c.created_at < begin + DAY_MS, sa.not_(c.test), sa.not_(c.preview))
    rows = conn.execute(query.where(c.id > after, c.id <= (last or end), *of_day).order_by(c.id)).all()
    return rows, last


def _count_lead(rows: Sequence[sa.Row[Any]], found: defaultdict[str, Figures]) -> None:
    for figures in (found[rows[0].publisher_id], found[EVERYBODY]):
        figures.leads += 1
        for row in rows:
            state = "withheld" if row.state is None and row.withheld else row.state
            figures.count(state, 0 if row.state is None else row.changed_at - row.created_at)


def _changed(conn: sa.Connection, day: int, rows: Sequence[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[str]]:
    """Those of ``rows`` that are not written down yet, and whose rows hold nothing any more."""
    f = t.day_figure.c
    known = {row.publisher_id: row._mapping for row in conn.execute(sa.select(t.day_figure).where(f.day == day))}
    new = [row for row in rows if not _same(known.get(row["publisher_id"]), row)]
    there = {row["publisher_id"] for row in rows}
    return new, [each for each in known if each != EVERYBODY and each not in there]


def _same(known: Any, row: dict[str, Any]) -> bool:
    return known is not None and all(known[name] == value for name, value in row.items())


def _write(conn: sa.Connection, day: int, rows: Sequence[dict[str, Any]], gone: Sequence[str], now: int) -> None:
    if gone:
        f = t.day_figure.c
        conn.execute(sa.delete(t.day_figure).where(f.day == day, f.publisher_id.in_(gone)))
    if not rows:
        return
    insert = (postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert)(t.day_figure)
    columns = {name: insert.excluded[name] for name in (*rows[0], "counted_at") if name not in ("publisher_id", "day")}
    upsert = insert.on_conflict_do_update(index_elements=["publisher_id", "day"], set_=columns)
    conn.execute(upsert, [{**row, "counted_at": now} for row in rows])


def _forget(conn: sa.Connection, now: int) -> None:
    """Days that are shown no more."""
    conn.execute(sa.delete(t.day_figure).where(t.day_figure.c.day <= now // DAY_MS - DAYS))
