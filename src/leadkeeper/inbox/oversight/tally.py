"""Counts the leads of the last days again and again, a few at a time, so that pages show figures without counting.

Today and yesterday are counted every few seconds, the other days every quarter of an hour, as long as anything changes
that is counted (see ``storage.counted_rows``); nothing on the way of a lead waits for it. Where nothing does, a day is
counted when a lead of it has become due, and every six hours, since not every change is noticed. What that goes by
stands beside the figures: a process that starts counts nothing that another one has counted. Whatever number of leads
there is, counting takes a fiftieth of one process at most: the next round begins fifty times as long after the last as
that took. Of several workers one counts at a time, as a rule; should two do so, both write down the same.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
import structlog

from leadkeeper.clock import Clock, least_id
from leadkeeper.inbox.follow_up.state import due_of, in_time, is_followed
from leadkeeper.inbox.oversight.figures import DAY_MS, DAYS, EVERYBODY, Figures, as_columns
from leadkeeper.offer import OfferRef
from leadkeeper.periodic import Job, run_periodically
from leadkeeper.storage import looks
from leadkeeper.storage import tables as t
from leadkeeper.storage.conflicts import insert_into
from leadkeeper.storage.counted_rows import counted_rows_mark
from leadkeeper.storage.engine import Storage
from leadkeeper.storage.hot import HotStatement

EVERY_MS: Final = 15_000
ALL_EVERY_MS: Final = 900_000
AT_LATEST_MS: Final = 6 * 3_600_000
"""How long figures hold of which nothing seems to have changed."""
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
        """Count the days of which something may have changed since they were counted; answers how many those were."""
        now = self._clock()
        seen = await looks.look(self._storage, _see, now)
        begun = time.monotonic()
        for day in seen.due:
            await self.count(day, now, seen.mark)
        if seen.due:
            await self._storage.write(_forget, now)
        if seen.holds:
            await self._storage.write(_holds, now)
        self._rests_until = time.monotonic() + (time.monotonic() - begun) * REST
        return len(seen.due)

    async def count(self, day: int, now: int, mark: str | None = None) -> None:
        """Count one day's leads and write down what is new of it; of what they are, ``mark`` told before."""
        found: defaultdict[str, Figures] = defaultdict(Figures)
        offers: defaultdict[str, Figures] = defaultdict(Figures)
        after: str | None = least_id(day * DAY_MS - SLACK_MS)
        next_due: int | None = None
        while after is not None:
            rows, after = await self._storage.read(_leads, day, after)
            for _, deliveries in groupby(rows, lambda row: row.id):
                lead = list(deliveries)
                _count_lead(lead, found, offers, now)
                next_due = _earlier(next_due, _becomes_due(lead[0], now))
        holds = min(now + AT_LATEST_MS, max(next_due or now + AT_LATEST_MS, now + ALL_EVERY_MS))
        everybody = {"publisher_id": EVERYBODY, "day": day, **as_columns(found.pop(EVERYBODY, Figures()))}
        everybody |= {"mark": mark, "holds_until": holds}
        counted = [{"publisher_id": whose, "day": day, **as_columns(each)} for whose, each in found.items()]
        await self._put_down(t.offer_figure, day, _of_offers(day, offers), now)
        await self._put_down(t.day_figure, day, counted, now)
        # Last, since it says when the day was counted.
        await self._storage.write(_write, t.day_figure, day, [everybody], [], now)

    async def _put_down(self, table: sa.Table, day: int, rows: Sequence[dict[str, Any]], now: int) -> None:
        """Write down what is new of a day."""
        new, gone = await self._storage.read(_changed, table, day, rows)
        for at in range(0, max(len(new), len(gone)), ROWS):
            await self._storage.write(_write, table, day, new[at : at + ROWS], gone[at : at + ROWS], now)


class _Seen(NamedTuple):
    """The days to count now, the newest first, what they are counted of, and whether today's figures still hold."""

    due: Sequence[int]
    mark: str | None
    holds: bool


def _see(conn: sa.Connection, now: int) -> _Seen:
    # Before anything is counted: what changes meanwhile makes another mark.
    mark = counted_rows_mark(conn)
    today = now // DAY_MS
    days = range(today, today - DAYS, -1)
    known = {row.day: row for row in _COUNTED.rows(conn, {"first": days[-1], "last": today})}
    due = [day for day in days if _is_due(known.get(day), day >= today - 1, mark, now)]
    return _Seen(due, mark, today not in due and known[today].counted_at <= now - EVERY_MS)


_f: Final = t.day_figure.c
_COUNTED: Final = HotStatement(
    lambda _: sa.select(_f.day, _f.counted_at, _f.mark, _f.holds_until).where(
        _f.publisher_id == sa.literal_column(f"'{EVERYBODY}'"),
        _f.day.between(sa.bindparam("first", type_=sa.Integer), sa.bindparam("last", type_=sa.Integer)),
    )
)


def _is_due(known: Any, recent: bool, mark: str | None, now: int) -> bool:
    # One that was counted in the future: the time was set back.
    if known is None or known.counted_at > now:
        return True
    if known.counted_at > now - (EVERY_MS if recent else ALL_EVERY_MS):
        return False
    return mark is None or known.mark != mark or known.holds_until is None or known.holds_until <= now


