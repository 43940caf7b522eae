"""Who is connected, what each connection waits for, and who goes when there is no room. Pure: no sockets, no clock.

A newcomer is let in and an unfinished connection goes, rather than the newcomer: whoever holds many connections without
saying anything would else keep all others out for as long as a deadline allows, and an honest request is whole within a
moment of its connection's beginning.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import Generic, Protocol, TypeVar


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

    phase: Phase
    address: str | None

    def waits_for_us(self) -> bool:
        """Whether it would go on if we did."""
        ...


L = TypeVar("L", bound=Line)


class Crowd(Generic[L]):
    """All connections of a listener: at most ``most``, and ``per_address`` of one address."""

    def __init__(self, most: int, per_address: int) -> None:
        self._most = most
        self._per_address = per_address
        self._by_address: dict[str, dict[L, None]] = {}
        self._waiting: tuple[dict[L, None], ...] = tuple({} for _ in range(Phase.BUSY))
        self.lines: dict[L, None] = {}

    def enter(self, line: L) -> tuple[bool, L | None]:
        """Whether the newcomer ``line``, in its first phase, is let in, and who must go for it, if anybody.

        Whoever must go is no longer counted.
        """
        gone = None
        siblings = self._by_address.get(line.address, {}) if line.address is not None else {}
        if len(siblings) >= self._per_address:
            waiting = [each for each in siblings if each.phase < Phase.BUSY and not each.waits_for_us()]
            gone = min(waiting, key=lambda each: each.phase, default=None)
        elif len(self.lines) >= self._most:
            gone = self._longest_waiting()
        else:
            self._add(line)
            return True, None
        if gone is None:
            return False, None
        self.leave(gone)
        self._add(line)
        return True, gone

    def leave(self, line: L) -> None:
        """``line`` is gone. May be said twice."""
        if self.lines.pop(line, line) is not None:
            return
        if line.phase < Phase.BUSY:
            self._waiting[line.phase].pop(line, None)
        if line.address is not None:
            siblings = self._by_address[line.address]
            siblings.pop(line, None)
            if not siblings:
                del self._by_address[line.address]

    def move(self, line: L, phase: Phase) -> None:
        """``line`` waits for something else now."""
        before = line.phase
        if phase is before or line not in self.lines:
            return
        if before < Phase.BUSY:
            self._waiting[before].pop(line, None)
        line.phase = phase
        if phase < Phase.BUSY:
            self._waiting[phase][line] = None

    def _add(self, line: L) -> None:
        self.lines[line] = None
        self._waiting[line.phase][line] = None
        if line.address is not None:
            self._by_address.setdefault(line.address, {})[line] = None

    def _longest_waiting(self) -> L | None:
        return next((line for line in _each(self._waiting) if not line.waits_for_us()), None)


def _each(waiting: Iterable[dict[L, None]]) -> Iterable[L]:
    for lines in waiting:
        yield from lines
