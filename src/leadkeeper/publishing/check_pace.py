"""How fast publishing goes over the connections of one publisher: its checks and test leads have a pace."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

from leadkeeper.access.quotas import USUAL, Quotas, quotas_of
from leadkeeper.storage.engine import Storage

AT_ONCE_SECONDS: Final = 6
"""A publisher whose pace was not used lately may begin as many at once as the pace allows in so many seconds."""
KNOWN_SECONDS: Final = 60
"""How long a publisher's quota is taken to be what it was."""
_MOST: Final = 10_000
"""How many publishers are remembered; those whose pace was not used lately need not be."""


class CheckPace:
    """The pace of one process, for every publisher by its quota ``publishingChecksAMinute``.

    Whoever publishes many offers, or the same over and over, waits here for nobody but itself: nothing is refused.
    """

    def __init__(
        self,
        storage: Storage,
        usual: Quotas = USUAL,
        time_now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._storage = storage
        self._usual = usual
        self._time_now = time_now
        self._sleep = sleep
        self._due: dict[str, float] = {}
        self._known: dict[str, tuple[float, int]] = {}

    async def turn(self, publisher_id: str) -> None:
        """Wait for the publisher's next turn, in the order of asking."""
        interval = 60 / await self._a_minute(publisher_id)
        now = self._time_now()
        due = max(self._due.get(publisher_id, now), now)
        self._due[publisher_id] = due + interval
        if len(self._due) > _MOST:
            self._due = {who: at for who, at in self._due.items() if at > now}
        wait = due - AT_ONCE_SECONDS - now
        if wait > 0:
            await self._sleep(wait)

    async def _a_minute(self, publisher_id: str) -> int:
        now = self._time_now()
        known = self._known.get(publisher_id)
        if known is not None and now - known[0] < KNOWN_SECONDS:
            return known[1]
        if len(self._known) > _MOST:
            self._known.clear()
        quotas = await self._storage.read(quotas_of, publisher_id, self._usual)
        self._known[publisher_id] = (now, max(1, quotas.publishing_checks_a_minute))
        return self._known[publisher_id][1]
