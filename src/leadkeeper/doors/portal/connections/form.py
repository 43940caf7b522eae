"""Connecting an offer: the cards of all destinations, then the form of one; and changing a connection."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.connections.connection import Connection
from leadkeeper.connections.resource import Stored, parse, secret_fields
from leadkeeper.connections.state import ConnectionState
from leadkeeper.destinations.guide import Guide, Way
from leadkeeper.destinations.interface import Provider
from leadkeeper.destinations.mapping import PLACEHOLDERS
from leadkeeper.destinations.registry import Destinations
from leadkeeper.doors.portal.connections import guides
from leadkeeper.doors.portal.connections.fields import (
    default_values,
    field_errors,
    form_fields,
    form_values,
    settings_of,
    wrong_rows,
)
from leadkeeper.doors.portal.connections.lines import diagnosis_view, line_of
from leadkeeper.doors.portal.connections.marks import marked_fields
from leadkeeper.doors.portal.connections.pages import ONE, connection_of, connection_page, validated
from leadkeeper.doors.portal.routes import OFFER, Places, Routes, connection_address, form_of, offer_address, to
from leadkeeper.doors.portal.session import Session
from leadkeeper.offer import PRIMARY, OfferRef
from leadkeeper.problem import Problem, ProblemType
from leadkeeper.texts import Language
from leadkeeper.texts import lazy_gettext as _
from leadkeeper.views import DiagnosisView, PreviewView

_MORE_ROWS: Final = 6
_SHOWS: Final = ("rows", "preview")
"""What a button asks for that saves nothing."""
_LABELS: Final = ("name", "title")
"""Fields of every form that are no settings."""
_NOT_YET: Final = "not entered yet"
"""Stands for a secret in a record that is only shown."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A form as it stands: of a new connection, or of ``connection``."""

    destination: Provider
    guide: Guide
    way: Way
    name: str
    values: Mapping[str, str]
    connection: Connection | None = None
    errors: Mapping[str, str] = field(default_factory=dict)
    general: str = ""

    @property
    def known(self) -> Stored | None:
        """The settings of now, where there are some."""
        return None if self.connection is None else self.connection.changed.stored

    @property
    def stored(self) -> tuple[str, ...]:
        """The secrets that are kept."""
        return () if self.known is None else tuple(self.known.secrets)


