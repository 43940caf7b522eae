"""The storefront: what customers see, and what they send, as leads."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from leadkeeper.clock import new_id
from leadkeeper.doors.brand_pages import accent_page, logo_page, offer_logo, store_css
from leadkeeper.doors.description import described
from leadkeeper.doors.forms import sent_form
from leadkeeper.doors.pages import (
    SHARED,
    STATIC,
    Pages,
    content_security_policy,
    require_static,
    static_file,
)
from leadkeeper.doors.storefront.actions import Acted, lead_of, partner_leads
from leadkeeper.doors.storefront.form import FIELDS, Filled, countries, empty_form, new_form_id, read_form
from leadkeeper.doors.storefront.guard import Captcha, FormGuard
from leadkeeper.doors.storefront.texts import AGREED, AGREED_PARTNER, AWAY, CALLS, NOT_FOUND, REFUSED, THANKS, TOO_MANY
from leadkeeper.intake.consent import CONTACT, Consent
from leadkeeper.intake.keep import Accepted, Intake
from leadkeeper.intake.new_lead import NewLead
from leadkeeper.notices.confirmations import Confirmation, Confirmations
from leadkeeper.offer import OfferRef
from leadkeeper.problem import Problem, ProblemType
from leadkeeper.publishing.branding import Branding
from leadkeeper.publishing.links import link_to
from leadkeeper.publishing.listing import CallToAction
from leadkeeper.publishing.logos import OfferLogos
from leadkeeper.publishing.showcase import Showcase, ShowcaseOffer
from leadkeeper.storage.engine import StorageAway
from leadkeeper.texts import Languages

_HERE: Final = Path(__file__).parent
_OFFER: Final = "/store/offers/{publisher_id}/{offer_id}"
_SLUGS: Final = {
    "get-it-now": CallToAction.GET_IT_NOW,
    "contact-me": CallToAction.CONTACT_ME,
    "free-trial": CallToAction.FREE_TRIAL,
    "test-drive": CallToAction.TEST_DRIVE,
}
_REFERENCE: Final = re.compile(r"[0-9a-f-]{36}")
"""A lead's id: what customers may name when they ask."""
SLUGS: Final = {call: slug for slug, call in _SLUGS.items()}


@dataclass(frozen=True, slots=True)
class FormPlace:
    """A form's place: the offer, the call, and the partner who is asked, if one is. ``at`` is its address."""

    offer: ShowcaseOffer
    call: CallToAction
    at: str
    partner: ShowcaseOffer | None = None

    @property
    def goes_to(self) -> ShowcaseOffer:
        """Who is to make contact."""
        return self.partner or self.offer


