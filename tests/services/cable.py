"""A cable to a PostgreSQL server that can be cut in the worst moment: when a commit is done and nobody knows."""

from __future__ import annotations

import asyncio
import contextlib
import random
from types import TracebackType
from typing import Final, Self

_COMMIT: Final = b"COMMIT;"


class Cable:
    """Carries connections from a port of its own to ``port`` on this machine.

    While ``share`` is above 0, that share of all commits (by ``random_unit``) is carried to the server and its
    connection is cut once the server has answered, so that the client never hears of it. ``cuts`` counts them.
    """

    def __init__(self, port: int, random_unit: random.Random) -> None:
        self.share = 0.0
        self.cuts = 0
        self.port = 0
        self._to = self._now = port
        self._random_unit = random_unit
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def lead_to(self, port: int) -> None:
        """New connections go to another server from now on; ``through`` still reads the first one's addresses."""
        self._now = port

    def through(self, url: str) -> str:
        """The address of a database of the server, by way of the cable."""
        return url.replace(f":{self._to}/", f":{self.port}/")

    async def _carry(self, near: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        with contextlib.suppress(OSError, asyncio.CancelledError):
            remote, server = await asyncio.open_connection("127.0.0.1", self._now)
            doomed = asyncio.Event()
            back = asyncio.create_task(self._back(remote, client, doomed))
            try:
                while data := await near.read(65_536):
                    if _COMMIT in data and self._random_unit.random() < self.share:
                        doomed.set()
                    server.write(data)
                    await server.drain()
            finally:
                server.transport.abort()
                back.cancel()
                await asyncio.gather(back, return_exceptions=True)
        client.transport.abort()
        self._tasks.discard(task)

    async def _back(self, remote: asyncio.StreamReader, client: asyncio.StreamWriter, doomed: asyncio.Event) -> None:
        with contextlib.suppress(OSError):
            while data := await remote.read(65_536):
                if doomed.is_set():
                    self.cuts += 1
                    break
                client.write(data)
                await client.drain()
        client.transport.abort()
