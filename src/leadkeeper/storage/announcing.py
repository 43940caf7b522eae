"""Telling other processes of new work: at once while little happens, some fifty times a second while much does.

PostgreSQL lets one transaction at a time commit what it announces, so a NOTIFY within each commit would make all
processes of an installation wait for one another's disk. It is sent after the commit, one for many. A process that dies
between the two leaves its work to be found by looking, as a worker does twice a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import Final

import structlog

from leadkeeper.fault import where
from leadkeeper.storage.away import StorageAway

LEAST_SECONDS: Final = 0.005
MOST_SECONDS: Final = 0.02
"""How long at most a worker hears of work later than it would at once."""
MANY: Final = 2
"""Where so many came during one pause, the next pause is twice as long; where fewer came, half as long."""

log: Final = structlog.get_logger(__name__)
Announce = Callable[[Collection[str]], Awaitable[None]]


class Announcing:
    """Hands on what is announced: the first at once, and what comes within a pause after it together, at its end.

    ``announce`` is given the connections that have work, or none for any. What it cannot announce is lost: workers
    look by themselves, too.
    """

    def __init__(self, announce: Announce, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep) -> None:
        self._announce = announce
        self._sleep = sleep
        self._waiting: set[str] | None = None
        self._any = False
        self._count = 0
        self._task: asyncio.Task[None] | None = None

    def tell(self, connections: Collection[str]) -> None:
        """Announce these connections, or any where none is named, at once or in :data:`MOST_SECONDS` at most."""
        self._waiting = (self._waiting or set()) | {*connections}
        self._any = self._any or not connections
        self._count += 1
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="announcing")

    async def _run(self) -> None:
        pause = LEAST_SECONDS
        while self._waiting is not None:
            await self._announce_waiting(self._waiting)
            await self._sleep(pause)
            pause = min(2 * pause, MOST_SECONDS) if self._count >= MANY else max(pause / 2, LEAST_SECONDS)
        self._task = None

    async def close(self) -> None:
        """Announce at once what waits, and end."""
        task, self._task = self._task, None
        if task is None:
            return
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        if self._waiting is not None:
            await self._announce_waiting(self._waiting)

    async def _announce_waiting(self, waiting: Collection[str]) -> None:
        """Whatever goes wrong is over with this: what is told later is announced."""
        named: Collection[str] = () if self._any else waiting
        self._waiting, self._any, self._count = None, False, 0
        try:
            await self._announce(named)
        except StorageAway:
            log.debug("new work was not announced: the database is away")
        except Exception as error:
            log.error("new work was not announced", error=where(error))
