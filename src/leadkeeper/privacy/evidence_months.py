"""PostgreSQL: what destinations said in attempts goes by the month, whole, once nobody keeps it for longer.

A month is detached first, so that nothing more comes into it. What it holds of leads that wait is then copied beside
the months, some thousand rows in a transaction, and the month is dropped: however large it is, that takes milliseconds.
Should a process end in between, any other goes on from there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from leadkeeper.clock import least_id
from leadkeeper.privacy.expiry import EVERY_MS, MONTH, ExpiryStep, leads_over, leave
from leadkeeper.privacy.periods import DataKind, Own, Periods
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import one_of
from leadkeeper.storage.months import OTHER, Month, detach_month, drop_month, months, table_named

BATCH: Final = 2_000
"""So many rows are looked at in one transaction, by three indexes."""
LATER_MS: Final = 60_000
"""When a month is detached that somebody held for too long."""


def any_month_due(conn: sa.Connection, now: int) -> bool:
    """Whether :func:`month_step` may have something to do."""
    return bool(conn.scalar(sa.select(sa.exists().where(*_this(), t.retention_walk.c.due_at <= now))))


def month_step(conn: sa.Connection, usual: Periods, now: int) -> ExpiryStep:
    """The next step: detach the oldest month that is over, look through it, or through what has no month.

    Another process that is at it does it alone.
    """
    query = sa.select(t.retention_walk).where(*_this(), t.retention_walk.c.due_at <= now)
    row = conn.execute(query.with_for_update(skip_locked=True)).first()
    if row is None:
        return ExpiryStep()
    before = now - usual.of(Own()).milliseconds(DataKind.EVIDENCE)
    if detached := months(conn, attached=False):
        return _empty(conn, row, detached[0], before, now)
    over = [month for month in months(conn, attached=True) if month.after.begin_ms <= before]
    if not over:
        return _sweep(conn, row, before, now)
    if not detach_month(conn, over[0]):
        _set(conn, due_at=now + LATER_MS)
    return ExpiryStep(1)


def _empty(conn: sa.Connection, row: sa.Row[Any], month: Month, before: int, now: int) -> ExpiryStep:
    """Save what waits among the next rows of a detached month; after the last ones the month is dropped."""
    table = table_named(month.table)
    query = sa.select(table.c.attempt_id).where(table.c.attempt_id > row.place).order_by(table.c.attempt_id)
    ids = conn.scalars(query.limit(BATCH)).all()
    live = _that_wait(conn, ids, before, now)
    kept = sa.select(table).where(one_of(conn, table.c.attempt_id, live))
    # Another copy is there where a step's commit was lost on its way back.
    copy = postgresql.insert(t.evidence).from_select(["attempt_id", "said"], kept).on_conflict_do_nothing()
    conn.execute(copy)
    if len(ids) == BATCH:
        _set(conn, place=ids[-1])
        return ExpiryStep(len(ids))
    held = drop_month(conn, month)
    _set(conn, place="", removed=row.removed + held)
    return ExpiryStep(len(ids) + 1, held)


def _sweep(conn: sa.Connection, row: sa.Row[Any], before: int, now: int) -> ExpiryStep:
    """Remove what is old enough and waits no more among the next rows that have no month."""
    other = table_named(OTHER)
    c = other.c
    old = (c.attempt_id > row.place, c.attempt_id < least_id(before))
    ids = conn.scalars(sa.select(c.attempt_id).where(*old).order_by(c.attempt_id).limit(BATCH)).all()
    over = {*ids} - _that_wait(conn, ids, before, now)
    conn.execute(sa.delete(other).where(one_of(conn, c.attempt_id, over)))
    removed = row.removed + len(over)
    if len(ids) == BATCH:
        _set(conn, place=ids[-1], removed=removed)
    else:
        _set(conn, place="", removed=removed, due_at=now + EVERY_MS, passed_at=now)
    return ExpiryStep(len(ids) + 1, len(over))


def _that_wait(conn: sa.Connection, attempt_ids: Sequence[str], before: int, now: int) -> set[str]:
    """Those of these attempts whose lead waits, or ended after ``before``; it is looked at again every day."""
    a, d, c = t.attempt.c, t.delivery.c, t.lead.c
    query = sa.select(a.id, d.lead_id, c.publisher_id).join(t.delivery, d.id == a.delivery_id)
    query = query.join(t.lead, c.id == d.lead_id).where(one_of(conn, a.id, attempt_ids))
    rows = conn.execute(query).all()
    over, _ = leads_over(conn, {row.lead_id for row in rows}, before, locked=False)
    live = [row for row in rows if row.lead_id not in over]
    by_publisher: dict[str, set[str]] = defaultdict(set)
    for row in live:
        by_publisher[row.publisher_id].add(row.lead_id)
    for publisher_id, leads in by_publisher.items():
        leave(conn, DataKind.EVIDENCE, publisher_id, leads, now)
    return {row.id for row in live}


def _this() -> tuple[sa.ColumnElement[bool], ...]:
    w = t.retention_walk.c
    return (w.publisher_id == "", w.kind == MONTH)


def _set(conn: sa.Connection, **values: Any) -> None:
    conn.execute(sa.update(t.retention_walk).where(*_this()).values(values))
