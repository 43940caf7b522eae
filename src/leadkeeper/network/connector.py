"""How the guarded session resolves names and opens connections: both are shared among publishers."""

from __future__ import annotations

import asyncio
import functools
import socket
from ipaddress import ip_address
from typing import Any, Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import HttpProcessingError

from leadkeeper.gate import Gate, NoTurn, acting_for
from leadkeeper.network.addresses import NetworkPolicy, parse_host, refused_name
from leadkeeper.network.names import Names
from leadkeeper.network.trouble import NoFreeConnection
from leadkeeper.texts import lazy_gettext

OPENINGS: Final = 8
"""How many connections are opened within :data:`OPENING_SECONDS`; one publisher alone opens half of them."""
OPENING_SECONDS: Final = 0.01

MOST_HEADS: Final = 32
"""Heads in which a request may be answered: those that announce its answer, and the answer's own."""
SWITCHING_PROTOCOLS: Final = 101
_PIECE: Final = 8_192
"""Bytes of answers that are parsed at once."""
_END_OF_HEAD: Final = b"\r\n\r\n"


class Resolver(AbstractResolver):
    """Resolves names by the policy's host map or else by ``names``; one address that is not allowed refuses all."""

    def __init__(self, policy: NetworkPolicy, names: Names) -> None:
        self._policy = policy
        self._names = names

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        name = parse_host(host)
        target = self._policy.target(name)
        if target is not None:
            return [resolved(host, target.address, port if target.port is None else target.port)]
        addresses = self._policy.loopback() if name == "localhost" else await self._names.addresses(name, port)
        if not addresses or not all(self._policy.allows(ip_address(text)) for text in addresses):
            raise refused_name()
        return [resolved(host, text, port) for text in addresses]

    async def close(self) -> None:
        """Give up what is being looked up."""
        await self._names.aclose()


class BoundedAnswers(ResponseHandler):
    """One connection's answers: each request is answered within so many heads, and only what was asked is answered.

    aiohttp reads heads that announce an answer (1xx) for as long as they come, and nobody else is served meanwhile.
    What comes while nothing is asked it takes for the answer to the next request. Where what follows a head is not
    HTTP and came with it, it drops the head, too; of a body that is not HTTP it does not tell whoever reads it.
    """

    _heads = 0
    _head_is_read = False
    _begun = b""
    """The last bytes of a head of which more is to come."""
    _is_idle = False

    def set_response_params(self, **params: Any) -> None:
        """What aiohttp says before it reads the answer to a request."""
        self._heads, self._head_is_read, self._begun, self._is_idle = 0, False, b"", False
        super().set_response_params(**params)

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
            end = start + _PIECE if self._head_is_read else self._end_of_head(data, start)
            super().data_received(data[start:end])
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

    def feed_data(self, data: Any, size: int = 0) -> None:
        """Take a head."""
        self._heads += 1
        code = data[0].code
        self._head_is_read = not 100 <= code < 200 or code == SWITCHING_PROTOCOLS
        if self._heads <= MOST_HEADS:
            super().feed_data(data, size)
        elif self._heads == MOST_HEADS + 1:
            self._abort()
            self.set_exception(HttpProcessingError(message="the answer is announced too often"))

    def set_exception(self, exc: BaseException, *cause: BaseException) -> None:
        """Tell whoever waits for an answer, or for the rest of one."""
        content = self._payload
        if content is not None and not content.is_eof() and content.exception() is None:
            content.set_exception(aiohttp.ClientPayloadError("the answer's body is not HTTP"), exc)
        super().set_exception(exc, *cause)

    def _abort(self) -> None:
        if self.transport is not None:
            self.transport.abort()


class Connector(aiohttp.TCPConnector):
    """Opens connections as far as the caller's publisher has a share of them; each is held until it is released."""

    def __init__(self, sockets: Gate, seconds: float, **more: Any) -> None:
        super().__init__(limit=0, **more)
        self._sockets = sockets
        self._seconds = seconds
        self._openings = Gate(OPENINGS, 1)
        answers: type[ResponseHandler] = BoundedAnswers
        self._factory = functools.partial(answers, self._loop)

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Any],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - aiohttp's own signature
    ) -> aiohttp.connector.Connection:
        who = acting_for()
        await take_socket(self._sockets, who, self._seconds)
        try:
            connection = await super().connect(req, traces, timeout)
        except BaseException:
            self._sockets.leave(who)
            raise
        connection.add_callback(functools.partial(self._sockets.leave, who))
        if isinstance(connection.protocol, BoundedAnswers):
            connection.add_callback(connection.protocol.idle)
        return connection

    async def _create_connection(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Any],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - aiohttp's own signature
    ) -> aiohttp.client_proto.ResponseHandler:
        # A handshake is a millisecond of work: hundreds begun at once would hold up everything else meanwhile. The
        # place is not held until the other side answers, which may be never.
        who = acting_for()
        await self._openings.enter(who)
        asyncio.get_running_loop().call_later(OPENING_SECONDS, self._openings.leave, who)
        return await super()._create_connection(req, traces, timeout)


async def take_socket(sockets: Gate, who: str, seconds: float) -> None:
    """Take a share of ``sockets`` for ``who``; raises :class:`NoFreeConnection` when none is free in ``seconds``."""
    try:
        await sockets.enter(who, seconds)
    except NoTurn:
        raise NoFreeConnection(lazy_gettext("all connections that the publisher may have at once are in use")) from None


def resolved(host: str, address: str, port: int) -> ResolveResult:
    """An address as aiohttp's resolvers answer it."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return ResolveResult(
        hostname=host, host=address, port=port, family=family, proto=socket.IPPROTO_TCP, flags=socket.AI_NUMERICHOST
    )
