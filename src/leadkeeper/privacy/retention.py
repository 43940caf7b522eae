"""For how long data are kept: what people say of it, what they see of it, and the task that removes what is old."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
import structlog

from leadkeeper.access.audit import note
from leadkeeper.clock import Clock, made_at, now_ms
from leadkeeper.periodic import Job, run_periodically
from leadkeeper.privacy.evidence_months import any_month_due, month_step
from leadkeeper.privacy.expiry import MONTH, ExpiryStep, add_walks, look_at_left, rows_at_once, walk
from leadkeeper.privacy.periods import USUAL, DataKind, Own, Periods
from leadkeeper.problem import FieldError, Problem, ProblemType
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage
from leadkeeper.storage.months import lacks_months, make_months, oldest_in_months
from leadkeeper.storage.room import Room, any_to_give_back, give_back_pages, room_taken
from leadkeeper.texts import lazy_gettext as _

LOOK_SECONDS: Final = 10.0
"""How long nothing is looked at after nothing was to be done."""
PAUSE_SECONDS: Final = 0.05
"""Between two steps, so that leads that come in find the database free."""
MOST_PAUSE_SECONDS: Final = 1.0
LEISURE: Final = 40
"""Where one transaction that writes comes after another, so many times as long as a step took nothing is done: of a
hundred leads that come in about one meets a step, and waits for it."""
HASTE: Final = 2
"""The same while something has been due for longer than :data:`HASTE_AFTER_MS`."""
HASTE_AFTER_MS: Final = 3_600_000
LATE_MS: Final = 2 * 86_400_000
"""A walk that is due for so long is late: no worker runs."""

log: Final = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class KeptKind:
    """What is known of one kind. Times in milliseconds.

    ``removed`` since ever; ``left`` are old enough and wait for their own end, the oldest since ``left_at``;
    ``oldest_at`` is when the oldest came whose time is not over. ``late``: some should have been removed by now.
    """

    removed: int = 0
    left: int = 0
    left_at: int | None = None
    oldest_at: int | None = None
    late: bool = False


@dataclass(frozen=True, slots=True)
class StoredFigures:
    """What is kept, by kind, and how much room the database takes."""

    kept: Mapping[DataKind, KeptKind]
    room: Room


_ALSO: Final = {DataKind.EVIDENCE: (MONTH,)}
"""Of a kind, the walks beside its own."""
MOST_COUNTED: Final = 10_000
"""Of what waits beyond its time no more are counted."""


class Retention:
    """For how long this installation and its publishers keep data; ``usual`` is what holds for all."""

    def __init__(self, storage: Storage, usual: Periods = USUAL, clock: Clock = now_ms) -> None:
        self._storage = storage
        self._clock = clock
        self.usual = usual

    async def own(self, publisher_id: str) -> Own:
        """What a publisher said itself. Raises :class:`Problem` for an unknown one."""
        return await self._storage.read(_own, publisher_id)

    async def change(self, publisher_id: str, own: Own, *, by: str) -> Own:
        """Keep a publisher's data for so long from now on. Raises :class:`Problem` for longer than is usual here.

        What was removed does not come back; what is too old now is removed within a day.
        """
        self.usual.require(own)
        return await self._storage.write(_change, publisher_id, own, self._clock(), by)

    async def figures(self) -> StoredFigures:
        """What was removed, what is left, and how much room all of it takes."""
        return await self._storage.read(figures, self._clock())

    async def step(self) -> ExpiryStep:
        """Do what is due, a bounded number of rows; nothing was looked at when nothing could be done."""
        now, most = self._clock(), rows_at_once(self._storage)
        done = await self._storage.write(walk, self.usual, now, most)
        again = await self._storage.write(look_at_left, self.usual, now, most)
        whole = ExpiryStep()
        if await self._storage.read(any_month_due, now):
            whole = await self._storage.write(month_step, self.usual, now)
        steps = (done, again, whole)
        return ExpiryStep(sum(each.looked for each in steps), sum(each.removed for each in steps))


class RetentionTask:
    """Runs beside every worker; the database shares the work out among them."""

    def __init__(self, retention: Retention, storage: Storage, clock: Clock) -> None:
        self._retention = retention
        self._storage = storage
        self._clock = clock

    async def run(self) -> None:
        """Look every few seconds until cancelled."""
        await run_periodically(Job("retention", self.look, LOOK_SECONDS))

    async def look(self) -> int:
        """Remove all that is due, in small transactions, and give its room back; of how many rows.

        Before that the tables of the months to come are made, where evidence has them.
        """
        if await self._storage.read(lacks_months, self._clock()):
            await self._storage.write(make_months, self._clock())
        removed = 0
        while (since := await self._storage.read(_due_since, self._clock())) is not None:
            begun = time.monotonic()
            if not await self._storage.write(add_walks, self._clock()):
                step = await self._retention.step()
                removed += step.removed
                if not step.looked:
                    break  # others are at it
            await self._rest(time.monotonic() - begun, self._clock() - since)
        more = await self._storage.read(any_to_give_back)
        while more:
            begun = time.monotonic()
            more = await self._storage.write(give_back_pages)
            await self._rest(time.monotonic() - begun)
        if removed:
            log.info("data that were kept long enough are removed", rows=removed)
        return removed

    async def _rest(self, took: float, due_ms: int = 0) -> None:
        await asyncio.sleep(rest_between_steps(took, due_ms) if self._storage.writers_take_turns else PAUSE_SECONDS)


def rest_between_steps(took: float, due_ms: int = 0) -> float:
    """How many seconds nothing is done after a step that took so many, where leads that come in wait for each step.

    ``due_ms`` is for how long something has been due: what comes in faster than it is removed at leisure is removed
    in haste.
    """
    times = HASTE if due_ms > HASTE_AFTER_MS else LEISURE
    return min(max(took * times, PAUSE_SECONDS), MOST_PAUSE_SECONDS)


def _due_since(conn: sa.Connection, now: int) -> int | None:
    """Since when something is due; ``None`` where nothing is."""
    w, left, p = t.retention_walk.c, t.retention_left.c, t.publisher.c
    known = sa.exists().where(w.publisher_id == p.id, w.kind == DataKind.PERSONAL.value).correlate(t.publisher)
    mails = sa.exists().where(w.publisher_id == "", w.kind == DataKind.MAILS.value)
    new = sa.exists(sa.select(p.id).where(sa.not_(known)))
    walks = sa.select(sa.func.min(w.due_at)).scalar_subquery()
    others = sa.select(sa.func.min(left.look_at)).scalar_subquery()
    columns: list[Any] = [walks, others, sa.or_(sa.not_(mails), new)]
    *due, to_begin = conn.execute(sa.select(*columns)).one()
    found = [each for each in due if each is not None and each <= now]
    return min(found, default=now if to_begin else None)


def _own(conn: sa.Connection, publisher_id: str) -> Own:
    p = t.publisher.c
    row = conn.execute(sa.select(p.retention).where(p.id == publisher_id)).first()
    if row is None:
        raise Problem(
            ProblemType.UNKNOWN_PUBLISHER,
            _("There is no publisher '%(publisher)s'.", publisher=publisher_id),
            (FieldError("publisherId", _("unknown publisher")),),
        )
    return Own.read(row.retention)


def _change(conn: sa.Connection, publisher_id: str, own: Own, now: int, by: str) -> Own:
    before = _own(conn, publisher_id)
    if own == before:
        return own
    p, w = t.publisher.c, t.retention_walk.c
    conn.execute(sa.update(t.publisher).where(p.id == publisher_id).values(retention=own.stored(), changed_at=now))
    conn.execute(sa.update(t.retention_walk).where(w.publisher_id == publisher_id).values(due_at=now))
    terms = [f"personal data {own.personal_days} days"] if own.personal_days else []
    terms += [f"evidence {own.evidence_days} days"] if own.evidence_days else []
    note(conn, now, by, "publisher.retention", publisher_id, ", ".join(terms) or "as usual", publisher_id=publisher_id)
    return own


def figures(conn: sa.Connection, now: int) -> StoredFigures:
    """From the walks, which are a few rows for each publisher, and the sizes that the database knows."""
    w, left = t.retention_walk.c, t.retention_left.c
    columns = (w.kind, sa.func.sum(w.removed), sa.func.min(w.oldest_at), sa.func.min(w.due_at))
    rows = {row[0]: row for row in conn.execute(sa.select(*columns).group_by(w.kind))}
    found = {}
    for kind in DataKind:
        some = sa.select(left.id).where(left.kind == kind.value).limit(MOST_COUNTED).subquery()
        count = conn.scalar(sa.select(sa.func.count()).select_from(some)) or 0
        first = conn.scalar(sa.select(sa.func.min(left.id)).where(left.kind == kind.value))
        walks = [rows[name] for name in (kind.value, *_ALSO.get(kind, ())) if name in rows]
        removed = sum(int(walked[1] or 0) for walked in walks)
        times = [walked[2] for walked in walks] + ([oldest_in_months(conn)] if kind is DataKind.EVIDENCE else [])
        oldest_at = min((each for each in times if each is not None), default=None)
        late = any(walked[3] is not None and walked[3] < now - LATE_MS for walked in walks)
        found[kind] = KeptKind(removed, count, None if first is None else made_at(first), oldest_at, late)
    return StoredFigures(found, room_taken(conn))
