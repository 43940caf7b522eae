"""An offer's hooks: addresses that take its leads from a marketplace. Made, shown once, rotated, tried, revoked."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.access.hooks import no_old_address, unknown_hook
from leadkeeper.doors.portal.routes import OFFER, Places, Routes, offer_address, to
from leadkeeper.doors.portal.session import Session
from leadkeeper.offer import OfferRef

_ONE = OFFER + "/hooks/{hook_id}"


class HookPages:
    """``.../hooks``."""

    def __init__(self, routes: Routes) -> None:
        self._routes = routes
        self._services = routes.services
        self._hooks = routes.services.access.hooks

    def places(self) -> Places:
        """The pages."""
        return [
            (OFFER + "/hooks", self._list, "GET"),
            (OFFER + "/hooks", self._make, "POST"),
            (_ONE + "/test", self._test, "POST"),
            (_ONE + "/rotate", self._rotate, "POST"),
            (_ONE + "/end-old-address", self._end_old, "POST"),
            (_ONE + "/revoke", self._revoke, "POST"),
        ]

    async def _list(self, request: Request, session: Session) -> Response:
        return await self._page(request, self._routes.offer_of(request, session))

    async def _make(self, request: Request, session: Session) -> Response:
        """Its address is shown in this answer alone."""
        ref = self._routes.offer_of(request, session)
        made = await self._hooks.create(ref, by=session.caller.name)
        return await self._page(request, ref, made=self._address(made.token))

    async def _rotate(self, request: Request, session: Session) -> Response:
        """Its new address is shown in this answer alone."""
        ref, hook_id = self._routes.offer_of(request, session), request.path_params["hook_id"]
        made = await self._hooks.rotate(ref, hook_id, by=session.caller.name)
        if made is None:
            raise unknown_hook(ref, hook_id)
        return await self._page(request, ref, made=self._address(made.token), rotated=True)

    async def _end_old(self, request: Request, session: Session) -> Response:
        ref, hook_id = self._routes.offer_of(request, session), request.path_params["hook_id"]
        if not await self._hooks.end_old(ref, hook_id, by=session.caller.name):
            await self._hooks.require(ref, hook_id)
            raise no_old_address(hook_id)
        return to(f"{offer_address(ref)}/hooks")

    async def _test(self, request: Request, session: Session) -> Response:
        """What came of the test payload is the page's first sentence."""
        ref, hook_id = self._routes.offer_of(request, session), request.path_params["hook_id"]
        posted = await self._services.hook_tests.post(ref, hook_id, by=session.caller.name)
        await self._services.access.uses.settled()
        return await self._page(request, ref, posted=posted)

    async def _revoke(self, request: Request, session: Session) -> Response:
        ref, hook_id = self._routes.offer_of(request, session), request.path_params["hook_id"]
        if not await self._hooks.remove(ref, hook_id, by=session.caller.name):
            raise unknown_hook(ref, hook_id)
        return to(f"{offer_address(ref)}/hooks")

    def _address(self, token: str) -> str:
        return f"{self._services.base_url}/hooks/{token}"

    async def _page(self, request: Request, ref: OfferRef, **more: Any) -> Response:
        content: dict[str, Any] = {"made": "", "rotated": False, "posted": None}
        content["hooks"] = await self._hooks.list(ref)
        return await self._routes.offer_page(request, ref, "hooks.html", "hooks", **(content | more))
