"""The portal: where a publisher sees its offers and leads, and does what somebody must do. For members only."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from leadkeeper.connections.state import STATE_WORDS
from leadkeeper.delivery.schedule import State
from leadkeeper.doors.bearer import admitted
from leadkeeper.doors.forms import sent_form
from leadkeeper.doors.origins import Origins
from leadkeeper.doors.pages import (
    SHARED,
    STATIC,
    Pages,
    content_security_policy,
    require_static,
    static_file,
)
from leadkeeper.doors.portal.offer import offer_content
from leadkeeper.doors.portal.session import Door, Session, is_own_form
from leadkeeper.doors.readable import require_storable
from leadkeeper.inbox.inbox import LeadFilter
from leadkeeper.offer import OfferRef
from leadkeeper.problem import Problem, ProblemType
from leadkeeper.rooms import Rooms
from leadkeeper.storage.engine import StorageAway
from leadkeeper.texts import ENGLISH

_HERE: Final = Path(__file__).parent
_OFFER: Final = "/portal/offers/{publisher_id}/{offer_id}"
_PAGE: Final = 50
_OFFERS: Final = 100
"""How many offers the first page shows at once."""
_BROKEN: Final = 50
"""How many of the connections that need somebody it names."""
Handler = Callable[[Request, Session], Awaitable[Response]]


class Portal:
    """The pages over the rooms. ``name`` is the marketplace's; ``addresses`` tells whose a request is."""

    def __init__(self, rooms: Rooms, *, name: str, base_url: str, origins: Origins) -> None:
        require_static()
        self._rooms = rooms
        self._origins = origins
        self._door = Door(rooms.sign_ins, secure=urlsplit(base_url).scheme == "https")
        policy = content_security_policy(scripts="'none'", connect="'none'")
        self._pages = Pages("leadkeeper.doors.portal", rooms.languages, policy, marketplace=name)

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
            if request.method == "POST" and self._origins.from_elsewhere(request.scope):
                raise HTTPException(403)
            session = await self._door.session(request)
            if session is None:
                after = quote(request.url.path, safe="/") if request.method == "GET" else "/portal"
                return RedirectResponse(f"/portal/sign-in?after={after}", 303)
            request.state.session = session
            if session.caller.publisher_id is not None:
                await admitted(self._rooms.rates, session.caller.publisher_id)
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
        if self._origins.from_elsewhere(request.scope):
            raise HTTPException(403)
        response = RedirectResponse(after, 303)
        key, address = (await _form(request)).get("key", "").strip(), self._origins.addresses.of(request.scope)
        try:
            await self._door.sign_in(key, address, response)
        except Problem as problem:
            wrong = "This key is unknown, revoked, or may only hand in leads. Ask your operator for one."
            if problem.retry_after is None:
                return self._page(request, "sign_in.html", problem.status, after=after, wrong=wrong)
            headers = {"Retry-After": str(problem.retry_after)}
            return self._page(request, "sign_in.html", problem.status, headers, after=after, wrong=problem.detail)
        return response

    async def _sign_out(self, request: Request, _: Session) -> Response:
        response = RedirectResponse("/portal/sign-in", 303)
        await self._door.sign_out(request, response)
        return response

    async def _home(self, request: Request, session: Session) -> Response:
        publisher_id, after = session.caller.publisher_id, request.query_params.get("after")
        found = await self._rooms.catalogue.offers(publisher_id, after, _OFFERS + 1)
        offers, more = found[:_OFFERS], len(found) > _OFFERS
        last = (offers[-1].id if publisher_id is not None else str(offers[-1].ref)) if more else None
        broken = await self._rooms.connections.troubled(publisher_id, _BROKEN)
        wanted = LeadFilter(publisher_id, state="setAside", to_decide=True)
        aside = await self._rooms.reading.leads(wanted, limit=10, by=session.caller.name)
        content: dict[str, Any] = {"offers": offers, "broken": broken, "aside": aside.leads, "following": last}
        content["words"] = {state: ENGLISH.gettext(word) for state, word in STATE_WORDS.items()}
        return self._page(request, "home.html", **content)

    async def _offer(self, request: Request, session: Session) -> Response:
        ref = self._offer_of(request, session)
        content = await offer_content(self._rooms, ref, self._pages.language_of(request))
        return self._page(request, "offer.html", said="", validation=None, **content)

    async def _publish(self, request: Request, session: Session) -> Response:
        ref, by = self._offer_of(request, session), session.caller.name
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
        ref, name = self._offer_of(request, session), request.path_params["name"]
        language = self._pages.language_of(request)
        found = await self._rooms.tester.validate(ref, name, by=session.caller.name, language=language)
        content = await offer_content(self._rooms, ref, language)
        return self._page(request, "offer.html", said=found.said, validation=found, **content)

    async def _replay(self, request: Request, session: Session) -> Response:
        """Send what did not arrive again; asked first without ``sure``, it only tells how many that is."""
        ref, name = self._offer_of(request, session), request.path_params["name"]
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
        found = await self._rooms.reading.leads(wanted, query.get("cursor"), _PAGE, by=session.caller.name)
        return self._page(request, "leads.html", found=found, query=query)

    async def _lead(self, request: Request, session: Session) -> Response:
        lead_id, caller, language = request.path_params["lead_id"], session.caller, self._pages.language_of(request)
        whose = caller.publisher_id
        lead = await self._rooms.reading.lead(lead_id, by=caller.name, publisher_id=whose, language=language)
        if lead is None:
            raise HTTPException(404)
        return self._page(request, "lead.html", lead=lead)

    async def _find(self, request: Request, session: Session) -> Response:
        text = (await _form(request)).get("text", "")[:200]
        by, whose = session.caller.name, session.caller.publisher_id
        found = await self._rooms.reading.find(
            text, by=by, publisher_id=whose, language=self._pages.language_of(request)
        )
        return self._page(request, "found.html", found=found, text=text)

    async def _retry(self, request: Request, session: Session) -> Response:
        delivery_id = request.path_params["delivery_id"]
        offer = await self._rooms.again.offer_of(delivery_id)
        if offer is None or not session.caller.may_see(offer.publisher_id):
            if offer is not None:
                self._refused(session, f"delivery.retry {delivery_id}")
            raise HTTPException(404)
        await self._rooms.again.retry(delivery_id, by=session.caller.name)
        lead = (await _form(request)).get("lead", "")
        return RedirectResponse(f"/portal/leads/{quote(lead, safe='')}", 303)

    def _offer_of(self, request: Request, session: Session) -> OfferRef:
        """The offer that the address names. Raises ``HTTPException`` for another's, as if it were not there."""
        ref = OfferRef(request.path_params["publisher_id"], request.path_params["offer_id"])
        if not session.caller.may_see(ref.publisher_id):
            self._refused(session, f"{request.method} {request.url.path[:200]}")
            raise HTTPException(404)
        return ref

    def _refused(self, session: Session, what: str) -> None:
        self._rooms.audit.refused(session.caller.name, what, session.caller.publisher_id)

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
        headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
        return self._page(request, "message.html", error.status, headers, said=error.detail)

    async def _of_away(self, request: Request, _: Exception) -> Response:
        return self._message(request, 503, "The database cannot be reached just now, or the fault is ours. Try again.")

    def _message(self, request: Request, status: int, said: str) -> HTMLResponse:
        return self._page(request, "message.html", status, said=said)


def _address(offer: OfferRef) -> str:
    return f"/portal/offers/{quote(offer.publisher_id)}/{quote(offer.offer_id)}"


def _test(query: Mapping[str, str]) -> bool | None:
    return {"yes": True, "no": False}.get(query.get("test", ""))


async def _form(request: Request) -> dict[str, str]:
    """The fields of a form; read once, kept with the request. Raises :class:`Problem` for what nothing can keep."""
    fields = await sent_form(request)
    require_storable(fields)
    return fields
