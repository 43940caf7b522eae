"""Whether anything of what figures count may have changed: asked in microseconds, whatever number of leads there is.

PostgreSQL's statistics know how many rows of leads, deliveries and follow-ups were written: every change, at most ten
seconds late. SQLite keeps no such count. There the newest row is taken of each table that gets one with a change: of
leads and deliveries when they come, of attempts when a delivery ends in any way, of events when somebody moves a lead
on, of the audit when somebody acts on many. Four changes bring none:

- A claim, and what makes a delivery due sooner: it counts as one that is under way before and after.
- A delivery that waits again after an outage, or since its connection was found broken: it is sent next, which does.
- A reconciliation that finds a lead after all: it writes an event.
- The end of personal data: it counts where they end before a lead is due alone, within a day after it came.

What is not noticed so is counted with the round that goes through all days however quiet they are: see
``inbox.oversight.tally``.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.storage import tables as t
from leadkeeper.storage.hot import HotStatement

_COUNTED: Final = (t.lead, t.delivery, t.follow_up)
_TELLING: Final = (t.lead, t.delivery, t.attempt, t.lead_event, t.audit)


def counted_rows_mark(conn: sa.Connection) -> str | None:
    """A text that is another one once something that is counted changed; see this module for the exceptions.

    ``None`` where the database cannot tell: PostgreSQL without statistics (``track_counts``).
    """
    (row,) = _MARK.rows(conn, {})
    return None if row[0] is None else " ".join("-" if value is None else str(value) for value in row[1:])


def _mark(dialect: str) -> sa.Select[Any]:
    if dialect == "postgresql":
        on = sa.func.current_setting(sa.literal_column("'track_counts'")) == sa.literal_column("'on'")
        written = [_written(table.name).label(table.name) for table in _COUNTED]
        return sa.select(sa.case((on, sa.literal_column("1"))).label("known"), *written)
    return sa.select(sa.literal_column("1").label("known"), *(_newest(table).label(table.name) for table in _TELLING))


def _written(table: str) -> sa.ColumnElement[int]:
    """PostgreSQL: how many of its rows were inserted, changed or removed since its statistics began."""
    of: sa.ColumnClause[Any] = sa.literal_column(f"'{table}'::regclass")
    names = ("inserted", "updated", "deleted")
    inserted, updated, deleted = (getattr(sa.func, f"pg_stat_get_tuples_{name}")(of) for name in names)
    return sa.cast(inserted + updated + deleted, sa.BigInteger)


def _newest(table: sa.Table) -> sa.ScalarSelect[Any]:
    """SQLite: the id of the row that was inserted last. Ids alone do not tell: not every machine's clock is right."""
    last: sa.ColumnClause[Any] = sa.literal_column(f"{table.name}.rowid")
    return sa.select(table.c.id).order_by(last.desc()).limit(1).scalar_subquery()


_MARK: Final = HotStatement(_mark)
