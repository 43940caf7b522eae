"""Leads that wait for a connection: taken over by the first one of their offer, tried anew when one is mended."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.clock import new_id
from leadkeeper.offer import OfferRef
from leadkeeper.storage import tables as t

BACKFILL: Final = 1_000
"""How many waiting leads a first connection takes over in one statement."""


def take_over_unrouted(conn: sa.Connection, offer: OfferRef, connection_id: str, now: int) -> None:
    """Give the leads that came while the offer had no connection to this one."""
    unrouted = (
        t.lead.c.publisher_id == offer.publisher_id,
        t.lead.c.offer_id == offer.offer_id,
        t.lead.c.unrouted,
    )
    while ids := conn.scalars(sa.select(t.lead.c.id).where(*unrouted).order_by(t.lead.c.id).limit(BACKFILL)).all():
        rows = [new_delivery(lead_id, connection_id, now) for lead_id in ids]
        conn.execute(sa.insert(t.delivery), rows)
        conn.execute(
            sa.update(t.lead).where(*unrouted, t.lead.c.id >= ids[0], t.lead.c.id <= ids[-1]).values(unrouted=False)
        )


def try_anew(conn: sa.Connection, connection_id: str, now: int) -> None:
    """Let what waits for a retry go out now, among the others in the order in which it came."""
    d = t.delivery.c
    conn.execute(
        sa.update(t.delivery)
        .where(d.connection_id == connection_id, t.READY, d.due_at > now)
        .values(due_at=d.created_at, changed_at=now)
    )


def new_delivery(lead_id: str, connection_id: str, now: int) -> dict[str, Any]:
    """The row of a delivery that begins now."""
    return {
        "id": new_id(),
        "lead_id": lead_id,
        "connection_id": connection_id,
        "state": "pending",
        "due_at": now,
        "attempts": 0,
        "lost": 0,
        "lease_id": None,
        "created_at": now,
        "changed_at": now,
    }
