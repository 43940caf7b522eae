"""A delivery begins, and those that wait begin anew. All SQL, within others' transactions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.catalogue import diagnose, to_stored
from leadkeeper.clock import new_id
from leadkeeper.diagnosis import Evidence, Kind
from leadkeeper.lead import MOST_HOPS
from leadkeeper.offer import OfferRef
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import one_of

BACKFILL: Final = 1_000
"""How many waiting leads a first connection takes over in one statement."""


def take_over_unrouted(conn: sa.Connection, offer: OfferRef, connection_id: str, now: int) -> None:
    """Give the leads that came while the offer had no connection to this one."""
    c = t.lead.c
    unrouted = (c.publisher_id == offer.publisher_id, c.offer_id == offer.offer_id, c.unrouted)
    while leads := conn.execute(sa.select(c.id, c.hops).where(*unrouted).order_by(c.id).limit(BACKFILL)).all():
        rows = [new_delivery(lead.id, connection_id, now) for lead in leads]
        stopped = [stop(row, now, lead.hops) for row, lead in zip(rows, leads, strict=True) if lead.hops > MOST_HOPS]
        conn.execute(sa.insert(t.delivery), rows)
        if stopped:
            conn.execute(sa.insert(t.attempt), stopped)
        conn.execute(
            sa.update(t.lead).where(*unrouted, c.id >= leads[0].id, c.id <= leads[-1].id).values(unrouted=False)
        )


def stop(row: dict[str, Any], now: int, hops: int) -> Mapping[str, Any]:
    """Set the new delivery in ``row`` aside, since its lead was passed on too often; the row that says why."""
    row["state"] = "setAside"
    text = f"passed on {hops} times by installations of Leadkeeper; {MOST_HOPS} are the most"
    summary = diagnose(Kind.PASSED_ON_TOO_OFTEN, Evidence(text=text))
    return {
        "id": new_id(),
        "delivery_id": row["id"],
        "at": now,
        "took_ms": 0,
        "outcome": summary.outcome.value,
        "late": False,
        "answer": to_stored(summary),
    }


def stopped(rows: Sequence[dict[str, Any]], now: int, hops: int) -> list[Mapping[str, Any]]:
    """Set all of ``rows`` aside where their lead was passed on too often; the rows that say why."""
    return [stop(row, now, hops) for row in rows] if hops > MOST_HOPS else []


def try_anew(conn: sa.Connection, connection_id: str, now: int) -> None:
    """Let what waits for a retry go out now, among the others in the order in which it came.

    Those are the first :data:`BACKFILL`; if there are more, workers make them due in steps, as after a recovery: within
    seconds, or minutes for those that have failed through all growing delays.
    """
    c, d = t.connection.c, t.delivery.c
    waiting = (d.connection_id == connection_id, t.READY, d.due_at > now)
    ids = list(conn.scalars(sa.select(d.id).where(*waiting).order_by(d.due_at, d.id).limit(BACKFILL).with_for_update()))
    if not ids:
        return
    due = {"due_at": sa.case((d.created_at < now, d.created_at), else_=now), "changed_at": now}
    conn.execute(sa.update(t.delivery).where(one_of(conn, d.id, ids)).values(due))
    if len(ids) == BACKFILL:
        conn.execute(sa.update(t.connection).where(c.id == connection_id).values(recovered_at=now))


def new_delivery(lead_id: str, connection_id: str, now: int) -> dict[str, Any]:
    """The row of a delivery that begins now."""
    return {
        "id": new_id(),
        "lead_id": lead_id,
        "connection_id": connection_id,
        "state": "pending",
        "due_at": now,
        "attempts": 0,
        "crash_count": 0,
        "lease_id": None,
        "created_at": now,
        "changed_at": now,
    }
