"""What is done for one publisher takes turns, so that a burst of it stands before nobody else's.

While the process has too much to do, a publisher that used more than its share of the last moments rests after each
turn. See ``docs/decisions/0036-who-used-most-rests-while-a-process-is-late.md``.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from contextvars import ContextVar
from typing import Final

from leadkeeper.gate import Gate
from leadkeeper.problem import Problem, ProblemType
from leadkeeper.shares import RecentUse
from leadkeeper.texts import lazy_gettext

PLACES: Final = 12
PLACES_RESERVED: Final = 4
"""So many requests of publishers are worked on at once in a process; four of one that is alone (see `shares`)."""
TURN_SECONDS: Final = 0.25
"""A request that takes longer waits for somebody else, a remote system or a reader: the next one may begin."""
LATE_SECONDS: Final = 0.01
"""A process whose event loop is later than this has too much to do: whatever comes and goes waits for it."""
LEAST_COST_SECONDS: Final = 0.1
"""What a turn counts at least when its rest is reckoned: an answered request leads to what is yet to be done, such as
deliveries."""
MOST_REST_SECONDS: Final = 1.0
MOST_WAITING: Final = 16
"""So many requests wait for the turn of a publisher that rests; a further one is told to come again."""
RETRY_SECONDS: Final = 2
HOOK_LEADS: Final = "/hooks"
"""Leads that come by hooks take turns of their own, so that what the publisher's people do does not delay them."""
PUBLISHING: Final = "/publishing"
"""So do the steps of publishing, which go on when the request that began them has long been answered."""
_ALWAYS_WAIT: Final = frozenset({HOOK_LEADS, PUBLISHING})


class Strain:
    """How late the event loop is, in seconds: what callbacks that were due at once waited, over some 100 ms.

    It is measured when a request asks for it and at no other time, so that an idle process stays idle.
    """

    SECONDS: Final = 0.1
    _MOST_WEIGHT: Final = 0.5

    def __init__(self) -> None:
        self.late = 0.0
        self._measured_at = 0.0

    def measure(self) -> None:
        """Measure it once more, by a callback that is due at once."""
        loop = asyncio.get_running_loop()
        loop.call_soon(self._due, loop.time(), loop.time)

    def _due(self, at: float, clock: Callable[[], float]) -> None:
        now = clock()
        self.add(now - at, now)

    def add(self, seconds: float, now: float) -> None:
        """A callback ran so late. One alone says half; what was measured long ago says nothing."""
        weight = 1 - math.exp((self._measured_at - now) / self.SECONDS)
        self._measured_at = now
        self.late += min(weight, self._MOST_WEIGHT) * (seconds - self.late)

    @property
    def is_late(self) -> bool:
        """Whether the process has too much to do."""
        return self.late > LATE_SECONDS


class PublisherTurn:
    """One turn: taken once its publisher is known, given back when it ends or after :data:`TURN_SECONDS`."""

    __slots__ = ("_begun", "_of", "_publisher_id", "_timer", "_who")

    def __init__(self, of: PublisherTurns) -> None:
        self._of = of
        self._publisher_id = self._who = ""
        self._begun = 0.0
        self._timer: asyncio.TimerHandle | None = None

    async def take(self, publisher_id: str, kind: str) -> None:
        """Wait until the publisher's turn has come, see :meth:`PublisherTurns.enter`; at once if it was taken."""
        if self._timer is not None:
            return
        await self._of.enter(publisher_id, kind)
        loop = asyncio.get_running_loop()
        self._publisher_id, self._who, self._begun = publisher_id, publisher_id + kind, loop.time()
        self._timer = loop.call_later(TURN_SECONDS, self.end)

    def end(self) -> None:
        """Let the next one begin."""
        if self._who:
            who, self._who = self._who, ""
            self._of.leave(who, self._publisher_id, self._begun)
        if self._timer is not None:
            self._timer.cancel()


_turn: Final[ContextVar[PublisherTurn | None]] = ContextVar("publisher_turn", default=None)


class PublisherTurns:
    """The turns of one process."""

    def __init__(self) -> None:
        self.strain: Final = Strain()
        self._gate = Gate(PLACES, PLACES_RESERVED)
        self._uses = RecentUse()

    def begin(self) -> PublisherTurn:
        """The turn that :func:`wait_for_turn` takes within this request. Whoever begins it ends it."""
        turn = PublisherTurn(self)
        _turn.set(turn)  # requests on one connection may share a context
        return turn

    async def enter(self, publisher_id: str, kind: str) -> None:
        """Wait for a place. Raises :class:`Problem` where many wait and :meth:`_rest` holds them up; see there.

        Leads wait in any case, since whoever hands one in may not come again, and so do steps of publishing.
        """
        self.strain.measure()
        who, now = publisher_id + kind, asyncio.get_running_loop().time()
        if kind not in _ALWAYS_WAIT and self._gate.waiting(who) >= MOST_WAITING and self._rest(publisher_id, 0.0, now):
            raise Problem(
                ProblemType.TOO_MANY_REQUESTS,
                lazy_gettext(
                    "The installation has much to do, and many requests of this publisher wait already. "
                    "Try again in %(seconds)s s, and send fewer at once.",
                    seconds=RETRY_SECONDS,
                ),
                retry_after=RETRY_SECONDS,
            )
        await self._gate.enter(who)

    def leave(self, who: str, publisher_id: str, begun: float) -> None:
        """Give the place back, or leave it empty for a while: see :meth:`_rest`."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        took = now - begun
        self._uses.add(publisher_id, took, now)
        if rest := self._rest(publisher_id, took, now):
            # It counts as used: else whoever rests would soon seem modest beside those who are in nobody's way.
            self._uses.add(publisher_id, rest, now)
            loop.call_later(rest, self._gate.leave, who)
        else:
            self._gate.leave(who)

    def _rest(self, publisher_id: str, took: float, now: float) -> float:
        """How long the place of a turn that took so long stays empty after it.

        Not at all while the loop is in time, or for a publisher that used no more than its share or is alone: nobody
        waits where there is room for all, nor for nobody. Otherwise the longer the later the loop is, so that one who
        takes a turn after every turn does less until the others are served in time again.
        """
        if not self.strain.is_late or (parts := self._uses.even_parts(publisher_id, now)) <= 1:
            return 0.0
        return min(max(took, LEAST_COST_SECONDS) * parts * self.strain.late / LATE_SECONDS, MOST_REST_SECONDS)


async def wait_for_turn(publisher_id: str, kind: str = "") -> None:
    """Go on when it is the turn of the publisher that this request turned out to be of.

    Requests of another ``kind`` take turns of their own. Raises :class:`Problem` where many of a publisher that used
    more than its share wait already while the process has too much to do.
    """
    if (turn := _turn.get()) is not None:
        await turn.take(publisher_id, kind)
