"""Addresses that browsers ask for by themselves: the one without a path, and that of the icon.

Without a path they are led to the storefront where something is published, else to the portal.
"""

from __future__ import annotations

from typing import Final

from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from leadkeeper.doors.web import header
from leadkeeper.publishing.showcase import Showcase
from leadkeeper.storage.engine import StorageAway

ICON: Final = "/favicon.ico"


class FirstPage:
    """Answers ``/`` for whoever takes HTML, and :data:`ICON`; programs get the answer of ``api``."""

    def __init__(self, showcase: Showcase, api: ASGIApp) -> None:
        self._showcase = showcase
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["path"] == ICON and scope["method"] in ("GET", "HEAD"):
            await RedirectResponse("/portal/static/logo", 302)(scope, receive, send)
            return
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
