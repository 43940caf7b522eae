"""Which door a request is for. Plain ASGI, before everything else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from leadkeeper.delivery.send import where
from leadkeeper.doors.web import ClientGone

log: Final = structlog.get_logger(__name__)

_SIGN_IN_ENDS: Final = ("/oauth2/token", "/oauth2/v2.0/token")


class Entrance:
    """Hands a request to the door that the first part of its path names (``/api/...``), all others to ``api``.

    ``sign_in`` answers where a client of Microsoft's directory asks for its token: ``/{tenant}/oauth2/token``.
    """

    def __init__(self, api: ASGIApp, doors: Mapping[str, ASGIApp], sign_in: ASGIApp | None = None) -> None:
        self._api = api
        self._doors = doors
        self._sign_in = sign_in

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        door = self._door(scope)
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

    def _door(self, scope: Scope) -> ASGIApp:
        if scope["type"] != "http":
            return self._api
        path: str = scope["path"]
        door = self._doors.get(path[1:].partition("/")[0])
        if door is not None:
            return door
        if self._sign_in is not None and path.endswith(_SIGN_IN_ENDS) and path.count("/") <= 4:
            return self._sign_in
        return self._api
