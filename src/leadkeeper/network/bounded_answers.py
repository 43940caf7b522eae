"""How much of an answer is read: what a destination sends can neither fill the memory nor go on without end.

aiohttp bounds single lines of a head. It reads heads that announce an answer (1xx) for as long as they come, chunks of
one byte for as long as they come, and takes what comes while nothing is asked for the answer to the next request. Where
what follows a head is not HTTP and came with it, it drops the head, too; of a body that is not HTTP it does not tell
whoever reads it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import HttpProcessingError

MOST_HEADS: Final = 32
"""Heads in which a request may be answered: those that announce its answer, and the answer's own."""
HEAD_BYTES: Final = 32_768
"""Bytes that these heads may have together."""
FRAMING_BYTES: Final = 16_384
"""Bytes besides those of the body that may come behind the head (sizes of chunks, what follows the last one)."""
FRAMING_SHARE: Final = 4
"""For so many bytes of the body a byte more."""
SWITCHING_PROTOCOLS: Final = 101
_PIECE: Final = 8_192
"""Bytes of answers that are parsed at once."""
_END_OF_HEAD: Final = b"\r\n\r\n"


class BoundedAnswers(ResponseHandler):
    """One connection's answers. Its end is at once, since the other side could keep it open for half a minute.

    ``lost`` is called with the connection (and ``None``) when it has ended.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, lost: Callable[[ResponseHandler, None], None]) -> None:
        super().__init__(loop)
        self._lost = lost
        self._heads = 0
        self._head_is_read = False
        self._begun = b""  # the last bytes of a head of which more is to come
        self._read = 0
        self._is_idle = False

    def set_response_params(self, **params: Any) -> None:
        """What aiohttp says before it reads the answer to a request. A line may be as long as all of the head."""
        self._heads, self._head_is_read, self._begun, self._read, self._is_idle = 0, False, b"", 0, False
        super().set_response_params(**params | {"max_line_size": HEAD_BYTES, "max_field_size": HEAD_BYTES})

    def idle(self) -> None:
        """Nothing is asked from now on until the next request."""
        self._is_idle = True

    def data_received(self, data: bytes) -> None:
        """Read what came, as long as it may come."""
        if self._is_idle and data:
            self._abort()
            return
        start, length = 0, max(1, len(data))  # nothing is said as well: aiohttp goes on with what it holds then
        while start < length and self.exception() is None:
            of_head = not self._head_is_read
            end = self._end_of_head(data, start) if of_head else start + _PIECE
            piece = data[start:end]
            super().data_received(piece)
            self._count(len(piece), of_head=of_head)
            start = end

    def _end_of_head(self, data: bytes, start: int) -> int:
        """Where the head ends in ``data``, as far as that is known: at most a piece is read at once."""
        begun = self._begun
        seen = begun + data[start : start + _PIECE]
        found = seen.find(_END_OF_HEAD)
        if found < 0:
            self._begun = seen[1 - len(_END_OF_HEAD) :]
            return start + _PIECE
        self._begun = b""
        return start + found + len(_END_OF_HEAD) - len(begun)

    def _count(self, read: int, *, of_head: bool) -> None:
        self._read += read
        if of_head:
            if self._read > HEAD_BYTES:
                self.set_exception(HttpProcessingError(message="the answer's head is too large"))
            elif self._head_is_read:
                self._read = 0
            return
        if self._reading_paused:
            return  # what the parser holds back is not counted as a body yet
        body = 0 if self._payload is None else self._payload.total_compressed_bytes or self._payload.total_bytes
        if self._read - body > FRAMING_BYTES + body // FRAMING_SHARE:
            self.set_exception(HttpProcessingError(message="the answer comes in too many pieces"))

    def feed_data(self, data: Any, size: int = 0) -> None:
        """Take a head."""
        self._heads += 1
        code = data[0].code
        self._head_is_read = not 100 <= code < 200 or code == SWITCHING_PROTOCOLS
        if self._heads <= MOST_HEADS:
            super().feed_data(data, size)
        elif self._heads == MOST_HEADS + 1:
            self.set_exception(HttpProcessingError(message="the answer is announced too often"))

    def set_exception(self, exc: BaseException, *cause: BaseException) -> None:
        """End the connection, and tell whoever waits for an answer, or for the rest of one."""
        content = self._payload
        if content is not None and not content.is_eof() and content.exception() is None:
            content.set_exception(aiohttp.ClientPayloadError("the answer's body is not HTTP"), exc)
        super().set_exception(exc, *cause)
        self._abort()

    def close(self) -> None:
        """End the connection: nothing is left to be sent or read."""
        self._abort()
        super().close()

    def connection_lost(self, exc: BaseException | None) -> None:
        """The connection has ended."""
        self._lost(self, None)
        super().connection_lost(exc)

    def _abort(self) -> None:
        if self.transport is not None:
            self.transport.abort()
