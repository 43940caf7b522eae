"""One lead: who the customer is, what became of it, who follows it up; and sending it again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.doors.portal.leads.choice import chosen
from leadkeeper.doors.portal.leads.lists import workers
from leadkeeper.doors.portal.leads.words import FOLLOW_UPS, attempt_words, event_words
from leadkeeper.doors.portal.routes import Places, Routes, form_of, to
from leadkeeper.doors.portal.rules import RECORD
from leadkeeper.doors.portal.session import Session
from leadkeeper.inbox.follow_up.follow_ups import Change
from leadkeeper.inbox.follow_up.lead_clock import clock_of
from leadkeeper.inbox.follow_up.state import LONGEST_NOTE, LONGEST_REASON
from leadkeeper.offer import connection_called
from leadkeeper.problem import Problem, ProblemType
from leadkeeper.texts import lazy_gettext as _
from leadkeeper.views import LeadView

_ANSWERS: Final = {
    "again": _("It is on the way again. What comes of it stands below."),
    "held": _("It was not sent: its connection does not work or is paused. It goes out by itself once that is fixed."),
    "found": _("It has arrived: somebody looked for it, and found it there."),
    "saved": _("Saved."),
}


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of the timeline; ``text`` is what somebody wrote, ``state`` a state of follow-up that was chosen."""

    at: str
    words: str
    text: str = ""
    state: str = ""


