"""Looking up the names of destinations, so that slow names delay no others.

The event loop's own look-ups share a handful of threads that nobody can take back. Here each look-up has a thread of
its own; each publisher has a share of how many run at once, and each connection a share within that
(``docs/decisions/0010-fair-shares.md``). What was found is remembered briefly, what failed is not; a caller waits for a
limited time, while its look-up goes on and is remembered once it ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple

from leadkeeper.gate import Gate, NoTurn, acting_for, acting_over
from leadkeeper.network.trouble import NoFreeConnection
from leadkeeper.texts import lazy_gettext

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Gives the addresses of a host name; raises ``socket.gaierror`` when it has none."""

LOOK_UPS: Final = 64
"""How many look-ups run at once; a publisher alone has 24 of them."""
LOOK_UPS_RESERVED: Final = 16
REMEMBERED_SECONDS: Final = 30.0
"""How long an answer is good; what is dialled is judged each time all the same."""
_MOST_REMEMBERED: Final = 10_000
_NO_TURN: Final = lazy_gettext("other host names of the publisher are still being looked up")


class _Asked(NamedTuple):
    """A name that is asked for, and over which connection of whose."""

    publisher: str
    connection: str
    host: str
    port: int

    @property
    def name(self) -> tuple[str, str, int]:
        """The name, to its publisher."""
        return self.publisher, self.host, self.port


async def lookup(host: str, port: int) -> Sequence[str]:
    """The addresses that the system's resolver gives for ``host``, in its order of preference.

    In a thread of its own, which nothing waits for when the program ends: the resolver may take its time.
    """
    loop = asyncio.get_running_loop()
    found: asyncio.Future[Sequence[str]] = loop.create_future()

    def tell(addresses: Sequence[str], error: OSError | None) -> None:
        if found.done():
            return
        if error is None:
            found.set_result(addresses)
        else:
            found.set_exception(error)

    def look() -> None:
        addresses: Sequence[str] = ()
        error: OSError | None = None
        try:
            addresses = _addresses(host, port)
        except OSError as raised:
            error = raised
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(tell, addresses, error)

    threading.Thread(target=look, name="look-up", daemon=True).start()
    return await found


def _addresses(host: str, port: int) -> Sequence[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    except UnicodeError:
        raise socket.gaierror(socket.EAI_NONAME, "not a host name") from None
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


class Names:
    """Remembers what ``resolve`` answers, and asks it for as many names at once as each publisher's share allows.

    Within that its connections have shares of their own, so that one whose names hang delays none of the others.
    A caller waits ``seconds`` at most. ``clock`` counts seconds from anywhere.
    """

    def __init__(self, resolve: Resolve, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._resolve = resolve
        self._seconds = seconds
        self._clock = clock
        self._gate = Gate(LOOK_UPS, LOOK_UPS_RESERVED)
        self._known: dict[tuple[str, int], tuple[float, Sequence[str]]] = {}
        self._under_way: dict[_Asked, asyncio.Task[Sequence[str]]] = {}
        self._begun: dict[tuple[str, str, int], asyncio.Future[Sequence[str]]] = {}

    async def addresses(self, host: str, port: int) -> Sequence[str]:
        """The addresses of ``host``. Raises ``socket.gaierror``: ``EAI_AGAIN`` when that takes too long.

        Raises :class:`NoFreeConnection` when other names of the connection, or of its publisher, took all its turns
        until then.
        """
        known = self._remembered(host, port)
        if known is not None:
            return known
        # One look-up of a name is enough for a publisher; nobody waits for another's turn.
        asked = _Asked(acting_for(), acting_over(), host, port)
        task = self._begun.get(asked.name) or self._under_way.get(asked)
        if task is None:
            task = self._under_way[asked] = asyncio.create_task(self._look_up(asked), name="look-up")
            task.add_done_callback(lambda ended: self._ended(asked, ended))
        try:
            async with asyncio.timeout(self._seconds):
                return await asyncio.shield(task)
        except TimeoutError:
            if asked in self._under_way and asked.name not in self._begun:
                raise NoFreeConnection(_NO_TURN) from None
            raise socket.gaierror(socket.EAI_AGAIN, "the look-up takes too long") from None

    def _remembered(self, host: str, port: int) -> Sequence[str] | None:
        until, addresses = self._known.get((host, port), (0.0, ()))
        return addresses if self._clock() < until else None

    async def _look_up(self, asked: _Asked) -> Sequence[str]:
        try:
            await self._gate.enter(asked.publisher, self._seconds, asked.connection)
        except NoTurn:
            raise NoFreeConnection(_NO_TURN) from None
        try:
            # While this one waited for its turn, another connection may have begun with the name, or ended.
            known, begun = self._remembered(asked.host, asked.port), self._begun.get(asked.name)
            if known is None and begun is None:
                known = await self._begin(asked)
        finally:
            self._gate.leave(asked.publisher, asked.connection)
        if known is not None:
            return known
        assert begun is not None
        return await asyncio.shield(begun)

    async def _begin(self, asked: _Asked) -> Sequence[str]:
        self._begun[asked.name] = self._under_way[asked]
        try:
            addresses = await self._resolve(asked.host, asked.port)
        finally:
            del self._begun[asked.name]
        if len(self._known) >= _MOST_REMEMBERED:
            self._known.clear()
        self._known[asked.host, asked.port] = (self._clock() + REMEMBERED_SECONDS, addresses)
        return addresses

    def _ended(self, asked: _Asked, task: asyncio.Task[Sequence[str]]) -> None:
        self._under_way.pop(asked, None)
        if not task.cancelled():
            task.exception()  # whoever waited has heard of it

    async def aclose(self) -> None:
        """Give up what is under way."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
