"""Whether what a request names is there, within the transaction that goes on to use it."""

from __future__ import annotations

import sqlalchemy as sa

from leadkeeper.offer import OfferRef
from leadkeeper.problem import unknown_offer
from leadkeeper.storage import tables as t


def require_offer(conn: sa.Connection, offer: OfferRef) -> None:
    """Raise :class:`~leadkeeper.problem.Problem` for an offer that does not exist."""
    if not conn.scalar(sa.select(sa.literal(1)).where(t.offer.c.ref == str(offer))):
        raise unknown_offer(offer)


def is_suspended(conn: sa.Connection, publisher_id: str) -> bool:
    """Whether an operator suspended this publisher."""
    p = t.publisher.c
    return bool(conn.scalar(sa.select(sa.literal(1)).where(p.id == publisher_id, p.suspended_at.is_not(None))))


def publisher_exists(conn: sa.Connection, publisher_id: str) -> bool:
    """Whether there is such a publisher."""
    return bool(conn.scalar(sa.select(sa.literal(1)).where(t.publisher.c.id == publisher_id)))
