"""Whether what a request names is there, within the transaction that goes on to use it."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.offer import OfferRef
from leadkeeper.problem import unknown_offer
from leadkeeper.storage import tables as t

_ONE: Final[sa.ColumnElement[Any]] = sa.literal_column("1")
# Made once: to make a statement costs several times what it costs to run it.
_OFFER: Final[sa.Select[Any]] = sa.select(_ONE).where(t.offer.c.ref == sa.bindparam("offer"))
_SUSPENDED: Final[sa.Select[Any]] = sa.select(_ONE).where(
    t.publisher.c.id == sa.bindparam("publisher"), t.publisher.c.suspended_at.is_not(None)
)
_PUBLISHER_NAME: Final[sa.Select[Any]] = sa.select(t.publisher.c.display_name).where(
    t.publisher.c.id == sa.bindparam("publisher")
)
_PUBLISHER: Final[sa.Select[Any]] = sa.select(_ONE).where(t.publisher.c.id == sa.bindparam("publisher"))


def require_offer(conn: sa.Connection, offer: OfferRef) -> None:
    """Raise :class:`~leadkeeper.problem.Problem` for an offer that does not exist."""
    if not conn.scalar(_OFFER, {"offer": str(offer)}):
        raise unknown_offer(offer)


def is_suspended(conn: sa.Connection, publisher_id: str) -> bool:
    """Whether an operator suspended this publisher."""
    return bool(conn.scalar(_SUSPENDED, {"publisher": publisher_id}))


def publisher_name(conn: sa.Connection, publisher_id: str) -> str:
    """What people call the publisher; empty where there is no such one."""
    return conn.scalar(_PUBLISHER_NAME, {"publisher": publisher_id}) or ""


def publisher_exists(conn: sa.Connection, publisher_id: str) -> bool:
    """Whether there is such a publisher."""
    return bool(conn.scalar(_PUBLISHER, {"publisher": publisher_id}))
