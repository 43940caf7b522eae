"""What the stand-ins for Azure Storage share: Azurite behind TLS, and every fault that a test asks for.

Azurite keeps the data and checks signatures. The proxy before it answers as the real service does where Azurite does
not: its error bodies, and the time after a deletion during which a name cannot be used again. Both styles of address
work: account in the path (``https://127.0.0.1:port/account``) and in the host name
(``https://account.blob.core.windows.net``).
"""

from __future__ import annotations

import asyncio
import ssl
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

import aiohttp
from yarl import URL

from leadkeeper.sandbox.faults import Exchange, Fault, FaultServer, Seen, hang, reset_before_answer

Match = Callable[[Seen], bool]
"""Whether a fault is meant for a request."""

_HOP_HEADERS: Final = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length"})


@dataclass(frozen=True, slots=True)
class Problem:
    """An error of the service as its documentation and recorded answers show it."""

    status: int
    code: str
    message: str

    def text(self, request_id: str) -> str:
        """The message as the service ends it: with the request's id and the time."""
        return f"{self.message}\nRequestId:{request_id}\nTime:{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}0Z"


AUTHENTICATION_FAILED: Final = Problem(
    403,
    "AuthenticationFailed",
    "Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly "
    "including the signature.",
)


def path_of(request: Seen) -> str:
    """The request's path, without its query."""
    return request.target.partition("?")[0]


def render(status: int, body: bytes, headers: Mapping[str, str]) -> bytes:
    """A whole answer, byte for byte."""
    lines = [f"HTTP/1.1 {status} {phrase(status)}", *(f"{name}: {value}" for name, value in headers.items())]
    if status != 204:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def phrase(status: int) -> str:
    """The words beside a status."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


class StorageProxy(FaultServer):
    """The proxy before the Azurite at ``upstream``. After a deletion a name is taken for ``deletion_seconds``.

    ``received`` holds every request; ``committed`` those that were passed on to Azurite, ``made`` those of them that
    it did.
    """

    def __init__(self, upstream: str, *, deletion_seconds: float = 40.0) -> None:
        super().__init__(self._serve_request)
        self.committed: list[Seen] = []
        self.made: list[Seen] = []
        self.deletion_seconds = deletion_seconds
        self._upstream = upstream
        self._session: aiohttp.ClientSession | None = None
        self._script: list[tuple[Fault, Match, int]] = []
        self._deleted: dict[str, float] = {}

    def end_deletions(self) -> None:
        """Let the names that were deleted be free at once, however long that still would take."""
        self._deleted.clear()

    async def start(self, context: ssl.SSLContext | None, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; see :class:`~leadkeeper.sandbox.faults.FaultServer`."""
        self._session = aiohttp.ClientSession(auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar())
        await super().start(context, host, port)

    async def aclose(self) -> None:
        """Stop listening and drop every connection, hanging ones too."""
        await super().aclose()
        if self._session is not None:
            await self._session.close()

    def fail(self, fault: Fault, *, when: Match = lambda _: True, times: int = 1_000_000) -> None:
        """Do ``fault`` with the next ``times`` requests that it is meant for; the first one asked for goes first."""
        self._script.append((fault, when, times))

    def reset(self) -> None:
        """Behave again, and forget what came and what was deleted."""
        self._script.clear()
        self._deleted.clear()
        self.received.clear()
        self.committed.clear()
        self.made.clear()

    def calm(self) -> None:
        """Misbehave no more; what came is remembered."""
        self._script.clear()

    async def perform(self, request: Seen) -> bytes:
        """Do what the request asks for; the answer as it would go over the wire."""
        return self.refusal(request) or await self._forward(request)

    def commit_then(self, fault: Fault) -> Fault:
        """Do what the request asks for, throw the answer away, and do ``fault`` instead of answering."""

        async def act(exchange: Exchange) -> None:
            await self._forward(exchange.request)
            await fault(exchange)

        return act

    @property
    def commit_then_reset(self) -> Fault:
        """Write the data and break the connection."""
        return self.commit_then(reset_before_answer)

    @property
    def commit_then_hang(self) -> Fault:
        """Write the data and never answer."""
        return self.commit_then(hang)

    @abstractmethod
    def refusal(self, request: Seen) -> bytes | None:
        """The answer to what the real service refuses and Azurite does not."""

    @abstractmethod
    def correction(self, request: Seen, code: str | None) -> bytes | None:
        """The real service's answer where Azurite's, with this error code, is another."""

    @abstractmethod
    def names(self, request: Seen) -> set[str]:
        """The tables or containers that a request is about."""

    @abstractmethod
    def deletes(self, request: Seen, status: int) -> bool:
        """The request, answered with ``status``, deleted what it is about."""

    def did(self, status: int, content: bytes) -> bool:
        """Whether Azurite did what it was asked for."""
        return 200 <= status < 300 and b"HTTP/1.1 4" not in content

    def passed_on(self, request: Seen) -> bytes:
        """The body that Azurite gets."""
        return request.body

    def kept(self, headers: Mapping[str, str]) -> dict[str, str]:
        """The headers of Azurite's answer that the real service sends too."""
        return {name: value for name, value in headers.items() if name.lower() not in _HOP_HEADERS}

    def is_being_deleted(self, request: Seen) -> bool:
        """What the request is about was deleted a moment ago."""
        now = asyncio.get_running_loop().time()
        return any(self._deleted.get(name, 0.0) > now for name in self.names(request))

    async def _serve_request(self, exchange: Exchange) -> None:
        for place, (fault, when, times) in enumerate(self._script):
            if when(exchange.request):
                self._script[place : place + 1] = [(fault, when, times - 1)] if times > 1 else []
                await fault(exchange)
                return
        await exchange.send(await self.perform(exchange.request))

    async def _forward(self, request: Seen) -> bytes:
        assert self._session is not None
        self.committed.append(request)
        url = URL(f"{self._upstream}{request.target}", encoded=True)
        headers = {name: value for name, value in request.headers.items() if name not in _HOP_HEADERS}
        async with self._session.request(
            request.method,
            url,
            data=self.passed_on(request),
            headers=headers,
            allow_redirects=False,
            skip_auto_headers=("Content-Type",),
        ) as response:
            content = await response.read()
        if self.did(response.status, content):
            self.made.append(request)
        if self.deletes(request, response.status):
            until = asyncio.get_running_loop().time() + self.deletion_seconds
            self._deleted.update(dict.fromkeys(self.names(request), until))
        corrected = self.correction(request, response.headers.get("x-ms-error-code"))
        return corrected or render(response.status, content, self.kept(response.headers))
