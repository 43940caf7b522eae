"""One clock for an installation: what is due, and who holds what, is decided by the database's.

On PostgreSQL that is the server's clock, so machines whose clocks differ agree; on SQLite it is the machine's. Between
two looks at it time goes on by the monotonic clock. When it jumped, what the database holds is moved along, once for
all processes, before anybody lives by the new time: nothing waits for the size of the jump, no lease ends by it, and
an outage has lasted as long as it has.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from leadkeeper.clock import Clock, now_ms
from leadkeeper.logs import LazyLog
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage, announce
from leadkeeper.storage.hot import HotStatement

LOOK_SECONDS: Final = 2.0
JUMP_MS: Final = 2_000
"""Smaller differences are those of slow answers and slewed clocks."""
LATEST_LOOK_MS: Final = 10_000
"""A process that is well has looked within so long: whose time is further ahead of what was seen has missed a jump."""
LATE_LOOKS: Final = 2
"""At so many looks after a clock was set back it is looked again for what was written by the old time."""
_END_OF_TIME: Final = 2**61
"""Moments beyond it stand for never."""
_MINUTE: Final = 60_000
_HOUR: Final = 60 * _MINUTE
LONGEST_DELAYS: Final[Mapping[sa.Column[Any], int]] = {
    t.delivery.c.due_at: 24 * _HOUR,
    t.lease.c.until: 10 * _MINUTE,
    t.connection.c.closed_until: 24 * _HOUR,
    t.connection.c.probe_at: 2 * _HOUR,
    t.connection.c.check_at: 6 * _HOUR,
    t.connection.c.tell_at: 24 * _HOUR,
    t.connection.c.recall_at: 2 * _HOUR,
    t.connection_change.c.due_at: 2 * _MINUTE,
    t.notice.c.due_at: 24 * _HOUR,
    t.operation.c.due_at: 10 * _MINUTE,
    t.contact.c.ask_at: 24 * _HOUR,
    t.channel.c.due_at: 24 * _HOUR,
    t.channel_event.c.due_at: 24 * _HOUR,
    t.retention_walk.c.due_at: 6 * _HOUR,
    t.retention_left.c.look_at: 24 * _HOUR,
    t.reconciliation.c.due_at: 24 * _HOUR,
    t.bulk_run.c.due_at: 2 * _MINUTE,
    t.mail.c.due_at: 26 * _HOUR,
}
"""Every moment at which something is to happen, and the longest (ms) that anybody ever puts it off."""

log: Final = LazyLog(__name__)


class _SetBack(NamedTuple):
    """The clock was set back by ``moved`` ms (below zero), and what was written by the old time is after ``since``."""

    moved: int
    since: int
    looks: int


class DatabaseClock:
    """Tells the time of the database in whole milliseconds since 1970 UTC; the machine's until the first look."""

    def __init__(
        self,
        storage: Storage,
        wall: Clock = now_ms,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._storage = storage
        self._wall = wall
        self._monotonic = monotonic
        self._base = wall()
        self._at = monotonic()
        self._looked = False
        self._set_back: _SetBack | None = None

    def __call__(self) -> int:
        return self._base + int((self._monotonic() - self._at) * 1000)

    @property
    def difference(self) -> int:
        """How many milliseconds this machine's clock is ahead of the database's."""
        return self._wall() - self()

    async def look(self) -> bool:
        """Find out what time it is there; whether it has jumped. To be asked every :data:`LOOK_SECONDS`.

        Raises ``StorageAway``; while the database is away, time goes on as it did.
        """
        begun = self._monotonic()
        found, expected, at = self._compare(await self._storage.read(_server_time), begun)
        calm = self._looked and abs(found - expected) <= JUMP_MS and await self._storage.write(_saw, found)
        moved = 0
        if not calm:
            found, expected, at, moved = await self._storage.write(self._agree)
        if self._looked and expected > found + JUMP_MS:
            self._set_back = _SetBack(found - expected, max(found, self._base), LATE_LOOKS)
        else:
            await self._move_late(found)
        self._base, self._at, self._looked = found, at, True
        if moved:
            log.warning("the clock jumped; what was to come has been moved with it", seconds=moved / 1000)
        return moved != 0

    def _compare(self, server: int | None, begun: float) -> tuple[int, int, float]:
        """What time it is there, asked at ``begun``, what it should be, and when that is by the monotonic clock."""
        at = self._monotonic()
        found = self._wall() if server is None else server + int((at - begun) * 500)
        return found, self._base + int((at - self._at) * 1000), at

    def _agree(self, conn: sa.Connection) -> tuple[int, int, float, int]:
        # The time is read behind the lock: one that was read before another process moved everything is not agreed on.
        seen = _lock(conn)
        begun = self._monotonic()
        found, expected, at = self._compare(_server_time(conn), begun)
        moved = agree(conn, expected, found, seen=seen, first=not self._looked, since=self._base)
        return found, expected, at, moved

    async def _move_late(self, now: int) -> None:
        """What this process had begun to write when it saw that the clock was set back, and wrote after that."""
        if self._set_back is None:
            return
        moved, since, looks = self._set_back
        await self._storage.write(_move_late, moved, now, since)
        self._set_back = _SetBack(moved, since, looks - 1) if looks > 1 else None


def _server_time(conn: sa.Connection) -> int | None:
    """The server's time; ``None`` where the machine's is meant."""
    if conn.dialect.name != "postgresql":
        return None
    return int(conn.scalar(sa.select(_SERVER_TIME)) or 0)


def by_what_was_seen(conn: sa.Connection, now: int) -> int:
    """``now``, or what it can be at most and at least by the time that any process saw last.

    Whoever has not looked since a jump is behind, or ahead by its size. Until the transaction ends nobody moves
    anything along with a jump. Where nobody looks, ``now`` it is.
    """
    seen = conn.scalar(sa.select(t.clock.c.seen_at).with_for_update(read=True)) or 0
    return max(seen, min(now, seen + LATEST_LOOK_MS)) if seen else now


def _saw(conn: sa.Connection, found: int) -> bool:
    """Write down that ``found`` was seen, unless that is no longer the time, or another process saw a later one."""
    return bool(_SAW.run(conn, {"found": found}))


def _lock(conn: sa.Connection) -> int:
    """The time that any process saw last; 0 if nobody has looked. No other looks until the transaction ends."""
    return conn.scalar(sa.select(t.clock.c.seen_at).with_for_update()) or 0


def agree(
    conn: sa.Connection,
    expected: int,
    found: int,
    *,
    seen: int | None = None,
    first: bool = False,
    since: int | None = None,
) -> int:
    """Move what the database holds along with a jump from ``expected`` to ``found``, unless another process has.

    Answers by how much that was. A clock set back while nobody ran is told by what was seen before. One set forward
    makes everything due; only leases, whose holders live, are made longer, and outages not. With ``first`` this process
    has not seen what the time was before: that is what any process saw last, and who held a lease then may still live.
    In a database that nobody has looked at yet (it is new, or that of an older version) what is further ahead than any
    delay allows is due. ``since`` is when this process looked before, by the time that it lived by. ``seen`` is what
    any process saw last, where this transaction holds that row already.
    """
    if seen is None:
        seen = _lock(conn)
    moved = 0
    if seen == 0:
        _make_due(conn, found)
    if first and 0 < seen < found - JUMP_MS:
        _lengthen(conn, seen, found - seen)
    if seen > found + JUMP_MS:
        moved = found - (seen if abs(found - expected) <= JUMP_MS else expected)
        _move_all(conn, moved, found)
    elif found > expected + JUMP_MS and seen < found - JUMP_MS:
        moved = found - expected
        _lengthen(conn, expected, moved)
        _move_outages(conn, moved, t.connection.c.tell_at)
    elif expected > found + JUMP_MS:
        # Another process has moved what there was; what this one wrote since, by the old time, lies in the future.
        _move_late(conn, found - expected, found, max(found, expected if since is None else since))
        _make_due(conn, found)
        announce(conn)
    conn.execute(sa.update(t.clock).values(seen_at=found))
    return moved


_SERVER_TIME: Final = sa.cast(sa.extract("epoch", sa.func.clock_timestamp()) * 1000, sa.BigInteger)


def _saw_statement(dialect: str) -> sa.Update:
    # The usual case in one statement: whoever freezes after it is idle, and the server soon ends its transaction. All
    # workers wait for this row, to renew their leases.
    found = sa.bindparam("found", type_=sa.BigInteger)
    saw = sa.update(t.clock).where(t.clock.c.seen_at > 0, t.clock.c.seen_at <= found + JUMP_MS).values(seen_at=found)
    return saw.where(sa.func.abs(_SERVER_TIME - found) <= JUMP_MS) if dialect == "postgresql" else saw


_SAW: Final = HotStatement(_saw_statement)


def _make_due(conn: sa.Connection, now: int) -> None:
    """Whatever is due later than it can be meant to be was written by a clock that was ahead: it is due now."""
    found = conn.execute(_AHEAD, {"now": now}).one()  # in a new database nothing is, and one statement tells so
    for (column, longest), ahead in zip(LONGEST_DELAYS.items(), found, strict=True):
        if ahead:
            conn.execute(_future(column, now + longest).values({column: now}))
    untried = t.delivery.c.state == sa.literal_column("'pending'")
    conn.execute(_future(t.delivery.c.due_at, now).where(untried).values(due_at=now))


def _lengthen(conn: sa.Connection, then: int, by: int) -> None:
    conn.execute(sa.update(t.lease).where(t.lease.c.until > then).values(until=t.lease.c.until + by))


def _move_all(conn: sa.Connection, moved: int, now: int) -> None:
    """Everything that was to happen after ``now`` happens so much earlier, but not before ``now``."""
    for column in LONGEST_DELAYS:
        earlier = sa.case((column + moved > now, column + moved), else_=now)
        conn.execute(_future(column, now).values({column: earlier}))
    _move_outages(conn, moved)
    # Leads that a connection refused from then on are taken back together, those that it refuses after the jump too.
    c, d = t.connection.c, t.delivery.c
    conn.execute(
        sa.update(t.connection).where(c.refused_since.is_not(None)).values(refused_since=c.refused_since + moved)
    )
    # So it is told what has waited since before a recovery, of the connections that are on their way through it.
    late = (c.id == d.connection_id, c.recovered_at.is_not(None), d.changed_at > c.recovered_at + moved)
    conn.execute(sa.update(t.delivery).where(t.READY, sa.exists().where(*late)).values(changed_at=d.changed_at + moved))
    conn.execute(sa.update(t.connection).where(c.recovered_at.is_not(None)).values(recovered_at=c.recovered_at + moved))


def _move_late(conn: sa.Connection, moved: int, now: int, since: int) -> None:
    """What a process wrote after ``since``, by a time from which others had moved on, happens so much earlier.

    What somebody put off for longer than that by the right time cannot be told from it, and comes earlier, too. No
    lease may end early for this reason: those alone are moved that are longer than any can be.
    """
    for column, longest in LONGEST_DELAYS.items():
        from_ = max(since, now + longest) if column.table is t.lease else since
        earlier = sa.case((column + moved > now, column + moved), else_=now)
        conn.execute(_future(column, from_).values({column: earlier}))
    c = t.connection.c
    for column in (c.failing_since, c.works_since, c.notified_at, c.refused_since, c.recovered_at):
        conn.execute(sa.update(t.connection).where(column > since).values({column: column + moved}))


def _future(column: sa.Column[Any], now: int) -> sa.Update:
    """An update of what is to happen after ``now``."""
    return sa.update(column.table).where(*_after(column, now))


def _after(column: sa.Column[Any], now: int | sa.ColumnElement[int]) -> list[sa.ColumnElement[bool]]:
    """Where ``column`` is to happen after ``now``; of deliveries and events those alone that wait for it."""
    ready = [t.READY] if column.table is t.delivery else [t.WAITING_EVENT] if column.table is t.channel_event else []
    return [column > now, column < _END_OF_TIME, *ready]


_NOW: Final = sa.bindparam("now", type_=sa.BigInteger)
_AHEAD: Final = sa.select(
    *(sa.exists().where(*_after(column, _NOW + longest)) for column, longest in LONGEST_DELAYS.items())
)
"""Of each moment at which something is to happen, whether any is later than its longest delay allows."""


def _move_outages(conn: sa.Connection, moved: int, *more: sa.Column[Any]) -> None:
    """People are told of an outage by how long it has lasted."""
    c = t.connection.c
    since = {column: column + moved for column in (c.failing_since, c.works_since, c.notified_at, *more)}
    conn.execute(sa.update(t.connection).where(c.failing_since.is_not(None)).values(since))
