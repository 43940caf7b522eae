"""The one way out: a guarded network session for every adapter and for the Azure SDKs.

Whatever goes over :attr:`Network.session` or :meth:`Network.request` is checked three times: its URL before the
request, every address that its name resolves to, and the very address that is dialled. It never follows redirects,
never asks the environment for proxies, keeps no cookies, and never buffers more than ``answer_limit`` of an answer.
"""

from __future__ import annotations

import asyncio
import errno
import random
import socket
from collections.abc import Callable, Mapping, Sequence
from ipaddress import ip_address
from typing import Any, Final, NamedTuple

import aiohttp
from aiohttp.abc import ResolveResult
from yarl import URL

from leadkeeper.check import Check, CheckStep, tell_step
from leadkeeper.deadlines import Deadlines
from leadkeeper.diagnosis import Diagnosis
from leadkeeper.gate import Gate, acting_for
from leadkeeper.network.addresses import (
    URL_LIMIT,
    AddressInvalid,
    AddressRefused,
    NetworkPolicy,
    as_address,
    own_address,
    parse_host,
    parse_hosts,
    parse_ranges,
    parse_url,
    refused_name,
)
from leadkeeper.network.connector import Connector, Resolver, resolved, take_socket
from leadkeeper.network.exchange import Exchanges
from leadkeeper.network.names import Names, Resolve, lookup
from leadkeeper.network.trouble import (
    NETWORK_ERRORS,
    AnswerTooLarge,
    NoFreeConnection,
    RedirectRefused,
    diagnose_network,
    refused_as_ours,
)
from leadkeeper.network.trust import trusting
from leadkeeper.texts import lazy_gettext

__all__ = [
    "NETWORK_ERRORS",
    "AddressInvalid",
    "AddressRefused",
    "AnswerTooLarge",
    "Answered",
    "Network",
    "NetworkPolicy",
    "NoFreeConnection",
    "RedirectRefused",
    "Resolve",
    "diagnose_network",
    "parse_hosts",
    "parse_ranges",
    "parse_url",
]

LEAST_TIME: Final = 0.75
"""The least part of ``total_seconds`` that a call is given; which part up to all of it, chance decides."""
RandomUnit = Callable[[], float]


class Answered(NamedTuple):
    """An answer whose status and headers (found in any case) are known.

    ``body`` is what was read of it, at most ``answer_limit`` bytes; ``fault`` says why that is not all of it
    (:class:`AnswerTooLarge`, ``TimeoutError``, a broken connection), or is ``None``.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    fault: Exception | None = None


def _is_here(address: str) -> bool:
    """Whether ``address`` is one of this machine's own: then, and only then, can a socket be bound to it."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as bound:
        try:
            bound.bind((address, 0))
        except OSError:
            return False
    return True


async def read_capped(content: aiohttp.StreamReader, limit: int, into: bytearray) -> None:
    """Read ``content`` to its end into ``into``; raises :class:`AnswerTooLarge` past ``limit`` bytes.

    What was read before an error stays in ``into``, never more than ``limit``.
    """
    while True:
        chunk = await content.readany()
        if not chunk:
            return
        into += chunk
        if len(into) > limit:
            del into[limit:]
            raise AnswerTooLarge(f"the answer is larger than {limit} bytes")


def _passed(name: str, detail: str) -> CheckStep:
    """A step of reaching a host, told at once."""
    return tell_step(CheckStep(name, True, detail))


def _capped_response(limit: int) -> type[aiohttp.ClientResponse]:
    class CappedResponse(aiohttp.ClientResponse):
        """A response whose ``read``, ``text`` and ``json`` raise :class:`AnswerTooLarge` past the limit."""

        async def read(self) -> bytes:
            if self._body is None:
                body = bytearray()
                try:
                    await read_capped(self.content, limit, body)
                except BaseException:
                    self.close()
                    raise
                self._body = bytes(body)
            return await super().read()

    return CappedResponse


async def _refuse_redirect(*_: object) -> None:
    raise RedirectRefused("redirects are never followed")


