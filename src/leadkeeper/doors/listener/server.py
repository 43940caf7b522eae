"""Listens: uvicorn's server, with connections that are bounded in number, size and time."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Final

import structlog
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from leadkeeper.doors.client_address import ClientAddresses
from leadkeeper.doors.listener.crowd import Crowd
from leadkeeper.doors.listener.limits import Limits
from leadkeeper.doors.listener.protocol import BoundedProtocol

_TICK_SECONDS: Final = 0.1
_TICKS: Final = 5
"""Deadlines are looked at every so many ticks."""
LOOKED_AT: Final = 100
"""At so many connections' deadlines it looks before the loop goes on with what else there is to do."""

log: Final = structlog.get_logger(__name__)


class Listener:
    """What the connections of one server share."""

    def __init__(self, limits: Limits, addresses: ClientAddresses) -> None:
        self.limits = limits
        self.crowd: Crowd[BoundedProtocol] = Crowd(limits.connections, limits.per_address)
        self._addresses = addresses
        self._looked: float | None = None

    def admit(self, line: BoundedProtocol) -> bool:
        """Whether the newcomer may stay; another may have had to go for it."""
        client = line.client
        if client is not None and not self._addresses.is_proxy(client[0]):
            line.address = self._addresses.of({"client": client, "headers": ()})
        admitted, gone = self.crowd.enter(line)
        for each in gone:
            each.shed()
        return admitted

    async def look(self, now: float) -> None:
        """End the connections whose time is over, at ``now`` by the loop's clock."""
        elapsed = 0.0 if self._looked is None else now - self._looked
        self._looked = now
        for number, line in enumerate(list(self.crowd.lines)):
            if number % LOOKED_AT == LOOKED_AT - 1:
                await asyncio.sleep(0)
            if line in self.crowd.lines:
                line.look(now, elapsed)


class Server(uvicorn.Server):
    """Uvicorn without signal handlers of its own: the program's stop event rules."""

    task: asyncio.Task[None]

    def __init__(self, config: uvicorn.Config, listener: Listener) -> None:
        super().__init__(config)
        self._listener = listener
        self._ended = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """None are captured."""
        yield

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second."""
        if counter % _TICKS == 0:
            await self._listener.look(asyncio.get_running_loop().time())
        return await super().on_tick(counter)

    async def main_loop(self) -> None:
        """Tick until it is to end, which is heard of at once."""
        counter = 0
        while not await self.on_tick(counter):
            counter += 1
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_TICK_SECONDS):
                    await self._ended.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the socket, let what is under way end, and cancel what takes longer than ``ending_seconds``.

        Nobody is answered then: whether it was done is not known.
        """
        for bound in (*self.servers, *(sockets or ())):
            bound.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        try:
            async with asyncio.timeout(self.config.timeout_graceful_shutdown):
                await self._wait_tasks_to_complete()
        except TimeoutError:
            log.warning("requests took too long to end", requests=len(self.server_state.tasks))
            for connection in list(self.server_state.connections):
                connection.transport.abort()
            for task in self.server_state.tasks:
                task.cancel()

    async def _wait_tasks_to_complete(self) -> None:
        pause = 0.001
        while self.server_state.connections or self.server_state.tasks:
            await asyncio.sleep(pause)
            pause = min(2 * pause, _TICK_SECONDS)

    async def end(self) -> None:
        """Take no more requests, and answer those that are here."""
        self.should_exit = True
        self._ended.set()
        await self.task


def _quietly_cancelled(app: ASGIApp) -> ASGIApp:
    """``app``, whose requests end without a word when the server cancels them: it has said how many they were."""

    async def called(scope: Scope, receive: Receive, send: Send) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await app(scope, receive, send)

    return called


async def listen(
    app: ASGIApp, bound: socket.socket, limits: Limits, addresses: ClientAddresses, *, ending_seconds: int = 10
) -> Server:
    """Serve ``app`` on a socket; returns once it does. ``ending_seconds``: what is under way may take to end."""
    # An answer may be several writes: without this the second waits 40 ms for the first one's receipt.
    bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listener = Listener(limits, addresses)
    config = uvicorn.Config(
        _quietly_cancelled(app),
        loop="none",
        http=type("Connection", (BoundedProtocol,), {"listener": listener}),
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=ending_seconds,
    )
    server = Server(config, listener)
    server.task = asyncio.create_task(server.serve([bound]), name="api")
    while not server.started:
        if server.task.done():
            server.task.result()
        await asyncio.sleep(0.005)
    return server
