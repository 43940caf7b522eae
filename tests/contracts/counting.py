"""Figures of leads counted at once, and not when a database has told that something changed."""

from __future__ import annotations

import sqlalchemy as sa

from leadkeeper.clock import Clock
from leadkeeper.inbox.oversight.tally import Tally
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage


async def count_anew(storage: Storage, clock: Clock) -> None:
    """Count the days whose time has come, whether or not anything is known to have changed.

    PostgreSQL tells up to ten seconds later that a transaction wrote, unless that uses :func:`tell_written`.
    """
    await storage.write(lambda conn: conn.execute(sa.update(t.day_figure).values(mark=None)).close())
    await Tally(storage, clock).look()


def tell_written(conn: sa.Connection) -> None:
    """PostgreSQL's statistics tell which rows this transaction wrote as soon as it ends."""
    if conn.dialect.name == "postgresql":
        conn.exec_driver_sql("SELECT pg_stat_force_next_flush()").close()
