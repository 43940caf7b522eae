"""How many leads wait for a connection, for pages that say what becomes of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import sqlalchemy as sa

from leadkeeper.storage import tables as t

MOST_COUNTED: Final = 10_000
"""More than so many are not counted: a page needs no exact number of them."""


def waiting_counts(conn: sa.Connection, connection_ids: Iterable[str]) -> dict[str, int]:
    """The leads that go out over each connection once it lets them, at most :data:`MOST_COUNTED`."""
    return {each: _count(conn, each) for each in connection_ids}


def _count(conn: sa.Connection, connection_id: str) -> int:
    d = t.delivery.c
    some = sa.select(d.id).where(d.connection_id == connection_id, t.READY).limit(MOST_COUNTED).subquery()
    return conn.scalar(sa.select(sa.func.count()).select_from(some)) or 0
