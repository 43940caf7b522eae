"""What publishers do by the minute and the day, counted in each process and put together once a second.

A lead costs no query: each process counts in its memory, writes its own counts (rows that no other process touches)
and reads those of the others every :data:`SETTLE_SECONDS` while there is anything to tell. So the quotas hold over all
processes but for what the others took since; a process that is killed forgets what it had not told yet. What is told
may leave the memory: a count goes on from the process's own row when it comes back.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

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
"""The most counts in memory; beyond, those used longest ago that are told are forgotten, and read again when needed."""
_LOOKS: Final = 4
"""At how many of those used longest ago each new count looks for some to forget: more than one, so that many at one
moment that had to stay are forgotten later."""

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
    """When it was last heard of; before the first time what this process told earlier is not in it."""
    unreported: bool = False

    def turn(self, now: int) -> None:
        """Begin anew where a minute or a day has ended."""
        if now // MINUTE != self.minute_at:
            self.minute_at, self.minute, self.others_minute = now // MINUTE, 0, 0
        if now // DAY != self.day_at:
            self.day_at, self.day, self.others_day = now // DAY, 0, 0

    def refusal(self, rate: Rate, more: int, now: int) -> Problem | None:
        """Why ``more`` may not be done now."""
        self.turn(now)
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

    def is_old(self, now: int) -> bool:
        """Whether others may have counted since it was heard of, or an operator changed the quotas."""
        return self.reported_at is None or abs(now - self.reported_at) >= SETTLE_SECONDS * 1_000

    def hear(self, used: _Used, asked: int) -> None:
        """Take over what was written down as of ``asked``, but for windows that have ended since."""
        first = self.reported_at is None
        if self.day_at == asked // DAY:
            self.others_day = used.others_day
            self.day += used.own_day if first else 0
        if self.minute_at == asked // MINUTE:
            self.others_minute = used.others_minute
            self.minute += used.own_minute if first else 0
        self.reported_at = asked


@dataclass(frozen=True, slots=True)
class _Used:
    """What is written down of one publisher and kind, of this day and minute: by this process, and by the others."""

    own_day: int = 0
    own_minute: int = 0
    others_day: int = 0
    others_minute: int = 0


_NOTHING: Final = _Used()


@dataclass(frozen=True, slots=True)
class _Stored:
    """A publisher as it is stored: its own quotas, and what was used of each kind."""

    quotas: str | None
    used: Mapping[str, _Used]


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
        self._counts: OrderedDict[Name, _Count] = OrderedDict()
        """Those used longest ago come first."""
        self._hearing: dict[Name, asyncio.Task[Mapping[Name, _Count]]] = {}
        self._settling = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._tidied = 0

    async def refusal(self, publisher_id: str, rate: Rate, more: int = 1) -> Problem | None:
        """Count ``more``, or answer why they may not be done now; then nothing is counted.

        Of a publisher that is not there nothing is counted, and nothing refused.
        """
        name = (publisher_id, rate)
        count = self._counts.get(name)
        if count is None or count.reported_at is None:
            count = await self._observed(name)
        now = self._clock()
        problem = None if count is None else count.refusal(rate, more, now)
        if count is not None and problem is not None and count.is_old(now):
            count = await self._observed(name)  # the operator may have raised it
            now = self._clock()
            problem = None if count is None else count.refusal(rate, more, now)
        if count is None or problem is not None:
            return problem
        # Nothing was awaited since it was taken from the counts: it is still one of them.
        count.minute += more
        count.day += more
        count.unreported = True
        self._counts.move_to_end(name)
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
        async with self._settling:
            now = self._clock()
            for count in self._counts.values():
                count.turn(now)
            unreported = [name for name, count in self._counts.items() if count.unreported]
            tidy = self._tidied != now // DAY
            if unreported or tidy:
                with contextlib.suppress(StorageAway):
                    await self._settle(unreported, now // DAY if tidy else None)
                    self._tidied = now // DAY

    async def _settle(self, names: Collection[Name], tidy: int | None) -> None:
        """Tell these counts, all of them not told yet: so none of them is forgotten meanwhile."""
        unobserved = [name for name in names if self._counts[name].reported_at is None]
        if unobserved:
            await self._hear(unobserved)  # what they told earlier would be written over
        rows = {name: _row(name, count, self._process) for name in names if (count := self._counts.get(name))}
        await self._storage.write(_tell, [*rows.values()], tidy)
        if rows:
            await self._hear(rows)
        for name, row in rows.items():
            count = self._counts.get(name)
            if count is not None and _row(name, count, self._process) == row:
                count.unreported = False

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
        """A count that begins with nothing, in the place of one that was used long ago."""
        for _ in range(_LOOKS):
            if len(self._counts) < _MOST:
                break
            oldest, count = self._counts.popitem(last=False)
            if count.unreported or oldest in self._hearing:
                self._counts[oldest] = count
        count = self._counts[name] = _Count(self.usual, _most(self.usual, name[1]))
        return count

    async def _observed(self, name: Name) -> _Count | None:
        """The count once it was heard of, ``None`` of a publisher that is not there; many who wait ask once."""
        task = self._hearing.get(name)
        if task is None:
            with on_behalf_of(NOBODY):
                task = self._hearing[name] = asyncio.create_task(self._hear([name]), name="rates")
            task.add_done_callback(lambda _: self._hearing.pop(name, None))
        try:
            count = (await asyncio.shield(task)).get(name)
        except StorageAway:  # whoever needs the database will say so
            return self._counts.get(name) or self._begun(name)
        # Others who came at the same moment may have had it forgotten again: it holds what is told.
        return None if count is None else self._counts.setdefault(name, count)

    async def _hear(self, names: Collection[Name]) -> Mapping[Name, _Count]:
        """Hear of these counts, and begin those that are not there; none of a publisher that is not there."""
        asked = self._clock()
        observed = await self._storage.read(_written, {publisher for publisher, _ in names}, self._process, asked)
        now = self._clock()
        found: dict[Name, _Count] = {}
        for name in names:
            stored = observed.get(name[0])
            if stored is None:
                self._counts.pop(name, None)
                continue
            count = found[name] = self._counts.get(name) or self._begun(name)
            count.turn(now)
            count.quotas = self.usual.changed(stored.quotas)
            count.most = _most(count.quotas, name[1])
            count.hear(stored.used.get(name[1], _NOTHING), asked)
        return found


def _row(name: Name, count: _Count, process: str) -> dict[str, object]:
    return {
        "publisher_id": name[0],
        "rate": name[1].value,
        "day": count.day_at,
        "process": process,
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


def _written(conn: sa.Connection, publishers: Collection[str], process: str, now: int) -> dict[str, _Stored]:
    """Those of the publishers that there are, and what is written down of this day and minute."""
    found: dict[str, _Stored] = {}
    used: dict[str, dict[str, _Used]] = {}
    given = {"publishers": [*publishers], "process": process, "day": now // DAY, "minute": now // MINUTE}
    for row in _WRITTEN.rows(conn, given):
        by_rate = used.setdefault(row.id, {})
        found.setdefault(row.id, _Stored(row.quotas, by_rate))
        if row.rate is not None:
            summed = (row.own_day, row.own_minute, row.all_day - row.own_day, row.all_minute - row.own_minute)
            by_rate[row.rate] = _Used(*map(int, summed))
    return found


def _written_of(dialect: str) -> sa.Select[Any]:
    """The publishers, each with what was counted of each kind, or once with nothing."""
    p, u = t.publisher.c, t.quota_use.c
    day, minute = sa.bindparam("day", type_=sa.Integer), sa.bindparam("minute", type_=sa.BigInteger)
    own = u.process == sa.bindparam("process", type_=u.process.type)
    sums = {
        "own_day": sa.case((own, u.day_used), else_=0),
        "own_minute": sa.case((sa.and_(own, u.minute == minute), u.minute_used), else_=0),
        "all_day": u.day_used,
        "all_minute": sa.case((u.minute == minute, u.minute_used), else_=0),
    }
    return (
        sa.select(p.id, p.quotas, u.rate, *[sa.func.sum(each).label(label) for label, each in sums.items()])
        .select_from(t.publisher.outerjoin(t.quota_use, sa.and_(u.publisher_id == p.id, u.day == day)))
        .where(listed(dialect, p.id, "publishers"))
        .group_by(p.id, p.quotas, u.rate)
    )


_WRITTEN: Final = HotStatement(_written_of)
