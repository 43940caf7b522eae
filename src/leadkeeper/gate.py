"""Waiting for one's turn at places that are shared fairly."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextvars import ContextVar
from typing import Final

from leadkeeper.shares import Shares

NOBODY: Final = ""
"""On whose behalf the installation itself acts."""

_acting_for: Final[ContextVar[str]] = ContextVar("acting_for", default=NOBODY)


def acting_for() -> str:
    """The publisher on whose behalf the current task acts; :data:`NOBODY` when it is the installation's own."""
    return _acting_for.get()


@contextlib.contextmanager
def on_behalf_of(publisher_id: str) -> Iterator[None]:
    """What happens within, in tasks begun there too, is charged to the publisher's shares."""
    before = _acting_for.set(publisher_id)
    try:
        yield
    finally:
        _acting_for.reset(before)


def charge(publisher_id: str) -> None:
    """Whatever the current task does from now on is charged to the publisher's shares."""
    _acting_for.set(publisher_id)


class NoTurn(Exception):
    """No place became free for the caller in time, or too many of its own wait already."""


class Gate:
    """Places that callers wait for, each publisher's in the order in which they came.

    Who holds the fewest comes next. At most ``queue`` callers wait for one publisher; a further one is turned away at
    once, so that what waits stays bounded too. Those who wait however long it takes are bounded where they come from.
    """

    def __init__(self, places: int, reserve: int, *, queue: int = 1_000) -> None:
        self.shares = Shares(places, reserve)
        self._queue = queue
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    async def enter(self, who: str, seconds: float | None = None) -> None:
        """Take a place for ``who``, waiting up to ``seconds`` for it; raises :class:`NoTurn`."""
        if who not in self._waiting and self.shares.may(who):
            self.shares.take(who)
            return
        waiting = self._waiting.setdefault(who, deque())
        if seconds is not None and len(waiting) >= self._queue:
            raise NoTurn
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting.append(turn)
        try:
            async with asyncio.timeout(seconds):
                await turn
        except TimeoutError:
            self._go_away(who, turn)
            raise NoTurn from None
        except BaseException:
            self._go_away(who, turn)
            raise

    def leave(self, who: str) -> None:
        """Give a place of ``who`` back; whoever waits and may have it goes on."""
        self.shares.give_back(who)
        while self._waiting and (turns := [who for who in self._waiting if self.shares.may(who)]):
            self._admit(min(turns, key=self.shares.held))

    @contextlib.asynccontextmanager
    async def place(self, who: str, seconds: float | None = None) -> AsyncIterator[None]:
        """Hold a place meanwhile; see :meth:`enter`."""
        await self.enter(who, seconds)
        try:
            yield
        finally:
            self.leave(who)

    def waiting(self, who: str) -> int:
        """How many callers wait for ``who``."""
        return len(self._waiting.get(who, ()))

    def _admit(self, who: str) -> None:
        turn = self._waiting[who].popleft()
        if not self._waiting[who]:
            del self._waiting[who]
        if not turn.done():
            self.shares.take(who)
            turn.set_result(None)

    def _go_away(self, who: str, turn: asyncio.Future[None]) -> None:
        if turn.done() and not turn.cancelled():
            self.leave(who)  # it was given the place as it went
            return
        turns = self._waiting.get(who)
        if turns is not None and turn in turns:
            turns.remove(turn)
            if not turns:
                del self._waiting[who]
