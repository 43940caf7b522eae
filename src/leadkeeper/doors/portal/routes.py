"""What the portal's pages share: whose offer it is, what a form holds, and how a page is rendered."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from urllib.parse import quote, urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from leadkeeper.check import step_title
from leadkeeper.doors import state_words
from leadkeeper.doors.action_words import action_word, source_word
from leadkeeper.doors.cookies import cookie
from leadkeeper.doors.description import described
from leadkeeper.doors.forms import sent_form
from leadkeeper.doors.pages import Pages, content_security_policy
from leadkeeper.doors.portal.connections.fields import MOST_ROWS
from leadkeeper.doors.portal.labels import (
    ACTS,
    CALLS,
    delivery_label,
    field_word,
    state_label,
    status_label,
    step_label,
)
from leadkeeper.doors.portal.leads.words import (
    COLUMN_WORDS,
    FOLLOW_UPS,
    attempt_words,
    overdue,
)
from leadkeeper.doors.portal.movements import Movements
from leadkeeper.doors.portal.operators.menus import OPERATOR_MENUS
from leadkeeper.doors.portal.questions import questions_of
from leadkeeper.doors.portal.session import Session
from leadkeeper.doors.portal.words import address_text, readable_json, summary, when
from leadkeeper.doors.readable import require_storable
from leadkeeper.inbox.attention.waiting import MOST_COUNTED
from leadkeeper.offer import OfferRef, connection_called, own_title, place_called, title_or_name
from leadkeeper.publishing.offer_types import type_word
from leadkeeper.services import Services
from leadkeeper.texts import Language
from leadkeeper.texts import lazy_gettext as _

LONGEST_TEXT: Final = 30_000
"""The most characters of any text that a form asks for: an offer's description."""
OFFER: Final = "/portal/offers/{publisher_id}/{offer_id}"
THEMES: Final = ("auto", "light", "dark")
THEME_COOKIE: Final = "leadkeeper_theme"
MOST_FIELDS: Final = 3 * MOST_ROWS + 100
"""How many fields a form of the portal may have: a mapping has three in each row."""
LONGEST_VALUE: Final = 12 * LONGEST_TEXT
"""Bytes of a value as it is sent: a character has up to four, each with its escape."""
LONGEST_BODY: Final = 512 * 1024
LOGO: Final = "logo"
TABLE: Final = "file"
"""The fields of forms that may hold a file: a picture, a spreadsheet's table."""

Handler = Callable[[Request, Session], Awaitable[Response]]
Places = list[tuple[str, Handler, str]]
"""Pages: their path, who answers, and the method."""


@dataclass(frozen=True, slots=True)
class Support:
    """Where the operator of an installation helps its publishers: an e-mail address, or a page."""

    shown: str

    @property
    def address(self) -> str:
        """Where a link to it leads."""
        return self.shown if "://" in self.shown else f"mailto:{self.shown}"


_CALLED: Final[Mapping[str, Callable[..., str | None]]] = {
    "field_word": field_word,
    "address_text": address_text,
    "called": title_or_name,
    "connection_called": connection_called,
    "own_title": own_title,
    "place_called": place_called,
}
"""What people call fields, addresses, publishers, offers and connections."""


