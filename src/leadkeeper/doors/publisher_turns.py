"""Requests of one publisher take turns, so that a burst of them stands before nobody else's."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from typing import Final

from leadkeeper.gate import Gate

PLACES: Final = 12
PLACES_RESERVED: Final = 4
"""So many requests of publishers are worked on at once in a process; four of one that is alone (see `shares`)."""
TURN_SECONDS: Final = 0.25
"""A request that takes longer waits for somebody else, a remote system or a reader: the next one may begin."""


class PublisherTurn:
    """One request's turn: taken once its publisher is known, given back when it ends or after :data:`TURN_SECONDS`."""

    __slots__ = ("_gate", "_timer", "_who")

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._who = ""
        self._timer: asyncio.TimerHandle | None = None

    async def take(self, publisher_id: str) -> None:
        """Wait until the publisher's turn has come; at once if this request has had one."""
        if self._timer is not None:
            return
        await self._gate.enter(publisher_id)
        self._who = publisher_id
        self._timer = asyncio.get_running_loop().call_later(TURN_SECONDS, self.end)

    def end(self) -> None:
        """Let the next one begin."""
        if self._who:
            who, self._who = self._who, ""
            self._gate.leave(who)
        if self._timer is not None:
            self._timer.cancel()


_turn: Final[ContextVar[PublisherTurn | None]] = ContextVar("publisher_turn", default=None)


class PublisherTurns:
    """The turns of one process."""

    def __init__(self) -> None:
        self._gate = Gate(PLACES, PLACES_RESERVED)

    def begin(self) -> PublisherTurn:
        """The turn that :func:`wait_for_turn` takes within this request. Whoever begins it ends it."""
        turn = PublisherTurn(self._gate)
        _turn.set(turn)  # requests on one connection may share a context
        return turn


async def wait_for_turn(publisher_id: str) -> None:
    """Go on when it is the turn of the publisher that this request turned out to be of."""
    if (turn := _turn.get()) is not None:
        await turn.take(publisher_id)
