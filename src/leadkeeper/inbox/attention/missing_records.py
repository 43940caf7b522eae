"""Which leads were delivered and are not there, as far as reconciliation found out: a list, counts, and by lead."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.delivery.schedule import State
from leadkeeper.inbox.attention.causes import MOST, MOST_COUNTED
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import least_of, one_of
from leadkeeper.storage.hot import HotStatement

TAKEN: Final = (State.DELIVERED.value, State.UNCONFIRMED.value)
"""The states of a delivery that the destination took."""


def still_missing() -> sa.ColumnElement[bool]:
    """Whether the delivery that was found missing is still the last; needs joins with ``delivery`` and ``lead``."""
    m, d = t.missing_record.c, t.delivery.c
    return d.state.in_(TAKEN) & (d.changed_at == m.delivered_at) & t.lead.c.expired_at.is_(None)


def open_records(connection_id: str) -> sa.Select[Any]:
    """What is missing over a connection and waits for somebody, in the order in which the leads came."""
    m, d, c = t.missing_record.c, t.delivery.c, t.lead.c
    query = sa.select(t.missing_record, d.state, c.created_at)
    query = query.join(t.delivery, d.id == m.delivery_id).join(t.lead, c.id == m.lead_id)
    return query.where(m.connection_id == connection_id, t.NOT_ACCEPTED, still_missing()).order_by(m.lead_id)


def open_count(conn: sa.Connection, connection_id: str) -> tuple[int, int | None]:
    """How many are, up to one more than are counted, and since when (ms) the first is known of these."""
    some = open_records(connection_id).limit(MOST_COUNTED + 1).subquery()
    counted = sa.select(sa.func.count(), sa.func.min(some.c.found_at)).select_from(some)
    count, since = conn.execute(counted).one()
    return count, since


def open_counts(conn: sa.Connection, own: sa.ColumnElement[bool] | None) -> Mapping[str, tuple[int, int]]:
    """By connection: how many are missing and since when, for those that are there; ``own`` is a publisher's alone."""
    counts = {each: open_count(conn, each) for each in _with_missing(conn, own)}
    return {each: (count, since) for each, (count, since) in counts.items() if since is not None}


def _with_missing(conn: sa.Connection, own: sa.ColumnElement[bool] | None) -> Sequence[str]:
    """The connections with any, at most one more than :data:`MOST`: one step in an index for each."""
    c, m = t.connection.c, t.missing_record.c
    there = c.removed_at.is_(None)
    if own is not None:
        some = sa.exists().where(m.connection_id == c.id, t.NOT_ACCEPTED)
        return conn.scalars(sa.select(c.id).where(own, there, some).limit(MOST + 1)).all()
    return [row.id for row in _WITH_MISSING.rows(conn, {})]


def _with_any_missing(_: str) -> sa.Select[Any]:
    """Each is looked up: SQLite would join them by going through all connections."""
    c, chain = t.connection.c, missing_chain()
    there = sa.select(c.id).where(c.id == chain.c.id, c.removed_at.is_(None)).correlate(chain).scalar_subquery()
    return sa.select(chain.c.id).where(chain.c.id.is_not(None), there.is_not(None)).limit(MOST + 1)


def missing_chain() -> sa.CTE:
    """The ``id`` of each connection with records that are missing (the last row has none), by steps in an index."""
    m = t.missing_record.c
    first = sa.select(least_of(m.connection_id, t.NOT_ACCEPTED).label("id"))
    chain = first.cte("missing_chain", recursive=True)
    following = least_of(m.connection_id, t.NOT_ACCEPTED, m.connection_id > chain.c.id)
    return chain.union_all(sa.select(following).where(chain.c.id.is_not(None)))


_WITH_MISSING: Final = HotStatement(_with_any_missing)


def missing_since(conn: sa.Connection, delivery_ids: Collection[str]) -> Mapping[str, int]:
    """Those of the deliveries whose records are missing, and since when (ms) that is known."""
    m, d, c = t.missing_record.c, t.delivery.c, t.lead.c
    query = sa.select(m.delivery_id, m.found_at).join(t.delivery, d.id == m.delivery_id).join(t.lead, c.id == m.lead_id)
    query = query.where(one_of(conn, m.delivery_id, delivery_ids), t.NOT_ACCEPTED, still_missing())
    return {row.delivery_id: row.found_at for row in conn.execute(query)}
