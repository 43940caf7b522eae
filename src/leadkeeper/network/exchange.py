"""One request and its answer over a connection of aiohttp's: its connections and its parser, without its session.

A session makes a request, a writer with a task, a response and a timer anew for each call: half of what a call costs.
What they serve for (cookies, redirects, proxies, bodies in pieces, traces) nothing here has use for.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Final, Self

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

from leadkeeper import __version__
from leadkeeper.network.trouble import AnswerNotHttp

_USUAL: Final = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": f"Leadkeeper/{__version__}"}
_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})
_SWITCHING_PROTOCOLS: Final = 101
_ORIGINS: Final = 10_000


class Exchange:
    """A request that was answered: ``content`` is yet to be read. Leaving it gives the connection back.

    A connection on which something is left to be read or written is closed then.
    """

    __slots__ = ("_connection", "content", "headers", "status")

    def __init__(
        self, connection: Connection, status: int, headers: Mapping[str, str], content: aiohttp.StreamReader
    ) -> None:
        self._connection = connection
        self.status = status
        self.headers = headers
        self.content = content

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        transport = self._connection.transport
        if error is None and self.content.is_eof() and (transport is None or not transport.get_write_buffer_size()):
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
        self._origins: dict[tuple[str, str | None, int | None], aiohttp.ClientRequest] = {}

    async def begin(self, method: str, url: URL, data: bytes | None, headers: Mapping[str, str]) -> Exchange:
        """Send a request, and wait until its answer's status and headers have come.

        The time is the caller's to bound. Raises ``NETWORK_ERRORS``; ``ValueError`` for a header of several lines.
        """
        sent = _head(method, url, data, headers)
        try:
            connection = await self._connector.connect(self._origin(url), [], self._timeout)
        except TimeoutError as error:
            raise aiohttp.ConnectionTimeoutError("no connection in time") from error
        try:
            return await self._ask(connection, sent if data is None else sent + data, is_head=method == "HEAD")
        except BaseException as error:
            connection.close()
            if isinstance(error, HttpProcessingError):
                raise AnswerNotHttp("the answer is not HTTP") from error
            raise

    async def _ask(self, connection: Connection, sent: bytes, *, is_head: bool) -> Exchange:
        protocol, transport = connection.protocol, connection.transport
        if protocol is None or transport is None:
            raise aiohttp.ServerDisconnectedError
        self._expect(protocol, is_head=is_head)
        transport.write(sent)
        while True:
            message, content = await protocol.read()
            if not 100 <= message.code < 200 or message.code == _SWITCHING_PROTOCOLS:
                return Exchange(connection, message.code, message.headers, content)

    def _expect(self, protocol: ResponseHandler, *, is_head: bool) -> None:
        protocol.set_response_params(skip_payload=is_head, read_until_eof=True, read_bufsize=self._read_bytes)

    def _origin(self, url: URL) -> aiohttp.ClientRequest:
        """What the connector asks of a request, which is the same for all to one origin: where it goes."""
        origin = (url.scheme, url.raw_host, url.port)
        found = self._origins.get(origin)
        if found is None:
            if len(self._origins) >= _ORIGINS:
                self._origins.clear()
            found = self._origins[origin] = aiohttp.ClientRequest("GET", url.origin())
        return found


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
