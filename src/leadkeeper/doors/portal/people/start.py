"""The first start: once there is an operator, the marketplace's name, the first publisher, its first offer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.doors.portal.routes import Places, Routes, blank, form_of, offer_address, to
from leadkeeper.doors.portal.session import Session
from leadkeeper.normal_forms import decomposed
from leadkeeper.offer import OfferRef
from leadkeeper.problem import Problem, ProblemType
from leadkeeper.publishing.lengths import too_long
from leadkeeper.publishing.offer_types import OFFER_TYPES
from leadkeeper.texts import lazy_gettext as _

STEPS: Final = (_("You"), _("The marketplace"), _("First publisher"), _("First offer"), _("First destination"))
_LONGEST: Final = 80


class StartPages:
    """``/portal/start/...``, for operators. Each step can be left out, and come back to."""

    def __init__(self, routes: Routes) -> None:
        self._routes = routes
        self._services = routes.services

    def places(self) -> Places:
        """The pages."""
        return [
            ("/portal/start/marketplace", self._marketplace, "GET"),
            ("/portal/start/marketplace", self._name, "POST"),
            ("/portal/start/publisher", self._publisher, "GET"),
            ("/portal/start/publisher", self._make_publisher, "POST"),
            ("/portal/start/offer", self._offer, "GET"),
            ("/portal/start/offer", self._make_offer, "POST"),
        ]

    async def _marketplace(self, request: Request, session: Session) -> Response:
        _operators(session)
        return self._page(request, "start_marketplace.html", 1)

    async def _name(self, request: Request, session: Session) -> Response:
        _operators(session)
        form = await form_of(request)
        if self._services.marketplace.setting is None:
            try:
                await self._services.branding.change(name=form.get("name", ""), by=session.caller.name)
            except Problem as problem:
                wrong = {error.field: error.message for error in problem.errors}
                return self._page(request, "start_marketplace.html", 1, form, wrong)
        return to("/portal/start/publisher")

    async def _publisher(self, request: Request, session: Session) -> Response:
        _operators(session)
        return await self._publisher_page(request)

    async def _make_publisher(self, request: Request, session: Session) -> Response:
        _operators(session)
        form = await form_of(request)
        name = " ".join(form.get("name", "").split())
        publisher_id = form.get("id", "").strip() or slug(name)
        errors: dict[str, str] = {}
        if not name or len(name) > _LONGEST:
            errors["name"] = _("Enter a name of at most %(most)s characters.", most=_LONGEST)
        elif await self._has(publisher_id):
            errors["id"] = _("There is a publisher of that id already: choose another.")
        if not errors:
            try:
                await self._services.offers.catalogue.put_publisher(publisher_id, name, by=session.caller.name)
            except Problem as problem:
                if problem.type is not ProblemType.INVALID_REQUEST:
                    raise
                errors["id"] = _("Letters, digits, - and _, at most 128: it stands in addresses and in each lead.")
        if errors:
            return await self._publisher_page(request, form, errors)
        return to(f"/portal/start/offer?publisher={publisher_id}")

    async def _publisher_page(
        self, request: Request, form: Mapping[str, str] | None = None, errors: Mapping[str, str] | None = None
    ) -> Response:
        first = not await self._services.offers.catalogue.publishers(limit=1)
        return self._page(request, "start_publisher.html", 2, form, errors, first=first)

    async def _offer(self, request: Request, session: Session) -> Response:
        _operators(session)
        publisher = request.query_params.get("publisher", "")
        if not await self._has(publisher):
            return to("/portal/start/publisher")
        return self._page(request, "start_offer.html", 3, {"publisher": publisher})

    async def _make_offer(self, request: Request, session: Session) -> Response:
        _operators(session)
        form = await form_of(request)
        publisher, title = form.get("publisher", ""), " ".join(form.get("title", "").split())
        if not await self._has(publisher):
            raise HTTPException(404)
        ref = OfferRef(publisher, form.get("id", "").strip() or slug(title))
        errors: dict[str, str] = {}
        if not title:
            errors["title"] = _("Enter a title: customers read it first.")
        elif not ref.is_well_formed:
            errors["id"] = _("Letters, digits, - _ and dots, at most 128. It stands in addresses and in each lead.")
        elif await self._there(ref):
            errors["id"] = _("There is an offer of that id already: choose another.")
        summary, kind = form.get("summary", "").strip(), form.get("offerType", "") or None
        errors |= too_long({"title": title, "summary": summary})
        if errors:
            return self._page(request, "start_offer.html", 3, form, errors)
        await self._services.offers.catalogue.put_offer(
            ref, title=title, summary=summary, offer_type=kind, live=True, by=session.caller.name
        )
        return to(f"{offer_address(ref)}/connect")

    async def _has(self, publisher_id: str) -> bool:
        try:
            await self._services.offers.catalogue.publisher(publisher_id)
        except Problem as problem:
            if problem.type is ProblemType.UNKNOWN_PUBLISHER:
                return False
            raise
        return True

    async def _there(self, ref: OfferRef) -> bool:
        try:
            await self._services.offers.catalogue.offer(ref)
        except Problem as problem:
            if problem.type is ProblemType.UNKNOWN_OFFER:
                return False
            raise
        return True

    def _page(
        self,
        request: Request,
        template: str,
        step: int,
        form: Mapping[str, str] | None = None,
        errors: Mapping[str, str] | None = None,
        *,
        first: bool = True,
    ) -> Response:
        content: dict[str, Any] = {
            "form": blank(form),
            "errors": blank(errors),
            "steps": STEPS,
            "step": step,
            "types": OFFER_TYPES,
        }
        content |= {"named": self._services.marketplace, "first": first}
        return self._routes.page(request, template, 422 if errors else 200, **content)


def slug(name: str) -> str:
    """An id made from a name: small letters, digits and ``-``; empty where none of it can be written so."""
    plain = decomposed(name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:50]


def _operators(session: Session) -> None:
    if not session.caller.is_operator:
        raise HTTPException(404)
