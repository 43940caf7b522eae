"""Which connections need somebody, for lists that show no settings."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from leadkeeper.connections.expiry import REMIND_DAYS
from leadkeeper.connections.health import health_of, health_selected
from leadkeeper.connections.last_test import known_of
from leadkeeper.connections.outbox import DAY_MS
from leadkeeper.connections.own import of_publisher
from leadkeeper.connections.state import ConnectionState, state_of
from leadkeeper.offer import OfferRef
from leadkeeper.storage import tables as t


@dataclass(frozen=True, slots=True)
class Standing:
    """How one connection is doing."""

    offer: OfferRef
    name: str
    state: ConnectionState


@dataclass(frozen=True, slots=True)
class Ending:
    """A connection whose credentials end soon: when (ms)."""

    offer: OfferRef
    name: str
    ends_at: int


def ending(conn: sa.Connection, publisher_id: str | None, now: int, limit: int) -> list[Ending]:
    """The connections of one publisher, or of all, whose credentials end within the days of the first reminder.

    Those that end first come first, at most ``limit``; what has ended is among them.
    """
    c = t.connection.c
    soon = (c.ends_at.is_not(None), c.ends_at <= now + max(REMIND_DAYS) * DAY_MS, c.removed_at.is_(None))
    query = sa.select(c.offer_ref, c.name, c.ends_at).where(*soon)
    if publisher_id is not None:
        query = query.where(of_publisher(conn, publisher_id))
    rows = conn.execute(query.order_by(c.ends_at, c.id).limit(limit))
    return [Ending(OfferRef.parse(row.offer_ref), row.name, row.ends_at) for row in rows]


def troubled(conn: sa.Connection, publisher_id: str | None, limit: int) -> list[Standing]:
    """The connections of one publisher, or of all, that need somebody, by offer and name; at most ``limit``.

    Those that are broken, paused or in trouble, and those that wait for somebody's word on a test lead.
    """
    c = t.connection.c
    ill = t.PAUSED | (c.failures > 0) | (c.refusals > 0) | (c.throttles > 0)
    ill |= c.test_diagnosis.is_not(None) | c.notified_at.is_not(None) | (c.tried & sa.not_(c.proven))
    columns = (c.offer_ref, c.name, c.tried, c.proven, c.test_diagnosis, *health_selected())
    query = sa.select(*columns).where(c.removed_at.is_(None), ill)
    if publisher_id is not None:
        query = query.where(of_publisher(conn, publisher_id))
    rows = conn.execute(query.order_by(c.offer_ref, c.name).limit(limit))
    return [Standing(OfferRef.parse(row.offer_ref), row.name, state_of(health_of(row), known_of(row))) for row in rows]
