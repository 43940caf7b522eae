"""The lanes of one worker, and who may begin a call: publishers share its places first, their connections second."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from leadkeeper.delivery.claim import Claimed
from leadkeeper.delivery.due import Crowd, Due
from leadkeeper.delivery.lane import Lane
from leadkeeper.delivery.pace import START
from leadkeeper.shares import Shares, room

CALLS: Final = 480
"""How many calls one worker has running; a publisher alone has 208 of them, a connection alone its pace's 64."""
CALLS_RESERVED: Final = 64
"""Of those, one each for publishers that have none: a newcomer's lead goes at once, whatever hangs."""
OWN_RESERVE: Final = 8
"""A publisher keeps one part in so many of its places for those of its connections that have none."""
TRIALS_RESERVE: Final = 4
"""One part in so many is for connections that are well: those on trial, which may hang, take none of it."""
IDLE_SECONDS: Final = 300.0
MOST_IDLE: Final = 500
"""So many idle lanes are kept, for so long, with their adapters; a lane is made again when it is needed."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to claim: deliveries for lanes that exist, calls for connections that have none yet."""

    wanted: dict[str, int] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)

    @property
    def connections(self) -> Collection[str]:
        """The connections to claim for."""
        return self.wanted.keys() | self.calls.keys()


def _running(lane: Lane) -> int:
    return lane.running


