"""Which records in the database cannot be read: looked for when somebody asks, not on the way of any lead."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.connections.resource import read_settings
from leadkeeper.delivery.claim import LEAD_COLUMNS, outgoing_lead
from leadkeeper.notices.due import is_whole
from leadkeeper.publishing.operations import as_operation
from leadkeeper.storage import tables as t

MOST: Final = 5_000
"""How many of the leads that are set aside, and how many of those on their way, are looked at."""


def damaged_records(conn: sa.Connection) -> list[str]:
    """Each by its kind and id, or by its name: leads under way, settings, changes, operations, notices.

    A lead's row that is missing counts. Of leads the oldest :data:`MOST` that are set aside and that wait are read.
    """
    return [*_leads(conn, t.SET_ASIDE), *_leads(conn, t.READY), *_settings(conn), *_operations(conn), *_notices(conn)]


def _leads(conn: sa.Connection, which: sa.ColumnElement[bool]) -> Iterator[str]:
    d = t.delivery.c
    query = sa.select(d.id.label("delivery_id"), d.lead_id, *LEAD_COLUMNS).where(which).order_by(d.id).limit(MOST)
    for row in conn.execute(query.outerjoin(t.lead, t.lead.c.id == d.lead_id)):
        try:
            outgoing_lead(row, "", "")
        except Exception:
            yield f"lead {row.lead_id} (delivery {row.delivery_id})"


def _settings(conn: sa.Connection) -> Iterator[str]:
    c, x = t.connection.c, t.connection_change.c
    mine: sa.Select[Any] = sa.select(c.offer_ref, c.name, c.settings).where(c.removed_at.is_(None))
    for row in conn.execute(mine):
        if read_settings(row.settings) is None:
            yield f"connection {row.offer_ref}/{row.name}"
    waiting = sa.select(c.offer_ref, c.name, x.settings).join_from(t.connection_change, t.connection)
    for row in conn.execute(waiting):
        if read_settings(row.settings) is None:
            yield f"pending change of {row.offer_ref}/{row.name}"


def _operations(conn: sa.Connection) -> Iterator[str]:
    for row in conn.execute(sa.select(t.operation).where(t.RUNNING)):
        if as_operation(row).damaged:
            yield f"operation {row.id} of {row.offer_ref}"


def _notices(conn: sa.Connection) -> Iterator[str]:
    n = t.notice.c
    waiting: sa.Select[Any] = sa.select(n.id, n.kind, n.body, n.recipients).where(t.WAITING_NOTICE)
    for row in conn.execute(waiting):
        if not is_whole(row):
            yield f"notice {row.id}"
