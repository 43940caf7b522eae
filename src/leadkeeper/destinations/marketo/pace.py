"""How fast one publisher calls one Marketo subscription, over whichever of its connections.

The subscription's id is public, so whoever names it must not slow down another publisher: who shares a subscription
with others meets them by its codes.

Source: ``docs/reference/vendors/marketo.md#limits``: 100 calls in 20 s and 10 at a time for all integrations together;
Adobe advises half of both.
Of that each process that carries leads takes its part; other programs are met by the codes 606, 607 and 615.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final
from weakref import WeakKeyDictionary, WeakValueDictionary

from leadkeeper.network.client import Network

REST_CALLS: Final = 50
REST_SECONDS: Final = 20.0
REST_AT_ONCE: Final = 5
FORM_CALLS: Final = 1
FORM_SECONDS: Final = 1.0
FORM_AT_ONCE: Final = 1
PATIENCE: Final = 15.0
"""How long, in seconds, a lead waits for its turn before it goes back to the queue."""


Parts = Callable[[], int]


def one() -> int:
    """This process shares with no other."""
    return 1


class Busy(Exception):
    """It is not this lead's turn yet; nothing was sent. ``seconds`` says when to come again."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class FormPace:
    """At most ``calls`` begin in any ``seconds``, at most ``at_once`` run, and one at a time for each person.

    ``parts`` says how many processes share this; each takes its part, and one call at a time at least.
    """

    def __init__(
        self,
        calls: int,
        seconds: float,
        at_once: int,
        clock: Callable[[], float] = time.monotonic,
        parts: Parts = one,
    ) -> None:
        self._begun: deque[float] = deque(maxlen=calls)
        self._calls = calls
        self._seconds = seconds
        self._clock = clock
        self._rest_until = 0.0
        self._at_once = at_once
        self._parts = parts
        self._running = 0
        self._freed = asyncio.Condition()
        self._people: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def turn(self, person: str = "") -> AsyncIterator[None]:
        """Hold one of the places, and the only one for ``person`` (if given). Raises :class:`Busy` when none frees."""
        lock = self._people.setdefault(person, asyncio.Lock()) if person else asyncio.Lock()
        async with AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(PATIENCE):
                    await stack.enter_async_context(lock)
                    await stack.enter_async_context(self._place())
            except TimeoutError:
                raise Busy(self._seconds / self._calls) from None
            yield

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        async with self._freed:
            await self._freed.wait_for(lambda: self._running < max(1, self._at_once // self._parts()))
            self._running += 1
        try:
            yield
        finally:
            self._running -= 1
            async with self._freed:
                self._freed.notify_all()

    async def call(self) -> None:
        """Wait until one more call may begin. Raises :class:`Busy` when that is too far off; then none is counted."""
        now = self._clock()
        start = max(now, self._rest_until)
        parts = self._parts()
        most, seconds = max(1, self._calls // parts), self._seconds * max(1.0, parts / self._calls)
        if len(self._begun) >= most:
            start = max(start, self._begun[-most] + seconds)
        if start - now > PATIENCE:
            raise Busy(start - now)
        self._begun.append(start)
        if start > now:
            await asyncio.sleep(start - now)

    def rest(self, seconds: float) -> None:
        """Begin no call for ``seconds``: the subscription's limit is used up."""
        self._rest_until = max(self._rest_until, self._clock() + seconds)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is remembered that would slow down the next call."""
        now = self._clock()
        recent = bool(self._begun) and self._begun[-1] + self._seconds > now
        return not (recent or self._rest_until > now or self._people or self._running)


# By network, of which a process has one: what is shared ends with it, and tests do not meet each other's.
_PACES: Final[WeakKeyDictionary[Network, dict[tuple[str, ...], FormPace]]] = WeakKeyDictionary()
_MANY: Final = 1_000
"""From so many paces on, those that slow down nobody are forgotten."""


def rest_pace(
    network: Network, owner: str, host: str, client_id: str, client_secret: str, parts: Parts = one
) -> FormPace:
    """The pace of a publisher's calls to the REST API of one subscription with one credential."""
    # The secret itself is not kept: it may change, and must not stand about.
    summary = hashlib.sha256(f"{client_id}\0{client_secret}".encode("utf-8", "surrogatepass")).hexdigest()
    return _shared(network, ("rest", owner, host, summary), REST_CALLS, REST_SECONDS, REST_AT_ONCE, parts)


def form_pace(network: Network, owner: str, host: str, munchkin_id: str, parts: Parts = one) -> FormPace:
    """The pace of a publisher's posts to the forms of one subscription: a burst makes a robot of us."""
    return _shared(network, ("forms", owner, host, munchkin_id), FORM_CALLS, FORM_SECONDS, FORM_AT_ONCE, parts)


def _shared(
    network: Network, name: tuple[str, ...], calls: int, seconds: float, at_once: int, parts: Parts
) -> FormPace:
    paces = _PACES.setdefault(network, {})
    if name not in paces:
        if len(paces) >= _MANY:
            for idle in [each for each, pace in paces.items() if pace.is_idle]:
                del paces[idle]
        paces[name] = FormPace(calls, seconds, at_once, parts=parts)
    return paces[name]
