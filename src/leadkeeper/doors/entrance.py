"""Which door a request is for. Plain ASGI, before everything else."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Final

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from leadkeeper.doors.origins import Secure
from leadkeeper.doors.web import ClientGone, Header
from leadkeeper.fault import where
from leadkeeper.gate import NEWCOMERS, NOBODY, VISITORS, charge
from leadkeeper.publisher_turns import PublisherTurns

log: Final = structlog.get_logger(__name__)

_SIGN_IN_ENDS: Final = ("/oauth2/token", "/oauth2/v2.0/token")
_VISITED: Final = frozenset({"", "store", "contacts"})
"""The first parts of paths behind which all are visitors."""


_TLS: Final = ((b"strict-transport-security", b"max-age=31536000"),)
_SEALS: Final = ((b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store"))
_SEALS_AND_TLS: Final = (*_SEALS, *_TLS)


class _Sealed:
    """``send``, adding headers to the answer."""

    __slots__ = ("_headers", "_send")

    def __init__(self, send: Send, headers: tuple[Header, ...]) -> None:
        self._send = send
        self._headers = headers

    def __call__(self, message: Message) -> Awaitable[None]:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *self._headers]
        return self._send(message)


class Entrance:
    """Hands a request to the door that the first part of its path names (``/api/...``), all others to ``api``.

    ``pages`` are doors that say themselves who may keep their answers. ``sign_in`` answers where a client of
    Microsoft's directory asks for its token: ``/{tenant}/oauth2/token``.
    """

    def __init__(
        self,
        api: ASGIApp,
        doors: Mapping[str, ASGIApp],
        pages: Mapping[str, ASGIApp],
        sign_in: ASGIApp,
        secure: Secure,
        turns: PublisherTurns,
    ) -> None:
        self._api = api
        self._doors = {**doors, **pages}
        self._pages = list(pages.values())
        self._visited = [door for name, door in self._doors.items() if name in _VISITED]
        self._sign_in = sign_in
        self._secure = secure
        self._turns = turns

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        door = self._door(scope)
        self._charge(door, scope)
        if scope["type"] == "http":
            send = _Sealed(send, self._seals(scope, door))
        turn = self._turns.begin()
        try:
            await self._serve(door, scope, receive, send)
        finally:
            turn.end()

    def _charge(self, door: ASGIApp, scope: Scope) -> None:
        """Also where nobody is charged: requests on one connection may share a context."""
        if door is self._api:
            charge(NOBODY)
        elif door in self._visited:
            charge(VISITORS, self._secure.addresses.of(scope))
        elif door is self._sign_in:
            charge(NEWCOMERS, self._secure.addresses.of(scope))
        else:
            charge(NOBODY)

    async def _serve(self, door: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        if door is self._api:
            await door(scope, receive, send)
            return
        try:
            await door(scope, receive, send)
        except ClientGone:
            pass
        except Exception as error:
            # The framework has answered already; its words may repeat what a customer wrote.
            log.error("request failed", error=where(error))

    def _seals(self, scope: Scope, door: ASGIApp) -> tuple[Header, ...]:
        """What every answer to this request tells browsers; pages say the rest themselves."""
        secure = self._secure.is_secure(scope)
        if door in self._pages:
            return _TLS if secure else ()
        return _SEALS_AND_TLS if secure else _SEALS

    def _door(self, scope: Scope) -> ASGIApp:
        if scope["type"] != "http":
            return self._api
        path: str = scope["path"]
        door = self._doors.get(path[1:].partition("/")[0])
        if door is not None:
            return door
        if path.endswith(_SIGN_IN_ENDS) and path.count("/") <= 4:
            return self._sign_in
        return self._api
