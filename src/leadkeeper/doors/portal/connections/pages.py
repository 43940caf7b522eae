"""An offer's connections: the list, one connection, and what a person does with it."""

from __future__ import annotations

from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.access.validations import progress
from leadkeeper.connections.connection import Connection
from leadkeeper.connections.state import ConnectionState
from leadkeeper.connections.validation_texts import without_link
from leadkeeper.delivery.schedule import State
from leadkeeper.doors.portal.connections.lines import line_of, lines_of
from leadkeeper.doors.portal.connections.missing import missing_part
from leadkeeper.doors.portal.routes import OFFER, Places, Routes, connection_address, form_of, offer_address, to
from leadkeeper.doors.portal.session import Session
from leadkeeper.inbox.attention.waiting import uncertain_count, waiting_counts
from leadkeeper.offer import OfferRef
from leadkeeper.problem import Problem, unknown_connection
from leadkeeper.services import Services
from leadkeeper.storage.engine import StorageAway
from leadkeeper.texts import Language
from leadkeeper.texts import lazy_gettext as _
from leadkeeper.validation.validator import steps_seen
from leadkeeper.views import Validation

ONE = OFFER + "/connections/{name}"
_PLACES: Final = {"up": -1, "down": 1}
"""How far a button moves a connection."""


class ConnectionPages:
    """``.../destinations`` and ``.../connections/{name}``."""

    def __init__(self, routes: Routes) -> None:
        self._routes = routes
        self._services = routes.services

    def places(self) -> Places:
        """The pages."""
        return [
            (OFFER + "/destinations", self._list, "GET"),
            (ONE, self._one, "GET"),
            (ONE + "/validate", self._validate, "POST"),
            (OFFER + "/validating", self._validating, "GET"),
            (ONE + "/progress", self._progress, "GET"),
            (ONE + "/found", self._found, "POST"),
            (ONE + "/move", self._move, "POST"),
            (ONE + "/pause", self._pause, "POST"),
            (ONE + "/resume", self._resume, "POST"),
            (ONE + "/drop", self._drop_change, "POST"),
            (ONE + "/remove", self._ask_remove, "GET"),
            (ONE + "/remove", self._remove, "POST"),
            (ONE + "/replay", self._replay, "POST"),
        ]

    async def _list(self, request: Request, session: Session) -> Response:
        ref = self._routes.offer_of(request, session)
        content: dict[str, Any] = {"lines": await lines_of(self._services, ref, self._routes.language_of(request))}
        content["cost"] = await self._services.leads.costs.of(ref, self._routes.language_of(request))
        return await self._routes.offer_page(request, ref, "destinations.html", "destinations", **content)

    async def _one(self, request: Request, session: Session) -> Response:
        ref = self._routes.offer_of(request, session)
        connection = await connection_of(self._services, ref, request.path_params["name"])
        return await connection_page(self._routes, request, connection)

    async def _progress(self, request: Request, session: Session) -> Response:
        """What moves by itself: how far a validation is, whichever process carries it out."""
        ref, name = self._routes.offer_of(request, session), request.path_params["name"]
        await self._services.connections.require(ref, name)
        return await self._moving(request, ref, name, typed=False)

    async def _validating(self, request: Request, session: Session) -> Response:
        """The same beside the form of a connection that is only just being made, by the name that it is given."""
        ref = self._routes.offer_of(request, session)
        await self._services.offers.catalogue.offer(ref)
        return await self._moving(request, ref, request.query_params.get("name", "")[:64], typed=True)

    async def _moving(self, request: Request, ref: OfferRef, name: str, *, typed: bool) -> Response:
        under = await self._services.storage.read(progress, (ref, name), self._services.clock())
        content: dict[str, Any] = {"at": offer_address(ref), "name": name, "typed": typed, "under": under}
        content["checks"] = [] if under is None else steps_seen(under.checks)
        return self._routes.page(request, "_progress.html", **content)

    async def _validate(self, request: Request, session: Session) -> Response:
        ref, name = self._routes.offer_of(request, session), request.path_params["name"]
        return await validated(self._routes, request, session, ref, name)

    async def _found(self, request: Request, session: Session) -> Response:
        """Somebody looked for the test lead: it was found there, or it was not."""
        ref, name = self._routes.offer_of(request, session), request.path_params["name"]
        await connection_of(self._services, ref, name)
        form = await form_of(request)
        if form.get("answer") not in ("yes", "no"):
            raise HTTPException(422)
        found, by = form["answer"] == "yes", session.caller.name
        await self._services.findings.say(ref, name, found=found, marker=form.get("marker"), by=by)
        return to(connection_address(ref, name))

    async def _move(self, request: Request, session: Session) -> Response:
        """One place up or down among the offer's connections."""
        ref, name = self._routes.offer_of(request, session), request.path_params["name"]
        where = (await form_of(request)).get("to")
        if where not in _PLACES:
            raise HTTPException(422)
        await self._services.connection_titles.shift(ref, name, _PLACES[where], by=session.caller.name)
        return to(f"{offer_address(ref)}/destinations#line-{name}")

    async def _pause(self, request: Request, session: Session) -> Response:
        ref, name = self._routes.offer_of(request, session), request.path_params["name"]
        await self._services.connections.pause(ref, name, by=session.caller.name)
        return to(connection_address(ref, name))

    async def _resume(self, request: Request, session: Session) -> Response:
        ref, name = self._routes.offer_of(request, session), request.path_params["name"]
        await self._services.connections.resume(ref, name, by=session.caller.name)
        from_overview = (await form_of(request)).get("then") == "overview"
        return to("/portal" if from_overview else connection_address(ref, name))

    async def _drop_change(self, request: Request, session: Session) -> Response:
        ref, name = self._routes.offer_of(request, session), request.path_params["name"]
        await connection_of(self._services, ref, name)
        await self._services.connections.drop_change(ref, name, by=session.caller.name)
        return to(connection_address(ref, name))

    async def _ask_remove(self, request: Request, session: Session) -> Response:
        """What becomes of the leads that wait is said before."""
        ref = self._routes.offer_of(request, session)
        connection = await connection_of(self._services, ref, request.path_params["name"])
        counts = await self._services.storage.read(waiting_counts, [connection.id])
        line = await line_of(self._services, connection, self._routes.language_of(request))
        content: dict[str, Any] = {"line": line, "waiting": counts[connection.id]}
        return await self._routes.offer_page(request, ref, "remove.html", "destinations", **content)

    async def _remove(self, request: Request, session: Session) -> Response:
        ref, name = self._routes.offer_of(request, session), request.path_params["name"]
        if not await self._services.connections.remove(ref, name, by=session.caller.name):
            raise unknown_connection(ref, name)
        return to(f"{offer_address(ref)}/destinations")

    async def _replay(self, request: Request, session: Session) -> Response:
        """Send what did not arrive again; asked first without ``sure``, it only tells how many that is.

        What may have arrived is left out: a person looks for each of those first.
        """
        ref, name = self._routes.offer_of(request, session), request.path_params["name"]
        sure = (await form_of(request)).get("sure") == "yes"
        connection = await connection_of(self._services, ref, name)
        done = await self._services.leads.redelivery.replay(
            ref,
            name,
            since_ms=None,
            until_ms=None,
            states=(State.SET_ASIDE,),
            missing=True,
            uncertain=False,
            dry_run=not sure,
            by=session.caller.name,
        )
        content: dict[str, Any] = {"name": connection.label, "count": done.deliveries, "sure": sure}
        content["left"] = await self._services.storage.read(uncertain_count, connection.id)
        content["held"] = connection.state in (ConnectionState.PAUSED, ConnectionState.BROKEN)
        return await self._routes.offer_page(request, ref, "replay.html", "destinations", **content)


