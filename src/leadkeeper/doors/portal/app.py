"""The portal: where a publisher connects its offers, sees its leads, fixes what is broken. For members only."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlencode, urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from leadkeeper.access.sessions import How
from leadkeeper.doors.bearer import admitted
from leadkeeper.doors.brand_pages import accent_page, logo_page, portal_css
from leadkeeper.doors.origins import Origins
from leadkeeper.doors.pages import STATIC, require_static, static_file
from leadkeeper.doors.portal.audit import AuditPages
from leadkeeper.doors.portal.channels import ChannelPages
from leadkeeper.doors.portal.connections.form import ConnectionForms
from leadkeeper.doors.portal.connections.missing import MissingPages
from leadkeeper.doors.portal.connections.pages import ConnectionPages
from leadkeeper.doors.portal.home import HomePages
from leadkeeper.doors.portal.leads.bulk import BulkPages
from leadkeeper.doors.portal.leads.lists import LeadPages
from leadkeeper.doors.portal.leads.page import LeadPageRoutes
from leadkeeper.doors.portal.leads.runs import BulkRunPages
from leadkeeper.doors.portal.leads.upload import UploadPages
from leadkeeper.doors.portal.leads.views import LeadViewPages
from leadkeeper.doors.portal.live import BY_ITSELF, LivePages
from leadkeeper.doors.portal.mails import MailPages
from leadkeeper.doors.portal.offers.copies import CopyPages
from leadkeeper.doors.portal.offers.hooks import HookPages
from leadkeeper.doors.portal.offers.listing import ListingPages
from leadkeeper.doors.portal.offers.pages import OfferPages
from leadkeeper.doors.portal.offers.publishing import PublishingPages
from leadkeeper.doors.portal.operators.branding import BrandingPages
from leadkeeper.doors.portal.operators.certification import CertificationPages
from leadkeeper.doors.portal.operators.keys import KeyPages
from leadkeeper.doors.portal.operators.looking import LookingPages
from leadkeeper.doors.portal.operators.oversight import OversightPages
from leadkeeper.doors.portal.operators.publishers import PublisherPages
from leadkeeper.doors.portal.operators.retention import RetentionPages
from leadkeeper.doors.portal.people.account import AccountPages
from leadkeeper.doors.portal.people.embedding import EmbeddingPages
from leadkeeper.doors.portal.people.members import MemberPages
from leadkeeper.doors.portal.people.outside import Outside
from leadkeeper.doors.portal.people.provider import SIGNED_OUT, ProviderPages
from leadkeeper.doors.portal.people.sign_in import SignInPages
from leadkeeper.doors.portal.people.start import StartPages
from leadkeeper.doors.portal.routes import Handler, Places, Routes, Support, form_of
from leadkeeper.doors.portal.rules import require_allowed
from leadkeeper.doors.portal.session import Door, Session, is_own_form
from leadkeeper.problem import Problem, ProblemType
from leadkeeper.services import Services
from leadkeeper.storage.away import UNREACHABLE
from leadkeeper.storage.engine import StorageAway
from leadkeeper.texts import lazy_gettext as _

_ASSETS: Final = Path(__file__).parent / "assets"
_FILES: Final = {
    **{name: STATIC / name for name in ("tabler.min.css", "tabler-auto.css", "icons.svg", "htmx.min.js", "sse.min.js")},
    **{name: _ASSETS / name for name in ("portal.css", "portal.js", "icon.svg")},
}

_PAGES: Final = (
    HomePages,
    LeadPages,
    BulkPages,
    BulkRunPages,
    LeadViewPages,
    UploadPages,
    LivePages,
    LeadPageRoutes,
    OfferPages,
    ListingPages,
    ConnectionPages,
    MissingPages,
    ConnectionForms,
    PublishingPages,
    HookPages,
    ChannelPages,
    AuditPages,
    CopyPages,
    CertificationPages,
    PublisherPages,
    KeyPages,
    BrandingPages,
    OversightPages,
    MemberPages,
    RetentionPages,
    MailPages,
    AccountPages,
    LookingPages,
    StartPages,
)
_NOT_DONE: Final = _("This was not done")
_NOT_THERE: Final = _("There is nothing here")
_UNKNOWN: Final = _("It is not known whether this was done")
_UNREADABLE: Final = _("The form cannot be read; nothing was saved. Go back, load the page again, and repeat it.")
_NOTHING_HERE: Final = _("There is nothing at this address for you.")
_REFUSALS: Final = {
    403: _("The form was not one of ours, or too old. Go back, load the page again, and repeat it."),
    405: _("This address only takes what a button sends; nothing was done. Go to the page, and use the button there."),
    413: _("What you entered is too large; nothing was saved. Go back, and shorten it."),
    415: _UNREADABLE,
    422: _UNREADABLE,
}


class Portal:
    """The pages over the services. ``name`` is the marketplace's; ``origins`` tells whose a form is.

    ``ending`` is set when the program ends: streams end then. ``support`` is where its operator helps; empty: nowhere.
    """

    def __init__(
        self,
        services: Services,
        *,
        name: object,
        base_url: str,
        origins: Origins,
        ending: asyncio.Event | None = None,
        support: str = "",
    ) -> None:
        require_static()
        self._services = services
        self._origins = origins
        self._door = Door(services.access.sign_ins, origins.addresses, secure=urlsplit(base_url).scheme == "https")
        self._routes = Routes(services, name=name, ending=ending, support=Support(support) if support else None)
        self._logo = logo_page(services.branding, _file(_ASSETS / "icon.svg"))
        self._outside = Outside(origins)
        self._frames = EmbeddingPages(self._routes, self._door, self._outside)

    def app(self) -> Starlette:
        """The pages as an application, below ``/portal``."""
        inside: Places = [("/portal/sign-out", self._sign_out, "POST")]
        for pages in _PAGES:
            inside += pages(self._routes).places()
        routes = [
            Route("/portal/", lambda _: RedirectResponse("/portal", 308)),
            *SignInPages(self._routes, self._door, self._outside).routes(),
            *ProviderPages(self._routes, self._door, self._outside).routes(),
            *self._frames.routes(),
            *(Route(f"/portal/static/{name}", _file(path)) for name, path in _FILES.items()),
            Route("/portal/static/logo", self._logo),
            Route("/portal/static/accent.css", accent_page(self._services.branding, portal_css)),
            *(Route(path, self._inside(path, handler), methods=[method]) for path, handler, method in inside),
        ]
        handlers = {
            HTTPException: self._of_http,
            Problem: self._of_problem,
            StorageAway: self._of_away,
            Exception: self._of_fault,
        }
        return Starlette(routes=routes, exception_handlers=handlers)

    def _inside(self, route: str, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """Only for those who are signed in; a form only from a page of ours."""

        async def handle(request: Request) -> Response:
            if request.method == "POST" and self._origins.from_elsewhere(request.scope):
                raise HTTPException(403)
            session = await self._door.session(request, acts=not request.url.path.endswith(BY_ITSELF))
            if session is None and self._door.is_framed(request):
                return self._frames.over(request)
            if session is None:
                return RedirectResponse(f"/portal/sign-in?after={quote(_wanted(request), safe='/')}", 303)
            request.state.session = session
            if session.caller.publisher_id is not None and not session.open.looks:
                await admitted(self._services.access.rates, session.caller.publisher_id)
            if request.method == "POST" and not is_own_form(session, (await form_of(request)).get("token", "")):
                raise HTTPException(403)
            require_allowed(self._routes, request, route, session)
            return await handler(request, session)

        return handle

    async def _sign_out(self, request: Request, session: Session) -> Response:
        by_provider = session.open.how is How.PROVIDER and self._services.provider is not None
        response = RedirectResponse(SIGNED_OUT if by_provider else "/portal/sign-in", 303)
        await self._door.sign_out(request, response)
        return response

    async def _of_http(self, request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 404
        headers = getattr(error, "headers", None)
        title = _NOT_THERE if status == 404 else _NOT_DONE
        return self._routes.message(request, status, _REFUSALS.get(status, _NOTHING_HERE), headers, title=title)

    async def _of_problem(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)
        if error.type is ProblemType.STORAGE_AWAY:
            return await self._of_away(request, error)
        headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
        # Whoever only looked asked for nothing to be done.
        title = _NOT_THERE if error.status == 404 and request.method == "GET" else _NOT_DONE
        return self._routes.message(request, error.status, error.detail, headers, title=title)

    async def _of_away(self, request: Request, error: Exception) -> Response:
        language = self._routes.language_of(request)
        reason = language.gettext(error.reason if isinstance(error, StorageAway) else UNREACHABLE)
        message, title = _("This cannot be done now: %(reason)s. Try again soon.", reason=reason), _("Not just now")
        if request.method == "POST":  # It may have gone away after the act, before the page.
            message = _("It is not known whether this was done: %(reason)s. Look before you repeat it.", reason=reason)
            title = _UNKNOWN
        return self._routes.message(request, 503, message, {"Retry-After": "1"}, title=title)

    async def _of_fault(self, request: Request, _error: Exception) -> Response:
        message = _("The fault is ours. It is not known whether it was done: look before you repeat it.")
        return self._routes.message(request, 500, message, title=_UNKNOWN)


def _wanted(request: Request) -> str:
    """The page that was asked for, with what its address chooses; a form is not sent again behind the sign-in."""
    if request.method != "GET":
        return "/portal"
    chosen = urlencode([(name, value) for name, value in request.query_params.multi_items() if name != "lang"])
    return f"{request.url.path}?{chosen}" if chosen else request.url.path


def _file(path: Path) -> Callable[[Request], Response]:
    return lambda request: static_file(path, request.headers.get("accept-encoding", ""))
