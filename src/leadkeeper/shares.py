"""Fair shares of places that many want: calls, sockets, checks, publishing steps, look-ups. Pure: no clock, no I/O.

Nobody may hold more places than are left free beside a reserve, so that whoever comes next always finds some, although
all who came before hold theirs for as long as they can. (Known for shared memory of switches as a dynamic threshold.)
Of ``places`` one alone gets half, two get a third each, ``n`` get one part in ``n + 1`` each, always less the reserve;
nothing need be known beforehand of who else will come, and no place has to be taken away from anybody.
The ``reserve`` is given out one place to each who holds none: a newcomer finds one at once unless more than ``reserve``
others hold some.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Final, TypeVar

T = TypeVar("T")


def room(places: int, reserve: int, taken: int, held: int) -> int:
    """How many more of ``places`` somebody may take who holds ``held`` of the ``taken`` ones."""
    free = places - taken
    if free <= 0:
        return 0
    # The most m for which held + m <= free - m - reserve + 1: each one taken leaves one free fewer.
    return min(max((free - reserve - held + 1) // 2, 1 if held == 0 else 0), free)


class Shares:
    """Who holds how many of ``places``, and how many more each may take."""

    def __init__(self, places: int, reserve: int) -> None:
        self.places = places
        self.reserve = reserve
        self.taken = 0
        self._held: dict[str, int] = {}

    def held(self, who: str) -> int:
        """How many places ``who`` holds."""
        return self._held.get(who, 0)

    def room(self, who: str) -> int:
        """How many more ``who`` may take, if nobody else takes one meanwhile."""
        return room(self.places, self.reserve, self.taken, self.held(who))

    def may(self, who: str) -> bool:
        """Whether ``who`` may take a place."""
        return self.room(who) > 0

    def take(self, who: str) -> None:
        """``who`` takes a place. It is the caller's to have asked :meth:`may`."""
        self.taken += 1
        self._held[who] = self._held.get(who, 0) + 1

    def give_back(self, who: str) -> None:
        """``who`` gives a place back. Raises ``KeyError`` when it holds none."""
        left = self._held[who] - 1
        self.taken -= 1
        if left:
            self._held[who] = left
        else:
            del self._held[who]

    def copy(self) -> Shares:
        """The same holdings, to try out what may be taken."""
        other = Shares(self.places, self.reserve)
        other.taken, other._held = self.taken, dict(self._held)
        return other

    @property
    def holders(self) -> Collection[str]:
        """Who holds a place."""
        return self._held.keys()


class RecentUse:
    """What each used lately of something that all share by time. What was used counts half after half a second.

    Callers say what time it is, in seconds that never run backwards.
    """

    HALF_LIFE: Final = 0.5
    _AGED_EVERY: Final = 0.1
    _FORGOTTEN: Final = 1e-6

    def __init__(self) -> None:
        self._used: dict[str, float] = {}
        self._aged_at = 0.0

    def add(self, who: str, amount: float, now: float) -> None:
        """``who`` used so much until ``now``."""
        self._age(now)
        self._used[who] = self._used.get(who, 0.0) + amount

    def even_parts(self, who: str, now: float) -> float:
        """How many times an even part ``who`` has used, of as many as there are users: above one is more than a share.

        Whoever is alone has used one.
        """
        self._age(now)
        total = sum(self._used.values())
        if not total:
            return 0.0
        return self._used.get(who, 0.0) * len(self._used) / total

    def _age(self, now: float) -> None:
        passed = now - self._aged_at
        if passed < self._AGED_EVERY:
            return
        part, self._aged_at = 0.5 ** (passed / self.HALF_LIFE), now
        self._used = {who: left for who, used in self._used.items() if (left := used * part) > self._FORGOTTEN}


def pick(
    shares: Shares,
    offered: Callable[[Collection[str], int], Sequence[T]],
    whose: Callable[[T], str],
    key: Callable[[T], str],
) -> list[T]:
    """What of ``offered`` may be begun now; ``shares`` (a copy, usually) hold its places then.

    ``offered(without, most)`` answers the next ``most`` things, in their order, of anybody but ``without``; ``key``
    tells one from another. It is asked again while that of somebody whose share is used up may hide what others want.
    """
    picked: dict[str, T] = {}
    full = {who for who in shares.holders if not shares.may(who)}
    while (free := shares.places - shares.taken) > 0:
        most, full_before = free + len(picked), len(full)
        found = offered(full, most)
        for one in found:
            who = whose(one)
            if key(one) not in picked and who not in full and shares.may(who):
                shares.take(who)
                picked[key(one)] = one
            if not shares.may(who):
                full.add(who)
        if len(found) < most or len(full) == full_before:
            break
    return list(picked.values())
