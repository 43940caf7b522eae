"""Where the leads of an offer go: read in the very transaction that keeps them, never from a cache."""

from __future__ import annotations

import functools
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import listed


@dataclass(frozen=True, slots=True)
class RouteConnection:
    """A connection that gets the offer's leads now."""

    id: str
    name: str
    paused: bool
    announces: str = "none"


@dataclass(frozen=True, slots=True)
class Route:
    """An offer as intake sees it."""

    live: bool
    previewed: bool
    connections: tuple[RouteConnection, ...]


_ROUTES: sa.Select[Any] = (
    sa.select(
        t.offer.c.ref,
        t.offer.c.live,
        t.offer.c.preview_version.is_not(None).label("previewed"),
        t.connection.c.id,
        t.connection.c.name,
        t.PAUSED.label("paused"),
        t.connection.c.announces,
    )
    .select_from(
        t.offer.outerjoin(
            t.connection, (t.connection.c.offer_ref == t.offer.c.ref) & t.connection.c.removed_at.is_(None)
        )
    )
    .order_by(t.connection.c.id)
)


@functools.cache
def _routes_of(dialect: str) -> sa.Select[Any]:
    return _ROUTES.where(listed(dialect, t.offer.c.ref, "offers"))


def read_routes(conn: sa.Connection, offers: Collection[str]) -> dict[str, Route]:
    """The routes of those of ``offers`` (``publisher.offer``) that exist. Call ``share_routes`` before."""
    open_to: dict[str, tuple[bool, bool]] = {}
    connections: dict[str, list[RouteConnection]] = {}
    rows = conn.execute(_routes_of(conn.dialect.name), {"offers": list(offers)})
    for ref, live, previewed, connection_id, name, paused, announces in rows:
        open_to[ref] = (live, previewed)
        found = connections.setdefault(ref, [])
        if connection_id is not None:
            found.append(RouteConnection(connection_id, name, paused, announces))
    return {ref: Route(*who, tuple(connections[ref])) for ref, who in open_to.items()}
