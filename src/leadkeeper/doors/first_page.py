"""The address without a path: browsers are led to the storefront where something is published, else to the portal."""

from __future__ import annotations

from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from leadkeeper.doors.web import header
from leadkeeper.publishing.showcase import Showcase
from leadkeeper.storage.engine import StorageAway


class FirstPage:
    """Answers ``/`` for whoever takes HTML; programs get the answer of ``api``."""

    def __init__(self, showcase: Showcase, api: ASGIApp) -> None:
        self._showcase = showcase
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        wants_page = b"text/html" in (header(scope, b"accept") or b"")
        if scope["path"] != "/" or scope["method"] not in ("GET", "HEAD") or not wants_page:
            await self._api(scope, receive, send)
            return
        try:
            to = "/store" if await self._showcase.has_offers() else "/portal"
        except StorageAway:
            to = "/portal"  # which says so
        response = RedirectResponse(to, 302)
        await response(scope, receive, send)