class ConnectionForms:
    """``.../connect`` and ``.../connections/{name}/edit``."""

    def __init__(self, routes: Routes) -> None:
        self._routes = routes
        self._services = routes.services
        self._destinations = routes.services.connections.destinations

    def places(self) -> Places:
        """The pages."""
        return [
            (OFFER + "/connect", self._new, "GET"),
            (OFFER + "/connect", self._create, "POST"),
            (ONE + "/edit", self._edit, "GET"),
            (ONE + "/edit", self._change, "POST"),
            (OFFER + "/preview", self._record_of_new, "POST"),
            (ONE + "/preview", self._record_of_changed, "POST"),
        ]

    async def _new(self, request: Request, session: Session) -> Response:
        """The cards; with ``kind`` the form of one."""
        ref, query, destinations = self._routes.offer_of(request, session), request.query_params, self._destinations
        taken = {each.name for each in (await self._services.connections.page(ref)).connections}
        if "kind" not in query:
            cards = [(each, guides.guide_of(each)) for each in guides.ordered_guides(destinations.all)]
            names = {each.name: each.title for each in destinations}
            return await self._routes.offer_page(request, ref, "connect.html", "destinations", cards=cards, names=names)
        draft = _begun(destinations, query["kind"], query.get("way", ""))
        name = PRIMARY if PRIMARY not in taken else _free(draft.destination.name.replace("_", "-"), taken)
        return await self._form(request, ref, replace(draft, name=name))

    async def _create(self, request: Request, session: Session) -> Response:
        ref, form = self._routes.offer_of(request, session), await form_of(request)
        await self._services.offers.catalogue.offer(ref)
        name = form.get("name", "").strip()
        draft = replace(_begun(self._destinations, form.get("kind", ""), form.get("way", "")), name=name, values=form)
        if form.get("act") in _SHOWS:
            return await self._form(
                request, ref, draft, spare=_MORE_ROWS, record=await self._recorded(request, ref, draft, form)
            )
        try:
            there = await self._services.connections.get(ref, name)
        except Problem as problem:
            return await self._refused(request, ref, draft, problem)
        if there is not None:
            message = _("This offer has a connection of that name already: choose another.")
            return await self._form(request, ref, replace(draft, errors={"name": message}), 422)
        return await self._save(request, session, ref, draft, form)

    async def _edit(self, request: Request, session: Session) -> Response:
        ref = self._routes.offer_of(request, session)
        connection = await connection_of(self._services, ref, request.path_params["name"])
        stored = connection.changed.stored
        draft = _of(connection, request.query_params.get("way", ""))
        values = default_values(draft.destination.config) | form_values(stored.settings)
        values["title"] = connection.title
        return await self._form(request, ref, replace(draft, values=values))

    async def _change(self, request: Request, session: Session) -> Response:
        ref = self._routes.offer_of(request, session)
        connection = await connection_of(self._services, ref, request.path_params["name"])
        form = await form_of(request)
        draft = replace(_of(connection, form.get("way", "")), values=form)
        if form.get("act") in _SHOWS:
            return await self._form(
                request, ref, draft, spare=_MORE_ROWS, record=await self._recorded(request, ref, draft, form)
            )
        return await self._save(request, session, ref, draft, form)

    async def _record_of_new(self, request: Request, session: Session) -> Response:
        """The record that would be sent, beside the rows of a form that is being filled in."""
        ref, form = self._routes.offer_of(request, session), await form_of(request)
        draft = replace(_begun(self._destinations, form.get("kind", ""), form.get("way", "")), values=form)
        return self._routes.page(request, "_record.html", record=await self._recorded(request, ref, draft, form))

    async def _record_of_changed(self, request: Request, session: Session) -> Response:
        ref, form = self._routes.offer_of(request, session), await form_of(request)
        connection = await connection_of(self._services, ref, request.path_params["name"])
        draft = replace(_of(connection, form.get("way", "")), values=form)
        return self._routes.page(request, "_record.html", record=await self._recorded(request, ref, draft, form))

    async def _recorded(
        self, request: Request, ref: OfferRef, draft: Draft, form: Mapping[str, str]
    ) -> PreviewView | None:
        """The record, or ``None`` where the settings are not such as could be saved; secrets may still be missing."""
        body, config = _body(draft, form), draft.destination.config
        settings = body[draft.destination.config_key]
        settings |= {
            name: _NOT_YET for name in secret_fields(config) if name in draft.way.fields and name not in settings
        }
        try:
            parsed = parse(body, draft.known, self._destinations)
        except Problem:
            return None
        if parsed is None:
            return None
        return await self._services.validator.record(ref, parsed.stored(), self._routes.language_of(request))

    async def _save(
        self, request: Request, session: Session, ref: OfferRef, draft: Draft, form: Mapping[str, str]
    ) -> Response:
        """By the use case of the API; then, if that is wished, validated at once."""
        caller, destination = session.caller, draft.destination
        names = guides.all_fields(destination.config, draft.guide, draft.way)
        body = _body(draft, form)
        settings = body[destination.config_key]
        missing = {name: _("Enter this.") for name in draft.way.needed if settings.get(name) in (None, "", [])}
        missing |= {name: message for name in ("fields",) if name in names and (message := wrong_rows(form, name))}
        if missing:
            # The settings may allow to leave these out, this way does not: what else is wrong is told with it.
            errors = _wrong(draft, body, self._routes.language_of(request)) | missing
            return await self._form(request, ref, replace(draft, errors=errors), 422)
        try:
            connection, _new, shown = await self._services.connections.put(
                ref, draft.name, body, by=caller.name, trusted=caller.is_operator
            )
        except Problem as problem:
            return await self._refused(request, ref, draft, problem)
        assert connection is not None
        labels = {info.alias or name: info.title or name for name, info in destination.config.model_fields.items()}
        made = {labels[name]: connection.changed.stored.secrets[name] for name in sorted(shown)}
        if made:  # Shown this once, whatever becomes of a test lead: that is for the next button.
            return await connection_page(self._routes, request, connection, made=made, saved=True)
        if form.get("act") == "validate":
            return await validated(self._routes, request, session, ref, draft.name, saved=True)
        return to(connection_address(ref, draft.name))

    async def _refused(self, request: Request, ref: OfferRef, draft: Draft, problem: Problem) -> Response:
        """What cannot be taken stands at its field; what is no fault of the form's is a message of its own."""
        if problem.type not in (ProblemType.INVALID_REQUEST, ProblemType.QUOTA_EXCEEDED):
            raise problem
        config, language = draft.destination.config, self._routes.language_of(request)
        if problem.type is ProblemType.QUOTA_EXCEEDED:
            summary = replace(draft, general=language.tell(problem.detail))
            return await self._form(request, ref, summary, problem.status)
        errors, general = field_errors(problem.errors, config, draft.destination.config_key, language)
        for error in problem.errors:
            if error.field in _LABELS:
                errors, general = errors | {error.field: problem.detail}, ""
        shown = guides.all_fields(config, draft.guide, draft.way)
        hidden = [message for name, message in errors.items() if name not in (*shown, *_LABELS)]
        message = " ".join([general, *hidden]).strip() or ("" if errors else problem.detail)
        return await self._form(request, ref, replace(draft, errors=errors, general=message), problem.status)

    async def _form(
        self,
        request: Request,
        ref: OfferRef,
        draft: Draft,
        status: int = 200,
        *,
        spare: int = 2,
        record: PreviewView | None = None,
    ) -> Response:
        connection, language = draft.connection, self._routes.language_of(request)
        diagnosis = _diagnosis(connection, language)
        config, guide, way = draft.destination.config, draft.guide, draft.way
        fields = functools.partial(
            form_fields,
            config,
            values=draft.values,
            stored=draft.stored,
            errors=draft.errors,
            marked=() if diagnosis is None else marked_fields(guide, diagnosis.kind),
            needed=way.needed,
            made=guide.made,
            spare=spare,
        )
        common = () if "contactEmail" in way.fields else guides.COMMON  # leads go there: no notices besides
        at = offer_address(ref) if connection is None else connection_address(ref, connection.name)
        content: dict[str, Any] = {
            "draft": draft,
            "instead": self._destinations.title(guide.instead) if guide.instead else "",
            "diagnosis": diagnosis,
            "line": None if connection is None else await line_of(self._services, connection, language),
            "main": fields(way.fields),
            "more": fields(guides.more_fields(config, guide, way)),
            "mapping": fields(("fields",)),
            "asked_rows": spare == _MORE_ROWS,
            "record": record,
            "record_at": f"{at}/preview",
            "common": fields(common),
            "choices": guides.choices_of(guide),
            "helps": guides.help_of(guide),
            "examples": guides.examples_of(guide),
            "placeholders": PLACEHOLDERS,
            "target": f"{at}/connect" if connection is None else f"{at}/edit",
        }
        return await self._routes.offer_page(request, ref, "connection_form.html", "destinations", status, **content)


