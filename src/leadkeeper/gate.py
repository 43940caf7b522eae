"""Waiting for one's turn at places that are shared fairly."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterator
from contextvars import ContextVar
from typing import Final, NamedTuple

from leadkeeper.shares import Shares, room

NOBODY: Final = ""
"""On whose behalf the installation itself acts."""

VISITORS: Final = "?visitors"
"""Whoever looks at what everybody may see: what one publisher would get is for all of them, each address a part."""
NEWCOMERS: Final = "?newcomers"
"""The same for whoever signs in, or sent the token of a hook, before it is known who they are."""
STRANGERS: Final = frozenset({VISITORS, NEWCOMERS})

PART_RESERVE: Final = 8
"""Of what somebody may hold, one place in so many is kept for those of its parts that have none."""

_acting_for: Final[ContextVar[str]] = ContextVar("acting_for", default=NOBODY)
_acting_over: Final[ContextVar[str]] = ContextVar("acting_over", default="")


def acting_for() -> str:
    """The publisher on whose behalf the current task acts; :data:`NOBODY` when it is the installation's own."""
    return _acting_for.get()


def acting_over() -> str:
    """The part for which the current task acts: a connection, a visitor's address; empty when it acts for none."""
    return _acting_over.get()


@contextlib.contextmanager
def on_behalf_of(publisher_id: str, connection_id: str = "") -> Iterator[None]:
    """What happens within, in tasks begun there too, is charged to the publisher's shares, and the connection's."""
    before, over_before = _acting_for.set(publisher_id), _acting_over.set(connection_id)
    try:
        yield
    finally:
        _acting_for.reset(before)
        _acting_over.reset(over_before)


def charge(who: str, part: str = "") -> None:
    """Whatever the current task does from now on is charged to the shares of a publisher, or of :data:`STRANGERS`."""
    _acting_for.set(who)
    _acting_over.set(part)


class NoTurn(Exception):
    """No place became free for the caller in time, or too many of its own wait already."""


class _Turn(NamedTuple):
    """Somebody who waits, and for which part."""

    part: str
    admitted: asyncio.Future[None]


class Gate:
    """Places that callers wait for, each publisher's in the order in which they came.

    Who holds the fewest comes next, of several such whoever waited longer since a place was given to it last. Where
    callers name a part (a connection of the publisher), the parts share what the publisher may hold by the same rule,
    and come in turn. At most ``queue`` callers wait for one publisher; a further one is turned
    away at once, so that what waits stays bounded too. Those who wait however long it takes are bounded where they come
    from.
    """

    def __init__(self, places: int, reserve: int, *, queue: int = 1_000) -> None:
        self.shares = Shares(places, reserve)
        self._queue = queue
        self._waiting: dict[str, deque[_Turn]] = {}
        self._parts: Counter[tuple[str, str]] = Counter()

    async def enter(self, who: str, seconds: float | None = None, part: str = "") -> None:
        """Take a place for ``who``, waiting up to ``seconds`` for it; raises :class:`NoTurn`."""
        if self._may(who, part) and not any(turn.part == part for turn in self._waiting.get(who, ())):
            self._take(who, part)
            return
        waiting = self._waiting.setdefault(who, deque())
        if seconds is not None and len(waiting) >= self._queue:
            raise NoTurn
        turn = _Turn(part, asyncio.get_running_loop().create_future())
        waiting.append(turn)
        try:
            async with asyncio.timeout(seconds):
                await turn.admitted
        except TimeoutError:
            self._go_away(who, turn)
            raise NoTurn from None
        except BaseException:
            self._go_away(who, turn)
            raise

    def leave(self, who: str, part: str = "") -> None:
        """Give a place of ``who`` back; whoever waits and may have it goes on."""
        self.shares.give_back(who)
        if part:
            self._parts[who, part] -= 1
            if not self._parts[who, part]:
                del self._parts[who, part]
        while turns := {who: turn for who in self._waiting if (turn := self._next(who)) is not None}:
            who = min(turns, key=self.shares.held)
            self._admit(who, turns[who])

    @contextlib.asynccontextmanager
    async def place(self, who: str, seconds: float | None = None, part: str = "") -> AsyncIterator[None]:
        """Hold a place meanwhile; see :meth:`enter`."""
        await self.enter(who, seconds, part)
        try:
            yield
        finally:
            self.leave(who, part)

    def waiting(self, who: str) -> int:
        """How many callers wait for ``who``."""
        return len(self._waiting.get(who, ()))

    def _may(self, who: str, part: str) -> bool:
        if not part:
            return self.shares.may(who)
        held, more = self.shares.held(who), self.shares.room(who)
        return room(held + more, (held + more) // PART_RESERVE, held, self._parts[who, part]) > 0

    def _take(self, who: str, part: str) -> None:
        self.shares.take(who)
        if part:
            self._parts[who, part] += 1

    def _next(self, who: str) -> _Turn | None:
        """Whose turn it is of those who wait for ``who``: the part's that holds the fewest, else who waited longest."""
        if not self.shares.may(who):
            return None
        best: _Turn | None = None
        for turn in self._waiting[who]:
            fewer = best is None or self._parts[who, turn.part] < self._parts[who, best.part]
            if fewer and self._may(who, turn.part):
                best = turn
                if not self._parts[who, turn.part]:
                    break
        return best

    def _admit(self, who: str, turn: _Turn) -> None:
        self._forget(who, turn)
        self._step_back(who, turn.part)
        if not turn.admitted.done():
            self._take(who, turn.part)
            turn.admitted.set_result(None)

    def _forget(self, who: str, turn: _Turn) -> None:
        turns = self._waiting.get(who)
        if turns is not None and turn in turns:
            turns.remove(turn)
            if not turns:
                del self._waiting[who]

    def _step_back(self, who: str, part: str) -> None:
        """Others come first now: who waits for ``who`` behind all others, and for its ``part`` behind other parts."""
        turns = self._waiting.pop(who, None)
        if turns is not None:
            if part:
                turns = deque(sorted(turns, key=lambda turn: turn.part == part))
            self._waiting[who] = turns

    def _go_away(self, who: str, turn: _Turn) -> None:
        if turn.admitted.done() and not turn.admitted.cancelled():
            self.leave(who, turn.part)  # it was given the place as it went
        else:
            self._forget(who, turn)
