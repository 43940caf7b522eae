"""How the connections of offers are doing, for lists that show no settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.connections.health import health_of, health_selected
from leadkeeper.connections.last_test import known_of
from leadkeeper.connections.state import ConnectionState, state_of
from leadkeeper.offer import OfferRef
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import listed
from leadkeeper.storage.hot import HotStatement


@dataclass(frozen=True, slots=True)
class ConnectionStanding:
    """How one connection is doing."""

    offer: OfferRef
    name: str
    title: str
    """What people call it."""
    destination: str
    state: ConnectionState


MOST: Final = 500
"""The most connections that a list of offers names."""


def of_offers(conn: sa.Connection, offers: Sequence[OfferRef]) -> list[ConnectionStanding]:
    """The connections of these offers, by offer, in their order, at most :data:`MOST`."""
    rows = _OF_OFFERS.rows(conn, {"offers": [*map(str, offers)]}) if offers else ()
    return [
        ConnectionStanding(
            OfferRef.parse(row.offer_ref),
            row.name,
            row.connection_title,
            row.destination,
            state_of(health_of(row), known_of(row)),
        )
        for row in rows
    ]


def _of_offers(dialect: str) -> sa.Select[Any]:
    c = t.connection.c
    columns = (
        c.offer_ref,
        c.name,
        t.CONNECTION_TITLE,
        c.destination,
        c.tried,
        c.proven,
        c.test_diagnosis,
        *health_selected(),
    )
    query = sa.select(*columns).where(listed(dialect, c.offer_ref, "offers"), c.removed_at.is_(None))
    return query.order_by(c.offer_ref, *t.IN_ORDER).limit(MOST)


_OF_OFFERS: Final = HotStatement(_of_offers)
