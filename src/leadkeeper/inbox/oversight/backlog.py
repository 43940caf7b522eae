"""What has not arrived yet: how much of it there is, and for how long. Pages, API, metrics and doctor ask here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from leadkeeper.delivery.due import ready_connections
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import one_of

MOST_CONNECTIONS: Final = 2_000
"""Over how many connections with leads waiting a page looks which lead waits longest."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """The deliveries that have not ended, by what they wait for. More than were to be counted of a kind are not.

    Those *waiting* go out by themselves: ``due`` now, the most overdue since ``due_at``, or ``later``, at their next
    attempt; the lead that waits longest of them came at ``oldest_at``. ``held``: their connection is at rest.
    ``sending``: workers hold them. ``set_aside``: a person must act, save on those ``by_outage``, which go out by
    themselves once their connection works. ``unrouted``: leads whose offer has no connection yet. ``complete``: all
    connections with leads waiting were looked at. Times in milliseconds since 1970, ``None`` where there is nothing.
    """

    due: int
    later: int
    held: int
    sending: int
    set_aside: int
    by_outage: int
    unrouted: int
    due_at: int | None
    oldest_at: int | None
    complete: bool

    @property
    def waiting(self) -> int:
        """Those that go out by themselves, now or later."""
        return self.due + self.later


def backlog(conn: sa.Connection, now: int, most: int, connections: int = MOST_CONNECTIONS) -> Backlog:
    """The backlog of the whole installation at ``now`` (ms); reads partial indexes of what has not arrived alone.

    At most one more than ``most`` of a kind are counted, over the first ``connections`` with leads waiting.
    """
    d, c = t.delivery.c, t.connection.c
    moving, at_rest, complete = _ready(conn, connections)
    ready, held = one_of(conn, d.connection_id, moving) & t.READY, one_of(conn, d.connection_id, at_rest) & t.READY
    first = (
        sa.select(d.due_at).where(d.connection_id == c.id, t.READY).order_by(d.due_at).limit(1).correlate(t.connection)
    )
    due_at = conn.scalar(
        sa.select(sa.func.min(first.scalar_subquery())).select_from(t.connection).where(one_of(conn, c.id, moving))
    )
    oldest = sa.select(d.created_at).where(ready).limit(most + 1).subquery()
    unrouted = sa.select(t.lead.c.id).where(t.lead.c.unrouted).limit(most + 1)
    return Backlog(
        due=_some(conn, ready & (d.due_at <= now), most),
        later=_some(conn, ready & (d.due_at > now), most),
        held=_some(conn, held, most),
        sending=_some(conn, t.SENDING, most),
        set_aside=_some(conn, t.SET_ASIDE, most),
        by_outage=_some(conn, t.BY_OUTAGE, most),
        unrouted=counted_rows(conn, unrouted.subquery()),
        due_at=due_at if due_at is not None and due_at <= now else None,
        oldest_at=conn.scalar(sa.select(sa.func.min(oldest.c.created_at))),
        complete=complete,
    )


def waiting_for_workers(conn: sa.Connection, most: int) -> int:
    """How many deliveries a worker would send, now or by and by; at most one more than ``most``."""
    moving, _at_rest, _complete = _ready(conn, MOST_CONNECTIONS)
    return _some(conn, one_of(conn, t.delivery.c.connection_id, moving) & t.READY, most)


def counted_rows(conn: sa.Connection, some: sa.FromClause) -> int:
    """How many rows there are."""
    return conn.scalar(sa.select(sa.func.count()).select_from(some)) or 0


def _ready(conn: sa.Connection, most: int) -> tuple[list[str], list[str], bool]:
    """The connections with leads waiting: those that work, those at rest, and whether these are all."""
    c = t.connection.c
    which = c.id.in_(sa.select(ready_connections().c.id).limit(most + 1))
    found = conn.execute(sa.select(c.id, t.AT_REST.label("at_rest")).where(which).limit(most + 1)).all()
    moving = [row.id for row in found if not row.at_rest]
    return moving, [row.id for row in found if row.at_rest], len(found) <= most


def _some(conn: sa.Connection, those: sa.ColumnElement[bool], most: int) -> int:
    return counted_rows(conn, sa.select(t.delivery.c.id).where(those).limit(most + 1).subquery())
