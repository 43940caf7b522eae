"""How many leads wait for a connection, for pages that say what becomes of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import sqlalchemy as sa

from leadkeeper.delivery.schedule import Aside
from leadkeeper.storage import tables as t

MOST_COUNTED: Final = 10_000
"""More than so many are not counted: a page needs no exact number of them."""


def waiting_counts(conn: sa.Connection, connection_ids: Iterable[str]) -> dict[str, int]:
    """The leads that go out over each connection once it lets them, those that an outage set aside too.

    Above :data:`MOST_COUNTED` there are more than that, and nobody counted how many.
    """
    return {each: _count(conn, each) for each in connection_ids}


def _count(conn: sa.Connection, connection_id: str) -> int:
    return min(sum(_some(conn, connection_id, which) for which in (t.READY, t.BY_OUTAGE)), MOST_COUNTED + 1)


def _some(conn: sa.Connection, connection_id: str, which: sa.ColumnElement[bool]) -> int:
    d = t.delivery.c
    some = sa.select(d.id).where(d.connection_id == connection_id, which).limit(MOST_COUNTED + 1).subquery()
    return conn.scalar(sa.select(sa.func.count()).select_from(some)) or 0


def uncertain_count(conn: sa.Connection, connection_id: str) -> int:
    """The leads that were set aside since they may have arrived: somebody looks for each before it is sent again."""
    d = t.delivery.c
    those = (d.connection_id == connection_id, t.SET_ASIDE, d.set_aside_for == Aside.MAY_HAVE_ARRIVED.value)
    return conn.scalar(sa.select(sa.func.count()).select_from(t.delivery).where(*those)) or 0