class Network:
    """The guarded session and what adapters do with it. Must be made in a running event loop; close with ``aclose``.

    ``resolve`` replaces the system's name resolution; what it answers is checked all the same.
    ``random_unit`` gives numbers in [0, 1). Raises ``OSError`` when ``ca_file`` cannot be read.
    """

    def __init__(
        self, policy: NetworkPolicy, *, resolve: Resolve = lookup, random_unit: RandomUnit = random.random
    ) -> None:
        self.policy = policy
        self._random_unit = random_unit
        self._connect_seconds = min(policy.connect_seconds, policy.total_seconds * LEAST_TIME * 0.8)
        # A little less than connecting may take: then it is known that the name was slow.
        self._resolver = Resolver(policy, Names(resolve, self._connect_seconds * 0.9))
        self._tls = trusting(policy.ca_file, "http/1.1")
        self._passed: set[tuple[str, str | None, int | None]] = set()
        self._targets = frozenset(policy.hosts.values())
        self._deadlines = Deadlines()
        self._sockets = Gate(policy.connections, policy.connections // 8)
        self._read_bytes = min(policy.answer_limit, 65_536)
        self._connector = self._open_connector()
        redirects = aiohttp.TraceConfig()
        redirects.on_request_redirect.append(_refuse_redirect)
        self.session = self._session(middlewares=(self._guard,), trace_configs=[redirects])
        self._exchanges = Exchanges(self._connector, self._timeout(None), self._read_bytes)

    def _open_connector(self) -> Connector:
        return Connector(
            self._sockets,
            self._connect_seconds,
            self.policy.idle_connections,
            ssl=self._tls,
            resolver=self._resolver,
            use_dns_cache=False,  # names are remembered, and waited for, by the resolver
            limit_per_host=0,
            # Shorter than common servers keep idle connections (5 s and more), so that few are closed as we write.
            keepalive_timeout=4,
            socket_factory=self._dial,
        )

    def _session(self, **more: Any) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=self._connector,
            timeout=self._timeout(self.policy.total_seconds),
            trust_env=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"Accept-Encoding": "identity"},
            response_class=_capped_response(self.policy.answer_limit),
            read_bufsize=self._read_bytes,
            **more,
        )

    async def _guard(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        with refused_as_ours():
            self._admit(request.url)
            if request.proxy is not None:
                raise AddressInvalid(lazy_gettext("Destinations are never reached through a proxy."))
        return await handler(request)

    def _admit(self, url: URL) -> None:
        """Let ``url`` pass, or raise :class:`AddressRefused` or :class:`AddressInvalid`, whoever checked it before.

        The policy is asked once for each origin; the address that is dialled is judged whenever a connection opens.
        """
        origin = (url.scheme, url.raw_host, url.port)
        if origin not in self._passed:
            host = parse_host(url.raw_host or "")
            self.policy.check_origin(url.scheme, host)
            self.policy.check_own(host, url.port or 443)
            if len(self._passed) > 10_000:
                self._passed.clear()
            self._passed.add(origin)

    def _dial(self, info: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, proto, _, peer = info
        address, port = str(peer[0]), peer[1]
        if self.policy.own is not None and port == self.policy.own.port and _is_here(address):
            raise own_address()
        if not (
            self.policy.allows(ip_address(address))
            or (address, port) in self._targets
            or (address, None) in self._targets
        ):
            raise refused_name()
        return socket.socket(family=family, type=kind, proto=proto)

    def check_url(self, url: str, longest: int = URL_LIMIT) -> URL:
        """``url`` as it would be requested. Raises :class:`AddressInvalid` for its shape (not https, user name,
        bad host...) and :class:`AddressRefused` for a literal address that is not allowed. Resolves nothing."""
        parsed = parse_url(url, longest)
        self.policy.check_origin(parsed.scheme, parsed.raw_host or "")
        self.policy.check_own(parsed.raw_host or "", parsed.port or 443)
        return parsed

    def seconds_for_one(self) -> float:
        """How long one call may take: what gets no answer and began together does not end together (and start anew)."""
        return self.policy.total_seconds * (LEAST_TIME + (1 - LEAST_TIME) * self._random_unit())

    def _timeout(self, total: float | None) -> aiohttp.ClientTimeout:
        return aiohttp.ClientTimeout(total=total, connect=self._connect_seconds, ceil_threshold=3_600)

    async def post(
        self,
        url: URL,
        *,
        data: bytes,
        headers: Mapping[str, str],
        body_seconds: float | None = None,
        alone: bool = False,
    ) -> Answered:
        """POST ``data``; see :meth:`request`."""
        return await self.request("POST", url, data=data, headers=headers, body_seconds=body_seconds, alone=alone)

    async def request(
        self,
        method: str,
        url: URL,
        *,
        data: bytes | None,
        headers: Mapping[str, str],
        limit: int | None = None,
        body_seconds: float | None = None,
        alone: bool = False,
    ) -> Answered:
        """Send a request to ``url`` (from :meth:`check_url`) and read at most ``limit`` bytes of its answer.

        Raises one of :data:`NETWORK_ERRORS` when no status came; with a status, trouble with the body is
        ``Answered.fault``. Ends within ``total_seconds``; after the headers within ``body_seconds`` as well.
        ``limit`` is the policy's unless another is given.

        ``alone`` is for what must not be sent twice: of a kept connection that closes without a word nobody knows
        whether it was closed before the request came. A new one has no past.
        """
        self._admit(url)
        loop = asyncio.get_running_loop()
        until = loop.time() + self.seconds_for_one()
        with self._deadlines.at(until):
            exchange = await self._exchanges.begin(method, url, data, headers, alone=alone)
        with exchange:
            body, most = bytearray(), limit or self.policy.answer_limit
            fault: Exception | None = None
            try:
                if exchange.content.is_eof():
                    await read_capped(exchange.content, most, body)
                else:
                    first = until if body_seconds is None else min(until, loop.time() + body_seconds)
                    with self._deadlines.at(first):
                        await read_capped(exchange.content, most, body)
            except NETWORK_ERRORS as error:
                fault = error
            return Answered(exchange.status, exchange.headers, bytes(body), fault)

    async def check_reach(self, url: str, about_host: Callable[[Diagnosis], Diagnosis] = lambda found: found) -> Check:
        """Prove without a request that ``url`` can be reached: steps ``address``, ``name``, ``network``, ``tls``.

        Steps after the first that failed are left out. Never raises for what the other side or the network does.
        ``about_host`` says what it means that the host is not found.
        """
        steps: list[CheckStep] = []
        try:
            async with asyncio.timeout(self.policy.total_seconds):
                await self._reach(url, steps)
        except NETWORK_ERRORS as error:
            diagnosis = about_host(diagnose_network(error, sent=False))
            name = ("address", "name", "network", "tls")[len(steps)]
            steps.append(CheckStep(name, False, diagnosis.evidence.text or diagnosis.summary))
            return Check(tuple(steps), diagnosis)
        return Check(tuple(steps))

    async def _reach(self, text: str, steps: list[CheckStep]) -> None:
        url = self.check_url(text)
        host, port = url.raw_host or "", url.port or 443
        steps.append(_passed("address", lazy_gettext("The address is one that leads may be sent to.")))
        if as_address(host) is None:
            addresses = await self._resolver.resolve(host, port)
            steps.append(_passed("name", lazy_gettext("The host name exists and leads to allowed addresses only.")))
        else:
            addresses = [resolved(host, host, port)]
            steps.append(_passed("name", lazy_gettext("The address is numeric; there is no name to look up.")))
        who = acting_for()
        await take_socket(self._sockets, who, self._connect_seconds)
        try:
            await self._shake_hands(url.scheme, host, addresses, steps)
        finally:
            self._sockets.leave(who)

    async def _shake_hands(
        self, scheme: str, host: str, addresses: Sequence[ResolveResult], steps: list[CheckStep]
    ) -> None:
        peer = await self._connect(addresses)
        steps.append(_passed("network", lazy_gettext("The destination accepts network connections.")))
        if scheme != "https":
            peer.close()
            steps.append(
                tell_step(
                    CheckStep("tls", None, lazy_gettext("Not encrypted: a local address that the operator allows."))
                )
            )
            return
        _, writer = await asyncio.open_connection(sock=peer, ssl=self._tls, server_hostname=host)
        steps.append(_passed("tls", lazy_gettext("The certificate is valid for this host.")))
        writer.transport.abort()

    async def _connect(self, found: Sequence[ResolveResult]) -> socket.socket:
        loop = asyncio.get_running_loop()
        trouble: OSError = OSError(errno.EHOSTUNREACH, "no address")
        for entry in found:
            peer = (entry["host"], entry["port"])
            connection = self._dial((socket.AddressFamily(entry["family"]), socket.SOCK_STREAM, 0, "", peer))
            connection.setblocking(False)
            try:
                async with asyncio.timeout(self.policy.connect_seconds):
                    await loop.sock_connect(connection, peer)
                return connection
            except OSError as error:
                connection.close()
                trouble = error
            except BaseException:
                connection.close()
                raise
        raise trouble

    async def aclose(self) -> None:
        """Close all connections; the network cannot be used afterwards."""
        await self._resolver.close()
        await self.session.close()
