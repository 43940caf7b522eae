"""Processes that freeze within a transaction: what they hold is let go after some seconds, not when they wake up.

All workers wait for the clock's row, to renew their leases. PostgreSQL ends the transaction of whoever falls silent
between two statements (``idle_in_transaction_session_timeout``). Whoever falls silent within one does not count as
idle: the driver asks the server what a statement's parameters are before it gives them. No bound that servers before
PostgreSQL 17 know reaches that state, so the processes that are awake end such transactions.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

FROZEN_SECONDS: Final = 8
"""How long a process may fall silent within a transaction: less than is left of anybody's lease (15 seconds, renewed
every 5)."""
NAME: Final = "leadkeeper"
"""By which the server shows our connections, and no others."""

_ACTIVITY: Final = sa.table(
    "pg_stat_activity",
    *(
        sa.column(name)
        for name in ("pid", "datname", "usename", "application_name", "state", "wait_event", "state_change")
    ),
)
_a: Final = _ACTIVITY.c
_FROZEN: Final = sa.select(sa.func.pg_terminate_backend(_a.pid)).where(
    _a.datname == sa.func.current_database(),
    _a.usename == sa.literal_column("current_user"),
    _a.application_name == NAME,
    _a.state == "active",
    _a.wait_event == "ClientRead",
    sa.extract("epoch", sa.func.clock_timestamp() - _a.state_change) > sa.bindparam("seconds", type_=sa.Float),
    _a.pid != sa.func.pg_backend_pid(),
)


def end_frozen(conn: sa.Connection, seconds: float = FROZEN_SECONDS) -> int:
    """End transactions whose statement has waited so long for its parameters; answers how many there were.

    Theirs hear that the database was away, and begin anew. SQLite lets nobody wait within a transaction.
    """
    if conn.dialect.name != "postgresql":
        return 0
    return len(conn.execute(_FROZEN, {"seconds": seconds}).all())
