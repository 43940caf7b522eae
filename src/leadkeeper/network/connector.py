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
_PIECE: Final = 8_192
"""Bytes of answers that are parsed at once."""


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
    """One connection's answers: each request is answered within so many heads.

    aiohttp reads heads that announce an answer (1xx) for as long as they come, and nobody else is served meanwhile.
    """

    _heads = 0

    def set_response_params(self, **params: Any) -> None:
        """What aiohttp says before it reads the answer to a request."""
        self._heads = 0
        super().set_response_params(**params)

    def data_received(self, data: bytes) -> None:
        """Read what came, as long as it may come."""
        # Nothing is said as well: aiohttp goes on with what it holds then.
        for start in range(0, max(1, len(data)), _PIECE):
            if self._heads > MOST_HEADS:
                return
            super().data_received(data[start : start + _PIECE])

    def feed_data(self, data: Any, size: int = 0) -> None:
        """Take a head."""
        self._heads += 1
        if self._heads <= MOST_HEADS:
            super().feed_data(data, size)
        elif self._heads == MOST_HEADS + 1:
            if self.transport is not None:
                self.transport.abort()
            self.set_exception(HttpProcessingError(message="the answer is announced too often"))


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
