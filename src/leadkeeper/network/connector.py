"""How the guarded session resolves names and opens connections: both are shared among publishers."""

from __future__ import annotations

import asyncio
import functools
import socket
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any, Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler

from leadkeeper.gate import Gate, NoTurn, acting_for
from leadkeeper.network.addresses import NetworkPolicy, parse_host, refused_name
from leadkeeper.network.bounded_answers import BoundedAnswers
from leadkeeper.network.names import Names
from leadkeeper.network.trouble import NoFreeConnection
from leadkeeper.texts import lazy_gettext

OPENINGS: Final = 8
"""How many connections are opened within :data:`OPENING_SECONDS`; one publisher alone opens half of them."""
OPENING_SECONDS: Final = 0.01


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


class Connector(aiohttp.TCPConnector):
    """Opens connections as far as the caller's publisher has a share of them; each is held until it is released.

    Of those that were released at most ``idle`` are kept for the next request, the latest ones.
    """

    def __init__(self, sockets: Gate, seconds: float, idle: int, **more: Any) -> None:
        super().__init__(limit=0, **more)
        self._sockets = sockets
        self._seconds = seconds
        self._most_idle = idle
        self._idle: dict[ResponseHandler, None] = {}
        self._openings = Gate(OPENINGS, 1)
        answers: Callable[..., ResponseHandler] = BoundedAnswers
        self._factory = functools.partial(answers, self._loop, self._idle.pop)

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
            self._idle.pop(connection.protocol, None)
        return connection

    def _release(
        self, key: aiohttp.client_reqrep.ConnectionKey, protocol: ResponseHandler, *, should_close: bool = False
    ) -> None:
        """aiohttp's own, asked first whether it keeps the connection: one that is closed takes nobody's place."""
        kept = not (self._closed or self._force_close or should_close or protocol.should_close)
        super()._release(key, protocol, should_close=should_close)
        if kept and isinstance(protocol, BoundedAnswers):
            self._keep(protocol)

    def _keep(self, protocol: BoundedAnswers) -> None:
        protocol.idle()
        self._idle[protocol] = None
        if len(self._idle) > self._most_idle:
            oldest = next(iter(self._idle))
            del self._idle[oldest]
            oldest.close()

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