class Routes:
    """The services behind the pages, and the pages' looks. ``name`` is the marketplace's.

    ``ending`` is set when the program ends. ``support`` is where its operator helps.
    """

    def __init__(
        self, services: Services, *, name: object, ending: asyncio.Event | None = None, support: Support | None = None
    ) -> None:
        self.services = services
        self.movements = Movements(services.storage, clock=services.clock, doors=lambda: services.peers.answering)
        self.ending = ending or asyncio.Event()
        functions = {
            "when": when,
            "state_label": state_label,
            "type_word": type_word,
            "status_label": status_label,
            "step_label": step_label,
            "delivery_label": delivery_label,
            "MOST_COUNTED": MOST_COUNTED,
            "readable": readable_json,
            "summary": partial(summary, destinations=services.connections.destinations),
            "acts": ACTS,
            "action_word": action_word,
            "source_word": source_word,
            "destination_title": services.connections.destinations.title,
            "attempt_words": attempt_words,
            "follow_ups": FOLLOW_UPS,
            "aside": state_words.ASIDE,
            "column_words": COLUMN_WORDS,
            "receipts": state_words.RECEIPTS,
            "overdue": overdue,
            "operator_menus": OPERATOR_MENUS,
            "step_title": step_title,
            "call_labels": CALLS,
            **_CALLED,
            "described": described,
        }
        self._pages = Pages(
            "leadkeeper.doors.portal",
            services.languages,
            content_security_policy(),
            functions=functions,
            marketplace=name,
            branding=services.branding,
            themes=THEMES,
            provider="" if services.provider is None else services.provider.provider.settings.name,
            support=support,
        )
        sites = " ".join(services.access.portal_links.ancestors)
        self._in_frame = {"Content-Security-Policy": content_security_policy(ancestors=sites or "'none'")}

    def language_of(self, request: Request) -> Language:
        """The language in which the page is told."""
        return self._pages.language_of(request)

    def offer_of(self, request: Request, session: Session) -> OfferRef:
        """The offer that the address names. Raises ``HTTPException`` for another's, as if it were not there."""
        ref = OfferRef(request.path_params["publisher_id"], request.path_params["offer_id"])
        if not session.caller.may_see(ref.publisher_id):
            self.refused(session, f"{request.method} {request.url.path[:200]}")
            raise HTTPException(404)
        return ref

    def refused(self, session: Session, what: str) -> None:
        """Somebody asked for what is not theirs: it stands in the audit."""
        self.services.access.audit.refused(session.caller.name, what, session.caller.publisher_id)

    def page(
        self,
        request: Request,
        template: str,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        **content: Any,
    ) -> HTMLResponse:
        """A template as a page, with who is signed in and the theme that they chose."""
        theme = cookie(request.scope, THEME_COOKIE)
        session: Session | None = getattr(request.state, "session", None)
        content["session"] = session
        if getattr(request.state, "in_frame", session is not None and session.in_frame):
            headers = {**self._in_frame, **(headers or {})}
        content["again"] = _again(request)
        content["questions"] = questions_of(request.url.path, self.services.connections.destinations)
        content["theme"] = theme if theme in THEMES else THEMES[0]
        return self._pages.page(request, template, status, headers, **content)

    async def offer_page(
        self, request: Request, ref: OfferRef, template: str, tab: str, status: int = 200, **content: Any
    ) -> HTMLResponse:
        """A page below an offer's tabs. Raises :class:`Problem` for an unknown offer."""
        publishing = await self.services.offers.publication.status(ref)
        offer, at = publishing.offer, f"/store/offers/{ref.publisher_id}/{ref.offer_id}"
        head: dict[str, Any] = {
            "ref": ref,
            "at": offer_address(ref),
            "tab": tab,
            "offer": offer,
            "publishing": publishing,
            "preview": None if offer.preview_version is None else f"{at}?preview={offer.preview_key}",
            "events": f"{offer_address(ref)}/events?seen={await self.movements.seen(ref)}",
            "shown": at if offer.live and offer.is_published else None,
        }
        return self.page(request, template, status, None, **(head | content))

    def message(
        self,
        request: Request,
        status: int,
        message: str,
        headers: Mapping[str, str] | None = None,
        *,
        title: str = _("This was not done"),
    ) -> Response:
        """A page that says why something was not done, or what is known of it."""
        return self.page(request, "message.html", status, headers, message=message, title=title)


_SHOWN: Final = (
    "/channels",
    "/connect",
    "/copy",
    "/edit",
    "/help",
    "/hooks",
    "/new",
    "/remove",
    "/sign-in",
    "/upload",
    "/withdraw",
    "/forgot",
    "/code",
    "/second-factor",
    "/marketplace",
    "/publisher",
    "/offer",
    "/retention",
    "/branding",
    "/keys",
)
"""The ends of addresses that show a page and take its form too."""


def _again(request: Request) -> str:
    """Where the page is shown again, up to the next parameter; for what only a form gets, the page before it."""
    path = request.url.path
    if request.method == "POST" and not path.endswith(_SHOWN):
        path = "/portal/leads" if path.startswith("/portal/deliveries/") else path.rpartition("/")[0]
    kept = [pair for pair in request.query_params.multi_items() if pair[0] != "lang"]
    if path.endswith("/sign-in"):  # whoever is not signed in may have been sent here by another site
        kept = [(name, value) for name, value in kept if name == "after" and value.startswith("/portal")]
    rest = urlencode(kept)
    return f"{quote(path)}?{rest}{'&' if rest else ''}"


def offer_address(offer: OfferRef) -> str:
    """The address of an offer's first page."""
    return f"/portal/offers/{quote(offer.publisher_id)}/{quote(offer.offer_id)}"


def connection_address(offer: OfferRef, name: str) -> str:
    """The address of a connection's page."""
    return f"{offer_address(offer)}/connections/{quote(name)}"


def to(address: str) -> Response:
    """Go on there, by GET."""
    return RedirectResponse(address, 303)


def blank(values: Mapping[str, str] | None = None) -> Mapping[str, str]:
    """``values`` for a template that asks for fields which may not be there: they are empty."""
    return defaultdict(str, values or {})


async def small_form_of(request: Request) -> dict[str, str]:
    """As :func:`form_of`, for whoever is not signed in: no larger than strangers' forms may be."""
    fields = await sent_form(request)
    require_storable(fields)
    return fields


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form; read once, kept with the request. Raises :class:`Problem` for what nothing can keep."""
    fields = await sent_form(request, most=MOST_FIELDS, longest=LONGEST_VALUE, body=LONGEST_BODY, files=(LOGO, TABLE))
    require_storable(fields)
    return fields
