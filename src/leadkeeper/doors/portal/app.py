"""The portal: where a publisher sees its offers and leads, and does what somebody must do. For members only."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

from limits import parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from leadkeeper.delivery.schedule import State
from leadkeeper.diagnoses.text import Language
from leadkeeper.doors.pages import (
    SHARED,
    STATIC,
    Pages,
    content_security_policy,
    language_of,
    require_static,
    static_file,
)
from leadkeeper.doors.portal.offer import offer_content
from leadkeeper.doors.portal.session import Door, Session, is_own_form
from leadkeeper.doors.readable import require_storable
from leadkeeper.doors.web import MAX_BODY
from leadkeeper.inbox.inbox import LeadFilter
from leadkeeper.offer import OfferRef
from leadkeeper.problem import Problem, ProblemType
from leadkeeper.rooms import Rooms
from leadkeeper.storage.engine import StorageAway

_HERE: Final = Path(__file__).parent
_OFFER: Final = "/portal/offers/{publisher_id}/{offer_id}"
_SIGN_INS: Final = parse("10/minute")
_PAGE: Final = 50
Handler = Callable[[Request, Session], Awaitable[Response]]


class Portal:
    """The pages over the rooms. ``name`` is the marketplace's."""

    def __init__(self, rooms: Rooms, *, name: str, base_url: str) -> None:
        require_static()
        self._rooms = rooms
        self._door = Door(rooms.keys, secure=urlsplit(base_url).scheme == "https")
        policy = content_security_policy(scripts="'none'", connect="'none'")
        words: dict[Language, dict[str, str]] = {language: {} for language in Language}
        self._pages = Pages("leadkeeper.doors.portal", words, policy, marketplace=name)
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def app(self) -> Starlette:
        """The pages as an application, below ``/portal``."""
        inside: list[tuple[str, Handler, str]] = [
            ("/portal", self._home, "GET"),
            ("/portal/leads", self._leads, "GET"),
            ("/portal/leads/{lead_id}", self._lead, "GET"),
            ("/portal/find", self._find, "POST"),
            ("/portal/deliveries/{delivery_id}/retry", self._retry, "POST"),
            (_OFFER, self._offer, "GET"),
            (_OFFER + "/{act:str}", self._publish, "POST"),
            (_OFFER + "/connections/{name}/validate", self._validate, "POST"),
            (_OFFER + "/connections/{name}/replay", self._replay, "POST"),
            ("/portal/sign-out", self._sign_out, "POST"),
        ]
        routes = [
            Route("/portal/", lambda _: RedirectResponse("/portal", 308)),
            Route("/portal/sign-in", self._sign_in, methods=["GET", "POST"]),
            Route("/portal/static/pico.min.css", lambda _: static_file(STATIC / "pico.min.css")),
            Route("/portal/static/pages.css", lambda _: static_file(SHARED)),
            Route("/portal/static/portal.css", lambda _: static_file(_HERE / "assets" / "portal.css")),
            *(Route(path, self._inside(handler), methods=[method]) for path, handler, method in inside),
        ]
        handlers = {
            HTTPException: self._of_http,
            Problem: self._of_problem,
            StorageAway: self._of_away,
            Exception: self._of_away,
        }
        return Starlette(routes=routes, exception_handlers=handlers)

    def _inside(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """Only for those who are signed in; a form only from a page of ours."""

        async def handle(request: Request) -> Response:
            session = await self._door.session(request)
            if session is None:
                after = quote(request.url.path, safe="/") if request.method == "GET" else "/portal"
                return RedirectResponse(f"/portal/sign-in?after={after}", 303)
            request.state.session = session
            if request.method == "POST" and not is_own_form(session, (await _form(request)).get("token", "")):
                raise HTTPException(403)
            return await handler(request, session)

        return handle

    async def _sign_in(self, request: Request) -> Response:
        after = request.query_params.get("after", "/portal")
        if not after.startswith("/portal"):
            after = "/portal"
        if request.method == "GET":
            return self._page(request, "sign_in.html", after=after, wrong="")
        host = request.client.host if request.client is not None else ""
        if not await self._limiter.hit(_SIGN_INS, "sign-in", host):
            wrong = "Too many tries from your address. Wait a minute."
            return self._page(request, "sign_in.html", 429, {"Retry-After": "60"}, after=after, wrong=wrong)
        response = RedirectResponse(after, 303)
        if await self._door.sign_in((await _form(request)).get("key", "").strip(), response):
            return response
        wrong = "This key is unknown, revoked, or may only hand in leads. Ask your operator for one."
        return self._page(request, "sign_in.html", 401, after=after, wrong=wrong)

    async def _sign_out(self, request: Request, _: Session) -> Response:
        response = RedirectResponse("/portal/sign-in", 303)
        self._door.sign_out(response)
        return response

    async def _home(self, request: Request, session: Session) -> Response:
        offers = await self._rooms.catalogue.offers(session.caller.publisher_id)
        ids = {(offer.publisher_id, offer.id) for offer in offers}
        found = await self._rooms.connections.list()
        lines = [each for each in found if (each.offer.publisher_id, each.offer.offer_id) in ids]
        now = self._rooms.clock()
        states = {f"{each.offer}/{each.name}": each.state(now).value for each in lines}
        aside = await self._rooms.inbox.list(LeadFilter(session.caller.publisher_id, state="setAside"), limit=10)
        content: dict[str, Any] = {"offers": offers, "lines": lines, "states": states, "aside": aside.leads}
        return self._page(request, "home.html", **content)

    async def _offer(self, request: Request, session: Session) -> Response:
        ref = _offer_of(request, session)
        content = await offer_content(self._rooms, ref, language_of(request))
        return self._page(request, "offer.html", said="", validation=None, **content)

    async def _publish(self, request: Request, session: Session) -> Response:
        ref, by = _offer_of(request, session), session.caller.name
        publication = self._rooms.publication
        match request.path_params["act"]:
            case "publish":
                await publication.publish(ref, by=by)
            case "golive":
                await publication.go_live(ref, by=by)
            case "cancel":
                await publication.cancel(ref, by=by)
            case _:
                raise HTTPException(404)
        return RedirectResponse(_address(ref), 303)

    async def _validate(self, request: Request, session: Session) -> Response:
        ref, name = _offer_of(request, session), request.path_params["name"]
        language = language_of(request)
        found = await self._rooms.tester.validate(ref, name, by=session.caller.name, language=language)
        content = await offer_content(self._rooms, ref, language)
        said = f"The test lead over {name} was received." if found.ok else f"The test lead over {name} did not arrive."
        return self._page(request, "offer.html", said=said, validation=found, **content)

    async def _replay(self, request: Request, session: Session) -> Response:
        """Send what did not arrive again; asked first without ``sure``, it only tells how many that is."""
        ref, name = _offer_of(request, session), request.path_params["name"]
        sure = (await _form(request)).get("sure") == "yes"
        done = await self._rooms.again.replay(
            ref,
            name,
            since_ms=None,
            until_ms=None,
            states=(State.SET_ASIDE,),
            missing=True,
            dry_run=not sure,
            by=session.caller.name,
        )
        return self._page(request, "replay.html", offer=ref, name=name, count=done.deliveries, sure=sure)

    async def _leads(self, request: Request, session: Session) -> Response:
        query = request.query_params
        wanted = LeadFilter(
            session.caller.publisher_id, query.get("offer") or None, query.get("state") or None, test=_test(query)
        )
        found = await self._rooms.inbox.list(wanted, query.get("cursor"), _PAGE)
        return self._page(request, "leads.html", found=found, query=query)

    async def _lead(self, request: Request, session: Session) -> Response:
        lead = await self._rooms.inbox.get(request.path_params["lead_id"], language_of(request))
        if lead is None or not session.caller.may_see(lead.publisher_id):
            raise HTTPException(404)
        return self._page(request, "lead.html", lead=lead)

    async def _find(self, request: Request, session: Session) -> Response:
        text = (await _form(request)).get("text", "")[:200]
        found = await self._rooms.trace.find(text, session.caller.publisher_id, language_of(request))
        return self._page(request, "found.html", found=found, text=text)

    async def _retry(self, request: Request, session: Session) -> Response:
        delivery_id = request.path_params["delivery_id"]
        offer = await self._rooms.again.offer_of(delivery_id)
        if offer is None or not session.caller.may_see(offer.publisher_id):
            raise HTTPException(404)
        await self._rooms.again.retry(delivery_id, by=session.caller.name)
        lead = (await _form(request)).get("lead", "")
        return RedirectResponse(f"/portal/leads/{quote(lead, safe='')}", 303)

    def _page(
        self,
        request: Request,
        template: str,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        **content: Any,
    ) -> HTMLResponse:
        content["session"] = getattr(request.state, "session", None)
        return self._pages.page(request, template, status, headers, **content)

    async def _of_http(self, request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 404
        said = {403: "The form was not one of ours, or too old. Go back, load the page again, and repeat it."}
        return self._message(request, status, said.get(status, "There is nothing at this address for you."))

    async def _of_problem(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)
        if error.type is ProblemType.STORAGE_AWAY:
            return await self._of_away(request, error)
        return self._message(request, error.status, error.detail)

    async def _of_away(self, request: Request, _: Exception) -> Response:
        return self._message(request, 503, "The database cannot be reached just now, or the fault is ours. Try again.")

    def _message(self, request: Request, status: int, said: str) -> HTMLResponse:
        return self._page(request, "message.html", status, said=said)


def _offer_of(request: Request, session: Session) -> OfferRef:
    """The offer that the address names. Raises ``HTTPException`` for another publisher's, as if it were not there."""
    ref = OfferRef(request.path_params["publisher_id"], request.path_params["offer_id"])
    if not session.caller.may_see(ref.publisher_id):
        raise HTTPException(404)
    return ref


def _address(offer: OfferRef) -> str:
    return f"/portal/offers/{quote(offer.publisher_id)}/{quote(offer.offer_id)}"


def _test(query: Mapping[str, str]) -> bool | None:
    return {"yes": True, "no": False}.get(query.get("test", ""))


async def _form(request: Request) -> dict[str, str]:
    """The fields of a form; read once, kept with the request."""
    length = request.headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > MAX_BODY:
        raise HTTPException(413)
    form = await request.form(max_files=0, max_fields=20)
    fields = {name: value for name, value in form.items() if isinstance(value, str)}
    require_storable(fields)
    return fields
