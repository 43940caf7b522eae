"""The connections of everybody by their state, as the database finds them: see :func:`connections.state.state_of`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.clock import to_text
from leadkeeper.connections.health import OPEN_AFTER, health_of, health_selected
from leadkeeper.connections.last_test import known_of
from leadkeeper.connections.own import of_publisher
from leadkeeper.connections.state import ConnectionState, since_of, state_of
from leadkeeper.offer import OfferRef
from leadkeeper.storage import tables as t

_C: Final = t.connection.c
STATE: Final[sa.Case[Any]] = sa.case(
    (_C.paused_by_person, ConnectionState.PAUSED.value),
    (_C.paused, ConnectionState.BROKEN.value),
    (_C.notified_at.is_not(None) & _C.works_since.is_(None), ConnectionState.BROKEN.value),
    ((_C.failures >= OPEN_AFTER) | _C.test_diagnosis.is_not(None), ConnectionState.BROKEN.value),
    (_C.proven, ConnectionState.WORKING.value),
    (_C.tried, ConnectionState.UNCONFIRMED.value),
    else_=ConnectionState.NOT_TRIED.value,
)
"""A connection's state, in a query over its row."""
_UNWELL: Final = frozenset({ConnectionState.BROKEN, ConnectionState.PAUSED})


@dataclass(frozen=True, slots=True)
class ListedConnection:
    """A connection in a list of everybody's. ``since`` is when it broke or began to fail, where that is known."""

    id: str
    offer: OfferRef
    offer_title: str
    name: str
    title: str
    """What people call it."""
    destination: str
    state: ConnectionState
    since: str | None
    suspended: bool


def connections_by_state(
    conn: sa.Connection,
    now: int,
    *,
    publisher_id: str | None = None,
    state: ConnectionState | None = None,
    after: tuple[str, str] | None = None,
    limit: int = 50,
) -> list[ListedConnection]:
    """Up to ``limit`` connections, by offer and name behind ``after``: of one publisher, in one state, or all."""
    columns = (
        _C.id,
        _C.offer_ref,
        t.offer.c.title.label("offer_title"),
        _C.name,
        t.CONNECTION_TITLE,
        _C.destination,
        _C.tried,
        _C.proven,
        _C.test_diagnosis,
        _C.suspended,
    )
    query = sa.select(*columns, *health_selected()).outerjoin(t.offer, t.offer.c.ref == _C.offer_ref)
    query = query.where(_C.removed_at.is_(None))
    if publisher_id is not None:
        query = query.where(of_publisher(conn, publisher_id))
    if state is not None:
        query = query.where(STATE.in_([state.value]))
    if state in _UNWELL:
        query = query.where(t.UNWELL)
    if after is not None:
        offer, name = after
        query = query.where((_C.offer_ref > offer) | ((_C.offer_ref == offer) & (_C.name > name)))
    return [_listed(row, now) for row in conn.execute(query.order_by(_C.offer_ref, _C.name).limit(limit))]


def _listed(row: sa.Row[Any], now: int) -> ListedConnection:
    health, known = health_of(row), known_of(row)
    since = since_of(health, known, now)
    return ListedConnection(
        id=row.id,
        offer=OfferRef.parse(row.offer_ref),
        offer_title=row.offer_title or "",
        name=row.name,
        title=row.connection_title,
        destination=row.destination,
        state=state_of(health, known),
        since=None if since is None else to_text(since),
        suspended=row.suspended,
    )
