"""How many leads wait for a connection, for pages that say what becomes of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.delivery.schedule import Aside
from leadkeeper.storage import tables as t
from leadkeeper.storage.hot import HotStatement

MOST_COUNTED: Final = 10_000
"""More than so many are not counted: a page needs no exact number of them."""


def waiting_counts(conn: sa.Connection, connection_ids: Iterable[str]) -> dict[str, int]:
    """The leads that go out over each connection once it lets them, those that an outage set aside too.

    Above :data:`MOST_COUNTED` there are more than that, and nobody counted how many.
    """
    return {each: _count(conn, each) for each in connection_ids}


def _count(conn: sa.Connection, connection_id: str) -> int:
    leads: int = _WAITING.scalar(conn, {"connection": connection_id})
    return min(leads, MOST_COUNTED + 1)


def _waiting(_: str) -> sa.Select[Any]:
    ready, by_outage = (_some(which) for which in (t.READY, t.BY_OUTAGE))
    return sa.select((ready + by_outage).label("leads"))


def _some(which: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    d = t.delivery.c
    own = d.connection_id == sa.bindparam("connection", type_=d.connection_id.type)
    some = sa.select(d.id).where(own, which).limit(MOST_COUNTED + 1).subquery()
    return sa.select(sa.func.count()).select_from(some).scalar_subquery()


_WAITING: Final = HotStatement(_waiting)


def uncertain_count(conn: sa.Connection, connection_id: str) -> int:
    """The leads that were set aside since they may have arrived: somebody looks for each before it is sent again."""
    d = t.delivery.c
    those = (d.connection_id == connection_id, t.SET_ASIDE, d.set_aside_for == Aside.MAY_HAVE_ARRIVED.value)
    return conn.scalar(sa.select(sa.func.count()).select_from(t.delivery).where(*those)) or 0
