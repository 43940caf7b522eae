"""One call of an adapter in a worker: deliveries that go together, and what is known of each once it has ended."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from leadkeeper.deadlines import Deadlines
from leadkeeper.delivery.claim import Claimed
from leadkeeper.delivery.queue import ConnectionQueue
from leadkeeper.delivery.send import send
from leadkeeper.delivery.sent import Sent
from leadkeeper.destinations.interface import Adapter


@dataclass(frozen=True, slots=True)
class Call:
    """Deliveries that were claimed under a lease, and their connection as it was when the call began.

    ``at`` (ms) is when it got its place: calls of one connection get theirs in the order of their deliveries, though
    the tasks in which they go on may start in another.
    """

    queue: ConnectionQueue
    claimed: Sequence[Claimed]
    destination: Adapter
    generation: int
    half_open: bool
    lease_id: str
    at: int

    async def send(self, deadlines: Deadlines) -> list[Sent]:
        """Send the deliveries; what came of each, in order. It raises only for bugs of ours."""
        queue, destination = self.queue, self.destination
        started = time.perf_counter()
        leads = [claimed.lead for claimed in self.claimed]
        answers = await send(destination, leads, queue.connection_id, deadlines)
        took = int((time.perf_counter() - started) * 1000)
        return [
            Sent(
                delivery_id=claimed.id,
                connection_id=queue.connection_id,
                generation=self.generation,
                lease_id=self.lease_id,
                attempts=claimed.attempts,
                crash_count=claimed.crash_count,
                repeatable=destination.repeatable,
                half_open=self.half_open,
                at=self.at,
                took_ms=took,
                answer=answer,
                since=claimed.since,
                publisher_id=queue.publisher_id,
            )
            for claimed, answer in zip(self.claimed, answers, strict=True)
        ]
