"""Copying an offer, and a connection to other offers of its publisher."""

from __future__ import annotations

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.doors.portal.connections.lines import line_of
from leadkeeper.doors.portal.connections.pages import ONE, connection_of
from leadkeeper.doors.portal.routes import OFFER, Places, Routes, form_of, offer_address, to
from leadkeeper.doors.portal.session import Session
from leadkeeper.offer import OfferRef
from leadkeeper.problem import Problem, ProblemType
from leadkeeper.publishing.lengths import too_long
from leadkeeper.publishing.listing import MOST_OF_TITLE
from leadkeeper.texts import lazy_gettext as _

MOST_OFFERS: Final = 90
"""How many offers the page of a connection's copies names at once."""


class CopyPages:
    """``.../copy``."""

    def __init__(self, routes: Routes) -> None:
        self._routes = routes
        self._services = routes.services

    def places(self) -> Places:
        """The pages."""
        return [
            (OFFER + "/copy", self._ask_offer, "GET"),
            (OFFER + "/copy", self._copy_offer, "POST"),
            (ONE + "/copy", self._ask_connection, "GET"),
            (ONE + "/copy", self._copy_connection, "POST"),
        ]

    async def _ask_offer(self, request: Request, session: Session) -> Response:
        ref = self._routes.offer_of(request, session)
        offer = await self._services.offers.catalogue.offer(ref)
        language = self._routes.language_of(request)
        title = language.gettext("%(title)s (copy)", title=offer.title)[:MOST_OF_TITLE]
        return await self._offer_form(request, ref, {"offerId": "", "title": title, "connections": "yes"}, {})

    async def _copy_offer(self, request: Request, session: Session) -> Response:
        ref, form = self._routes.offer_of(request, session), await form_of(request)
        title, offer_id = form.get("title", "").strip(), form.get("offerId", "").strip()
        errors: dict[str, str] = dict(too_long({"title": title}))
        if not title:
            errors["title"] = _("Enter a title: customers read it first.")
        if not OfferRef(ref.publisher_id, offer_id).is_well_formed:
            errors["offerId"] = _(
                "Letters, digits, - _ and dots, at most 128. It stands in addresses and in each lead."
            )
        if errors:
            return await self._offer_form(request, ref, form, errors, 422)
        try:
            made = await self._services.offers.copies.copy(
                ref, offer_id, title=title, connections=form.get("connections") == "yes", by=session.caller.name
            )
        except Problem as problem:
            if problem.type not in (ProblemType.INVALID_REQUEST, ProblemType.QUOTA_EXCEEDED):
                raise
            found = {error.field.removeprefix("offer."): error.message for error in problem.errors}
            known = {name: message for name, message in found.items() if name in ("title", "offerId")}
            return await self._offer_form(request, ref, form, known or {"offerId": problem.detail}, problem.status)
        return to(offer_address(made.ref))

    async def _offer_form(
        self, request: Request, ref: OfferRef, values: dict[str, str], errors: dict[str, str], status: int = 200
    ) -> Response:
        content: dict[str, Any] = {"values": values, "errors": errors}
        return await self._routes.offer_page(request, ref, "copy_offer.html", "overview", status, **content)

    async def _ask_connection(self, request: Request, session: Session) -> Response:
        return await self._connection_page(request, session)

    async def _copy_connection(self, request: Request, session: Session) -> Response:
        ref, name = self._routes.offer_of(request, session), request.path_params["name"]
        form = await form_of(request)
        # Only ids of the same publisher are ever asked for: the address says whose the offers are.
        chosen = [field.removeprefix("to.") for field, value in form.items() if field.startswith("to.") and value]
        done = await self._services.connection_copies.copy(ref, name, chosen[:MOST_OFFERS], by=session.caller.name)
        return await self._connection_page(request, session, done=done, chose=bool(chosen))

    async def _connection_page(self, request: Request, session: Session, **more: Any) -> Response:
        ref, after = self._routes.offer_of(request, session), request.query_params.get("after")
        connection = await connection_of(self._services, ref, request.path_params["name"])
        offers = await self._services.offers.catalogue.offers(ref.publisher_id, after, MOST_OFFERS + 1)
        content: dict[str, Any] = {
            "line": await line_of(self._services, connection, self._routes.language_of(request)),
            "others": [each for each in offers[:MOST_OFFERS] if each.ref != ref],
            "following": offers[MOST_OFFERS - 1].id if len(offers) > MOST_OFFERS else None,
            "done": [],
            "chose": True,
        }
        return await self._routes.offer_page(request, ref, "copy_connection.html", "destinations", **(content | more))
