"""An offer: its first page, a new one, and what it says of itself."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.doors.portal.connections.lines import lines_of
from leadkeeper.doors.portal.labels import CALLS
from leadkeeper.doors.portal.offers.look import lacks_of, look_of, typed
from leadkeeper.doors.portal.overview import touched_words
from leadkeeper.doors.portal.routes import OFFER, Places, Routes, form_of, offer_address, to
from leadkeeper.doors.portal.session import Session
from leadkeeper.inbox.lists.filter import LeadFilter
from leadkeeper.inbox.oversight.figures import Touched
from leadkeeper.offer import OfferRef
from leadkeeper.problem import Problem, ProblemType
from leadkeeper.publishing.lengths import too_long
from leadkeeper.publishing.listing import CallToAction, read_listing
from leadkeeper.publishing.offer_types import OFFER_TYPES, offer_type
from leadkeeper.publishing.precondition import Precondition
from leadkeeper.publishing.versions import Slot
from leadkeeper.texts import lazy_gettext as _

_PUBLISHERS: Final = 200
"""So many can be chosen from; for every other an offer is made from its page."""
_LAST_LEADS: Final = 5
_LONGEST_TYPE: Final = 128


@dataclass(frozen=True, slots=True)
class OfferForm:
    """The form of an offer as it stands."""

    values: Mapping[str, str]
    ref: OfferRef | None = None
    fixed_type: bool = False
    """Published: its type stays."""
    errors: Mapping[str, str] = field(default_factory=dict)
    general: str = ""


class OfferPages:
    """``/portal/offers/...``."""

    def __init__(self, routes: Routes) -> None:
        self._routes = routes
        self._services = routes.services

    def places(self) -> Places:
        """The pages."""
        return [
            ("/portal/offers/new", self._new, "GET"),
            ("/portal/offers/new", self._create, "POST"),
            (OFFER, self._overview, "GET"),
            (OFFER + "/lines", self._lines, "GET"),
            (OFFER + "/edit", self._edit, "GET"),
            (OFFER + "/edit", self._change, "POST"),
        ]

    async def _overview(self, request: Request, session: Session) -> Response:
        return await self._page(request, session, "offer.html")

    async def _lines(self, request: Request, session: Session) -> Response:
        """What moves by itself: the page asks for this part again when something has moved."""
        return await self._page(request, session, "_overview.html", part=True)

    async def _page(self, request: Request, session: Session, template: str, **more: bool) -> Response:
        ref = self._routes.offer_of(request, session)
        lines = await lines_of(self._services, ref, self._routes.language_of(request))
        wanted = LeadFilter(ref.publisher_id, ref.offer_id)
        leads = await self._services.leads.reading.leads(wanted, limit=_LAST_LEADS, by=session.caller.name)
        content: dict[str, Any] = {"lines": lines, "leads": leads.leads}
        touched = await self._services.leads.punctuality.of_offers([ref])
        content["touched"] = touched_words(touched.get(str(ref), Touched()), self._routes.language_of(request))
        content["missing"] = await self._services.offers.publication.missing(ref)
        content["cost"] = await self._services.leads.costs.of(ref, self._routes.language_of(request))
        content["partners"] = await self._services.offers.cross_listings.of(ref)
        return await self._routes.offer_page(request, ref, template, "overview", **(content | more))

    async def _new(self, request: Request, session: Session) -> Response:
        whose = session.caller.publisher_id or request.query_params.get("publisher", "")
        values = {"offerType": OFFER_TYPES[0].id, "publisherId": whose, "live": "yes"}
        return await self._form(request, session, OfferForm(values))

    async def _create(self, request: Request, session: Session) -> Response:
        form = await form_of(request)
        publisher_id = session.caller.publisher_id or form.get("publisherId", "").strip()
        ref = OfferRef(publisher_id, form.get("offerId", "").strip())
        if not session.caller.may_change(publisher_id):
            raise HTTPException(404)
        if not ref.is_well_formed:
            message = _("Letters, digits, - _ and dots, at most 128. It stands in addresses and in each lead.")
            return await self._form(request, session, OfferForm(form, errors={"offerId": message}), 422)
        if await self._there(ref):
            errors = {"offerId": _("There is an offer of that id already: choose another.")}
            return await self._form(request, session, OfferForm(form, errors=errors), 422)
        return await self._save(request, session, ref, OfferForm(form))

    async def _there(self, ref: OfferRef) -> bool:
        try:
            await self._services.offers.catalogue.offer(ref)
        except Problem as problem:
            if problem.type is ProblemType.UNKNOWN_OFFER:
                return False
            raise
        return True

    async def _edit(self, request: Request, session: Session) -> Response:
        ref = self._routes.offer_of(request, session)
        offer, version = await self._services.offers.catalogue.slot(ref, Slot.DRAFT)
        message = read_listing({} if version is None else version.definition)
        values = {
            "title": message.title or offer.title,
            "offerType": offer.offer_type,
            "summary": message.summary,
            "description": message.description,
            "category": message.category,
            "price": message.price,
            "support": message.support,
            "privacy": message.privacy,
            "live": "yes" if offer.live else "",
            "etag": offer.etag,
            **{f"call.{call.value}": "yes" for call in message.calls_to_action},
        }
        return await self._form(request, session, OfferForm(values, ref, offer.is_published))

    async def _change(self, request: Request, session: Session) -> Response:
        ref, form = self._routes.offer_of(request, session), await form_of(request)
        offer = await self._services.offers.catalogue.offer(ref)
        return await self._save(request, session, ref, OfferForm(form, ref, offer.is_published))

    async def _save(self, request: Request, session: Session, ref: OfferRef, draft: OfferForm) -> Response:
        form = draft.values
        errors: dict[str, str] = dict(too_long({name: text.strip() for name, text in form.items()}))
        if not form.get("title", "").strip():
            errors["title"] = _("Enter a title: customers read it first.")
        if len(form.get("offerType", "").strip()) > _LONGEST_TYPE:
            errors["offerType"] = _("At most %(most)s characters.", most=_LONGEST_TYPE)
        if errors:
            return await self._form(request, session, OfferForm(form, draft.ref, draft.fixed_type, errors), 422)
        try:
            await self._services.offers.catalogue.put_offer(
                ref,
                title=form["title"].strip(),
                offer_type=form.get("offerType", "").strip() or None,
                live=form.get("live") == "yes",
                summary=form.get("summary", "").strip(),
                description=form.get("description", "").strip(),
                category=form.get("category", "").strip(),
                price=form.get("price", "").strip(),
                support=form.get("support", "").strip(),
                privacy=form.get("privacy", "").strip(),
                calls_to_action=[call.value for call in CallToAction if form.get(f"call.{call.value}") == "yes"],
                precondition=Precondition(form.get("etag") or None),
                by=session.caller.name,
            )
        except Problem as problem:
            errors = {error.field.removeprefix("offer."): error.message for error in problem.errors}
            detail = "" if problem.detail in errors.values() else problem.detail
            refused = OfferForm(form, draft.ref, draft.fixed_type, errors, detail)
            return await self._form(request, session, refused, problem.status)
        return to(offer_address(ref) if draft.ref is None else f"{offer_address(ref)}/listing")

    async def _publishers(self, chosen: str) -> dict[str, Any]:
        """For whom an operator makes an offer: the first ones, and whoever is chosen; and whether there are others."""
        catalogue = self._services.offers.catalogue
        found = await catalogue.publishers(limit=_PUBLISHERS + 1)
        shown = found[:_PUBLISHERS]
        if chosen and chosen not in {each.id for each in shown}:
            with contextlib.suppress(Problem):  # there is no such publisher: the others can be chosen
                shown.insert(0, await catalogue.publisher(chosen))
        return {"publishers": shown, "more_publishers": len(found) > _PUBLISHERS}

    async def _form(self, request: Request, session: Session, draft: OfferForm, status: int = 200) -> Response:
        kind = offer_type(draft.values.get("offerType") or OFFER_TYPES[0].id)
        known = [each.id for each in OFFER_TYPES]
        types = OFFER_TYPES if kind.id in known else (*OFFER_TYPES, kind)
        content: dict[str, Any] = {"draft": draft, "types": types, "calls": CALLS}
        content |= {"publishers": (), "more_publishers": False}
        content["usual"] = [CALLS[call] for call in kind.calls_to_action]
        if draft.ref is None:
            if session.caller.publisher_id is None:
                content |= await self._publishers(draft.values.get("publisherId", ""))
            return self._routes.page(request, "offer_new.html", status, **content)
        logo = await self._services.offers.logos.of_draft(draft.ref)
        shown = typed(draft.values, logo)
        look = await look_of(self._services, draft.ref, draft.values.get("offerType", ""), shown)
        content |= {"look": look, "lacks": await lacks_of(self._services, look)}
        return await self._routes.offer_page(request, draft.ref, "offer_edit.html", "listing", status, **content)
