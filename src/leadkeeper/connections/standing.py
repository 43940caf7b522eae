"""Which connections need somebody, for lists that show no settings."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from leadkeeper.connections.health import HealthState, health_of, health_selected
from leadkeeper.connections.own import of_publisher
from leadkeeper.offer import OfferRef
from leadkeeper.storage import tables as t


@dataclass(frozen=True, slots=True)
class Standing:
    """How one connection is doing."""

    offer: OfferRef
    name: str
    state: HealthState


def troubled(conn: sa.Connection, publisher_id: str | None, now: int, limit: int) -> list[Standing]:
    """The connections of one publisher, or of all, that are not healthy, by offer and name; at most ``limit``."""
    c = t.connection.c
    ill = c.paused | c.paused_by_person | (c.failures > 0) | (c.refusals > 0) | (c.throttles > 0)
    query = sa.select(c.offer_ref, c.name, *health_selected()).where(c.removed_at.is_(None), ill)
    if publisher_id is not None:
        query = query.where(of_publisher(conn, publisher_id))
    rows = conn.execute(query.order_by(c.offer_ref, c.name).limit(limit))
    return [Standing(OfferRef.parse(row.offer_ref), row.name, health_of(row).state(now)) for row in rows]
