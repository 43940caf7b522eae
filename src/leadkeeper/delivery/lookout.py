"""The worker's lookout: it asks the database what is due beside the worker's turns, so that no turn waits for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Coroutine, Sequence
from typing import Any, Final

import sqlalchemy as sa
import structlog

from leadkeeper.clock import Clock
from leadkeeper.delivery.due import Due, FullPublishers, connections_due, half_open_due, some_half_open
from leadkeeper.destinations.registry import OURS
from leadkeeper.fault import where
from leadkeeper.storage.engine import Storage, StorageAway

POLL_SECONDS: Final = 0.5
"""How often all connections are looked at, for retries that fell due and for work nobody announced."""
LEAST_SECONDS: Final = 0.05
"""How soon at the earliest all are looked at again: on SQLite every commit of another process is a reason to."""
RESTS: Final = 9
"""How many times as long as it took to look at all nobody looks at all again, up to :data:`MOST_SECONDS`."""
MOST_SECONDS: Final = 2.0
"""How late a look at all comes at most for that reason, where what a dump keeps in the index makes looks long."""
HALF_OPEN_SECONDS: Final = 0.5
"""How often connections that have yet to prove themselves are looked for."""

log: Final = structlog.get_logger(__name__)


class Lookout:
    """Looks when asked, for those named and for all, each once at a time.

    ``found`` is called when :meth:`take` has something. ``crowd`` tells which publishers have no place for another
    call: what waits for them is not looked for, nor what is for others than ``destinations``.
    """

    def __init__(
        self,
        storage: Storage,
        clock: Clock,
        crowd: Callable[[], FullPublishers | None],
        found: Callable[[], None],
        destinations: Sequence[str] = OURS.names,
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._crowd = crowd
        self._destinations = destinations
        self._found = found
        self._due: dict[str, Due] = {}
        self._asked: set[str] = set()
        self._everywhere = False
        self._looked_at = self._again_at = self._tried_at = 0.0
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def look(self, only: Collection[str] | None) -> None:
        """Look soon for work of these connections, or of all; at all again when that was long ago."""
        if only is None or time.monotonic() >= self._looked_at + POLL_SECONDS:
            self._everywhere = True
        self._asked.update(only or ())
        # Apart from each other: what was announced by name does not wait for a look at all.
        if self._asked:
            self._begin("named", self._look_at_those_asked)
        if self._everywhere:
            self._begin("everywhere", self._look_at_all)

    def take(self) -> Sequence[Due]:
        """What was found since this was asked last."""
        due, self._due = self._due, {}
        return [*due.values()]

    async def aclose(self) -> None:
        """Look no more."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, what: str, look: Callable[[], Coroutine[Any, Any, None]]) -> None:
        if what not in self._tasks:
            self._tasks[what] = asyncio.create_task(self._run(what, look), name=f"lookout-{what}")

    async def _run(self, what: str, look: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            await look()
        except StorageAway:
            log.debug("nothing is looked for: the database is away")  # whoever claims will say so
        except Exception as error:
            log.error("looking for work failed", error=where(error))
        finally:
            del self._tasks[what]

    async def _look_at_those_asked(self) -> None:
        while self._asked:
            only, self._asked = self._asked, set()
            self._tell(await self._storage.read(connections_due, self._clock(), only, None, self._destinations))

    async def _look_at_all(self) -> None:
        while self._everywhere:
            await asyncio.sleep(self._again_at - time.monotonic())
            self._everywhere, begun = False, time.monotonic()
            self._looked_at = begun
            half_open = begun >= self._tried_at + HALF_OPEN_SECONDS
            if half_open:
                self._tried_at = begun
            due = await self._storage.read(due_everywhere, self._clock(), self._crowd(), self._destinations, half_open)
            ended = time.monotonic()
            self._again_at = ended + min(max(LEAST_SECONDS, RESTS * (ended - begun)), MOST_SECONDS)
            self._tell(due)

    def _tell(self, due: Sequence[Due]) -> None:
        if due:
            self._due |= {one.connection_id: one for one in due}
            self._found()


def due_everywhere(
    conn: sa.Connection, now: int, crowd: FullPublishers | None, destinations: Sequence[str], half_open: bool
) -> list[Due]:
    """All that is due, with ``half_open`` also some of those that have yet to prove themselves, in one transaction."""
    due = connections_due(conn, now, None, crowd, destinations)
    return due + some_half_open(half_open_due(conn, now, destinations), now) if half_open else due