async def connection_of(services: Services, ref: OfferRef, name: str) -> Connection:
    """The connection of this name. Raises :class:`Problem` if there is none."""
    found = await services.connections.get(ref, name)
    if found is None:
        raise unknown_connection(ref, name)
    return found


async def connection_page(
    routes: Routes,
    request: Request,
    connection: Connection,
    *,
    validation: Validation | None = None,
    made: dict[str, str] | None = None,
    saved: bool = False,
    unvalidated: str = "",
) -> Response:
    """A connection's page, with what a validation found, and secrets of ours that are shown this once.

    ``unvalidated``: why what was saved was not validated.
    """
    content: dict[str, Any] = {
        "line": await line_of(routes.services, connection, routes.language_of(request)),
        "validation": validation,
        "finding": None if validation is None else _finding(validation, routes.language_of(request)),
        "made": made or {},
        "saved": saved,
        "unvalidated": unvalidated,
        "name": connection.name,
        "typed": False,
        "under": None,
        "missing": await missing_part(routes, request, connection),
    }
    page = await routes.offer_page(request, connection.offer, "connection.html", "destinations", **content)
    # Where the page came in place of a form, without being loaded: loading it again shows the connection.
    page.headers["HX-Replace-Url"] = connection_address(connection.offer, connection.name)
    return page


async def validated(
    routes: Routes, request: Request, session: Session, ref: OfferRef, name: str, *, saved: bool = False
) -> Response:
    """Check the connection, send a test lead, and show what was found.

    One that was ``saved`` a moment ago is saved even where it cannot be validated now: the page says both.
    """
    by, language = session.caller.name, routes.language_of(request)
    try:

        def seen() -> None:
            routes.movements.tell(ref, "validating")

        found = await routes.services.validator.validate(ref, name, by=by, language=language, seen=seen)
    except (Problem, StorageAway) as error:
        if not saved:
            raise
        return await _only_saved(routes, request, ref, name, error)
    connection = await connection_of(routes.services, ref, name)
    return await connection_page(routes, request, connection, validation=found)


async def _only_saved(
    routes: Routes, request: Request, ref: OfferRef, name: str, error: Problem | StorageAway
) -> Response:
    language = routes.language_of(request)
    why = language.tell(error.detail) if isinstance(error, Problem) else f"{language.tell(_(error.reason))}."
    message = _("The settings are saved, but not validated: %(why)s", why=why)
    try:
        connection = await connection_of(routes.services, ref, name)
        return await connection_page(routes, request, connection, saved=True, unvalidated=message)
    except (Problem, StorageAway):
        return routes.message(request, 503, message, {"Retry-After": "1"}, title=_("It was saved"))


def _finding(validation: Validation, language: Language) -> str:
    """What the validation found, as a heading: a button leads to what was made there."""
    receipt = None if validation.test_lead is None else validation.test_lead.receipt
    return without_link(validation.message, None if receipt is None else receipt.link, language)
