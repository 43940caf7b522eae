"""The queues of one worker, and who may begin a call: publishers share its places first, their connections second."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from leadkeeper.delivery.claim import Claimed
from leadkeeper.delivery.due import Due, FullPublishers
from leadkeeper.delivery.pace import START
from leadkeeper.delivery.queue import ConnectionQueue
from leadkeeper.shares import Shares, room

CALLS: Final = 480
"""How many calls one worker has running; a publisher alone has 208 of them, a connection alone its pace's 64."""
CALLS_RESERVED: Final = 64
"""Of those, one each for publishers that have none: a newcomer's lead goes at once, whatever hangs."""
OWN_RESERVE: Final = 8
"""A publisher keeps one part in so many of its places for those of its connections that have none."""
HALF_OPEN_RESERVE: Final = 4
"""One part in so many is for connections that are well: half-open ones, which may hang, take none of it."""
IDLE_SECONDS: Final = 300.0
MOST_IDLE: Final = 500
"""So many idle queues are kept, for so long, with their adapters; a queue is made again when it is needed."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to claim: deliveries for queues that exist, calls for connections that have none yet."""

    wanted: dict[str, int] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)

    @property
    def connections(self) -> Collection[str]:
        """The connections to claim for."""
        return self.wanted.keys() | self.calls.keys()


def _running(queue: ConnectionQueue) -> int:
    return queue.running


