"""What runs and what waits: processes, leases, the queue, how fast leads come and go. From what is kept anyway.

What it costs is bounded: no more rows of anything are looked at than :data:`MOST_COUNTED`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from leadkeeper.clock import least_id
from leadkeeper.delivery.due import ready_connections
from leadkeeper.storage import tables as t
from leadkeeper.storage.presence import Running, running

MOST_COUNTED: Final = 10_000
"""More than so many of anything are not counted."""
MOST_CONNECTIONS: Final = 2_000
"""Over how many connections with leads waiting it is looked at which lead waits longest."""
MINUTES: Final = 5
"""Rates are those of so many minutes."""


@dataclass(frozen=True, slots=True)
class Queue:
    """The deliveries that have not ended; more than :data:`MOST_COUNTED` of a kind are not counted. Times in ms.

    ``due``: they go out now; the most overdue was due at ``due_at``. ``later``: they wait for their next attempt.
    ``held``: their connection is at rest. The lead that waits longest of those not held came at ``oldest_at``.
    ``sending``: workers hold them. ``complete``: all connections were looked at.
    """

    due: int
    later: int
    held: int
    sending: int
    set_aside: int
    due_at: int | None
    oldest_at: int | None
    complete: bool


@dataclass(frozen=True, slots=True)
class Lease:
    """A worker's word that it is alive: until when (ms) it holds ``deliveries``."""

    id: str
    until: int
    deliveries: int


@dataclass(frozen=True, slots=True)
class RunningNow:
    """What runs at ``now`` (ms). ``came`` leads were kept in the last :data:`MINUTES`, ``sends`` ended, by outcome.

    Of both no more than :data:`MOST_COUNTED` are counted.
    """

    now: int
    processes: Sequence[Running]
    leases: Sequence[Lease]
    queue: Queue
    came: int
    sends: Mapping[str, int]


def running_now(conn: sa.Connection, now: int) -> RunningNow:
    """What runs at ``now`` (ms)."""
    came, sends = _rates(conn, now)
    return RunningNow(now, running(conn, now), _leases(conn), _queue(conn, now), came, sends)


def waiting_for_workers(conn: sa.Connection) -> int:
    """How many deliveries a worker would send, now or by and by; at most one more than are counted."""
    c, d = t.connection.c, t.delivery.c
    ready = sa.select(ready_connections().c.id).limit(MOST_CONNECTIONS)
    ids = conn.scalars(sa.select(c.id).where(c.id.in_(ready), sa.not_(t.AT_REST))).all()
    return _some(conn, d.connection_id.in_(ids), t.READY)


def _rates(conn: sa.Connection, now: int) -> tuple[int, dict[str, int]]:
    since, a = least_id(now - MINUTES * 60_000), t.attempt.c
    leads = sa.select(t.lead.c.id).where(t.lead.c.id >= since).limit(MOST_COUNTED + 1).subquery()
    some = sa.select(a.outcome).where(a.id >= since).limit(MOST_COUNTED + 1).subquery()
    outcomes = sa.select(some.c.outcome, sa.func.count()).group_by(some.c.outcome).order_by(some.c.outcome)
    return _size(conn, leads), {row[0]: row[1] for row in conn.execute(outcomes)}


def _leases(conn: sa.Connection) -> list[Lease]:
    leases = conn.execute(sa.select(t.lease.c.id, t.lease.c.until).order_by(t.lease.c.id).limit(MOST_COUNTED)).all()
    d = t.delivery.c
    held = sa.select(d.lease_id).where(t.SENDING).limit(MOST_COUNTED + 1).subquery()
    by_lease = sa.select(held.c.lease_id, sa.func.count()).group_by(*held.c)
    counts = {row[0]: row[1] for row in conn.execute(by_lease)}
    return [Lease(row.id, row.until, counts.get(row.id, 0)) for row in leases]


def _queue(conn: sa.Connection, now: int) -> Queue:
    d, c = t.delivery.c, t.connection.c
    found = conn.execute(
        sa.select(c.id, t.AT_REST.label("at_rest"))
        .where(c.id.in_(sa.select(ready_connections().c.id).limit(MOST_CONNECTIONS + 1)))
        .limit(MOST_CONNECTIONS + 1)
    ).all()
    ids = {True: [row.id for row in found if row.at_rest], False: [row.id for row in found if not row.at_rest]}
    moving = (d.connection_id.in_(ids[False]), t.READY)
    first = (
        sa.select(d.due_at).where(d.connection_id == c.id, t.READY).order_by(d.due_at).limit(1).correlate(t.connection)
    )
    due_at = conn.scalar(
        sa.select(sa.func.min(first.scalar_subquery())).select_from(t.connection).where(c.id.in_(ids[False]))
    )
    oldest = sa.select(d.created_at).where(*moving).limit(MOST_COUNTED + 1).subquery()
    return Queue(
        due=_some(conn, *moving, d.due_at <= now),
        later=_some(conn, *moving, d.due_at > now),
        held=_some(conn, d.connection_id.in_(ids[True]), t.READY),
        sending=_some(conn, t.SENDING),
        set_aside=_some(conn, t.SET_ASIDE),
        due_at=due_at if due_at is not None and due_at <= now else None,
        oldest_at=conn.scalar(sa.select(sa.func.min(oldest.c.created_at))),
        complete=len(found) <= MOST_CONNECTIONS,
    )


def _some(conn: sa.Connection, *those: sa.ColumnElement[bool]) -> int:
    return _size(conn, sa.select(t.delivery.c.id).where(*those).limit(MOST_COUNTED + 1).subquery())


def _size(conn: sa.Connection, some: sa.FromClause) -> int:
    return conn.scalar(sa.select(sa.func.count()).select_from(some)) or 0