class LeadPageRoutes:
    """``/portal/leads/{lead}`` and what its buttons do."""

    def __init__(self, routes: Routes) -> None:
        self._routes = routes
        self._services = routes.services

    def places(self) -> Places:
        """The pages; after the list, whose addresses are below the same."""
        return [
            ("/portal/leads/{lead_id}", self._lead, "GET"),
            ("/portal/leads/{lead_id}/follow-up", self._follow_up, "POST"),
            ("/portal/deliveries/{delivery_id}/retry", self._retry, "POST"),
            ("/portal/deliveries/{delivery_id}/found", self._found, "POST"),
            (RECORD, self._record, "GET"),
        ]

    async def _lead(self, request: Request, session: Session) -> Response:
        return await self._page(request, session, request.query_params.get("done", ""))

    async def _page(self, request: Request, session: Session, done: str = "", **more: Any) -> Response:
        lead_id, caller, language = request.path_params["lead_id"], session.caller, self._routes.language_of(request)
        whose = caller.publisher_id
        lead = await self._services.leads.reading.lead(lead_id, by=caller.name, publisher_id=whose, language=language)
        if lead is None:
            raise HTTPException(404)
        content: dict[str, Any] = {
            "lead": lead,
            "others": (await self._services.leads.reading.same_customer(lead, by=caller.name)).leads,
            "timeline": timeline(lead, self._services.connections.destinations.title),
            "owners": await workers(self._routes, lead.publisher_id) if lead.follow_up else [],
            "answer": _ANSWERS.get(done, ""),
            "now": self._services.clock(),
            "suspended": (await self._services.offers.catalogue.publisher(lead.publisher_id)).suspended_at is not None,
            **await self._beside(request, session, lead_id),
            "took": clock_of(lead),
            "errors": {},
            "sent": {},
            "most": {"reason": LONGEST_REASON, "note": LONGEST_NOTE},
        }
        return self._routes.page(request, "lead.html", more.pop("status", 200), **(content | more))

    async def _beside(self, request: Request, session: Session, lead_id: str) -> dict[str, Any]:
        """The list from which somebody came, and the leads before and behind this one in it."""
        query = request.query_params.get("list")
        if query is None and request.method == "POST":
            query = (await form_of(request)).get("list")
        if query is None:
            return {"choice": None}
        choice, caller = chosen(dict(parse_qsl(query))), session.caller
        filters = choice.filters(caller.publisher_id, caller.person_id, self._services.clock())
        before, behind = await self._services.leads.reading.beside(filters, lead_id)
        return {"choice": choice, "before": before, "behind": behind, "list": query}

    async def _follow_up(self, request: Request, session: Session) -> Response:
        lead_id, form = request.path_params["lead_id"], await form_of(request)
        change = Change(form.get("state"), form.get("reason"), form.get("owner"), form.get("note", ""))
        by, whose = session.caller.name, session.caller.publisher_id
        try:
            await self._services.leads.follow_ups.change(lead_id, change, by=by, publisher_id=whose)
        except Problem as problem:
            if problem.type is ProblemType.NOT_FOUND:
                raise HTTPException(404) from None
            if not problem.errors:
                raise
            errors = {each.field: each.message for each in problem.errors}
            return await self._page(request, session, status=422, errors=errors, sent=form)
        return to(_page_of(lead_id, "saved", form) + "#follow-up")

    async def _retry(self, request: Request, session: Session) -> Response:
        delivery_id = await self._delivery_of(request, session, "delivery.retry")
        view = await self._services.leads.redelivery.retry(delivery_id, by=session.caller.name)
        form = await form_of(request)
        return to(_page_of(form.get("lead", ""), "held" if view.state == "held" else "again", form))

    async def _found(self, request: Request, session: Session) -> Response:
        """Somebody looked, and the lead is there."""
        delivery_id = await self._delivery_of(request, session, "delivery.found")
        await self._services.leads.redelivery.found_there(delivery_id, by=session.caller.name)
        form = await form_of(request)
        return to(_page_of(form.get("lead", ""), "found", form))

    async def _record(self, request: Request, session: Session) -> Response:
        """What the destination gets of the lead."""
        delivery_id, language = (
            await self._delivery_of(request, session, "lead.record"),
            self._routes.language_of(request),
        )
        found = await self._services.leads.sent_records.of(delivery_id, by=session.caller.name, language=language)
        within = request.query_params.get("list")
        back = f"/portal/leads/{found.lead_id}" + ("" if within is None else f"?{urlencode({'list': within})}")
        return self._routes.page(request, "sent_record.html", found=found, record=found, back=back)

    async def _delivery_of(self, request: Request, session: Session, act: str) -> str:
        """The delivery that the address names. Raises ``HTTPException`` for another's, as if it were not there."""
        delivery_id: str = request.path_params["delivery_id"]
        offer = await self._services.leads.redelivery.offer_of(delivery_id)
        if offer is None or not session.caller.may_change(offer.publisher_id):
            if offer is not None:
                self._routes.refused(session, f"{act} {delivery_id}")
            raise HTTPException(404)
        return delivery_id


def _page_of(lead_id: str, done: str, form: Mapping[str, str]) -> str:
    """A lead's page, with what was done there, still within the list from which somebody came."""
    within = {"list": form["list"]} if "list" in form else {}
    return f"/portal/leads/{quote(lead_id, safe='')}?{urlencode({'done': done} | within)}"


def timeline(lead: LeadView, title: Callable[[str], str]) -> list[Moment]:
    """What happened to a lead, oldest first; ``title`` says what people call a destination."""
    moments = [Moment(lead.created_time, _came(lead))]
    for way in lead.deliveries:
        over = connection_called(way.connection_title, title(way.destination))
        moments += [Moment(each.at, attempt_words(each), over) for each in way.attempts]
    for event in lead.events:
        state, __, reason = event.text.partition(" ")
        if event.kind == "state" and state in FOLLOW_UPS:
            moments.append(Moment(event.at, event_words(event), reason, state))
        else:
            moments.append(Moment(event.at, event_words(event), event.text))
    return sorted(moments, key=lambda each: datetime.fromisoformat(each.at))


def _came(lead: LeadView) -> str:
    if lead.test:
        return _("A test lead was made.")
    if lead.preview:
        return _("It was made by somebody who looked at the preview.")
    return _("The customer acted; it was kept.")
