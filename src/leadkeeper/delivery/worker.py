"""The worker: a loop that claims due deliveries, sends them, and writes down what came of it."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, Final

import sqlalchemy as sa
import structlog

from leadkeeper.channels.subscriptions import NOBODY, Subscriptions
from leadkeeper.clock import Clock, now_ms
from leadkeeper.connections.adapters import open_adapter
from leadkeeper.connections.connections import Connections
from leadkeeper.deadlines import Deadlines
from leadkeeper.delivery.call import Call
from leadkeeper.delivery.claim import AT_ONCE, Work, claim, give_back, standings
from leadkeeper.delivery.direct import DirectClaims
from leadkeeper.delivery.due import Due, in_turn
from leadkeeper.delivery.held_lease import HeldLease
from leadkeeper.delivery.housekeeping import Housekeeping, Prove
from leadkeeper.delivery.lease import close_lease, return_unrecorded
from leadkeeper.delivery.lookout import POLL_SECONDS, Lookout
from leadkeeper.delivery.queue import AHEAD, ConnectionQueue
from leadkeeper.delivery.queues import ConnectionQueues
from leadkeeper.delivery.record import record_answers
from leadkeeper.delivery.sent import Sent
from leadkeeper.destinations.interface import Context
from leadkeeper.destinations.registry import Destinations
from leadkeeper.diagnosis import Answer, Outcome, Receipt
from leadkeeper.fault import where
from leadkeeper.storage.engine import Storage, StorageAway
from leadkeeper.storage.group import Group, GroupCommit

RECORD_LIMIT: Final = 500
RECORD_PAUSE: Final = 0.05
"""How many seconds receipts wait to be written down together: a transaction costs more than what it holds. If a worker
dies meanwhile their leads go again, so only those wait whose destination tells twice from once."""
CLAIMED_AT_ONCE: Final = 12
"""For how many connections is claimed in one transaction: others write too, and what comes meanwhile waits for it."""
LOOK_BACK_RESTS: Final = 20
"""How many times as long as a claim took that looked at all that was due of a connection none looks at all of it again:
at least :data:`POLL_SECONDS`, at most :data:`LOOK_BACK_SECONDS`."""
LOOK_BACK_SECONDS: Final = 10.0
AWAY_SECONDS: Final = 0.3

log: Final = structlog.get_logger(__name__)


class Worker:
    """Carries leads until it is stopped. Any number of them may share one database.

    ``random_unit`` gives numbers in [0, 1); ``observe`` is told every send that ended (for metrics);
    ``prove`` validates new settings of a connection that wait; ``events`` says who is told what becomes of leads.
    """

    def __init__(
        self,
        storage: Storage,
        connections: Connections,
        context: Context,
        *,
        lease_seconds: float = 15,
        clock: Clock = now_ms,
        random_unit: Callable[[], float] = random.random,
        observe: Callable[[Sequence[Sent]], None] = lambda _: None,
        prove: Prove | None = None,
        events: Subscriptions = NOBODY,
    ) -> None:
        self._storage, self._events = storage, events
        self._connections = connections
        self._context = context
        self._destinations = connections.destinations
        self._clock = clock
        self._random_unit = random_unit
        self._observe = observe
        self._queues = ConnectionQueues()
        self._lease = HeldLease(storage, clock, lease_seconds, self.wake, self._regained)
        self.direct = DirectClaims(self._queues, self._lease, self._start_calls, self._give_back)
        self._calls: set[asyncio.Task[None]] = set()
        self._deadlines = Deadlines()
        self._recorder: GroupCommit[Sent, None] = GroupCommit(self._record, RECORD_LIMIT, pause=RECORD_PAUSE)
        self._housekeeping = Housekeeping(
            storage, connections, context, self.wake, clock=clock, random_unit=random_unit, prove=prove, events=events
        )
        self._woken = asyncio.Event()
        self._hints, self._look_everywhere = set[str](), True
        self._stopping, self._checked_at = False, 0.0
        self._idle, self._stopped = asyncio.Event(), asyncio.Event()
        self._lookout = Lookout(storage, clock, self._queues.crowd, self._woken.set, self._destinations.names)

    def wake(self, connection_ids: Collection[str] = ()) -> None:
        """There is work for these connections; with none named, look at all."""
        if connection_ids:
            self._hints.update(connection_ids)
        else:
            self._look_everywhere = True
        self._woken.set()

    async def run(self) -> None:
        """Carry leads until :meth:`stop`; a database that is away is waited for."""
        beat = asyncio.create_task(self._lease.beat(), name="worker-heartbeat")
        keeping = asyncio.create_task(self._housekeeping.run(), name="housekeeping")
        end_listening = await self._storage.listen(self.wake)
        try:
            while not self._stopping:
                await self._turn()
            self._idle.set()
            # What is in flight stays ours until it has ended: the lease is renewed till then.
            await self._stopped.wait()
        finally:
            self._idle.set()
            await end_listening()
            await self._lookout.aclose()
            for task in (beat, keeping):
                task.cancel()
            await asyncio.gather(beat, keeping, return_exceptions=True)

    async def stop(self, seconds: float) -> None:
        """Claim nothing more; give what is in flight ``seconds`` to end, return the rest, close the lease.

        Ends soon after that also while the database is away: the lease then runs out, and what it held comes back.
        """
        self._stopping = True
        self.direct.shut()
        self._woken.set()
        try:
            await self._end(asyncio.get_running_loop().time() + seconds)
        finally:
            self._stopped.set()

    async def _end(self, deadline: float) -> None:
        # Beside the calls: a database that does not answer must not take their time.
        giving = asyncio.create_task(self._give_back([each for queue in self._queues for each in queue.drop()]))
        if self._calls:
            await asyncio.wait(self._calls, timeout=_left(deadline))
        for call in self._calls:
            call.cancel()
        if self._calls:
            await asyncio.wait(self._calls, timeout=_left(deadline))
        try:
            async with asyncio.timeout(_left(deadline)):
                await giving
                await self.direct.close()
                await self._recorder.drained()
                await self._idle.wait()  # a claim under way may yet add to the lease
                if self._lease.id:
                    await self._storage.write(close_lease, self._lease.id, self._clock())
        except (StorageAway, TimeoutError):
            log.warning("lease left to expire, with what it holds: the database is away")
        finally:
            # Last: what the answers said is written down, whatever an adapter does as it ends.
            await asyncio.gather(*(queue.closed() for queue in self._queues))

    async def _turn(self) -> None:
        self._woken.clear()
        try:
            await self._check_queues()
            await self._claim()
        except StorageAway as error:
            log.warning("database is away", error=type(error.__cause__).__name__)
            # The claim may have been committed although nobody told us what it claimed.
            self._lease.abandon()
            self._look_everywhere = True
            await asyncio.sleep(AWAY_SECONDS)
            return
        except Exception as error:
            log.error("claiming failed", error=where(error))
            self._lease.abandon()
            self._look_everywhere = True
            await asyncio.sleep(POLL_SECONDS)
            return
        try:
            await asyncio.wait_for(self._woken.wait(), POLL_SECONDS)
        except TimeoutError:
            self._look_everywhere = True

    def _news(self) -> Sequence[Due]:
        """The connections to claim for since this was asked last; those without a queue are looked for first."""
        everywhere, hints = self._look_everywhere, self._hints
        self._look_everywhere, self._hints = False, set()
        queues = [queue for connection_id in hints if (queue := self._queues.get(connection_id)) is not None]
        if everywhere:
            self._lookout.look(None)
            for queue in self._queues:
                queue.look_back()
        self._lookout.look(hints - {queue.connection_id for queue in queues})
        known = [Due(queue.connection_id, queue.publisher_id) for queue in queues if not queue.half_open]
        return [*self._lookout.take(), *known]

    async def _check_queues(self) -> None:
        """Now and then: what was claimed ahead for a connection that changed, or that is closed by now, is returned."""
        now = time.monotonic()
        if now < self._checked_at + POLL_SECONDS:
            return
        self._checked_at = now
        self._queues.let_go(now)
        busy = [queue for queue in self._queues if queue.busy]
        if not busy:
            return
        lease_id = self._lease.id
        found = await self._storage.read(standings, [queue.connection_id for queue in busy], self._clock())
        returned = [delivery_id for queue in busy for delivery_id in queue.heed(found.get(queue.connection_id))]
        await self._give_back(returned, lease_id)

    async def _claim(self) -> None:
        if not self._lease.holds():
            for queue in self._queues:
                queue.drop()  # what the old lease held may be another's by now
            await self._lease.begin()
        due = {one.connection_id: one for one in self._news()}
        while due and not self._stopping:
            await self._check_queues()
            turns = in_turn([*due.values()], self._clock())
            await self._claim_for(turns[:CLAIMED_AT_ONCE])
            # What has just come to others does not wait until all that was due before is claimed.
            due = {one.connection_id: one for one in [*turns[CLAIMED_AT_ONCE:], *self._news()]}

    async def _claim_for(self, due: Sequence[Due]) -> None:
        plan = self._queues.plan(due)
        if not plan.connections or self._stopping or not self._lease.holds():
            return

        def first_share(row: sa.Row[Any]) -> int:
            return _share_of(row, plan.calls.get(row.id, 0), self._destinations)

        lease_id = self._lease.id
        busy = [queue.connection_id for queue in self._queues if queue.busy]
        begun = time.monotonic()
        since = self._queues.since(plan.connections, begun)
        works = await self._storage.write(
            claim,
            lease_id,
            plan.wanted,
            first_share,
            self._clock(),
            list(plan.connections),
            busy,
            self._destinations.names,
            self._events,
            since,
        )
        if lease_id != self._lease.id or self._stopping:
            await self._give_back([claimed.id for work in works for claimed in work.claimed], lease_id)
            return
        if sum(len(work.claimed) for work in works) >= AT_ONCE:
            self.wake()
        ended = time.monotonic()
        rested = ended + min(max(POLL_SECONDS, LOOK_BACK_RESTS * (ended - begun)), LOOK_BACK_SECONDS)
        for work in works:
            queue = self._line_up(work, plan.wanted.get(work.connection_id) or first_share(work.row))
            queue.claimed(work.up_to, None if since.get(work.connection_id) else rested)
            self._start_calls(queue)

    def _line_up(self, work: Work, share: int) -> ConnectionQueue:
        queue = self._queues.open(work.connection_id, work.row.publisher_id)
        if queue.destination is None or queue.generation != work.row.generation:
            queue.reopen(
                open_adapter(self._connections.connection_of(work.row), self._context, self._storage),
                work.row.generation,
            )
        queue.take(work, share)
        return queue

    def _start_calls(self, queue: ConnectionQueue) -> None:
        self._go_beside(self._begun(queue))

    def _begun(self, queue: ConnectionQueue) -> list[Call]:
        """The calls that the queue may begin now; each holds its place from now on."""
        begun: list[Call] = []
        while not self._stopping and self._lease.holds() and (claimed := self._queues.begin(queue)) is not None:
            assert queue.destination is not None
            now = (queue.destination, queue.generation, queue.half_open, self._lease.id, self._clock())
            begun.append(Call(queue, claimed, *now))
        if queue.more and queue.wanted(queue.pace.limit):
            self.wake([queue.connection_id])
        return begun

    def _go_beside(self, calls: Iterable[Call]) -> None:
        for call in calls:
            task = asyncio.create_task(self._go(call), name="calls")
            self._calls.add(task)
            task.add_done_callback(self._calls.discard)

    async def _go(self, call: Call | None) -> None:
        """Go on with what may begin when a call has ended, in the same task: to make one costs more than to go on."""
        while call is not None:
            await self._call(call)
            call = self._next_after(call.queue)
            await asyncio.sleep(0)  # whatever never waits must not hold up all others

    async def _call(self, call: Call) -> None:
        queue, half_open = call.queue, call.half_open
        sends = await call.send(self._deadlines)
        self._queues.ended(queue.publisher_id, half_open=half_open)
        dropped: list[str] = []
        if queue.destination is call.destination:  # an answer of settings that were changed since says nothing of these
            answers = [sent.answer for sent in sends]
            queue.running -= 1
            queue.pace.observed(answers)
            dropped = queue.drop() if _closes(answers) else []
        recorded = [self._recorder.put(sent, at_once=_is_urgent(sent)) for sent in sends]
        self._observe(sends)
        if dropped:
            await self._give_back(dropped, call.lease_id)
        if half_open:
            await asyncio.gather(*recorded)
            queue.half_open = queue.half_open and queue.destination is not call.destination
            self.wake([queue.connection_id])

    def _next_after(self, ended: ConnectionQueue) -> Call | None:
        """A call of ``ended`` is over: others may have its place. The first goes on in it, the rest beside it."""
        begun = [call for waiting in self._queues.next_after(ended) for call in self._begun(waiting)]
        if self._queues.looks_again():
            self.wake()
        self._go_beside(begun[1:])
        return begun[0] if begun else None

    async def _record(self, group: Group[Sent, None]) -> Sequence[None]:
        """Write sends down; the lead of one that cannot be written waits, or is set aside: it may have arrived."""
        sends = group.take()
        try:
            await self._write_down(sends)
        except Exception as error:
            if len(sends) > 1:
                raise  # they come again one by one
            log.error("recording failed", delivery=sends[0].delivery_id, error=where(error))
            await self._return_unrecorded(sends[0])
        return [None] * len(sends)

    async def _return_unrecorded(self, sent: Sent) -> None:
        try:
            await self._storage.write(return_unrecorded, sent.lease_id, sent.delivery_id, self._clock(), self._events)
        except Exception as error:
            log.error("delivery left to its lease", delivery=sent.delivery_id, error=where(error))
            if sent.lease_id == self._lease.id:
                self._lease.abandon()

    async def _write_down(self, sends: Sequence[Sent]) -> None:
        """However long the database is away: an answer that we heard is never forgotten, nor written twice."""
        again = len(sends) == 1  # one alone may come from a group that could not be written
        while True:
            try:
                now, unit = self._clock(), self._random_unit()
                recorded = await self._storage.write(record_answers, sends, now, unit, self._events, again=again)
            except StorageAway:
                again = True
                await asyncio.sleep(AWAY_SECONDS)
                continue
            for connection_id in recorded.paused_now:
                log.warning("connection paused", connection=connection_id)
            if recorded.health:
                self.wake(list(recorded.health))
            return

    async def _give_back(self, delivery_ids: Collection[str], lease_id: str | None = None) -> None:
        if not delivery_ids:
            return
        try:
            await self._storage.write(give_back, lease_id or self._lease.id, delivery_ids, self._clock())
        except StorageAway:
            log.warning("deliveries left to their lease: the database is away", deliveries=len(delivery_ids))
            self._lease.abandon()

    def _regained(self) -> None:
        # Whatever ended while the lease was not known to hold began nothing after it.
        for queue in list(self._queues):
            self._start_calls(queue)


def _left(deadline: float) -> float:
    """The seconds until ``deadline``, at least one."""
    return max(deadline - asyncio.get_running_loop().time(), 1.0)


def _share_of(row: sa.Row[Any], calls: int, destinations: Destinations) -> int:
    """How many deliveries to claim for a connection that this worker has no queue for yet, to begin so many calls."""
    return calls * (1 + (AHEAD if row.repeatable else 0)) * destinations.named(row.destination).least_batch


def _is_urgent(sent: Sent) -> bool:
    """Whether somebody waits until it is written down, or a lead would go twice, or need a person, if it never were."""
    return sent.half_open or not sent.repeatable or not isinstance(sent.answer, Receipt)


def _closes(answers: Sequence[Answer]) -> bool:
    """Whether the connection should send nothing more before its health was looked at."""
    return any(not isinstance(a, Receipt) and a.outcome in (Outcome.BROKEN, Outcome.THROTTLED) for a in answers)
