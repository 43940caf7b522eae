"""What has not arrived yet: how much of it there is, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from leadkeeper.storage import tables as t


@dataclass(frozen=True, slots=True)
class Backlog:
    """Deliveries by what they wait for. Times in milliseconds since 1970, ``None`` where there is nothing.

    ``waiting``: go out by themselves; the oldest came at ``oldest_at``, the most overdue one was due at ``due_at``.
    ``held``: their connection is paused or removed. ``set_aside``: a person must act, save on those ``by_outage``,
    which go out by themselves once their connection works. ``unrouted``: leads whose offer has no connection yet.
    """

    waiting: int
    oldest_at: int | None
    due_at: int | None
    held: int
    set_aside: int
    by_outage: int
    unrouted: int


def backlog(conn: sa.Connection) -> Backlog:
    """The backlog of the whole installation; reads only the partial indexes of what has not arrived."""
    d, c = t.delivery.c, t.connection.c
    with_connection = t.delivery.join(t.connection, c.id == d.connection_id)
    ready = sa.select(sa.func.count(), sa.func.min(d.created_at), sa.func.min(d.due_at)).select_from(with_connection)
    waiting, oldest_at, due_at = conn.execute(ready.where(t.READY, sa.not_(t.AT_REST))).one()
    return Backlog(
        waiting=waiting,
        oldest_at=oldest_at,
        due_at=due_at,
        held=_count(conn, with_connection, t.READY, t.AT_REST),
        set_aside=_count(conn, t.delivery, t.SET_ASIDE),
        by_outage=_count(conn, t.delivery, t.BY_OUTAGE),
        unrouted=_count(conn, t.lead, t.lead.c.unrouted),
    )


def _count(conn: sa.Connection, table: sa.FromClause, *conditions: Any) -> int:
    return conn.scalar(sa.select(sa.func.count()).select_from(table).where(*conditions)) or 0
