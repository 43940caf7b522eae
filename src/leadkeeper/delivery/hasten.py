"""What waits for a connection that recovers becomes due, in steps: each is a small transaction of its own. All SQL.

``connection.recovered_at`` is the mark, written with the recovery itself: while it stands, deliveries that have waited
since before it are made due by whichever worker looks next. So none is left standing when one dies between steps.
The same mark stands while there is more to take back of what a connection refused before it was found broken, while a
person's word to try it anew has reached the first of many only, and while more leads wait that came before their
offer's first connection.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from leadkeeper.connections.deliveries import take_over_unrouted
from leadkeeper.delivery.schedule import MINUTE, RETRY_DELAYS
from leadkeeper.delivery.take_back import taken_back
from leadkeeper.offer import OfferRef
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import announce, one_of
from leadkeeper.storage.hot import HotStatement

RECOVERY: Final = 1_000
"""Over how many milliseconds the leads of a connection that recovered become due again."""
RECALL: Final = 5 * MINUTE
"""How soon those of them become due that have failed through all growing delays."""
STEP: Final = 1_000
"""How many become due in one transaction."""
MOST: Final = 20
"""How many connections are looked at in one go."""


def recovered(conn: sa.Connection, connection_id: str, now: int) -> None:
    """The connection, whose row this transaction holds, has recovered: the first step, and the mark for the others."""
    # Whatever waits now failed before, also where the clock of whoever wrote that down is ahead.
    left = _step(conn, connection_id, None, now)
    c = t.connection.c
    if left:  # else a mark that stands is left to the next step: it may stand for leads that came before
        unlike = c.recovered_at.is_distinct_from(now)
        conn.execute(sa.update(t.connection).where(c.id == connection_id, unlike).values(recovered_at=now))
    announce(conn)


def hastened(conn: sa.Connection) -> list[str]:
    """Connections for which there are more steps to go."""
    return [row.id for row in _HASTENED.rows(conn, {})]


_HASTENED: Final = HotStatement(
    lambda _: (
        sa.select(t.connection.c.id)
        .where(t.connection.c.recovered_at.is_not(None))
        .order_by(t.connection.c.recovered_at)
        .limit(MOST)
    )
)


def hasten(conn: sa.Connection, connection_id: str, now: int) -> bool:
    """Go one step for the connection, unless another worker does; whether there are more to go."""
    c = t.connection.c
    mine = sa.select(c.recovered_at, c.paused, c.refused_since, c.offer_ref).where(
        c.id == connection_id, c.recovered_at.is_not(None)
    )
    row = conn.execute(mine.with_for_update(skip_locked=True)).first()
    if row is None:
        return False
    left = _step(conn, connection_id, row.recovered_at, now)
    if row.paused and row.refused_since is not None:
        left = taken_back(conn, connection_id, row.refused_since, now) or left
    left = take_over_unrouted(conn, OfferRef.parse(row.offer_ref), connection_id, now, row.recovered_at) or left
    if not left:
        conn.execute(sa.update(t.connection).where(c.id == connection_id).values(recovered_at=None))
    announce(conn, [connection_id])
    return left


def _step(conn: sa.Connection, connection_id: str, since: int | None, now: int) -> bool:
    """Make up to :data:`STEP` due that have waited since before ``since``, or all; whether there are more."""
    d = t.delivery.c
    first = now + RECOVERY // 2
    # Those that failed often may do so by themselves, and connections may recover every second.
    soon = sa.case((d.attempts < len(RETRY_DELAYS), first), else_=now + RECALL)
    # What failed after the recovery was changed after it, and keeps its delay. The first condition is for the index.
    before = () if since is None else (d.changed_at <= since,)
    waiting = (d.connection_id == connection_id, t.READY, d.due_at > first, d.due_at > soon, *before)
    some = sa.select(d.id).where(*waiting).order_by(d.due_at, d.id).limit(STEP).with_for_update(skip_locked=True)
    ids = list(conn.scalars(some))
    if ids:
        conn.execute(sa.update(t.delivery).where(one_of(conn, d.id, ids)).values(due_at=soon, changed_at=now))
    # Those that somebody else holds right now are not taken, but they are there.
    return bool(conn.scalar(sa.select(sa.exists().where(*waiting))))
