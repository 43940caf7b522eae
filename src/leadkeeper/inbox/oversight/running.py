"""What runs and what waits: processes, leases, the queue, how fast leads come and go. From what is kept anyway.

What it costs is bounded: no more rows of anything are looked at than :data:`MOST_COUNTED`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from leadkeeper.clock import least_id
from leadkeeper.inbox.oversight.backlog import Backlog, backlog, counted_rows
from leadkeeper.storage import tables as t
from leadkeeper.storage.presence import Running, running

MOST_COUNTED: Final = 10_000
"""More than so many of anything are not counted."""
MINUTES: Final = 5
"""Rates are those of so many minutes."""


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
    queue: Backlog
    came: int
    sends: Mapping[str, int]


def running_now(conn: sa.Connection, now: int) -> RunningNow:
    """What runs at ``now`` (ms)."""
    came, sends = _rates(conn, now)
    return RunningNow(now, running(conn, now), _leases(conn), backlog(conn, now, MOST_COUNTED), came, sends)


def _rates(conn: sa.Connection, now: int) -> tuple[int, dict[str, int]]:
    since, a = least_id(now - MINUTES * 60_000), t.attempt.c
    leads = sa.select(t.lead.c.id).where(t.lead.c.id >= since).limit(MOST_COUNTED + 1).subquery()
    some = sa.select(a.outcome).where(a.id >= since).limit(MOST_COUNTED + 1).subquery()
    outcomes = sa.select(some.c.outcome, sa.func.count()).group_by(some.c.outcome).order_by(some.c.outcome)
    return counted_rows(conn, leads), {row[0]: row[1] for row in conn.execute(outcomes)}


def _leases(conn: sa.Connection) -> list[Lease]:
    leases = conn.execute(sa.select(t.lease.c.id, t.lease.c.until).order_by(t.lease.c.id).limit(MOST_COUNTED)).all()
    d = t.delivery.c
    held = sa.select(d.lease_id).where(t.SENDING).limit(MOST_COUNTED + 1).subquery()
    by_lease = sa.select(held.c.lease_id, sa.func.count()).group_by(*held.c)
    counts = {row[0]: row[1] for row in conn.execute(by_lease)}
    return [Lease(row.id, row.until, counts.get(row.id, 0)) for row in leases]
