"""A delivery begins, and those that wait begin anew. All SQL, within others' transactions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.catalogue import diagnose, to_parts
from leadkeeper.clock import new_id
from leadkeeper.diagnosis import Evidence, Kind
from leadkeeper.lead import MOST_HOPS
from leadkeeper.offer import OfferRef
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import insert_rows, one_of
from leadkeeper.storage.evidence import EVIDENCE, insert_attempts
from leadkeeper.texts import _, lazy_gettext

BACKFILL: Final = 1_000
"""How many waiting leads a first connection takes over in one transaction."""


def begin_to_take_over(conn: sa.Connection, offer: OfferRef, connection_id: str, now: int) -> None:
    """The first step of :func:`take_over_unrouted`, and the mark for the others."""
    if take_over_unrouted(conn, offer, connection_id, now, now):
        conn.execute(sa.update(t.connection).where(t.connection.c.id == connection_id).values(recovered_at=now))


def take_over_unrouted(conn: sa.Connection, offer: OfferRef, connection_id: str, now: int, since: int) -> bool:
    """Give leads that came while the offer had no connection to this one; whether there are more to give to it.

    Those are up to :data:`BACKFILL`; workers go on in steps while ``connection.recovered_at`` stands, here ``since``.
    All that the offer's first connection has begun to take are its own, also when another comes before it is done.
    """
    if conn.scalar(_TAKEN_BY_ANOTHER, {"offer": str(offer), "this": connection_id, "since": since}):
        return False
    whose = {"publisher": offer.publisher_id, "offer": offer.offer_id}
    leads = conn.execute(_UNROUTED, whose).all()
    if leads:
        rows = [new_delivery(lead.id, connection_id, now) for lead in leads]
        stopped = [stop(row, now, lead.hops) for row, lead in zip(rows, leads, strict=True) if lead.hops > MOST_HOPS]
        insert_rows(conn, t.delivery, rows)
        insert_attempts(conn, stopped)
        ids = [lead.id for lead in leads]
        conn.execute(sa.update(t.lead).where(one_of(conn, t.lead.c.id, ids)).values(unrouted=False))
    return bool(conn.scalar(_ANY_UNROUTED, whose))


def _unrouted(*what: sa.ColumnElement[Any]) -> sa.Select[Any]:
    c = t.lead.c
    return sa.select(*what).where(
        c.publisher_id == sa.bindparam("publisher"), c.offer_id == sa.bindparam("offer"), c.unrouted
    )


# Made once: to make a statement costs several times what it costs to run it.
_UNROUTED: Final = (
    _unrouted(t.lead.c.id, t.lead.c.hops).order_by(t.lead.c.id).limit(BACKFILL).with_for_update(skip_locked=True)
)
_ANY_UNROUTED: Final = sa.select(_unrouted(sa.literal_column("1")).exists())
_TAKEN_BY_ANOTHER: Final = sa.select(
    sa.exists().where(
        t.connection.c.offer_ref == sa.bindparam("offer"),
        t.connection.c.id != sa.bindparam("this"),
        t.connection.c.recovered_at < sa.bindparam("since", type_=sa.BigInteger),
    )
)


_PASSED_ON: Final = _("passed on %(hops)s times by installations of Leadkeeper; %(most)s are the most")


def stop(row: dict[str, Any], now: int, hops: int) -> Mapping[str, Any]:
    """Set the new delivery in ``row`` aside, since its lead was passed on too often; the row that says why."""
    row["state"] = "setAside"
    text = lazy_gettext(_PASSED_ON, hops=hops, most=MOST_HOPS)
    summary = diagnose(Kind.PASSED_ON_TOO_OFTEN, Evidence(text=text))
    answer, evidence = to_parts(summary)
    return {
        "id": new_id(),
        "delivery_id": row["id"],
        "at": now,
        "took_ms": 0,
        "outcome": summary.outcome.value,
        "late": False,
        "answer": answer,
        EVIDENCE: evidence,
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