class Lanes:
    """Lanes by connection. A call holds a place of its publisher from :meth:`begin` to :meth:`ended`."""

    def __init__(self, calls: int = CALLS, reserved: int = CALLS_RESERVED) -> None:
        self._lanes: dict[str, Lane] = {}
        self._shares = Shares(calls, reserved)
        self._trials: Counter[str] = Counter()
        self._blocked: dict[str, dict[Lane, None]] = {}
        self._left_out: set[str] = set()
        self._last: dict[str, str] = {}

    def __iter__(self) -> Iterator[Lane]:
        return iter(self._lanes.values())

    def get(self, connection_id: str) -> Lane | None:
        """The connection's lane, if it has one."""
        return self._lanes.get(connection_id)

    def open(self, connection_id: str, publisher_id: str) -> Lane:
        """The connection's lane, made if need be."""
        lane = self._lanes.get(connection_id)
        if lane is None:
            lane = self._lanes[connection_id] = Lane(connection_id, publisher_id)
        return lane

    def begin(self, lane: Lane) -> list[Claimed] | None:
        """The lane's next call, if one waits and its pace and its shares allow it now."""
        if not lane.waiting:
            return None
        if self._may(lane.publisher_id, lane.running, trial=lane.trial):
            call = lane.next_call(lane.running + 1)
            if call is not None:
                self._shares.take(lane.publisher_id)
                self._trials[lane.publisher_id] += lane.trial
            return call
        if lane.running < lane.pace.limit:
            self._blocked.setdefault(lane.publisher_id, {})[lane] = None
        return None

    def ended(self, publisher_id: str, *, trial: bool) -> None:
        """A call of the publisher's has ended; ``trial`` as it was when it began."""
        self._shares.give_back(publisher_id)
        if trial:
            self._trials[publisher_id] -= 1
            if not self._trials[publisher_id]:
                del self._trials[publisher_id]

    def next_after(self, ended: Lane) -> Sequence[Lane]:
        """Lanes that may begin a call now that one of ``ended`` has.

        Those of its publisher that waited for a place come before it.
        """
        blocked = self._blocked.get(ended.publisher_id)
        if ended.waiting and blocked:
            blocked.pop(ended, None)
            blocked[ended] = None
            return self.unblocked()
        return [ended, *self.unblocked()]

    def unblocked(self) -> Sequence[Lane]:
        """Lanes that waited for a place and may have one now, those of the publisher with the fewest calls first."""
        found: list[Lane] = []
        if self._blocked:
            for publisher_id in sorted(self._blocked, key=self._shares.held):
                waiting = self._blocked[publisher_id]
                # Who has the fewest first, else who waited longest.
                for lane in heapq.nsmallest(self._shares.room(publisher_id), waiting, key=_running):
                    del waiting[lane]
                    found.append(lane)
                if not waiting:
                    del self._blocked[publisher_id]
        return found

    def looks_again(self) -> bool:
        """Whether a publisher with work that was left out for want of places has got a good part of its share back."""
        back = {who for who in self._left_out if self._shares.room(who) * OWN_RESERVE >= self._capacity(who)}
        self._left_out -= back
        return bool(back)

    def crowd(self) -> Crowd | None:
        """Publishers with work that was left out and no place for any more; ``None`` if there are none."""
        full = {who for who in self._left_out if not self._shares.may(who)}
        if not full:
            return None
        return Crowd([*full], [lane.connection_id for lane in self._lanes.values() if lane.publisher_id in full])

    def plan(self, due: Iterable[Due]) -> Plan:
        """What to claim for the connections ``due``, so that what is claimed finds a place soon."""
        by_publisher: dict[str, list[Due]] = defaultdict(list)
        for one in due:
            by_publisher[one.publisher_id].append(one)
        plan, draft = Plan(), self._shares.copy()
        for publisher_id, mine in by_publisher.items():
            self._plan(publisher_id, self._in_turn(publisher_id, mine), draft, plan)
        return plan

    def _plan(self, publisher_id: str, due: Sequence[Due], draft: Shares, plan: Plan) -> None:
        left = draft.room(publisher_id)
        trials = self._trial_room(publisher_id)
        each = min(max(left // len(due), 1), START)
        for one in due:
            lane = self._lanes.get(one.connection_id)
            trial = one.trial or (lane is not None and lane.trial)
            calls = min(1 if trial else each, left)
            if lane is not None and lane.busy:
                # What it has at hand is counted; it looks for more by itself when that runs low.
                wanted = lane.wanted(lane.running + self._lane_room(publisher_id, lane.running))
                lane.more |= wanted == 0
                if wanted:
                    plan.wanted[one.connection_id] = wanted
                continue
            if calls < 1:
                self._left_out.add(publisher_id)
            if calls < 1 or (trial and trials < 1):  # what is on trial is looked for again and again
                continue
            left -= calls
            trials -= trial
            for _ in range(calls):
                draft.take(publisher_id)
            self._last[publisher_id] = one.connection_id
            if lane is None or lane.destination is None:
                plan.calls[one.connection_id] = calls
            else:
                plan.wanted[one.connection_id] = lane.wanted(calls if each < START else lane.pace.limit)

    def _in_turn(self, publisher_id: str, due: list[Due]) -> Sequence[Due]:
        """From the connection behind the last that was planned for."""
        last = self._last.pop(publisher_id, "")
        due.sort(key=lambda one: (one.connection_id <= last, one.connection_id))
        return due

    def _capacity(self, publisher_id: str) -> int:
        return self._shares.held(publisher_id) + self._shares.room(publisher_id)

    def _may(self, publisher_id: str, running: int, *, trial: bool) -> bool:
        if trial and self._trial_room(publisher_id) < 1:
            return False
        return self._lane_room(publisher_id, running) > 0

    def _lane_room(self, publisher_id: str, running: int) -> int:
        capacity = self._capacity(publisher_id)
        return room(capacity, capacity // OWN_RESERVE, self._shares.held(publisher_id), running)

    def _trial_room(self, publisher_id: str) -> int:
        capacity = self._capacity(publisher_id)
        held, trials = self._shares.held(publisher_id), self._trials[publisher_id]
        return room(capacity, capacity // TRIALS_RESERVE, held, trials)

    def let_go(self, now: float) -> None:
        """Let go of lanes that were idle for long, and of the longest idle of too many; ``now`` in seconds."""
        idle: list[Lane] = []
        for lane in list(self._lanes.values()):
            if lane.busy:
                lane.idle_since = None
            elif lane.destination is not None:
                lane.idle_since = now if lane.idle_since is None else lane.idle_since
                idle.append(lane)
            elif not lane.closing:
                del self._lanes[lane.connection_id]
        idle.sort(key=lambda lane: lane.idle_since or now, reverse=True)
        for number, lane in enumerate(idle):
            if number >= MOST_IDLE or now - (lane.idle_since or now) >= IDLE_SECONDS:
                lane.close_destination(0)
