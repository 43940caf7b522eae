"""What an offer says of itself: as customers will read it, its logo, and how it looks while somebody types."""

from __future__ import annotations

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.doors.brand_pages import offer_logo
from leadkeeper.doors.forms import sent_file
from leadkeeper.doors.portal.offers.look import lacks_of, look_of, typed
from leadkeeper.doors.portal.routes import LOGO, OFFER, Places, Routes, form_of, offer_address, to
from leadkeeper.doors.portal.session import Session
from leadkeeper.problem import Problem
from leadkeeper.publishing.listing import read_listing
from leadkeeper.publishing.logo_image import MOST_BYTES, MOST_PIXELS
from leadkeeper.publishing.versions import Slot


class ListingPages:
    """``.../listing`` and the logo."""

    def __init__(self, routes: Routes) -> None:
        self._routes = routes
        self._services = routes.services

    def places(self) -> Places:
        """The pages."""
        return [
            (OFFER + "/listing", self._show, "GET"),
            (OFFER + "/logo", self._upload, "POST"),
            (OFFER + "/logo/{digest}", self._logo, "GET"),
            (OFFER + "/logo/remove", self._remove, "POST"),
            (OFFER + "/edit/look", self._look, "POST"),
        ]

    async def _show(self, request: Request, session: Session) -> Response:
        return await self._page(request, session)

    async def _page(self, request: Request, session: Session, status: int = 200, wrong: str = "") -> Response:
        ref = self._routes.offer_of(request, session)
        offer, version = await self._services.offers.catalogue.slot(ref, Slot.DRAFT)
        listing = read_listing({} if version is None else version.definition)
        look = await look_of(self._services, ref, offer.offer_type, listing)
        content: dict[str, Any] = {
            "look": look,
            "lacks": await lacks_of(self._services, look),
            "wrong": wrong,
            "most_bytes": MOST_BYTES // 1_024,
            "most_pixels": MOST_PIXELS,
        }
        return await self._routes.offer_page(request, ref, "listing.html", "listing", status, **content)

    async def _logo(self, request: Request, session: Session) -> Response:
        ref = self._routes.offer_of(request, session)
        found = await self._services.offers.logos.read(ref, request.path_params["digest"])
        if found is None:
            raise HTTPException(404)
        return offer_logo(found)

    async def _upload(self, request: Request, session: Session) -> Response:
        ref = self._routes.offer_of(request, session)
        await form_of(request)
        try:
            await self._services.offers.logos.put(ref, sent_file(request, LOGO), by=session.caller.name)
        except Problem as problem:
            if not any(error.field == LOGO for error in problem.errors):
                raise
            return await self._page(request, session, problem.status, problem.detail)
        return to(f"{offer_address(ref)}/listing")

    async def _remove(self, request: Request, session: Session) -> Response:
        ref = self._routes.offer_of(request, session)
        await self._services.offers.logos.remove(ref, by=session.caller.name)
        return to(f"{offer_address(ref)}/listing")

    async def _look(self, request: Request, session: Session) -> Response:
        """How the offer would look with what the form holds; saves nothing."""
        ref, form = self._routes.offer_of(request, session), await form_of(request)
        listing = typed(form, await self._services.offers.logos.of_draft(ref))
        look = await look_of(self._services, ref, form.get("offerType", ""), listing)
        lacks = await lacks_of(self._services, look)
        return self._routes.page(request, "_look.html", look=look, lacks=lacks, at=offer_address(ref))