def _diagnosis(connection: Connection | None, language: Language) -> DiagnosisView | None:
    """Why the connection is broken, if it is."""
    if connection is None or connection.state is not ConnectionState.BROKEN:
        return None
    return diagnosis_view(connection.diagnosis, language)


def _body(draft: Draft, form: Mapping[str, str]) -> dict[str, Any]:
    """What was posted as the API takes it."""
    destination = draft.destination
    names = guides.all_fields(destination.config, draft.guide, draft.way)
    settings = settings_of(destination.config, names, form, stored=draft.stored, fixed=draft.way.fixed)
    content = {"leadDestination": destination.lead_destination, destination.config_key: settings}
    return content | ({"title": form["title"]} if "title" in form else {})


def _wrong(draft: Draft, body: Mapping[str, Any], language: Language) -> dict[str, str]:
    """What is wrong with single settings."""
    try:
        parse(body, draft.known, Destinations([draft.destination]))
    except Problem as problem:
        config, key = draft.destination.config, draft.destination.config_key
        return field_errors(problem.errors, config, key, language)[0]
    return {}


def _begun(destinations: Destinations, kind: str, way_id: str) -> Draft:
    """An empty form. Raises ``HTTPException`` for a kind of destination that there is not."""
    destination = destinations.find(kind)
    if destination is None:
        raise HTTPException(404)
    guide = guides.guide_of(destination)
    way = next((way for way in guide.ways if way.id == way_id), guide.ways[0])
    return Draft(destination, guide, way, "", default_values(destination.config))


def _of(connection: Connection, way_id: str) -> Draft:
    """The form of a connection, in the way that is asked for, else its own."""
    stored = connection.changed.stored
    destination = stored.provider
    guide = guides.guide_of(destination)
    asked = next((way for way in guide.ways if way.id == way_id), None)
    way = asked or guides.way_of(guide, stored.settings, stored.secrets)
    return Draft(destination, guide, way, connection.name, {}, connection)


def _free(name: str, taken: set[str]) -> str:
    """A name that no connection has."""
    numbers = (f"{name}-{number}" for number in range(2, len(taken) + 3))
    return name if name not in taken else next(each for each in numbers if each not in taken)
