"""PostgreSQL: what destinations said in attempts goes by the month, whole, once nobody keeps it for longer.

A month is detached first, so that nothing more comes into it. What it holds of leads that wait is then copied beside
the months, ten thousand looked at in a transaction, and the month is dropped, so that none of its rows is written anew.
Should a process end in between, any other goes on from there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.clock import least_id
from leadkeeper.privacy.expiry import EVERY_MS, MONTH, ExpiryStep, leave, not_over
from leadkeeper.privacy.periods import DataKind, Own, Periods
from leadkeeper.storage import tables as t
from leadkeeper.storage.conflicts import insert_into
from leadkeeper.storage.engine import one_of
from leadkeeper.storage.months import OTHER, Month, detach_month, drop_month, months, table_named

BATCH: Final = 10_000
"""So many rows are looked at in one transaction, by three indexes; nobody waits for it."""
LATER_MS: Final = 60_000
"""When a month is detached or dropped that somebody held for too long."""


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
    if detach_month(conn, over[0]):
        _set(conn, place="")  # it may be one among what has no month
    else:
        _set(conn, due_at=now + LATER_MS)
    return ExpiryStep(1)


def _empty(conn: sa.Connection, row: sa.Row[Any], month: Month, before: int, now: int) -> ExpiryStep:
    """Save what waits among the next rows of a detached month; after the last ones the month is dropped."""
    table = table_named(month.table)
    c = table.c
    rows = [c.attempt_id > row.place]
    if last := _last(conn, table, rows):
        rows.append(c.attempt_id <= last)
    live = _that_wait(conn, table, rows, before, now)
    kept = sa.select(table).where(one_of(conn, c.attempt_id, live))
    # Another copy is there where a step's commit was lost on its way back.
    copy = insert_into(conn, t.evidence).from_select(["attempt_id", "content"], kept).on_conflict_do_nothing()
    conn.execute(copy)
    if last:
        _set(conn, place=last)
        return ExpiryStep(BATCH)
    held = drop_month(conn, month)
    if held is None:
        _set(conn, due_at=now + LATER_MS)
        return ExpiryStep(1)
    _set(conn, place="", removed=row.removed + held)
    return ExpiryStep(1, held)


def _sweep(conn: sa.Connection, row: sa.Row[Any], before: int, now: int) -> ExpiryStep:
    """Remove what is old enough and waits no more among the next rows that have no month."""
    other = table_named(OTHER)
    c = other.c
    rows = [c.attempt_id > row.place, c.attempt_id < least_id(before)]
    if last := _last(conn, other, rows):
        rows.append(c.attempt_id <= last)
    live = _that_wait(conn, other, rows, before, now)
    over = sa.delete(other).where(*rows, sa.not_(one_of(conn, c.attempt_id, live)))
    removed = conn.execute(over).rowcount
    if last:
        _set(conn, place=last, removed=row.removed + removed)
    else:
        _set(conn, place="", removed=row.removed + removed, due_at=now + EVERY_MS, passed_at=now)
    return ExpiryStep(BATCH if last else 1, removed)


def _last(conn: sa.Connection, table: sa.TableClause, rows: Sequence[sa.ColumnElement[bool]]) -> str | None:
    """The last one of the first :data:`BATCH` of these rows; ``None`` where there are fewer."""
    id_ = table.c.attempt_id
    found: str | None = conn.scalar(sa.select(id_).where(*rows).order_by(id_).offset(BATCH - 1).limit(1))
    return found


def _that_wait(
    conn: sa.Connection, table: sa.TableClause, rows: Sequence[sa.ColumnElement[bool]], before: int, now: int
) -> list[str]:
    """The attempts of these rows whose lead waits, or ended after ``before``; it is looked at again every day."""
    a, d, c, e = t.attempt.c, t.delivery.c, t.lead.c, table.c
    query = (
        sa.select(e.attempt_id, d.lead_id, c.publisher_id)
        .select_from(table)
        .join(t.attempt, a.id == e.attempt_id)
        .join(t.delivery, d.id == a.delivery_id)
        .join(t.lead, c.id == d.lead_id)
        .where(*rows, not_over(d.lead_id, before) | c.unrouted)
    )
    live = conn.execute(query).all()
    by_publisher: dict[str, set[str]] = defaultdict(set)
    for row in live:
        by_publisher[row.publisher_id].add(row.lead_id)
    for publisher_id, leads in by_publisher.items():
        leave(conn, DataKind.EVIDENCE, publisher_id, leads, now)
    return [row.attempt_id for row in live]


def _this() -> tuple[sa.ColumnElement[bool], ...]:
    w = t.retention_walk.c
    return (w.publisher_id == "", w.kind == MONTH)


def _set(conn: sa.Connection, **values: Any) -> None:
    conn.execute(sa.update(t.retention_walk).where(*_this()).values(values))
