"""One connection's share of a worker: what it has claimed, what is on its way, and at which pace."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

from leadkeeper.connections.adapters import let_go
from leadkeeper.delivery.claim import Claimability, Claimed, Work, in_calls
from leadkeeper.delivery.pace import Pace
from leadkeeper.delivery.schedule import SECOND
from leadkeeper.destinations.interface import Adapter

AHEAD = 4
"""How many calls per running one are claimed ahead, so that claiming costs one transaction for many sends."""
LATE = 5 * SECOND
"""How long after its due time a delivery may come to be seen, by a commit that took so long."""


class ConnectionQueue:
    """The calls of one connection in one worker."""

    def __init__(self, connection_id: str, publisher_id: str) -> None:
        self.connection_id = connection_id
        self.publisher_id = publisher_id
        self.idle_since: float | None = None
        self.pace = Pace()
        self.destination: Adapter | None = None
        self.generation = 0
        self.half_open = False
        self.alone = False
        self.more = False
        self.running = 0
        self._claimed_up_to = 0
        self._looks_back_at = 0.0
        self._calls: deque[list[Claimed]] = deque()
        self._closing: set[asyncio.Task[None]] = set()

    @property
    def waiting(self) -> int:
        """How many claimed calls have not begun."""
        return len(self._calls)

    @property
    def ready(self) -> bool:
        """Whether a call waits that its pace allows to begin."""
        return bool(self._calls) and self.running < self.pace.limit

    @property
    def busy(self) -> bool:
        """Whether it has calls, running or not begun."""
        return bool(self.running or self._calls)

    @property
    def closing(self) -> bool:
        """Whether an adapter that it used before is still to be closed."""
        return bool(self._closing)

    def wanted(self, most: int) -> int:
        """How many deliveries to claim now; 0 while enough is at hand. ``most`` is the queue's share of the worker."""
        if self.destination is None or ((self.half_open or self.alone) and (self.running or self._calls)):
            return 0
        limit = min(self.pace.limit, most)
        if len(self._calls) >= limit:
            return 0
        # Ahead only what may be sent again: of a worker that vanishes, all that it held may have arrived.
        ahead = AHEAD if self.destination.repeatable else 0
        return max(limit * (1 + ahead) - len(self._calls) - self.running, 0) * self.destination.batch

    def since(self, now: float) -> int:
        """From which due time (ms) on the next claim looks, at ``now`` by the monotonic clock: 0 for all that is due.

        What waited before leaves traces in an index, which PostgreSQL cannot clear away while any transaction stays
        open: whoever looks from the beginning again and again goes through more of them each time.
        """
        return 0 if now >= self._looks_back_at else self._claimed_up_to

    def claimed(self, up_to: int, looks_back_at: float | None) -> None:
        """All that was due before ``up_to`` is claimed; at ``looks_back_at`` all is looked at again (else as before).

        Some of it may come back by then: from a worker that vanished, or by a commit that took long.
        """
        self._claimed_up_to = max(up_to - LATE, 0)
        if looks_back_at is not None:
            self._looks_back_at = looks_back_at

    def look_back(self) -> None:
        """The next claim looks at all that is due."""
        self._looks_back_at = 0.0

    def take(self, work: Work, share: int) -> None:
        """Line up what was claimed."""
        assert self.destination is not None
        self.half_open, self.alone = work.half_open, work.alone
        self.more = (len(work.claimed) >= share or work.alone) and not work.half_open
        self._calls.extend(in_calls(work.claimed, self.destination.batch))

    def add(self, claimed: Sequence[Claimed]) -> None:
        """Line up more, behind all that waits; a last call that has room for it is filled first."""
        assert self.destination is not None
        batch = self.destination.batch
        if batch > 1 and self._calls and len(self._calls[-1]) < batch:
            claimed = [*self._calls.pop(), *claimed]
        self._calls.extend(in_calls(claimed, batch))

    def next_call(self) -> list[Claimed]:
        """The next call of one that is :attr:`ready`; it counts as running until it has ended."""
        self.running += 1
        return self._calls.popleft()

    def drop(self) -> list[str]:
        """Forget all calls that have not begun; answers their deliveries, to be given back."""
        dropped = [claimed.id for call in self._calls for claimed in call]
        self._calls.clear()
        self.look_back()
        return dropped

    def heed(self, standing: Claimability | None) -> list[str]:
        """Forget the calls that have not begun if they may not begin; answers their deliveries, to be given back.

        When the connection changed, calls that run on the old settings count no more, so that they delay nothing.
        """
        if standing is None or standing.generation != self.generation:
            self.close_destination()
            return self.drop()
        return self.drop() if standing.closed and not self.half_open else []

    def reopen(self, destination: Adapter, generation: int) -> None:
        """Use another adapter from now on; the old one is closed when its calls have surely ended."""
        self.close_destination()
        self.destination, self.generation = destination, generation

    def close_destination(self, after: float = 120) -> None:
        """Let go of the adapter, ``after`` so many seconds."""
        old, self.destination = self.destination, None
        self.look_back()
        self.running, self.half_open, self.alone, self.pace = 0, False, False, Pace()
        if old is None:
            return

        async def close() -> None:
            try:
                await asyncio.sleep(after)
            finally:
                await let_go(old)

        task = asyncio.create_task(close(), name="close-line")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def closed(self) -> None:
        """Close every adapter at once."""
        for task in list(self._closing):
            task.cancel()
        await asyncio.gather(*self._closing, return_exceptions=True)
        if self.destination is not None:
            await let_go(self.destination)
