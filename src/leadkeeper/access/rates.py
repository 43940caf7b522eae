"""What publishers do by the minute and the day, counted in each process and put together once a second.

A lead costs no query: each process counts in its memory, writes its own counts (rows that no other process touches)
and reads those of the others every :data:`SETTLE_SECONDS` while there is anything to tell. So the quotas hold over all
processes but for what the others took since; a process that is killed forgets what it had not told yet.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from leadkeeper.access.quotas import USUAL, Quotas, Rate, used_up
from leadkeeper.access.validations import Line, UnderWay, under_way
from leadkeeper.clock import Clock, new_id, now_ms
from leadkeeper.gate import NOBODY, on_behalf_of
from leadkeeper.problem import Problem
from leadkeeper.storage import tables as t
from leadkeeper.storage.conflicts import insert_into
from leadkeeper.storage.engine import Storage, StorageAway, listed
from leadkeeper.storage.hot import HotStatement

SETTLE_SECONDS: Final = 1.0
"""How often a process that counts tells the others, and hears of them."""
MINUTE: Final = 60_000
DAY: Final = 86_400_000
_MOST: Final = 20_000
"""The most counts in memory; beyond, half as many that are reported are forgotten, and read again when needed."""

_NONE: Final = 2**62
"""More than anybody does: no limit."""

Name = tuple[str, Rate]


@dataclass(slots=True)
class _Count:
    """What one publisher did of one kind in this process (``day``, ``minute``) and, as last heard, in the others."""

    quotas: Quotas
    most: tuple[int, int]
    """The most in a minute and in a day."""
    day_at: int = 0
    minute_at: int = 0
    day: int = 0
    minute: int = 0
    others_day: int = 0
    others_minute: int = 0
    reported_at: int | None = None
    """When the others' counts, and what this process told earlier of this one, were last heard."""
    unreported: bool = False
    is_known: bool = True
    """Whether there is such a publisher, as last heard."""

    def turn(self, now: int) -> None:
        """Begin anew where a minute or a day has ended."""
        if now // MINUTE != self.minute_at:
            self.minute_at, self.minute, self.others_minute = now // MINUTE, 0, 0
        if now // DAY != self.day_at:
            self.day_at, self.day, self.others_day = now // DAY, 0, 0

    def refusal(self, rate: Rate, more: int, now: int) -> Problem | None:
        """Why ``more`` may not be done now."""
        if (
            self.minute + self.others_minute + more <= self.most[0]
            and self.day + self.others_day + more <= self.most[1]
        ):
            return None
        for name, used, window in (
            (f"{rate}_a_minute", self.minute + self.others_minute, MINUTE),
            (f"{rate}_a_day", self.day + self.others_day, DAY),
        ):
            limit: int | None = getattr(self.quotas, name, None)
            if limit is not None and used + more > limit:
                return used_up(name, limit, (window - now % window + 999) // 1_000)
        return None


def _most(quotas: Quotas, rate: Rate) -> tuple[int, int]:
    minute, day = (getattr(quotas, f"{rate}_{window}", None) for window in ("a_minute", "a_day"))
    return (_NONE if minute is None else minute, _NONE if day is None else day)


class Rates:
    """The counts of one process. ``usual`` are the quotas of publishers that have none of their own."""

    def __init__(self, storage: Storage, usual: Quotas = USUAL, clock: Clock = now_ms) -> None:
        self._storage = storage
        self.usual: Final = usual
        self._clock = clock
        self._process = new_id()
        self._counts: dict[Name, _Count] = {}
        self._hearing: dict[Name, asyncio.Task[None]] = {}
        self._task: asyncio.Task[None] | None = None
        self._tidied = 0

    async def refusal(self, publisher_id: str, rate: Rate, more: int = 1) -> Problem | None:
        """Count ``more``, or answer why they may not be done now; then nothing is counted.

        Nothing is counted for a publisher that there is not: whoever acts for it is told so elsewhere.
        """
        name, now = (publisher_id, rate), self._clock()
        count = self._counts.get(name)
        if count is None:
            count = self._begun(name)
        if count.reported_at is None:
            count = await self._observed(name, count)
        if not count.is_known:
            self._counts.pop(name, None)
            return None
        count.turn(now)
        problem = count.refusal(rate, more, now)
        if problem is not None and count.reported_at != now and self._is_old(count, now):
            count = await self._observed(name, count)  # the operator may have raised it
            problem = count.refusal(rate, more, now)
        if problem is not None:
            return problem
        count.minute += more
        count.day += more
        count.unreported = True
        if self._task is None:
            with on_behalf_of(NOBODY):
                self._task = asyncio.create_task(self._run(), name="rates")
        return None

    async def take(self, publisher_id: str, rate: Rate, more: int = 1) -> None:
        """Count ``more``. Raises :class:`Problem` when they may not be done now."""
        problem = await self.refusal(publisher_id, rate, more)
        if problem is not None:
            raise problem

    @contextlib.asynccontextmanager
    async def validating(self, publisher_id: str, line: Line | None = None) -> AsyncIterator[UnderWay]:
        """One validation that somebody asked for, of ``line`` where pages show it. Raises :class:`Problem` for one too
        many, at once or by the minute, and ``StorageAway``."""
        await self.take(publisher_id, Rate.VALIDATIONS)
        count = self._counts.get((publisher_id, Rate.VALIDATIONS))
        limit = (self.usual if count is None else count.quotas).validations_at_once
        async with under_way(self._storage, self._clock, publisher_id, limit, line) as run:
            yield run

    async def settled(self) -> None:
        """Tell the others what was counted and hear of them, now. Nothing happens while the database is away."""
        now = self._clock()
        for count in self._counts.values():
            count.turn(now)
        unreported = {name: count for name, count in self._counts.items() if count.unreported}
        tidy = self._tidied != now // DAY
        if not unreported and not tidy:
            return
        try:
            # What this process told earlier belongs to the count that takes its place.
            if unknown := [name for name, count in unreported.items() if count.reported_at is None]:
                await self._hear(unknown)
            rows = [self._row(name, count) for name, count in unreported.items() if count.is_known]
            for count in unreported.values():
                count.unreported = False
            await self._storage.write(_tell, rows, now // DAY if tidy else None)
            await self._hear(unreported)
        except StorageAway:
            for name, count in unreported.items():
                self._counts.setdefault(name, count).unreported = True
        else:
            self._tidied = now // DAY

    async def aclose(self) -> None:
        """Count no more; what was counted is told, if the database is there."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if any(count.unreported for count in self._counts.values()):
            await self.settled()

    async def _run(self) -> None:
        try:
            while any(count.unreported for count in self._counts.values()):
                await asyncio.sleep(SETTLE_SECONDS)
                await self.settled()
        finally:
            self._task = None

    def _begun(self, name: Name) -> _Count:
        if len(self._counts) >= _MOST:
            reported = [name for name, count in self._counts.items() if not count.unreported]
            for each in reported[: _MOST // 2]:
                del self._counts[each]
        return self._counts.setdefault(name, _Count(self.usual, _most(self.usual, name[1])))

    def _is_old(self, count: _Count, now: int) -> bool:
        return count.reported_at is None or abs(now - count.reported_at) >= SETTLE_SECONDS * 1_000

    async def _observed(self, name: Name, count: _Count) -> _Count:
        """Hear of one count, which is forgotten by nobody meanwhile; many who wait for the same ask once."""
        task = self._hearing.get(name)
        if task is None:
            with on_behalf_of(NOBODY):
                task = self._hearing[name] = asyncio.create_task(self._hear([name]), name="rates")
            task.add_done_callback(lambda _: self._hearing.pop(name, None))
        with contextlib.suppress(StorageAway):  # whoever needs the database will say so
            await asyncio.shield(task)
        return self._counts.setdefault(name, count)

    async def _hear(self, names: Collection[Name]) -> None:
        now = self._clock()
        observed = await self._storage.read(_counted, {publisher for publisher, _ in names}, self._process, now)
        for name in names:
            count = self._counts.get(name)
            if count is None:
                continue
            count.turn(now)
            count.is_known = name[0] in observed
            stored, by_rate = observed.get(name[0], (None, {}))
            count.quotas = self.usual.changed(stored)
            count.most = _most(count.quotas, name[1])
            used = by_rate.get(name[1], _NOTHING)
            count.others_day, count.others_minute = used.others_day, used.others_minute
            if count.reported_at is None:
                count.day += used.own_day
                count.minute += used.own_minute
            count.reported_at = now

    def _row(self, name: Name, count: _Count) -> dict[str, object]:
        return {
            "publisher_id": name[0],
            "rate": name[1].value,
            "day": count.day_at,
            "process": self._process,
            "day_used": count.day,
            "minute": count.minute_at,
            "minute_used": count.minute,
        }


def _tell(conn: sa.Connection, rows: Sequence[dict[str, object]], tidy: int | None) -> None:
    u = t.quota_use
    if tidy is not None:
        conn.execute(sa.delete(u).where(u.c.day < tidy - 1))
    if not rows:
        return
    insert = insert_into(conn, u)
    summary = {name: insert.excluded[name] for name in ("day_used", "minute", "minute_used")}
    keys = [u.c.publisher_id, u.c.rate, u.c.day, u.c.process]
    conn.execute(insert.on_conflict_do_update(index_elements=keys, set_=summary), rows)


class _Used(NamedTuple):
    """What was counted this day and this minute: by the process that asks, as it told, and by all others."""

    own_day: int = 0
    own_minute: int = 0
    others_day: int = 0
    others_minute: int = 0


_NOTHING: Final = _Used()


def _counted(
    conn: sa.Connection, publishers: Collection[str], process: str, now: int
) -> dict[str, tuple[str | None, dict[str, _Used]]]:
    """By publisher that there is: the quotas of its own as they are stored, and what was counted of each kind."""
    found: dict[str, tuple[str | None, dict[str, _Used]]] = {}
    given = {"publishers": [*publishers], "process": process, "day": now // DAY, "minute": now // MINUTE}
    for row in _COUNTED.rows(conn, given):
        _, by_rate = found.setdefault(row.id, (row.quotas, {}))
        if row.rate is not None:
            by_rate[row.rate] = _Used(*map(int, (row.own_day, row.own_minute, row.by_day, row.by_minute)))
    return found


def _counts_query(dialect: str) -> sa.Select[Any]:
    """The publishers, each with what was counted of each kind, or once with nothing."""
    p, u = t.publisher.c, t.quota_use.c
    day, minute = sa.bindparam("day", type_=sa.Integer), sa.bindparam("minute", type_=sa.BigInteger)
    own, this_minute = u.process == sa.bindparam("process"), u.minute == minute

    def used(amount: sa.ColumnElement[int], *when: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
        return sa.func.sum(sa.case((sa.and_(*when), amount), else_=0))

    return (
        sa.select(
            p.id,
            p.quotas,
            u.rate,
            used(u.day_used, own).label("own_day"),
            used(u.minute_used, own, this_minute).label("own_minute"),
            used(u.day_used, sa.not_(own)).label("by_day"),
            used(u.minute_used, sa.not_(own), this_minute).label("by_minute"),
        )
        .select_from(t.publisher.outerjoin(t.quota_use, sa.and_(u.publisher_id == p.id, u.day == day)))
        .where(listed(dialect, p.id, "publishers"))
        .group_by(p.id, p.quotas, u.rate)
    )


_COUNTED: Final = HotStatement(_counts_query)
