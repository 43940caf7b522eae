"""What a commit is worth on this database: what is kept when the process, the machine or the server's disk fails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa


@dataclass(frozen=True, slots=True)
class Durability:
    """What a PostgreSQL server promises. ``standbys`` are those that stream from it now, synchronous ones apart."""

    fsync: bool
    full_page_writes: bool
    synchronous_commit: str
    synchronous_names: str
    synchronous: int
    asynchronous: int


@dataclass(frozen=True, slots=True)
class Weakness:
    """Something that a commit does not survive, and the remedy. ``losing``: the promise of this program is broken."""

    losing: bool
    detail: str
    remedy: str


def durability(conn: sa.Connection) -> Durability | None:
    """What stands behind a commit of ours; ``None`` on SQLite, whose file is written with ``synchronous=FULL``."""
    if conn.dialect.name != "postgresql":
        return None
    names = ("fsync", "full_page_writes", "synchronous_commit", "synchronous_standby_names")
    found = conn.execute(sa.select(*(sa.func.current_setting(name).label(name) for name in names))).one()
    # A role without pg_monitor sees the standbys' rows, but not their state: those count as asynchronous.
    states = conn.execute(sa.text("SELECT coalesce(sync_state, 'async') FROM pg_stat_replication")).scalars().all()
    synchronous = sum(state in ("sync", "quorum") for state in states)
    return Durability(
        fsync=found.fsync == "on",
        full_page_writes=found.full_page_writes == "on",
        synchronous_commit=found.synchronous_commit,
        synchronous_names=found.synchronous_standby_names,
        synchronous=synchronous,
        asynchronous=len(states) - synchronous,
    )


def weaknesses(found: Durability) -> Sequence[Weakness]:
    """What a commit does not survive on such a server; empty when it survives all that it is made to survive."""
    weak = []
    if not found.fsync:
        detail = "fsync is off: when the server's machine fails, leads that were acknowledged are lost"
        weak.append(Weakness(True, detail, "set fsync = on in postgresql.conf and restart the server"))
    if not found.full_page_writes:
        detail = "full_page_writes is off: when the server's machine fails, the database may be damaged"
        weak.append(Weakness(True, detail, "set full_page_writes = on in postgresql.conf and reload"))
    if found.asynchronous and not found.synchronous_names:
        detail = "a standby follows asynchronously: when it is promoted, leads that were just acknowledged are lost"
        remedy = "set synchronous_standby_names, or promote it only when the primary's disk is lost"
        weak.append(Weakness(False, detail, remedy))
    return weak


def promise(found: Durability) -> str:
    """What an acknowledged lead survives on this server, in one phrase."""
    if not (found.fsync and found.full_page_writes):
        return "an acknowledged lead survives the end of a process, not that of the server's machine"
    if found.synchronous_names:
        return "an acknowledged lead is on the server's disk and on that of a synchronous standby"
    return "an acknowledged lead is on the server's disk"
