"""One HTTP call to the installation that the caller named, over the standard library's client.

It is quick to import, as a command must be, and guards nothing: whoever runs the command chose the address. What
publishers enter is called over ``network.client`` alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from http.client import HTTPConnection, HTTPException, HTTPMessage, HTTPResponse, HTTPSConnection
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from leadkeeper.network.trust import trusting

if TYPE_CHECKING:
    from pathlib import Path

    from yarl import URL

R = TypeVar("R")

SECONDS: Final = 160.0
"""How long an answer may be silent: a validation waits for its destination."""
_CONNECT_SECONDS: Final = 10.0
_ANSWER_LIMIT: Final = 32 * 1024 * 1024
"""The most bytes of an answer: a thousand offers or connections with all their settings are far less."""
_PIECE: Final = 65_536


class NoAnswer(Exception):
    """No answer came, or not all of it: ``cause`` says why, ``sent`` whether the request may have gone out."""

    def __init__(self, cause: Exception, *, sent: bool) -> None:
        super().__init__(str(cause))
        self.cause = cause
        self.sent = sent


class RemoteAnswer(NamedTuple):
    """An answer with its whole body."""

    status: int
    headers: HTTPMessage
    body: bytes


class AnswerBroken(ConnectionError):
    """What came is not HTTP, ends early, or is larger than any answer."""


class RemoteCaller:
    """Makes calls to one origin, each over a connection of its own; redirects are never followed.

    Raises ``OSError`` where ``ca_file`` cannot be read. Calls raise :class:`NoAnswer`.
    """

    def __init__(self, ca_file: Path | None) -> None:
        self._tls = trusting(ca_file, "http/1.1")

    async def call(self, method: str, url: URL, body: bytes | None, headers: Mapping[str, str]) -> RemoteAnswer:
        """The answer to one request, whole."""
        async with self.begun(method, url, body, headers) as (answer, pieces):
            content = bytearray()
            async for piece in pieces:
                content += piece
                if len(content) > _ANSWER_LIMIT:
                    raise NoAnswer(AnswerBroken("the answer is too large"), sent=True)
        return answer._replace(body=bytes(content))

    @contextlib.asynccontextmanager
    async def begun(
        self, method: str, url: URL, body: bytes | None, headers: Mapping[str, str]
    ) -> AsyncIterator[tuple[RemoteAnswer, AsyncIterator[bytes]]]:
        """An answer without its body, and that in pieces, however long it is."""
        connection = self._connection(url)
        try:
            await _threaded(connection, connection.connect, sent=False)
            connection.sock.settimeout(SECONDS)

            def ask() -> HTTPResponse:
                connection.request(method, url.raw_path_qs, body, {**headers, "Connection": "close"})
                return connection.getresponse()

            response = await _threaded(connection, ask, sent=True)
            yield RemoteAnswer(response.status, response.headers, b""), _pieces(connection, response)
        finally:
            connection.close()

    def _connection(self, url: URL) -> HTTPConnection:
        host, port = url.raw_host or "", url.port or 443
        if url.scheme == "https":
            return HTTPSConnection(host, port, timeout=_CONNECT_SECONDS, context=self._tls)
        return HTTPConnection(host, port, timeout=_CONNECT_SECONDS)


async def _pieces(connection: HTTPConnection, response: HTTPResponse) -> AsyncIterator[bytes]:
    while piece := await _threaded(connection, lambda: response.read1(_PIECE), sent=True):
        yield piece
    if response.length:  # ends early: of an answer whose length was told, ``read1`` says nothing
        raise NoAnswer(AnswerBroken("the answer ends early"), sent=True)


async def _threaded(connection: HTTPConnection, work: Callable[[], R], *, sent: bool) -> R:
    """What ``work`` answers, done beside the loop so that Ctrl-C ends it."""
    try:
        return await asyncio.to_thread(work)
    except asyncio.CancelledError:
        with contextlib.suppress(OSError, AttributeError):
            connection.sock.shutdown(socket.SHUT_RDWR)  # else the end of the program waits for the thread
        raise
    except HTTPException as error:
        broken = error if isinstance(error, OSError) else AnswerBroken(type(error).__name__)
        raise NoAnswer(broken, sent=sent) from error
    except OSError as error:
        raise NoAnswer(error, sent=sent) from error
