"""New leads go straight to the worker of the same process: claimed in the very transaction that keeps them.

Otherwise each delivery is written a second time to claim it, its lead is read back, and one more commit waited for.
A claim is as durable as before when the first byte is sent, and held under the same lease. See
``docs/decisions/0021-one-commit-from-intake-to-sending.md``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from leadkeeper.delivery.claim import Claimed
from leadkeeper.delivery.held_lease import HeldLease
from leadkeeper.delivery.queue import ConnectionQueue
from leadkeeper.delivery.queues import ConnectionQueues


@dataclass(frozen=True, slots=True)
class Space:
    """How many new deliveries of one connection a worker would hold at once, if it still is of this generation."""

    generation: int
    deliveries: int


@dataclass(frozen=True, slots=True)
class Grant:
    """What may be claimed for a worker: under its lease, by connection. It may get more spaces while it lasts."""

    lease_id: str = ""
    spaces: dict[str, Space] = field(default_factory=dict)


NOTHING: Final = Grant()


class Carrier(Protocol):
    """Whoever takes new deliveries at once. Each grant but :data:`NOTHING` ends with one of the other calls."""

    def grant(self, connection_ids: Collection[str]) -> Grant:
        """What may be claimed now of these connections."""
        ...

    def extend(self, grant: Grant, connection_ids: Collection[str]) -> None:
        """These may be claimed too, as far as they may now; nothing is added to :data:`NOTHING`."""
        ...

    def take(self, grant: Grant, claimed: Mapping[str, Sequence[Claimed]]) -> None:
        """This was claimed, by connection, and is committed; it may be nothing."""
        ...

    def doubt(self, grant: Grant) -> None:
        """The transaction failed: nobody knows whether it was committed."""
        ...


class Handover:
    """Between intake and the worker of the same process, which comes later (:attr:`carrier`), or not at all."""

    def __init__(self) -> None:
        self.carrier: Carrier | None = None
        self.woken: Callable[[Collection[str]], None] = lambda _: None

    def wake(self, connection_ids: Collection[str] = ()) -> None:
        """These connections have work that was not handed over, or all may; nobody hears where there is no worker."""
        self.woken(connection_ids)

    def grant(self, connection_ids: Collection[str]) -> Grant:
        """As :meth:`Carrier.grant`; nothing where there is no worker."""
        return NOTHING if self.carrier is None else self.carrier.grant(connection_ids)

    def extend(self, grant: Grant, connection_ids: Collection[str]) -> None:
        """Widen the grant, as :meth:`Carrier.extend` does; nothing where there is no worker."""
        if self.carrier is not None and grant is not NOTHING:
            self.carrier.extend(grant, connection_ids)

    def take(self, grant: Grant, claimed: Mapping[str, Sequence[Claimed]]) -> None:
        """Hand over what was kept, as :meth:`Carrier.take` does; nothing where there is no worker."""
        if self.carrier is not None and grant is not NOTHING:
            self.carrier.take(grant, claimed)

    def doubt(self, grant: Grant) -> None:
        """Say that the commit is in doubt, as :meth:`Carrier.doubt` does; nothing where there is no worker."""
        if self.carrier is not None and grant is not NOTHING:
            self.carrier.doubt(grant)


class DirectClaims:
    """One worker's side. What it cannot use any more when it comes is given back.

    ``start`` begins what calls of a queue may begin; ``give_back`` returns deliveries that a lease holds.
    """

    def __init__(
        self,
        queues: ConnectionQueues,
        lease: HeldLease,
        start: Callable[[ConnectionQueue], None],
        give_back: Callable[[Collection[str], str], Awaitable[None]],
    ) -> None:
        self._queues = queues
        self._lease = lease
        self._start = start
        self._give_back = give_back
        self._granted = 0
        self._settled = asyncio.Event()
        self._settled.set()
        self._open = True
        self._returning: set[asyncio.Future[None]] = set()

    def grant(self, connection_ids: Collection[str]) -> Grant:
        """Only for connections that have a queue with room, and nothing older waiting in the database."""
        if not self._open or not self._lease.holds():
            return NOTHING
        self._granted += 1
        self._settled.clear()
        grant = Grant(self._lease.id)
        self.extend(grant, connection_ids)
        return grant

    def extend(self, grant: Grant, connection_ids: Collection[str]) -> None:
        """The same for others, while the lease is held under which it was granted."""
        if grant.lease_id != self._lease.id or not self._open or not self._lease.holds():
            return
        for connection_id in connection_ids:
            queue = None if connection_id in grant.spaces else self._queues.get(connection_id)
            if queue is not None and (room := self._queues.direct_room(queue)):
                grant.spaces[connection_id] = Space(queue.generation, room)

    def take(self, grant: Grant, claimed: Mapping[str, Sequence[Claimed]]) -> None:
        """Line it up, and begin what may begin."""
        unused: list[str] = []
        for connection_id, mine in claimed.items():
            queue = self._queues.get(connection_id)
            if queue is not None and self._is_current(grant, queue):
                queue.add(mine)
                self._start(queue)
            else:
                unused += [one.id for one in mine]
        if unused:
            task = asyncio.ensure_future(self._give_back(unused, grant.lease_id))
            self._returning.add(task)
            task.add_done_callback(self._returning.discard)
        self._ended()

    def doubt(self, grant: Grant) -> None:
        """Let go of the lease: it may hold what nobody here knows of."""
        if grant.lease_id == self._lease.id:
            self._lease.abandon()
        self._ended()

    async def close(self) -> None:
        """Grant nothing more, and return when all that was granted is lined up or given back."""
        self._open = False
        await self._settled.wait()
        if self._returning:
            await asyncio.wait(self._returning)

    def shut(self) -> None:
        """Grant nothing more."""
        self._open = False

    def _is_current(self, grant: Grant, queue: ConnectionQueue) -> bool:
        same = self._lease.id == grant.lease_id and queue.generation == grant.spaces[queue.connection_id].generation
        return self._open and same and queue.destination is not None and not queue.half_open and not queue.alone

    def _ended(self) -> None:
        self._granted -= 1
        if not self._granted:
            self._settled.set()
