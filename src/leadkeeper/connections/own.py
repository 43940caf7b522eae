"""Which connections are a publisher's own: found by its offers, so that nobody goes through those of others.

In two steps, with the values one by one in the second statement: a join or a list in a parameter leaves both databases
free to go through all tenants' rows, and where one tenant has most of them, they do.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.storage import tables as t
from leadkeeper.storage.hot import HotStatement


def of_publisher(conn: sa.Connection, publisher_id: str) -> sa.ColumnElement[bool]:
    """The condition on ``connection`` that it is one of this publisher's."""
    return t.connection.c.offer_ref.in_(offers_of(conn, publisher_id))


def offers_of(conn: sa.Connection, publisher_id: str) -> list[str]:
    """The references of the publisher's offers, by the offers' ids."""
    return [row.ref for row in _OFFERS.rows(conn, {"publisher": publisher_id})]


def _offers(_: str) -> sa.Select[Any]:
    o = t.offer.c
    return sa.select(o.ref).where(o.publisher_id == sa.bindparam("publisher")).order_by(o.publisher_id, o.id)


_OFFERS: Final = HotStatement(_offers)
