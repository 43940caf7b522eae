"""The processes of an installation that run, and how wrong the clock of each one's machine is.

Each writes a row of its own every few seconds, off the way of any lead, and forgets those that have written none for a
while: they have ended, or their machine is gone. One that was only slow writes its row anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
import structlog

from leadkeeper import __version__
from leadkeeper.clock import new_id
from leadkeeper.storage import tables as t
from leadkeeper.storage.database_clock import DatabaseClock
from leadkeeper.storage.engine import Storage
from leadkeeper.storage.remembered import WORKER_SEEN, remember_now, remembered_at

WRITE_SECONDS: Final = 10.0
FORGOTTEN_MS: Final = 45_000
"""A process that has written nothing for so long counts as ended."""
WRONG_MS: Final = 5_000
"""A clock that is further off than this needs a person."""

CARRY: Final = ("serve", "worker")
"""The roles of processes that send leads."""
AWAY_MS: Final = 120_000
"""So long no worker runs before somebody is told: those that are started anew are there again by then."""

log: Final = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Running:
    """A process that runs, and how far its machine's clock is ahead of the database's (behind, if negative).

    ``version`` is its program's, empty until it has said so; ``started_at`` and ``seen_at`` are in milliseconds.
    """

    id: str
    role: str
    host: str
    ahead_ms: int
    version: str = ""
    started_at: int = 0
    seen_at: int = 0


@dataclass(slots=True)
class Peers:
    """How many processes of the installation run, this one among them, as last heard: at most ten seconds ago.

    What must hold for all together and cannot be counted in the database is divided by these.
    """

    answering: int = 1
    """How many answer requests."""
    carrying: int = 1
    """How many carry leads."""

    def observe(self, processes: Sequence[Running]) -> None:
        """These run now."""
        self.answering = max(1, sum(process.role != "worker" for process in processes))
        self.carrying = max(1, sum(process.role != "api" for process in processes))


class ProcessPresence:
    """The row of this process (``role`` is ``serve``, ``api`` or ``worker``); ``peers`` hears how many there are."""

    def __init__(self, storage: Storage, clock: DatabaseClock, role: str, peers: Peers | None = None) -> None:
        self._storage = storage
        self._peers = peers or Peers()
        self._clock = clock
        self._row: dict[str, str | int] = {"id": new_id(), "role": role, "started_at": clock()}
        self._row["host"] = socket.gethostname()[:255]
        self._row["version"] = __version__[:32]
        self._wrong = False

    async def write_down(self) -> None:
        """This process runs: to be said every :data:`WRITE_SECONDS`. Raises ``StorageAway``."""
        ahead = self._clock.difference
        if (abs(ahead) >= WRONG_MS) is not self._wrong:
            self._wrong = not self._wrong
            warn = log.warning if self._wrong else log.info
            warn("this machine's clock differs from the database's", ahead_seconds=ahead / 1000)
        self._peers.observe(await self._storage.write(_write, self._row, ahead, self._clock()))

    async def take_back(self) -> None:
        """The process ends; should the database be away, others forget it by themselves."""
        with contextlib.suppress(Exception):
            async with asyncio.timeout(1):
                await self._storage.write(_take_back, self._row["id"])


def _write(conn: sa.Connection, row: dict[str, str | int], ahead: int, now: int) -> list[Running]:
    p = t.process.c
    seen = {"seen_at": now, "ahead_ms": ahead}
    if not conn.execute(sa.update(t.process).where(p.id == row["id"]).values(seen)).rowcount:
        conn.execute(sa.insert(t.process).values(row | seen))
    conn.execute(sa.delete(t.process).where(sa.not_(_alive(now))))
    if row["role"] in CARRY:
        remember_now(conn, WORKER_SEEN, "", now)
    return running(conn, now)


def _take_back(conn: sa.Connection, process_id: str | int) -> None:
    conn.execute(sa.delete(t.process).where(t.process.c.id == process_id))


def _alive(now: int) -> sa.ColumnElement[bool]:
    """Those seen lately; by a clock that has been set back since, what was seen in the future says nothing."""
    return t.process.c.seen_at.between(now - FORGOTTEN_MS, now + FORGOTTEN_MS)


def workers_away(conn: sa.Connection, now: int) -> int | None:
    """Since when (ms) no process has run that sends leads; ``None`` while one does, or did a moment ago.

    Where none ever did, since the oldest process that runs was started; ``None`` where nothing is known to run either.
    """
    seen = remembered_at(conn, WORKER_SEEN)
    if seen is None:
        seen = conn.scalar(sa.select(sa.func.min(t.process.c.started_at)).where(_alive(now)))
    return seen if seen is not None and seen <= now - AWAY_MS else None


def running(conn: sa.Connection, now: int) -> list[Running]:
    """The processes that run, oldest first."""
    p = t.process.c
    columns = (p.id, p.role, p.host, p.ahead_ms, p.version, p.started_at, p.seen_at)
    rows = conn.execute(sa.select(*columns).where(_alive(now)).order_by(p.started_at, p.id))
    return [Running(*row) for row in rows]
