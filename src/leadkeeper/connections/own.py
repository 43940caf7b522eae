"""Which connections are a publisher's own: found by its offers, so that nobody goes through those of others.

In two steps, with the values one by one in the second statement: a join or a list in a parameter leaves both databases
free to go through all tenants' rows, and where one tenant has most of them, they do.
"""

from __future__ import annotations

import sqlalchemy as sa

from leadkeeper.storage import tables as t


def of_publisher(conn: sa.Connection, publisher_id: str) -> sa.ColumnElement[bool]:
    """The condition on ``connection`` that it is one of this publisher's."""
    o = t.offer.c
    refs = conn.scalars(sa.select(o.ref).where(o.publisher_id == publisher_id).order_by(o.publisher_id, o.id)).all()
    return t.connection.c.offer_ref.in_(refs)
