"""Who is connected, and who goes when there is no room. Pure: no sockets, no clock.

A newcomer is let in and unfinished connections go, rather than the newcomer: whoever holds many connections without
saying anything would else keep all others out for as long as a deadline allows, and an honest request is whole within a
moment of its connection's beginning.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import Final, Generic, Protocol, TypeVar

_SHARE: Final = 64
"""One in so many goes at once when there is no room: looking for them costs a look at all."""


class Phase(IntEnum):
    """What a connection waits for; in this order they go when there is no room."""

    HEAD = 0
    """For a request line and headers, of which nothing or a part has come."""
    IDLE = 1
    """For the next request: all before were answered."""
    BODY = 2
    """For the rest of a body."""
    STALLED = 3
    """For its client to take the answer."""
    BUSY = 4
    """For us. It never goes."""


class Line(Protocol):
    """One connection. ``address`` is whom it counts for, ``None`` for a proxy's, which counts for nobody alone."""

    address: str | None
    since: float

    @property
    def phase(self) -> Phase:
        """What it waits for, since ``since``."""
        ...


L = TypeVar("L", bound=Line)


class Crowd(Generic[L]):
    """All connections of a listener: at most ``most``, and ``per_address`` of one address."""

    def __init__(self, most: int, per_address: int) -> None:
        self._most = most
        self._per_address = per_address
        self._by_address: dict[str, dict[L, None]] = {}
        self.lines: dict[L, None] = {}

    def enter(self, line: L) -> tuple[bool, Sequence[L]]:
        """Whether the newcomer ``line`` is let in, and who must go for it; they are no longer counted."""
        siblings = self._by_address.get(line.address, {}) if line.address is not None else {}
        gone: Sequence[L] = ()
        if len(siblings) >= self._per_address:
            gone = _first_to_go(siblings, self._per_address)
        elif len(self.lines) >= self._most:
            gone = _first_to_go(self.lines, self._most)
        else:
            self._add(line)
            return True, gone
        for each in gone:
            self.leave(each)
        if gone:
            self._add(line)
        return bool(gone), gone

    def leave(self, line: L) -> None:
        """``line`` is gone. May be said twice."""
        if self.lines.pop(line, line) is not None:
            return
        if line.address is not None:
            siblings = self._by_address[line.address]
            siblings.pop(line, None)
            if not siblings:
                del self._by_address[line.address]

    def _add(self, line: L) -> None:
        self.lines[line] = None
        if line.address is not None:
            self._by_address.setdefault(line.address, {})[line] = None


def _first_to_go(lines: Iterable[L], most: int) -> Sequence[L]:
    """Those that have waited longest for their clients, by what they wait for."""
    waiting = [(phase, line.since, line) for line in lines if (phase := line.phase) < Phase.BUSY]
    found = heapq.nsmallest(max(1, most // _SHARE), waiting, key=lambda each: each[:2])
    # Not all that wait, or a few honest newcomers could be among them: those of the first kind alone.
    return [line for phase, _, line in found if phase == found[0][0]]