class ConnectionQueues:
    """Queues by connection. A call holds a place of its publisher from :meth:`begin` to :meth:`ended`."""

    def __init__(self, calls: int = CALLS, reserved: int = CALLS_RESERVED) -> None:
        self._queues: dict[str, ConnectionQueue] = {}
        self._shares = Shares(calls, reserved)
        self._half_open: Counter[str] = Counter()
        self._blocked: dict[str, dict[ConnectionQueue, None]] = {}
        self._left_out: set[str] = set()
        self._last: dict[str, str] = {}

    def __iter__(self) -> Iterator[ConnectionQueue]:
        return iter(self._queues.values())

    def get(self, connection_id: str) -> ConnectionQueue | None:
        """The connection's queue, if it has one."""
        return self._queues.get(connection_id)

    def open(self, connection_id: str, publisher_id: str) -> ConnectionQueue:
        """The connection's queue, made if need be."""
        queue = self._queues.get(connection_id)
        if queue is None:
            queue = self._queues[connection_id] = ConnectionQueue(connection_id, publisher_id)
        return queue

    def since(self, connection_ids: Collection[str], now: float) -> dict[str, int]:
        """From which due time on to claim for these connections; see :meth:`ConnectionQueue.since`."""
        queues = (self._queues.get(each) for each in connection_ids)
        return {queue.connection_id: queue.since(now) for queue in queues if queue is not None}

    def begin(self, queue: ConnectionQueue) -> list[Claimed] | None:
        """The queue's next call, if one waits and its pace and its shares allow it now."""
        if not queue.ready:
            return None
        if not self._may(queue.publisher_id, queue.running, half_open=queue.half_open):
            self._blocked.setdefault(queue.publisher_id, {})[queue] = None
            return None
        self._shares.take(queue.publisher_id)
        self._half_open[queue.publisher_id] += queue.half_open
        return queue.next_call()

    def ended(self, publisher_id: str, *, half_open: bool) -> None:
        """A call of the publisher's has ended; ``half_open`` as it was when it began."""
        self._shares.give_back(publisher_id)
        if half_open:
            self._half_open[publisher_id] -= 1
            if not self._half_open[publisher_id]:
                del self._half_open[publisher_id]

    def next_after(self, ended: ConnectionQueue) -> Sequence[ConnectionQueue]:
        """Queues that may begin a call now that one of ``ended`` has.

        Those of its publisher that waited for a place come before it.
        """
        blocked = self._blocked.get(ended.publisher_id)
        if ended.waiting and blocked:
            blocked.pop(ended, None)
            blocked[ended] = None
            return self.unblocked()
        return [ended, *self.unblocked()]

    def unblocked(self) -> Sequence[ConnectionQueue]:
        """Queues that waited for a place and may have one now, those of the publisher with the fewest calls first."""
        found: list[ConnectionQueue] = []
        if self._blocked:
            for publisher_id in sorted(self._blocked, key=self._shares.held):
                waiting = self._blocked[publisher_id]
                # Who has the fewest first, else who waited longest.
                for queue in heapq.nsmallest(self._shares.room(publisher_id), waiting, key=_running):
                    del waiting[queue]
                    found.append(queue)
                if not waiting:
                    del self._blocked[publisher_id]
        return found

    def looks_again(self) -> bool:
        """Whether a publisher with work that was left out for want of places has got a good part of its share back."""
        back = {who for who in self._left_out if self._shares.room(who) * OWN_RESERVE >= self._capacity(who)}
        self._left_out -= back
        return bool(back)

    def crowd(self) -> FullPublishers | None:
        """Publishers with work that was left out and no place for any more; ``None`` if there are none."""
        full = {who for who in self._left_out if not self._shares.may(who)}
        if not full:
            return None
        return FullPublishers(
            [*full], [queue.connection_id for queue in self._queues.values() if queue.publisher_id in full]
        )

    def plan(self, due: Iterable[Due]) -> Plan:
        """What to claim for the connections ``due``, so that what is claimed finds a place soon."""
        by_publisher: dict[str, list[Due]] = defaultdict(list)
        for one in due:
            by_publisher[one.publisher_id].append(one)
        plan, draft = Plan(), self._shares.copy()
        for publisher_id, mine in by_publisher.items():
            self._plan(publisher_id, self._in_turn(publisher_id, mine), draft, plan)
        return plan

    def direct_room(self, queue: ConnectionQueue) -> int:
        """How many new deliveries of the queue's may go past the database's line, and be lined up at once.

        None while something older may wait there, while it has to prove itself, and where what was held by a worker
        that vanished may not be sent again.
        """
        if queue.destination is None or queue.half_open or queue.alone or queue.more:
            return 0
        if not queue.destination.repeatable:
            return 0
        return queue.wanted(queue.running + self._queue_room(queue.publisher_id, queue.running))

    def _plan(self, publisher_id: str, due: Sequence[Due], draft: Shares, plan: Plan) -> None:
        left = draft.room(publisher_id)
        half_opens = self._half_open_room(publisher_id)
        each = min(max(left // len(due), 1), START)
        for one in due:
            queue = self._queues.get(one.connection_id)
            half_open = one.half_open or (queue is not None and queue.half_open)
            calls = min(1 if half_open else each, left)
            if queue is not None and queue.busy:
                # What it has at hand is counted; it looks for more by itself when that runs low.
                wanted = queue.wanted(queue.running + self._queue_room(publisher_id, queue.running))
                queue.more |= wanted == 0
                if wanted:
                    plan.wanted[one.connection_id] = wanted
                continue
            if calls < 1:
                self._left_out.add(publisher_id)
            if calls < 1 or (half_open and half_opens < 1):  # half-open ones are looked for again and again
                continue
            left -= calls
            half_opens -= half_open
            for _ in range(calls):
                draft.take(publisher_id)
            self._last[publisher_id] = one.connection_id
            if queue is None or queue.destination is None:
                plan.calls[one.connection_id] = calls
            else:
                plan.wanted[one.connection_id] = queue.wanted(calls if each < START else queue.pace.limit)

    def _in_turn(self, publisher_id: str, due: list[Due]) -> Sequence[Due]:
        """From the connection behind the last that was planned for."""
        last = self._last.pop(publisher_id, "")
        due.sort(key=lambda one: (one.connection_id <= last, one.connection_id))
        return due

    def _capacity(self, publisher_id: str) -> int:
        return self._shares.held(publisher_id) + self._shares.room(publisher_id)

    def _may(self, publisher_id: str, running: int, *, half_open: bool) -> bool:
        if half_open and self._half_open_room(publisher_id) < 1:
            return False
        return self._queue_room(publisher_id, running) > 0

    def _queue_room(self, publisher_id: str, running: int) -> int:
        capacity = self._capacity(publisher_id)
        return room(capacity, capacity // OWN_RESERVE, self._shares.held(publisher_id), running)

    def _half_open_room(self, publisher_id: str) -> int:
        capacity = self._capacity(publisher_id)
        held, half_opens = self._shares.held(publisher_id), self._half_open[publisher_id]
        return room(capacity, capacity // HALF_OPEN_RESERVE, held, half_opens)

    def let_go(self, now: float) -> None:
        """Let go of queues that were idle for long, and of the longest idle of too many; ``now`` in seconds."""
        idle: list[ConnectionQueue] = []
        for queue in list(self._queues.values()):
            if queue.busy:
                queue.idle_since = None
            elif queue.destination is not None:
                queue.idle_since = now if queue.idle_since is None else queue.idle_since
                idle.append(queue)
            elif not queue.closing:
                del self._queues[queue.connection_id]
        idle.sort(key=lambda queue: queue.idle_since or now, reverse=True)
        for number, queue in enumerate(idle):
            if number >= MOST_IDLE or now - (queue.idle_since or now) >= IDLE_SECONDS:
                queue.close_destination(0)
