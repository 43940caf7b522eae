"""The event loop of tests: when it closes, nothing of its test is left for a later one to stumble over."""

from __future__ import annotations

import asyncio
import socket
import weakref
from collections.abc import Coroutine
from typing import Any, Final

_ROUNDS: Final = 20


class EndingLoop(asyncio.SelectorEventLoop):
    """Ends what still runs before it closes.

    ``asyncio.Runner`` cancels the tasks that it finds and closes the loop, whatever they began while they ended and
    whichever peer was amid its handshake. What is left suspended then is thrown away by a garbage collection within
    some later test, which fails for it (a greenlet that is thrown away while a syntax tree is built even breaks that).
    """

    def __init__(self) -> None:
        super().__init__()
        self._servers: weakref.WeakSet[asyncio.Server] = weakref.WeakSet()
        self._let_in: set[socket.socket] = set()

    async def create_server(self, *arguments: Any, **options: Any) -> asyncio.Server:
        """Listen, until this loop closes at the latest."""
        server = await super().create_server(*arguments, **options)
        self._servers.add(server)
        return server

    def _accept_connection2(
        self, protocol_factory: Any, conn: socket.socket, extra: Any, *more: Any
    ) -> Coroutine[Any, Any, None]:
        """Give whoever was let in to a task; asyncio forgets them where that is cancelled before it begins."""
        self._let_in.add(conn)
        return self._welcome(protocol_factory, conn, extra, *more)

    async def _welcome(
        self,
        protocol_factory: Any,
        conn: socket.socket,
        extra: Any,
        context: Any = None,
        server: asyncio.Server | None = None,
        *more: Any,
    ) -> None:
        self._let_in.discard(conn)
        if server is not None and not server.sockets:
            conn.close()  # the transport would fail at a server that has closed meanwhile, and be left open itself
            return
        await super()._accept_connection2(protocol_factory, conn, extra, context, server, *more)  # type: ignore[misc]

    def close(self) -> None:
        """Listen no more, cancel tasks until there are none, drop every connection, then close."""
        if not self.is_closed() and not self.is_running():
            for server in list(self._servers):
                server.close()  # else whoever connects anew at once is let in as often as others are dropped
            self._end_tasks()
            self._end_connections()
            for conn in self._let_in:
                conn.close()
        super().close()

    def _end_tasks(self) -> None:
        for _ in range(_ROUNDS):
            tasks = asyncio.all_tasks(self)
            if not tasks:
                return
            for task in tasks:
                task.cancel()
            self.run_until_complete(asyncio.wait(tasks, timeout=1))

    def _end_connections(self) -> None:
        for _ in range(_ROUNDS):  # who loses a connection may begin a task, which may begin another connection
            connections = self._open_connections()
            for connection in connections:
                connection.abort()
            for task in asyncio.all_tasks(self):
                task.cancel()
            self.run_until_complete(asyncio.sleep(0))
            if not connections and not asyncio.all_tasks(self):
                break
        for connection in self._open_connections():
            connection._call_connection_lost(None)

    def _open_connections(self) -> list[Any]:
        return [each for each in getattr(self, "_transports", {}).values() if each._sock is not None]


class EndingLoops(asyncio.DefaultEventLoopPolicy):
    """Each loop that anybody makes ends in this way: those of commands run within a test, and of servers in threads."""

    _loop_factory = EndingLoop
