"""The worker's lookout: it asks the database what is due beside the worker's turns, so that no turn waits for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from typing import Final

import structlog

from leadkeeper.clock import Clock
from leadkeeper.delivery.due import Crowd, Due, connections_due, some_trials, trials_due
from leadkeeper.delivery.send import where
from leadkeeper.storage.engine import Storage, StorageAway

POLL_SECONDS: Final = 0.5
"""How often all connections are looked at, for retries that fell due and for work nobody announced."""
LEAST_SECONDS: Final = 0.05
"""How soon at the earliest all are looked at again: on SQLite every commit, also our own, is a reason to."""
TRIAL_SECONDS: Final = 0.5
"""How often connections that have yet to prove themselves are looked for."""

log: Final = structlog.get_logger(__name__)


class Lookout:
    """Looks when asked, once at a time; ``found`` is called when :meth:`take` has something.

    ``crowd`` tells which publishers have no place for another call: what waits for them is not looked for.
    """

    def __init__(
        self, storage: Storage, clock: Clock, crowd: Callable[[], Crowd | None], found: Callable[[], None]
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._crowd = crowd
        self._found = found
        self._due: dict[str, Due] = {}
        self._asked: set[str] = set()
        self._everywhere = False
        self._looked_at = self._tried_at = 0.0
        self._task: asyncio.Task[None] | None = None

    def look(self, only: Collection[str] | None) -> None:
        """Look soon for work of these connections, or of all; at all again when that was long ago."""
        if only is None or time.monotonic() >= self._looked_at + POLL_SECONDS:
            self._everywhere = True
        self._asked.update(only or ())
        if self._task is None and (self._everywhere or self._asked):
            self._task = asyncio.create_task(self._run(), name="lookout")

    def take(self) -> Sequence[Due]:
        """What was found since this was asked last."""
        due, self._due = self._due, {}
        return [*due.values()]

    async def aclose(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        try:
            while self._everywhere or self._asked:
                if self._asked:
                    only, self._asked = self._asked, set()
                    await self._look(only)
                if self._everywhere:
                    await asyncio.sleep(self._looked_at + LEAST_SECONDS - time.monotonic())
                    self._everywhere, self._looked_at = False, time.monotonic()
                    await self._look(None)
        except StorageAway:
            log.debug("nothing is looked for: the database is away")  # whoever claims will say so
        except Exception as error:
            log.error("looking for work failed", error=where(error))
        finally:
            self._task = None

    async def _look(self, only: Collection[str] | None) -> None:
        crowd = None if only is not None else self._crowd()
        due = await self._storage.read(connections_due, self._clock(), only, crowd)
        now = time.monotonic()
        if only is None and now >= self._tried_at + TRIAL_SECONDS:
            self._tried_at = now
            due += some_trials(await self._storage.read(trials_due, self._clock()), self._clock())
        if due:
            self._due |= {one.connection_id: one for one in due}
            self._found()