def _leads(conn: sa.Connection, day: int, after: str) -> tuple[Sequence[sa.Row[Any]], str | None]:
    """The deliveries of a day's next leads, and behind which lead to go on; ``None`` at the end."""
    c, d, f, end = t.lead.c, t.delivery.c, t.follow_up.c, least_id((day + 1) * DAY_MS + SLACK_MS)
    ids = sa.select(c.id).where(c.id > after, c.id < end).order_by(c.id)
    last: str | None = conn.scalar(ids.offset(LEADS - 1).limit(1))
    columns: list[Any] = [c.id, c.publisher_id, c.offer_id, c.action, c.withheld, c.created_at, c.expired_at]
    columns += [d.state, d.changed_at, f.due_at, f.touched_at]
    query = sa.select(*columns).outerjoin_from(t.lead, t.delivery, d.lead_id == c.id)
    query = query.outerjoin(t.follow_up, f.lead_id == c.id)
    begin = day * DAY_MS
    of_day = (c.created_at >= begin, c.created_at < begin + DAY_MS, sa.not_(c.test), sa.not_(c.preview))
    rows = conn.execute(query.where(c.id > after, c.id <= (last or end), *of_day).order_by(c.id)).all()
    return rows, last


def _count_lead(
    rows: Sequence[sa.Row[Any]], found: defaultdict[str, Figures], offers: defaultdict[str, Figures], now: int
) -> None:
    """Count a lead, which stands in a row for each of its deliveries, with its publisher, with all, and its offer."""
    in_time = _in_time(rows[0], now)
    offers[str(OfferRef(rows[0].publisher_id, rows[0].offer_id))].touch(in_time)
    for figures in (found[rows[0].publisher_id], found[EVERYBODY]):
        figures.leads += 1
        figures.touch(in_time)
        for row in rows:
            state = "withheld" if row.state is None and row.withheld else row.state
            figures.count(state, 0 if row.state is None else row.changed_at - row.created_at)


def _in_time(lead: sa.Row[Any], now: int) -> bool | None:
    """Whether somebody turned to its customer in time; ``None`` where nobody was to by now."""
    if (due_at := _due_at(lead)) is None:
        return None
    return in_time(touched_at=lead.touched_at, due_at=due_at, expired_at=lead.expired_at, now=now)


def _due_at(lead: sa.Row[Any]) -> int | None:
    """When somebody is to turn to its customer, if ever."""
    if not is_followed(action=lead.action, test=False, withheld=lead.withheld, preview=False):
        return None
    due_at: int | None = lead.due_at
    return due_of(lead.created_at) if due_at is None else due_at


def _becomes_due(lead: sa.Row[Any], now: int) -> int | None:
    """When the lead will count as one that nobody turned to, if nobody does; ``None`` where it does or never will."""
    due_at = _due_at(lead)
    return None if due_at is None or due_at < now or lead.touched_at is not None else due_at + 1


def _earlier(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else min(one, other)


def _of_offers(day: int, found: Mapping[str, Figures]) -> list[dict[str, Any]]:
    """The rows of the offers that had leads which were due."""
    return [
        {"offer_ref": ref, "day": day, "in_time": each.in_time, "late": each.late}
        for ref, each in found.items()
        if each.touched.due
    ]


def _whose(table: sa.Table) -> sa.Column[str]:
    """The column that says whose figures a row holds."""
    return table.c.offer_ref if table is t.offer_figure else table.c.publisher_id


def _changed(
    conn: sa.Connection, table: sa.Table, day: int, rows: Sequence[dict[str, Any]]
) -> tuple[list[dict[str, Any]], list[str]]:
    """Those of ``rows`` that are not written down yet, and whose rows hold nothing any more."""
    name = _whose(table).name
    known = {row._mapping[name]: row._mapping for row in conn.execute(sa.select(table).where(table.c.day == day))}
    new = [row for row in rows if not _same(known.get(row[name]), row)]
    there = {row[name] for row in rows}
    return new, [each for each in known if each != EVERYBODY and each not in there]


def _same(known: Any, row: dict[str, Any]) -> bool:
    return known is not None and all(known[name] == value for name, value in row.items())


def _write(
    conn: sa.Connection, table: sa.Table, day: int, rows: Sequence[dict[str, Any]], gone: Sequence[str], now: int
) -> None:
    if gone:
        conn.execute(sa.delete(table).where(table.c.day == day, _whose(table).in_(gone)))
    if not rows:
        return
    insert = insert_into(conn, table)
    counted = {"counted_at": now} if "counted_at" in table.c else {}
    key = [_whose(table).name, "day"]
    columns = {name: insert.excluded[name] for name in (*rows[0], *counted) if name not in key}
    conn.execute(insert.on_conflict_do_update(index_elements=key, set_=columns), [row | counted for row in rows])


def _forget(conn: sa.Connection, now: int) -> None:
    """Days that are shown no more."""
    for table in (t.day_figure, t.offer_figure):
        conn.execute(sa.delete(table).where(table.c.day <= now // DAY_MS - DAYS))


def _holds(conn: sa.Connection, now: int) -> None:
    """Today was not counted again, since nothing has changed."""
    today = (_f.publisher_id == EVERYBODY, _f.day == now // DAY_MS)
    conn.execute(sa.update(t.day_figure).where(*today).values(counted_at=now))
