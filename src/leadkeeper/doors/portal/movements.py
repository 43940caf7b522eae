"""Whether something moves on the pages that are open: streams are bounded; what many look at is looked at once."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Final

import sqlalchemy as sa

from leadkeeper.access.validations import validations_mark
from leadkeeper.clock import Clock, now_ms
from leadkeeper.gate import on_behalf_of
from leadkeeper.inbox.attention.attention import causes_mark
from leadkeeper.inbox.lists.arrivals import newest_lead
from leadkeeper.inbox.movement import movement
from leadkeeper.offer import OfferRef
from leadkeeper.shares import Shares
from leadkeeper.storage.engine import Storage, StorageAway

STREAMS: Final = 256
"""How many streams a process holds at once; they are shared among publishers."""
_RESERVED: Final = 32
OF_A_SESSION: Final = 4
"""How many of them one session has: browsers open six connections to a site, and pages need some."""
LASTS_SECONDS: Final = 60.0
"""How long a stream lasts: the browser then opens another, and who is signed in is looked at anew."""
LOOK_SECONDS: Final = 1.0
RESTS: Final = 4
"""How many times as long as a look took nobody looks again."""
BEAT_SECONDS: Final = 15.0
"""How often a stream on which nothing moves shows that it is alive, through proxies too."""


@dataclass(frozen=True, slots=True)
class LeadsOf:
    """The list of a publisher's leads, or of all, on which new ones come."""

    publisher_id: str | None


@dataclass(frozen=True, slots=True)
class CausesOf:
    """What needs attention of a publisher's, or of all: causes come and go."""

    publisher_id: str | None


Shown = OfferRef | LeadsOf | CausesOf
"""What a page shows: an offer, a list of leads, or what needs attention."""


@dataclass(slots=True)
class _Watched:
    """An offer, a list or causes whose pages are open: how it stands, and who is woken when it moves."""

    seen: str | None = None
    validating: str = ""
    open: int = 0
    moved: asyncio.Event = field(default_factory=asyncio.Event)
    names: list[str] = field(default_factory=list)

    def tell(self, *names: str) -> None:
        """Wake whoever waits; they hear these events."""
        self.names = list(names)
        self.moved.set()
        self.moved = asyncio.Event()


class Movements:
    """Looks at the offers and lists whose pages are open. ``time_now`` gives seconds from anywhere.

    ``doors`` says how many processes answer: a session's streams come to any of them.
    """

    def __init__(
        self,
        storage: Storage,
        time_now: Callable[[], float] = time.monotonic,
        clock: Clock = now_ms,
        doors: Callable[[], int] = lambda: 1,
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._doors = doors
        self._time_now = time_now
        self._watched: dict[Shown, _Watched] = {}
        self._sessions: Counter[str] = Counter()
        self._shares = Shares(STREAMS, _RESERVED)
        self._looking: asyncio.Task[None] | None = None

    async def seen(self, shown: Shown) -> str:
        """How the offer stands now, which is the newest lead of the list, or which causes there are."""
        with on_behalf_of(shown.publisher_id or ""):
            if isinstance(shown, CausesOf):
                return await self._storage.read(causes_mark, shown.publisher_id, self._clock())
            if isinstance(shown, LeadsOf):
                return await self._storage.read(newest_lead, shown.publisher_id)
            return await self._storage.read(movement, shown)

    def enter(self, publisher: str, session: str) -> bool:
        """Take a place for a stream of a publisher's ``session``; false where there is none. Operators are ``""``."""
        most = max(1, OF_A_SESSION // self._doors())
        if self._sessions[session] >= most or not self._shares.may(publisher):
            return False
        self._sessions[session] += 1
        self._shares.take(publisher)
        return True

    def leave(self, publisher: str, session: str) -> None:
        """Give the place back."""
        self._shares.give_back(publisher)
        self._sessions[session] -= 1
        if self._sessions[session] <= 0:
            del self._sessions[session]

    def tell(self, ref: OfferRef, name: str) -> None:
        """Whoever looks at the offer's pages in this process hears the event ``name``."""
        watched = self._watched.get(ref)
        if watched is not None:
            watched.tell(name)

    async def events(self, ref: Shown, seen: str | None, ending: asyncio.Event) -> AsyncIterator[tuple[str, str]]:
        """The events of what is shown, with how it stands then, for :data:`LASTS_SECONDS` or until ``ending`` is set.

        ``seen`` is how it stood when the page was made: where it moved since, that is the first event. An event
        without a name is a sign of life.
        """
        watched = self._watched.setdefault(ref, _Watched())
        watched.open += 1
        try:
            now, watched.validating = await self._found(ref)
            watched.seen = now
            if self._looking is None or self._looking.done():
                self._looking = asyncio.create_task(self._look(), name="movements")
            yield ("moved", now) if seen is not None and seen != now else ("", now)
            if watched.validating:
                yield "validating", now
            until = self._time_now() + LASTS_SECONDS
            while not ending.is_set() and (left := until - self._time_now()) > 0:
                summary = await _woken(watched.moved, ending, min(BEAT_SECONDS, left))
                for name in watched.names if summary else [""]:
                    yield name, watched.seen or ""
        finally:
            watched.open -= 1
            if watched.open == 0:
                self._watched.pop(ref, None)

    async def _found(self, shown: Shown) -> tuple[str, str]:
        """How it stands, and how far validations are that any process carries out."""
        if not isinstance(shown, OfferRef):
            return await self.seen(shown), ""
        with on_behalf_of(shown.publisher_id):
            return await self._storage.read(_standing, shown, self._clock())

    async def _look(self) -> None:
        while self._watched:
            begun = self._time_now()
            for ref, watched in list(self._watched.items()):
                try:
                    now, validating = await self._found(ref)
                except StorageAway:
                    break
                moved, further = now != watched.seen, validating != watched.validating
                watched.seen, watched.validating = now, validating
                if moved or further:
                    watched.tell(*["validating"] * further, *["moved"] * moved)
            await asyncio.sleep(max(LOOK_SECONDS, RESTS * (self._time_now() - begun)))


def _standing(conn: sa.Connection, ref: OfferRef, now: int) -> tuple[str, str]:
    return movement(conn, ref), validations_mark(conn, ref, now)


async def _woken(moved: asyncio.Event, ending: asyncio.Event, seconds: float) -> bool:
    """Whether something moved before ``seconds`` were over, or the program ends."""
    waits = [asyncio.create_task(each.wait()) for each in (moved, ending)]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        return moved.is_set()
    finally:
        for each in waits:
            each.cancel()
