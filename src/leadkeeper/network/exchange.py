"""One request and its answer over a connection of aiohttp's: its connections and its parser, without its session.

A session makes a request, a writer with a task, a response and a timer anew for each call: half of what a call costs.
What they serve for (cookies, redirects, proxies, bodies in pieces, traces) nothing here has use for.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Final, Self

import aiohttp
from aiohttp.connector import Connection
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

from leadkeeper import __version__
from leadkeeper.network.bounded_answers import SWITCHING_PROTOCOLS
from leadkeeper.network.trouble import AnswerNotHttp

_USUAL: Final = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": f"Leadkeeper/{__version__}"}
_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})
_ORIGINS: Final = 10_000


class Exchange:
    """A request that was answered: ``content`` is yet to be read. Leaving it gives the connection back.

    A connection on which something is left to be read or written is closed then, as is one that was this request's
    alone.
    """

    __slots__ = ("_connection", "_is_alone", "content", "headers", "status")

    def __init__(
        self,
        connection: Connection,
        status: int,
        headers: Mapping[str, str],
        content: aiohttp.StreamReader,
        *,
        is_alone: bool,
    ) -> None:
        self._connection = connection
        self._is_alone = is_alone
        self.status = status
        self.headers = headers
        self.content = content

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        transport = self._connection.transport
        is_over = self.content.is_eof() and (transport is None or not transport.get_write_buffer_size())
        if error is None and is_over and not self._is_alone:
            self._connection.release()
        else:
            self._connection.close()


class Exchanges:
    """Makes requests over the connections of one connector. Must be made in a running event loop."""

    def __init__(self, connector: aiohttp.BaseConnector, timeout: aiohttp.ClientTimeout, read_bytes: int) -> None:
        """``timeout`` bounds connecting alone; ``read_bytes`` are held of an answer that nobody reads yet."""
        self._connector = connector
        self._timeout = timeout
        self._read_bytes = read_bytes
        self._origins: dict[tuple[str, str | None, int | None, bool], aiohttp.ClientRequest] = {}

    async def begin(
        self, method: str, url: URL, data: bytes | None, headers: Mapping[str, str], *, alone: bool = False
    ) -> Exchange:
        """Send a request, and wait until its answer's status and headers have come.

        ``alone``: over a new connection that serves nothing else. The time is the caller's to bound. Raises
        ``NETWORK_ERRORS``; ``ValueError`` for a header of several lines.
        """
        sent = _head(method, url, data, {**headers, "Connection": "close"} if alone else headers)
        try:
            connection = await self._connector.connect(self._origin(url, alone), [], self._timeout)
        except TimeoutError as error:
            raise aiohttp.ConnectionTimeoutError("no connection in time") from error
        try:
            self._expect(connection, is_head=method == "HEAD")
            return await _ask(connection, sent if data is None else sent + data, is_alone=alone)
        except BaseException as error:
            connection.close()
            if isinstance(error, HttpProcessingError):
                raise AnswerNotHttp("the answer is not HTTP") from error
            raise

    def _expect(self, connection: Connection, *, is_head: bool) -> None:
        if connection.protocol is None:
            raise aiohttp.ServerDisconnectedError
        connection.protocol.set_response_params(
            skip_payload=is_head, read_until_eof=True, read_bufsize=self._read_bytes
        )

    def _origin(self, url: URL, alone: bool) -> aiohttp.ClientRequest:
        """What the connector asks of a request, which is the same for all to one origin: where it goes.

        Connections are kept by what a request says of them; one that is ``alone`` names the host where others leave it
        to be known from the address. So it finds none that is kept.
        """
        origin = (url.scheme, url.raw_host, url.port, alone)
        found = self._origins.get(origin)
        if found is None:
            if len(self._origins) >= _ORIGINS:
                self._origins.clear()
            host = url.raw_host if alone else None
            found = self._origins[origin] = aiohttp.ClientRequest("GET", url.origin(), server_hostname=host)
        return found


async def _ask(connection: Connection, sent: bytes, *, is_alone: bool) -> Exchange:
    protocol, transport = connection.protocol, connection.transport
    if protocol is None or transport is None:
        raise aiohttp.ServerDisconnectedError
    transport.write(sent)
    while True:
        message, content = await protocol.read()
        if not 100 <= message.code < 200 or message.code == SWITCHING_PROTOCOLS:
            return Exchange(connection, message.code, message.headers, content, is_alone=is_alone)


def _head(method: str, url: URL, data: bytes | None, headers: Mapping[str, str]) -> bytes:
    given = {name.lower() for name in headers}
    fields = {"Host": url.host_port_subcomponent, **headers}
    fields |= {name: value for name, value in _USUAL.items() if name.lower() not in given}
    if data is not None or method in _WITH_BODY:
        fields["Content-Length"] = str(len(data or b""))
    lines = [f"{method} {url.raw_path_qs} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    text = "\n".join(lines)
    if "\r" in text or "\0" in text or text.count("\n") >= len(lines):
        raise ValueError("a header has more than one line")
    return (text.replace("\n", "\r\n") + "\r\n\r\n").encode()