class Storefront:
    """The pages over the services. ``name`` and ``branding`` are the marketplace's."""

    def __init__(
        self,
        showcase: Showcase,
        logos: OfferLogos,
        intake: Intake,
        confirmations: Confirmations,
        guard: FormGuard,
        captcha: Captcha | None,
        languages: Languages,
        *,
        name: object,
        base_url: str,
        branding: Branding,
    ) -> None:
        require_static()
        self._name = name
        self._showcase = showcase
        self._logos = logos
        self._intake = intake
        self._confirmations = confirmations
        self._guard = guard
        self._branding = branding
        self._captcha = captcha
        self._base_url = base_url
        hosts = () if captcha is None else captcha.service.hosts
        policy = content_security_policy(
            scripts=" ".join(["'self'", *hosts]),
            frames=" ".join(hosts) or "'none'",
            connect=" ".join(["'self'", *hosts]),
        )
        always: dict[str, Any] = {"marketplace": name, "slugs": SLUGS, "fields": FIELDS, "captcha": captcha}
        always |= {
            "call_texts": CALLS,
            "thanks": THANKS,
            "branding": branding,
            "link_to": link_to,
            "described": described,
        }
        self._pages = Pages("leadkeeper.doors.storefront", languages, policy, **always)

    def app(self) -> Starlette:
        """The pages as an application, below ``/store``."""
        routes = [
            Route("/store", self._offers),
            Route("/store/", lambda _: RedirectResponse("/store", 308)),
            Route("/store/form.js", _file(_HERE / "assets" / "form.js")),
            Route("/store/static/pico.min.css", _file(STATIC / "pico.min.css")),
            Route("/store/static/pages.css", _file(SHARED)),
            Route("/store/static/store.css", _file(_HERE / "assets" / "store.css")),
            Route("/store/static/logo", logo_page(self._branding)),
            Route("/store/static/accent.css", accent_page(self._branding, store_css)),
            Route("/store/logos/{publisher_id}/{offer_id}/{digest}", self._offer_logo),
            Route(_OFFER, self._offer),
            Route(_OFFER + "/partners/{partner_publisher}/{partner_offer}", self._form, methods=["GET", "POST"]),
            Route(_OFFER + "/partners/{partner_publisher}/{partner_offer}/thanks", self._thanks),
            Route(_OFFER + "/{call}", self._form, methods=["GET", "POST"]),
            Route(_OFFER + "/{call}/thanks", self._thanks),
            Route("/store/portal/{publisher_id}/{offer_id}", self._form, methods=["GET", "POST"], name="create"),
            Route("/store/portal/{publisher_id}/{offer_id}/thanks", self._thanks, name="created"),
        ]
        cross = Middleware(CORSMiddleware, allow_origins=list(self._guard.origins), allow_methods=["GET", "POST"])
        handlers = {HTTPException: self._of_http, StorageAway: self._of_away, Exception: self._of_away}
        return Starlette(routes=routes, middleware=[cross], exception_handlers=handlers)

    async def _offers(self, request: Request) -> Response:
        search = request.query_params.get("search", "").strip()[:100]
        category, after = request.query_params.get("category", "")[:1_000], request.query_params.get("after", "")
        shelf = await self._showcase.offers(search, after, category=category)
        query = {name: message for name, message in (("search", search), ("category", category)) if message}
        following = None if shelf.following is None else f"/store?{urlencode(query | {'after': shelf.following})}"
        content: dict[str, Any] = {"offers": shelf.offers, "search": search, "following": following}
        content |= {"category": category, "categories": await self._showcase.categories()}
        return self._pages.page(request, "offers.html", **content)

    async def _offer(self, request: Request) -> Response:
        offer = await self._shown(request)
        return self._pages.page(request, "offer.html", offer=offer, keep=_kept_query(request))

    async def _offer_logo(self, request: Request) -> Response:
        ref = OfferRef(request.path_params["publisher_id"], request.path_params["offer_id"])
        found = await self._logos.shown(ref, request.path_params["digest"], request.query_params.get("preview"))
        if found is None:
            raise HTTPException(404)
        return offer_logo(found)

    async def _form(self, request: Request) -> Response:
        asked = await self._asked(request)
        if _is_fragment(request) and self._captcha is not None:
            # Another site's page has not the service's script: it shows a link to the form here instead.
            return self._pages.page(request, "message.html", 403, message=REFUSED)
        if request.method != "POST":
            return self._shown_form(request, asked, empty_form(request.query_params.get("mktcmpid", "")))
        if self._guard.from_elsewhere(request):
            return self._pages.page(request, "message.html", 403, message=REFUSED)
        if await self._guard.too_often(request):
            headers = {"Retry-After": str(self._guard.seconds)}
            return self._pages.page(request, "message.html", 429, headers, message=TOO_MANY)
        sent = await sent_form(request)
        filled = read_form(sent)
        if filled.trapped:
            return self._done(request, asked, new_id())  # a program learns nothing from it
        if filled.errors:
            return self._shown_form(request, asked, filled, 422)
        refusal = None if self._captcha is None else await self._captcha.refusal(sent)
        if refusal is not None:
            again = replace(filled, errors={"captcha": (refusal, {})})
            return self._shown_form(request, asked, again, 422)
        reference = await self._keep(asked, filled, self._consent(request, asked))
        await self._confirm(request, asked, filled.customer.email, reference)
        return self._done(request, asked, reference)

    async def _confirm(self, request: Request, asked: FormPlace, email: str, reference: str) -> None:
        """By mail, where the operator wants it: of whom they asked for what, nothing that they wrote."""
        to, language = asked.goes_to, self._pages.language_of(request)
        wanted = Confirmation(
            reference, email, to.title, to.ref.publisher_id, to.publisher, to.listing.support, language
        )
        await self._confirmations.confirm(wanted, self._guard.address_of(request))

    def _consent(self, request: Request, asked: FormPlace) -> Consent:
        """What whoever sends the form agrees to, in the words of the page."""
        language, to = self._pages.language_of(request), asked.goes_to
        message: dict[str, object] = {"publisher": to.publisher, "title": to.title, "marketplace": str(self._name)}
        text = AGREED
        if asked.partner is not None:
            text, message = AGREED_PARTNER, message | {"owner": asked.offer.publisher, "owner_title": asked.offer.title}
        return Consent(language.gettext(text, **message), CONTACT, language.code)

    async def _keep(self, asked: FormPlace, filled: Filled, consent: Consent) -> str:
        """All leads of the form are on disk when this returns, or none is thanked for; the id of the first."""
        while True:
            answers = await self._intake.keep_many(_leads(asked, filled, consent))
            problems = [answer for answer in answers if isinstance(answer, Problem)]
            if not problems:
                return next(answer.id for answer in answers if isinstance(answer, Accepted))
            if problems[0].type is not ProblemType.IDEMPOTENCY_KEY_REUSED:
                raise StorageAway if problems[0].type is ProblemType.STORAGE_AWAY else HTTPException(404)
            # Gone back to and filled out anew: another form.
            filled = replace(filled, form_id=new_form_id())

    async def _thanks(self, request: Request) -> Response:
        asked = await self._asked(request)
        given = request.query_params.get("reference", "")
        reference = given if _REFERENCE.fullmatch(given) else ""
        return self._pages.page(request, "thanks.html", asked=asked, keep=_kept_query(request), reference=reference)

    async def _shown(self, request: Request) -> ShowcaseOffer:
        ref = OfferRef(request.path_params["publisher_id"], request.path_params["offer_id"])
        offer = await self._showcase.offer(ref, request.query_params.get("preview"))
        if offer is None:
            raise HTTPException(404)
        return offer

    async def _asked(self, request: Request) -> FormPlace:
        offer, path = await self._shown(request), request.path_params
        at = request.url.path.removesuffix("/thanks")
        if "partner_offer" in path:
            ref = OfferRef(path["partner_publisher"], path["partner_offer"])
            partner = next((each for each in offer.partners if each.ref == ref), None)
            call = None if partner is None else CallToAction.CONTACT_ME
        else:
            partner = None
            call = _SLUGS.get(path["call"]) if "call" in path else CallToAction.CREATE
            call = call if call in offer.calls else None
        if call is None:
            raise HTTPException(404)
        return FormPlace(offer, call, at, partner)

    def _shown_form(self, request: Request, asked: FormPlace, filled: Filled, status: int = 200) -> Response:
        language = self._pages.language_of(request)
        content: dict[str, Any] = {
            "asked": asked,
            "filled": filled,
            "countries": countries(language),
            "keep": _kept_query(request),
            "fragment": _is_fragment(request),
            "agreed": self._consent(request, asked).text,
            "action": f"{self._base_url if _is_fragment(request) else ''}{asked.at}{_kept_query(request)}",
        }
        return self._pages.page(request, "fragment.html" if _is_fragment(request) else "form.html", status, **content)

    def _done(self, request: Request, asked: FormPlace, reference: str) -> Response:
        if _is_fragment(request):
            return self._pages.page(request, "thanked.html", asked=asked, keep="", reference=reference)
        kept = _kept_query(request)
        return RedirectResponse(f"{asked.at}/thanks{kept}{'&' if kept else '?'}reference={reference}", 303)

    async def _of_http(self, request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 404
        return self._pages.page(request, "message.html", status, message=NOT_FOUND if status in (404, 405) else REFUSED)

    async def _of_away(self, request: Request, _error: Exception) -> Response:
        return self._pages.page(request, "message.html", 503, {"Retry-After": "5"}, message=AWAY)


def _file(path: Path) -> Callable[[Request], Response]:
    return lambda _: static_file(path)


def _is_fragment(request: Request) -> bool:
    """Whether another site shows the form, which wants it without a page around."""
    return request.query_params.get("fragment") == "1"


def _kept_query(request: Request) -> str:
    """What stays in addresses on the way from page to page."""
    kept = [(name, request.query_params[name]) for name in ("preview", "mktcmpid") if name in request.query_params]
    query = request.url.replace_query_params(**dict(kept)).query if kept else ""
    return f"?{query}" if query else ""


def _leads(asked: FormPlace, filled: Filled, consent: Consent) -> Sequence[NewLead]:
    acted = Acted(
        offer=asked.offer.ref,
        offer_type=asked.offer.offer_type,
        call=asked.call,
        customer=filled.customer,
        form_id=filled.form_id,
        notes=filled.notes,
        campaign=filled.campaign,
        preview=asked.offer.preview,
        consent=consent,
    )
    return [lead_of(acted)] if asked.partner is None else partner_leads(acted, asked.partner.ref, asked.partner.title)
