"""Leases: a worker's word that it is alive. What an expired lease holds is returned; its late answers move nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.channels.subscriptions import NOBODY, Subscriptions
from leadkeeper.clock import new_id
from leadkeeper.delivery.record import attempt_row
from leadkeeper.delivery.schedule import MINUTE, SENT_ONCE, Aside, after_crash, stored
from leadkeeper.delivery.telling import tell_of_set_aside
from leadkeeper.diagnosis import AnyKind, Kind
from leadkeeper.storage import tables as t
from leadkeeper.storage.database_clock import by_what_was_seen
from leadkeeper.storage.engine import announce, one_of
from leadkeeper.storage.evidence import insert_attempts
from leadkeeper.storage.looks import NOW, any_row

SWEEP = 500
"""How many deliveries of dead workers are returned in one transaction."""
FORGET = 10 * MINUTE
"""How long a lease that ran out is remembered: a claim that was under way may still be committed under it."""


def open_lease(conn: sa.Connection, until: int, now: int | None = None) -> str:
    """A new lease that runs out at ``until`` (ms) unless it is renewed.

    ``now`` is the time from which ``until`` was reckoned: should another process know better (the database's clock has
    jumped, and we have not looked yet), it runs out as long after that.
    """
    lease_id = new_id()
    begun = until if now is None else by_what_was_seen(conn, now) + until - now
    conn.execute(sa.insert(t.lease).values(id=lease_id, until=begun))
    return lease_id


def renew_lease(conn: sa.Connection, lease_id: str, until: int, now: int) -> bool:
    """Keep the lease until ``until``; false if it ran out: then what it held is somebody else's.

    Reckoned from the time that others know of, as in :func:`open_lease`.
    """
    latest = by_what_was_seen(conn, now)
    this = (t.lease.c.id == lease_id, t.lease.c.until > latest)
    return bool(conn.execute(sa.update(t.lease).where(*this).values(until=latest + until - now)).rowcount)


def close_lease(conn: sa.Connection, lease_id: str, now: int) -> None:
    """End a lease; what it still holds is returned by the next sweep."""
    held = conn.scalar(sa.select(sa.exists().where(t.delivery.c.lease_id == lease_id, t.SENDING)))
    if held:
        conn.execute(sa.update(t.lease).where(t.lease.c.id == lease_id).values(until=now))
    else:
        conn.execute(sa.delete(t.lease).where(t.lease.c.id == lease_id))


_ANY_EXPIRED: Final = any_row(
    (t.lease.c.until <= NOW) | (t.lease.c.until <= sa.select(t.clock.c.seen_at).scalar_subquery())
)


def any_expired(conn: sa.Connection, now: int) -> bool:
    """Whether :func:`sweep_leases` may find something; it alone knows how late it is."""
    return bool(_ANY_EXPIRED.scalar(conn, {"now": now}))


def sweep_leases(conn: sa.Connection, now: int, subscriptions: Subscriptions = NOBODY) -> int:
    """Return up to :data:`SWEEP` deliveries whose lease ran out; answers how many there were.

    Whoever missed that the clock was set back takes nothing from those who live: see :func:`open_lease`.
    """
    d, now = t.delivery.c, by_what_was_seen(conn, now)
    expired = conn.scalars(sa.select(t.lease.c.id).where(t.lease.c.until <= now)).all()
    if not expired:
        return 0
    lost = conn.execute(
        _SENT.where(one_of(conn, d.lease_id, expired)).limit(SWEEP).with_for_update(of=t.delivery, skip_locked=True)
    ).all()
    if lost:
        _return(conn, lost, now, Kind.INTERRUPTED, subscriptions)
        announce(conn)
    elif not conn.scalar(sa.select(sa.exists().where(t.SENDING, one_of(conn, d.lease_id, expired)))):
        conn.execute(sa.delete(t.lease).where(one_of(conn, t.lease.c.id, expired), t.lease.c.until <= now - FORGET))
    return len(lost)


def sweep_forgotten(conn: sa.Connection, now: int, subscriptions: Subscriptions = NOBODY) -> int:
    """The same for deliveries whose lease nobody remembers, as after repairs by hand; looks at all that are sent."""
    unknown = sa.not_(sa.exists().where(t.lease.c.id == t.delivery.c.lease_id).correlate(t.delivery))
    lost = conn.execute(_SENT.where(unknown).limit(SWEEP).with_for_update(of=t.delivery, skip_locked=True)).all()
    if lost:
        _return(conn, lost, by_what_was_seen(conn, now), Kind.INTERRUPTED, subscriptions)
        announce(conn)
    return len(lost)


def return_unrecorded(
    conn: sa.Connection, lease_id: str, delivery_id: str, now: int, subscriptions: Subscriptions = NOBODY
) -> None:
    """Return a delivery that was sent, but whose answer cannot be written down: it may have arrived."""
    this = (t.delivery.c.id == delivery_id, t.delivery.c.lease_id == lease_id)
    lost = conn.execute(_SENT.where(*this).with_for_update(of=t.delivery)).all()
    _return(conn, lost, now, Kind.INTERNAL_ERROR, subscriptions)


_SENT = (
    sa.select(
        t.delivery.c.id,
        t.delivery.c.attempts,
        t.delivery.c.crash_count,
        t.delivery.c.due_at,
        t.connection.c.repeatable,
    )
    .join(t.connection, t.connection.c.id == t.delivery.c.connection_id)
    .where(t.SENDING)
)
_RETURN = (
    sa.update(t.delivery)
    .where(t.delivery.c.id == sa.bindparam("b_id"))
    .values(
        state=sa.bindparam("b_state"),
        due_at=sa.bindparam("b_due_at"),
        crash_count=sa.bindparam("b_lost"),
        set_aside_for=sa.bindparam("b_aside"),
        changed_at=sa.bindparam("b_now"),
        lease_id=None,
    )
)


def _return(conn: sa.Connection, lost: Sequence[Any], now: int, kind: AnyKind, subscriptions: Subscriptions) -> None:
    if not lost:
        return
    rows, attempts = [], []
    for row in lost:
        # The worker would send a test lead over the settings in effect, though it was to prove others.
        once = row.due_at == SENT_ONCE
        step = after_crash(row.attempts, row.crash_count, now, repeatable=row.repeatable and not once, kind=kind)
        values = {"b_state": step.state.value, "b_due_at": step.due_at, "b_lost": step.crash_count}
        rows.append({"b_id": row.id, "b_now": now, "b_aside": None if once else stored(step.aside), **values})
        attempts.append(attempt_row(row.id, now, 0, step.answer, late=False))
    conn.execute(_RETURN, rows)
    insert_attempts(conn, attempts)
    aside = [row["b_id"] for row in rows if row["b_aside"] is not None]
    tell_of_set_aside(conn, subscriptions, aside, Aside.MAY_HAVE_ARRIVED, now)
