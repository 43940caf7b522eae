"""Where the leads of an offer go: read in the very transaction that keeps them, never from a cache."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.delivery.due import OPEN, UNPROVEN
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import listed
from leadkeeper.storage.hot import HotStatement


@dataclass(frozen=True, slots=True)
class RouteConnection:
    """A connection that gets the offer's leads now."""

    id: str
    name: str
    paused: bool
    announces: str = "none"
    generation: int = 0
    sends: bool = False
    """Leads may be sent over it now, under the lease that was asked for."""


@dataclass(frozen=True, slots=True)
class Route:
    """An offer as intake sees it."""

    live: bool
    previewed: bool
    suspended: bool
    connections: tuple[RouteConnection, ...]
    title: str = ""
    publisher_name: str = ""
    """As destinations are told them; empty unless a lease was asked for."""


_ROUTES: sa.Select[Any] = (
    sa.select(
        t.offer.c.ref,
        t.offer.c.live,
        t.offer.c.preview_version.is_not(None).label("previewed"),
        sa.exists()
        .where(t.publisher.c.id == t.offer.c.publisher_id, t.publisher.c.suspended_at.is_not(None))
        .label("suspended"),
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


def _routes_of(dialect: str) -> sa.Select[Any]:
    return _ROUTES.where(listed(dialect, t.offer.c.ref, "offers"))


def _routes_under_lease(dialect: str) -> sa.Select[Any]:
    # A lease that is forgotten would hold what is claimed under it for ever.
    known = sa.exists().where(t.lease.c.id == sa.bindparam("lease"))
    name = sa.select(t.publisher.c.display_name).where(t.publisher.c.id == t.offer.c.publisher_id).scalar_subquery()
    sends = sa.and_(known, *OPEN, sa.not_(UNPROVEN))
    return _routes_of(dialect).add_columns(t.connection.c.generation, sends, t.offer.c.title, name)


_ROUTES_ALONE: Final = HotStatement(_routes_of)
_ROUTES_UNDER_LEASE: Final = HotStatement(_routes_under_lease)


def read_routes(conn: sa.Connection, offers: Collection[str], lease_id: str, now: int) -> dict[str, Route]:
    """The routes of those of ``offers`` (``publisher.offer``) that exist. Call ``share_routes`` before.

    With a ``lease_id`` also what may be claimed under it at ``now`` (ms), and what destinations are told of the offer.
    """
    given: dict[str, Any] = {"offers": list(offers)}
    if lease_id:
        rows = _ROUTES_UNDER_LEASE.rows(conn, {**given, "lease": lease_id, "now": now})
    else:
        rows = _ROUTES_ALONE.rows(conn, given)
    found: dict[str, tuple[Any, list[RouteConnection]]] = {}
    for ref, live, previewed, suspended, connection_id, *facts in rows:
        _, connections = found.setdefault(ref, ((live, previewed, suspended, facts[5:]), []))
        if connection_id is not None:
            connections.append(RouteConnection(connection_id, *facts[:5]))
    return {
        ref: Route(live, previewed, bool(suspended), tuple(connections), *names)
        for ref, ((live, previewed, suspended, names), connections) in found.items()
    }
