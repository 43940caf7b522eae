"""An offer's hooks: addresses that take its leads from a marketplace. Made, shown once, revoked."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.doors.portal.routes import OFFER, Places, Routes, offer_address, to
from leadkeeper.doors.portal.session import Session
from leadkeeper.offer import OfferRef
from leadkeeper.problem import Problem, ProblemType
from leadkeeper.texts import lazy_gettext as _


class HookPages:
    """``.../hooks``."""

    def __init__(self, routes: Routes) -> None:
        self._routes = routes
        self._services = routes.services

    def places(self) -> Places:
        """The pages."""
        return [
            (OFFER + "/hooks", self._list, "GET"),
            (OFFER + "/hooks", self._make, "POST"),
            (OFFER + "/hooks/{hook_id}/revoke", self._revoke, "POST"),
        ]

    async def _list(self, request: Request, session: Session) -> Response:
        return await self._page(request, self._routes.offer_of(request, session))

    async def _make(self, request: Request, session: Session) -> Response:
        """Its address is shown in this answer alone."""
        ref = self._routes.offer_of(request, session)
        made = await self._services.access.hooks.create(ref, by=session.caller.name)
        return await self._page(request, ref, f"{self._services.base_url}/hooks/{made.token}")

    async def _revoke(self, request: Request, session: Session) -> Response:
        ref, hook_id = self._routes.offer_of(request, session), request.path_params["hook_id"]
        if not await self._services.access.hooks.remove(ref, hook_id, by=session.caller.name):
            raise Problem(
                ProblemType.NOT_FOUND, _("The offer %(offer)s has no hook %(hook)s.", offer=ref, hook=hook_id)
            )
        return to(f"{offer_address(ref)}/hooks")

    async def _page(self, request: Request, ref: OfferRef, made: str = "") -> Response:
        hooks = await self._services.access.hooks.list(ref)
        return await self._routes.offer_page(request, ref, "hooks.html", "hooks", hooks=hooks, made=made)
