"""Where the link of the question to a contact e-mail leads: a page with two buttons. No key, the link is the secret.

Opening the page changes nothing, since mail scanners open links; only a button (POST) does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs

from limits import parse
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from leadkeeper.access.contacts import AskedContact
from leadkeeper.access.tries import Tries
from leadkeeper.clock import now_ms
from leadkeeper.doors.brand_pages import accent_page, logo_page, store_css
from leadkeeper.doors.client_address import ClientAddresses
from leadkeeper.doors.pages import SHARED, STATIC, Pages, content_security_policy, require_static, static_file
from leadkeeper.doors.web import read_body
from leadkeeper.mail.address import masked_address
from leadkeeper.notices.answers import ContactAnswers
from leadkeeper.problem import Problem
from leadkeeper.publishing.branding import Branding
from leadkeeper.storage.engine import StorageAway
from leadkeeper.texts import Languages, _

CONFIRM: Final = "confirm"
NEVER: Final = "never"
LIMIT: Final = parse("30/minute")
"""How often one address may open the page or press a button: links cannot be guessed, this only spares the database."""
_FORM: Final = "application/x-www-form-urlencoded"
_LONGEST: Final = 1_024


@dataclass(frozen=True, slots=True)
class PageMessage:
    """What a page without a question says: its heading and its text, in which ``%(publisher)s`` may stand."""

    title: str
    text: str


CONFIRMED: Final = PageMessage(
    _("You get these notices"), _("The publisher %(publisher)s can now have you told of its leads.")
)
DECLINED: Final = PageMessage(
    _("You get no more mail from here"),
    _("No publisher can have you written to. If that was a slip, open the link of the mail again."),
)
OVER: Final = PageMessage(
    _("This link is over"),
    _(
        "It can be used for seven days, or its address has a typing error. Whoever entered your address can have you "
        "asked again."
    ),
)
REFUSED: Final = PageMessage(
    _("This cannot be taken"), _("Open the link of the mail again and press one of the two buttons.")
)
TOO_MANY: Final = PageMessage(
    _("A little slower, please"),
    _("The page was opened often from your address just now. Nothing was changed; try again in a minute."),
)
AWAY: Final = PageMessage(
    _("Please try again in a moment"),
    _("Your answer could not be kept just now. Go back and press the button once more."),
)


class ContactDoor:
    """The pages. ``name`` and ``branding`` are the marketplace's."""

    def __init__(
        self,
        answers: ContactAnswers,
        addresses: ClientAddresses,
        languages: Languages,
        *,
        name: object,
        branding: Branding,
    ) -> None:
        require_static()
        self._answers = answers
        self._addresses = addresses
        policy = content_security_policy(scripts="'none'", connect="'none'")
        self._pages = Pages("leadkeeper.doors.contacts", languages, policy, marketplace=name, branding=branding)
        self._branding = branding
        self._tries = Tries(LIMIT.amount, LIMIT.get_expiry() * 1_000)

    def app(self) -> Starlette:
        """The pages as an application, below ``/contacts``."""
        routes = [
            Route("/contacts/static/pico.min.css", _file(STATIC / "pico.min.css")),
            Route("/contacts/static/pages.css", _file(SHARED)),
            Route("/contacts/static/logo", logo_page(self._branding)),
            Route("/contacts/static/accent.css", accent_page(self._branding, store_css)),
            Route("/contacts/{token}", self._page, methods=["GET", "POST"]),
        ]
        handlers = {HTTPException: self._of_http, StorageAway: self._of_away, Exception: self._of_away}
        return Starlette(routes=routes, exception_handlers=handlers)

    async def _page(self, request: Request) -> Response:
        if self._tries.count(self._addresses.of(request.scope), now_ms()):
            return self._message(request, TOO_MANY, 429, retry_after=60)
        token = request.path_params["token"]
        if request.method != "POST":
            return self._shown(request, await self._answers.asked(token))
        choice = await _choice(request)
        if choice == CONFIRM:
            return self._done(request, await self._answers.confirm(token), CONFIRMED)
        if choice == NEVER:
            return self._done(request, await self._answers.decline(token), DECLINED)
        return self._message(request, REFUSED, 422)

    def _shown(self, request: Request, asked: AskedContact | None) -> Response:
        if asked is None:
            return self._message(request, OVER, 404)
        address, standing = masked_address(asked.address), asked.standing.value
        return self._pages.page(
            request, "question.html", publisher=asked.publisher_id, address=address, standing=standing
        )

    def _done(self, request: Request, asked: AskedContact | None, message: PageMessage) -> Response:
        if asked is None:
            return self._message(request, OVER, 404)
        return self._message(request, message, publisher=asked.publisher_id)

    def _message(
        self,
        request: Request,
        text: PageMessage,
        status: int = 200,
        *,
        retry_after: int | None = None,
        publisher: str = "",
    ) -> Response:
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        return self._pages.page(request, "message.html", status, headers, text=text, publisher=publisher)

    async def _of_http(self, request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 404
        return self._message(request, OVER if status == 404 else REFUSED, status)

    async def _of_away(self, request: Request, _error: Exception) -> Response:
        return self._message(request, AWAY, 503, retry_after=5)


async def _choice(request: Request) -> str:
    """The button that was pressed; empty for what is no such form."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        return ""
    try:
        body = await read_body(request.receive, _LONGEST)
        return parse_qs(body.decode("ascii"), max_num_fields=4).get("choice", [""])[0]
    except (Problem, ValueError):
        return ""


def _file(path: Path) -> Callable[[Request], Response]:
    return lambda _request: static_file(path)
