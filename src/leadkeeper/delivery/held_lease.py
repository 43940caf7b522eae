"""The lease under which one worker holds what it claimed: begun, renewed, and let go of when it may not be trusted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

import structlog

from leadkeeper.clock import Clock
from leadkeeper.delivery.lease import open_lease, renew_lease
from leadkeeper.fault import where
from leadkeeper.storage.engine import Storage, StorageAway

log: Final = structlog.get_logger(__name__)


class HeldLease:
    """At most one lease at a time; ``id`` is empty while there is none.

    It lasts ``seconds`` and is renewed three times meanwhile by :meth:`beat`, which calls ``lost`` when it ran out
    before that, and ``regained`` when it was renewed so late that :meth:`holds` was false for a while.
    """

    def __init__(
        self, storage: Storage, clock: Clock, seconds: float, lost: Callable[[], None], regained: Callable[[], None]
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._ms = int(seconds * 1000)
        self._lost = lost
        self._regained = regained
        self.id = ""
        self._ends = 0.0
        self._generation = 0

    def holds(self) -> bool:
        """Whether what was claimed under it is surely still this worker's."""
        # By the monotonic clock: when the time jumps, all leases are moved along (see storage.database_clock).
        # A backup in the database's place may hold, as under this lease, deliveries that this worker knows nothing of.
        return bool(self.id) and self._generation == self._storage.generation and time.monotonic() < self._ends

    def abandon(self) -> None:
        """Let it run out: it may hold deliveries that this worker does not know of, and they must come back."""
        self.id, self._ends = "", 0.0

    async def begin(self) -> None:
        """Hold a new one: what the old one held may be another's by now. Raises ``StorageAway``."""
        self.id = ""  # until the new one is known, nothing is held
        begun, now, self._generation = time.monotonic(), self._clock(), self._storage.generation
        self.id = await self._storage.write(open_lease, now + self._ms, now)
        self._ends = begun + self._ms / 1000

    async def beat(self) -> None:
        """Renew it again and again until cancelled; a database that is away is asked again."""
        while True:
            await asyncio.sleep(self._ms / 3000)
            if not self.id:
                continue
            begun, now, lease_id = time.monotonic(), self._clock(), self.id
            try:
                renewed = await self._storage.write(renew_lease, lease_id, now + self._ms, now)
            except StorageAway:
                continue
            except Exception as error:
                log.error("lease not renewed", error=where(error))
                continue
            if lease_id != self.id:
                continue
            lapsed = not self.holds()
            self._ends = begun + self._ms / 1000 if renewed else 0.0
            if not renewed:
                log.warning("lease lost: the worker was too slow to renew it")
                self._lost()
            elif lapsed:
                self._regained()
