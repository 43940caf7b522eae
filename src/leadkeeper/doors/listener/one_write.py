"""An answer whose length is known goes out in one write: each write is a call of the system, and wakes the client.

Uvicorn writes the head of an answer when it is told it, and the body when it is told that.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle


class OneWrite:
    """The transport of one request's ``cycle``, which holds the answer's head back until the body's first part.

    Heads of answers without a known length (events, rows that are yet to be read) go out at once: their first part may
    be long in coming. So do those to HEAD, of which nothing comes.
    """

    __slots__ = ("_cycle", "_head", "_transport")

    def __init__(self, cycle: RequestResponseCycle, transport: asyncio.Transport) -> None:
        self._cycle = cycle
        self._transport = transport
        self._head: bytes | None = None

    def write(self, data: bytes) -> None:
        """Write, or hold back, what uvicorn writes: ``100 Continue``, a head, parts of a body."""
        if self._head is None and self._is_head_alone():
            self._head = data
        elif self._head:
            head, self._head = self._head, b""
            self._transport.write(head + data)
        else:
            self._transport.write(data)

    def close(self) -> None:
        """Close the connection once all is written, a head too whose body will not come."""
        if self._head:
            self.write(b"")
        self._transport.close()

    def is_closing(self) -> bool:
        """Whether the connection closes, or is closed."""
        return self._transport.is_closing()

    def _is_head_alone(self) -> bool:
        cycle = self._cycle
        return cycle.response_started and not cycle.chunked_encoding and cycle.scope["method"] != "HEAD"
