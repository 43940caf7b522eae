"""What an installation remembers of itself under a name, and since when (ms): see the table ``installation``."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.storage import tables as t
from leadkeeper.storage.conflicts import insert_into
from leadkeeper.storage.hot import HotStatement

WORKER_SEEN: Final = "workerSeen"
"""When a worker last said that it runs."""
DISK_NEARLY_FULL: Final = "diskNearlyFull"
"""Since when the database's disk is nearly full; the value is how many bytes are free."""


def remember_now(conn: sa.Connection, name: str, value: str, now: int, *, since: bool = False) -> None:
    """Write down ``value`` as of now; with ``since`` the moment stays at which it was written for the first time."""
    i = t.installation.c
    values = {"value": value} if since else {"value": value, "changed_at": now}
    if conn.execute(sa.update(t.installation).where(i.name == name).values(values)).rowcount:
        return
    insert = insert_into(conn, t.installation)
    conn.execute(insert.values(name=name, value=value, changed_at=now).on_conflict_do_nothing())


def remembered_at(conn: sa.Connection, name: str) -> int | None:
    """When it was written down, or since when it is so; ``None`` where it is not."""
    found: int | None = _AT.scalar(conn, {"name": name})
    return found


def moment_of(parameter: str) -> sa.Select[Any]:
    """The statement of :func:`remembered_at`; the name is its ``parameter``."""
    i = t.installation.c
    return sa.select(i.changed_at).where(i.name == sa.bindparam(parameter, type_=sa.String))


_AT: Final = HotStatement(lambda _: moment_of("name"))


def forget_now(conn: sa.Connection, name: str) -> None:
    """It is so no more."""
    conn.execute(sa.delete(t.installation).where(t.installation.c.name == name))
