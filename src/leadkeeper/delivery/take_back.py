"""What a broken connection refused was not to blame: it waits with the others again, taken back in steps. All SQL."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from leadkeeper.delivery.schedule import State
from leadkeeper.diagnosis import Outcome
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import one_of

STEP: Final = 1_000
"""How many are taken back in one transaction."""

_LAST_OUTCOME: Final = (
    sa.select(t.attempt.c.outcome)
    .where(t.attempt.c.delivery_id == t.delivery.c.id, sa.not_(t.attempt.c.late))
    .order_by(t.attempt.c.id.desc())
    .limit(1)
    .correlate(t.delivery)
    .scalar_subquery()
)
_REFUSED: Final = _LAST_OUTCOME.in_([Outcome.REFUSED.value]) & sa.not_(
    sa.exists().where(t.lead.c.id == t.delivery.c.lead_id, t.lead.c.test).correlate(t.delivery)
)
"""Set aside because the destination refused it, not because it may have arrived or was tried for too long."""


def take_back(conn: sa.Connection, connection_id: str, since: int, now: int) -> None:
    """Let wait what the connection, which has just been found broken, refused from ``since`` on.

    It is the first step; the mark of :mod:`leadkeeper.delivery.hasten` stands until there are no more to go.
    """
    if taken_back(conn, connection_id, since, now):
        c = t.connection.c
        marked = sa.func.coalesce(c.recovered_at, now)
        conn.execute(sa.update(t.connection).where(c.id == connection_id).values(recovered_at=marked))


def taken_back(conn: sa.Connection, connection_id: str, since: int, now: int) -> bool:
    """Take back up to :data:`STEP`; whether there may be more."""
    d = t.delivery.c
    refused = (d.connection_id == connection_id, t.SET_ASIDE, d.changed_at >= since, _REFUSED)
    some = sa.select(d.id).where(*refused).order_by(d.id).limit(STEP).with_for_update(of=t.delivery)
    ids = list(conn.scalars(some))
    if ids:
        # Behind the others, so that each half-open send is of another lead.
        values = {"state": State.WAITING.value, "due_at": now, "changed_at": now}
        conn.execute(sa.update(t.delivery).where(one_of(conn, d.id, ids)).values(values))
    return len(ids) == STEP
