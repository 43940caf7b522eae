"""What a connection's outage set aside goes out by itself once it works again: in batches, behind what waits. All SQL.

``connection.recall_at`` is the mark: none where nothing is set aside so. While the connection fails, one such lead is
tried each :data:`TRY_EVERY`, should no other be due, so that a quiet connection finds out by itself that it works.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.catalogue import from_stored
from leadkeeper.connections.health import Health, health_of, health_selected
from leadkeeper.connections.outage import TELL_AFTER, is_failing
from leadkeeper.delivery.breaker import is_half_open
from leadkeeper.delivery.schedule import HOUR, SECOND, Aside, State, spread
from leadkeeper.diagnosis import Diagnosis, Kind, Outcome
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import announce, one_of
from leadkeeper.storage.looks import any_until_now

BATCH: Final = 1_000
"""The most deliveries called back in one transaction, and the most that wait then: a new lead comes soon after."""
REST: Final = SECOND
"""How long a connection rests between two batches: others take turns."""
TRY_EVERY: Final = HOUR


@dataclass(frozen=True, slots=True)
class Recalled:
    """A connection that was looked at, and how many of its deliveries are due now."""

    connection_id: str
    deliveries: int


def long_failing(health: Health, now: int) -> bool:
    """Whether nothing has got through for so long that people are told of it."""
    return is_failing(health) and health.failing_since is not None and health.failing_since <= now - TELL_AFTER


def mark(conn: sa.Connection, connection_ids: Collection[str], now: int, random_unit: float) -> None:
    """Something was set aside by the outage of these connections."""
    c = t.connection.c
    unmarked = (one_of(conn, c.id, connection_ids), c.recall_at.is_(None))
    conn.execute(sa.update(t.connection).where(*unmarked).values(recall_at=now + spread(TRY_EVERY, random_unit)))


def any_to_recall(conn: sa.Connection, now: int) -> bool:
    """Whether :func:`recall` would find a connection."""
    return bool(_ANY_DUE.scalar(conn, {"now": now}))


def recall(conn: sa.Connection, now: int, random_unit: float) -> Recalled | None:
    """Look at the connection that is due first, if any, and let some of what its outage set aside be due again."""
    c = t.connection.c
    first = sa.select(c.id, c.repeatable, *health_selected()).where(*_due(now)).order_by(c.recall_at, c.id).limit(1)
    row = conn.execute(first.with_for_update(skip_locked=True)).first()
    if row is None:
        return None
    health = health_of(row)
    if is_failing(health) or is_half_open(health):
        count, again = _try_one(conn, row, now), now + spread(TRY_EVERY, random_unit)
    else:
        count, again = _some(conn, row, now), now + REST
    left = conn.scalar(sa.select(sa.exists().where(t.delivery.c.connection_id == row.id, t.BY_OUTAGE)))
    # The one that is tried now is left too: should it fail, it is set aside again, and marks its connection.
    conn.execute(sa.update(t.connection).where(c.id == row.id).values(recall_at=again if left else None))
    if count:
        announce(conn)
    return Recalled(row.id, count)


def _due(now: int) -> tuple[sa.ColumnElement[bool], ...]:
    c = t.connection.c
    return (c.recall_at <= now, sa.not_(t.AT_REST))


_ANY_DUE: Final = any_until_now(t.connection.c.recall_at, sa.not_(t.AT_REST))


def _some(conn: sa.Connection, row: sa.Row[Any], now: int) -> int:
    """Call back as many as there is room for, with their attempts counted anew."""
    d = t.delivery.c
    waiting = sa.select(d.id).where(d.connection_id == row.id, t.READY).limit(BATCH).subquery()
    room = BATCH - (conn.scalar(sa.select(sa.func.count()).select_from(waiting)) or 0)
    return _wait(conn, row, _oldest(conn, row.id, room), now, attempts=0) if room > 0 else 0


def _try_one(conn: sa.Connection, row: sa.Row[Any], now: int) -> int:
    """Call back one, unless another is due soon: its answer will tell as well.

    The reason stays beside it meanwhile, so that it is its connection's fault again should it fail.
    """
    d = t.delivery.c
    soon = sa.exists().where(d.connection_id == row.id, t.READY, d.due_at <= now + TRY_EVERY)
    if conn.scalar(sa.select(soon)):
        return 0
    return _wait(conn, row, _oldest(conn, row.id, 1), now, set_aside_for=Aside.OUTAGE.value)


def _oldest(conn: sa.Connection, connection_id: str, most: int) -> list[str]:
    d = t.delivery.c
    query = sa.select(d.id).where(d.connection_id == connection_id, t.BY_OUTAGE).order_by(d.id).limit(most)
    return list(conn.scalars(query.with_for_update(skip_locked=True)))


def _wait(conn: sa.Connection, row: sa.Row[Any], ids: Collection[str], now: int, **values: object) -> int:
    """They are due now, behind what is due already; how many that are."""
    if not row.repeatable:
        ids = _without_those_that_may_have_arrived(conn, ids)
    due: dict[str, Any] = {"state": State.WAITING.value, "due_at": now, "crash_count": 0, "changed_at": now}
    due |= {"set_aside_for": None, **values}
    conn.execute(sa.update(t.delivery).where(one_of(conn, t.delivery.c.id, ids)).values(due))
    return len(ids)


def _without_those_that_may_have_arrived(conn: sa.Connection, ids: Collection[str]) -> list[str]:
    """The connection can no longer tell twice from once: what it may have got is for a person to look at."""
    d, a = t.delivery.c, t.attempt.c
    unobserved = a.outcome.in_([Outcome.AMBIGUOUS.value, Outcome.OURS.value])
    rows = conn.execute(sa.select(a.delivery_id, a.answer).where(one_of(conn, a.delivery_id, ids), unobserved))
    suspects = {row.delivery_id for row in rows if not _was_never_sent(row.answer)}
    if suspects:
        stay = {"set_aside_for": Aside.MAY_HAVE_ARRIVED.value}
        conn.execute(sa.update(t.delivery).where(one_of(conn, d.id, suspects)).values(stay))
    return [each for each in ids if each not in suspects]


def _was_never_sent(answer: str) -> bool:
    """Whether we found no free connection, or no turn to look its name up: then nothing was sent."""
    summary = from_stored(answer)
    return summary.outcome is Outcome.OURS and isinstance(summary, Diagnosis) and summary.kind is Kind.CONNECTION_FAILED
