"""What a commit is worth on this database: what is kept when the process, the machine or the server's disk fails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from leadkeeper.texts import lazy_gettext as _


@dataclass(frozen=True, slots=True)
class Durability:
    """What a PostgreSQL server promises, and how many standbys stream from it now.

    Of ``hidden`` ones nobody tells us (it takes a role with ``pg_monitor``) whether they are synchronous: they count
    as asynchronous, too.
    """

    fsync: bool
    full_page_writes: bool
    synchronous_commit: str
    synchronous_names: str
    synchronous: int
    asynchronous: int
    hidden: int = 0

    @property
    def waits(self) -> bool:
        """Whether commits wait for a standby that does not follow."""
        return bool(self.synchronous_names) and not self.synchronous and not self.hidden


@dataclass(frozen=True, slots=True)
class Weakness:
    """Something that a commit does not survive, or waits for, and the remedy.

    ``wrong``: the promise of this program is broken, or no lead can be acknowledged.
    """

    wrong: bool
    detail: str
    remedy: str


def durability(conn: sa.Connection) -> Durability | None:
    """What stands behind a commit of ours; ``None`` on SQLite, whose file is written with ``synchronous=FULL``."""
    if conn.dialect.name != "postgresql":
        return None
    names = ("fsync", "full_page_writes", "synchronous_commit", "synchronous_standby_names")
    found = conn.execute(sa.select(*(sa.func.current_setting(name).label(name) for name in names))).one()
    # A role without pg_monitor sees the standbys' rows, but not their state.
    states = conn.execute(sa.text("SELECT sync_state FROM pg_stat_replication")).scalars().all()
    synchronous = sum(state in ("sync", "quorum") for state in states)
    return Durability(
        fsync=found.fsync == "on",
        full_page_writes=found.full_page_writes == "on",
        synchronous_commit=found.synchronous_commit,
        synchronous_names=found.synchronous_standby_names,
        synchronous=synchronous,
        asynchronous=len(states) - synchronous,
        hidden=sum(state is None for state in states),
    )


def weaknesses(found: Durability) -> Sequence[Weakness]:
    """What a commit does not survive on such a server; empty when it survives all that it is made to survive."""
    weak = []
    if not found.fsync:
        detail = _("fsync is off: when the server's machine fails, leads that were acknowledged are lost")
        weak.append(Weakness(True, detail, _("set fsync = on in postgresql.conf and restart the server")))
    if not found.full_page_writes:
        detail = _("full_page_writes is off: when the server's machine fails, the database may be damaged")
        weak.append(Weakness(True, detail, _("set full_page_writes = on in postgresql.conf and reload")))
    if found.waits:
        detail = _(
            "synchronous_standby_names names standbys, but none follows: commits wait, so no lead is acknowledged"
        )
        remedy = _("start such a standby, or take it out of synchronous_standby_names and reload")
        weak.append(Weakness(True, detail, remedy))
    if found.asynchronous and not found.synchronous_names:
        detail = _("a standby follows asynchronously: when it is promoted, leads that were just acknowledged are lost")
        remedy = _("set synchronous_standby_names, or promote it only when the primary's disk is lost")
        weak.append(Weakness(False, detail, remedy))
    return weak


def promise(found: Durability) -> str:
    """What an acknowledged lead survives on this server, in one phrase."""
    if not (found.fsync and found.full_page_writes):
        return _("an acknowledged lead survives the end of a process, not that of the server's machine")
    if found.synchronous_names:
        return _("an acknowledged lead is on the server's disk and on that of a synchronous standby")
    return _("an acknowledged lead is on the server's disk")
