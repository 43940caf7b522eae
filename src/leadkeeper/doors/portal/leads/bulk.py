"""Acting on the leads that somebody ticked on the list: first what will be done to each, then what was done."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.doors.portal.leads.choice import Choice, chosen
from leadkeeper.doors.portal.leads.lists import workers
from leadkeeper.doors.portal.leads.runs import RUNS
from leadkeeper.doors.portal.routes import Places, Routes, form_of, to
from leadkeeper.doors.portal.session import Session
from leadkeeper.inbox.follow_up.state import LONGEST_REASON
from leadkeeper.inbox.lists.filter import LeadFilter
from leadkeeper.inbox.lists.selection import MOST, REASONS, BulkAct, Order
from leadkeeper.problem import FieldError, Problem, ProblemType
from leadkeeper.texts import lazy_gettext as _
from leadkeeper.views import BulkOutcome, BulkResult, LeadSummary

SELECTED: Final = "/portal/leads/selected"
PICK: Final = "pick-"
"""What the name of a lead's box begins with; its id follows."""
_ID: Final = re.compile(r"[0-9a-f-]{36}")
_NOTHING_PICKED: Final = _("No lead is ticked. Go back, tick those that you mean, and press the button again.")


@dataclass(frozen=True, slots=True)
class BulkLine:
    """One lead, as far as it is there for whoever asks, and what comes of the act on it."""

    lead: LeadSummary | None
    outcome: BulkOutcome


class BulkPages:
    """``/portal/leads/selected``."""

    def __init__(self, routes: Routes) -> None:
        self._routes = routes
        self._services = routes.services

    def places(self) -> Places:
        """The page."""
        return [(SELECTED, self._selected, "POST")]

    async def _selected(self, request: Request, session: Session) -> Response:
        form = await form_of(request)
        choice = chosen({name: form.get(f"at-{name}", "") for name in ("text", *_CHOSEN)}, by_form=True)
        order, sure = order_of(form), form.get("sure") == "yes"
        if sure and _ID.fullmatch(form.get("run", "")):
            return await self._begin(form["run"], order, choice, session)
        ids, more = await self._ids(form, choice, session)
        whose, language = session.caller.publisher_id, self._routes.language_of(request)
        found = await self._services.leads.selection.carry_out(
            ids, order, by=session.caller.name, publisher_id=whose, dry_run=not sure, language=language
        )
        lines = await self._lines(found, session)
        return self._routes.page(
            request,
            "selected.html",
            lines=lines,
            order=order,
            sure=sure,
            ids=",".join(ids),
            count=sum(each.done for each in found.outcomes),
            deliveries=sum(each.deliveries for each in found.outcomes),
            left=left_over(found.outcomes),
            owner=await self._name_of(order.owner_id, [line.lead for line in lines if line.lead is not None]),
            choice=choice,
            **(await self._of_all(choice, session) if more else {"run": "", "total": None}),
        )

    async def _begin(self, run_id: str, order: Order, choice: Choice, session: Session) -> Response:
        """Act on all that fit, and go to the page that shows how far that is: it goes on without the page."""
        caller = session.caller
        filters = choice.filters(caller.publisher_id, caller.person_id, self._services.clock())
        begun = await self._services.leads.bulk_runs.begin(
            run_id, filters, order, by=caller.name, publisher_id=caller.publisher_id
        )
        return to(f"{RUNS}/{begun}")

    async def _of_all(self, choice: Choice, session: Session) -> dict[str, Any]:
        """What the page says of more leads than it lists: how many fit, and the id of the run that acts on them."""
        caller = session.caller
        filters = choice.filters(caller.publisher_id, caller.person_id, self._services.clock())
        total = await self._services.leads.reading.total(filters)
        return {"run": self._services.leads.bulk_runs.new_id(), "total": total}

    async def _ids(self, form: Mapping[str, str], choice: Choice, session: Session) -> tuple[list[str], bool]:
        """The leads that are meant: those ticked, or the first that fit what was chosen, and whether more do."""
        given = form.get("ids", "").split(",") + [name.removeprefix(PICK) for name in form if name.startswith(PICK)]
        ids, more = [each for each in given if _ID.fullmatch(each)], False
        if form.get("every") == "yes" and form.get("sure") != "yes":
            filters = choice.filters(session.caller.publisher_id, session.caller.person_id, self._services.clock())
            filters = replace(filters, sort=None, oldest_first=False)
            page = await self._services.leads.reading.leads(filters, limit=MOST, by=session.caller.name)
            ids, more = [lead.id for lead in page.leads], page.next_cursor is not None
        if not ids:
            raise Problem(ProblemType.INVALID_REQUEST, _NOTHING_PICKED, (FieldError("ids", _NOTHING_PICKED),))
        return ids, more

    async def _lines(self, found: BulkResult, session: Session) -> list[BulkLine]:
        ids = tuple(each.lead_id for each in found.outcomes if each.reason != "unknown")
        filters = LeadFilter(publisher_id=session.caller.publisher_id, ids=ids)
        page = await self._services.leads.reading.leads(filters, limit=MOST, by=session.caller.name)
        leads = {lead.id: lead for lead in page.leads}
        return [BulkLine(leads.get(each.lead_id), each) for each in found.outcomes]

    async def _name_of(self, owner_id: str, leads: Sequence[LeadSummary]) -> str:
        for publisher_id in {lead.publisher_id for lead in leads} if owner_id else ():
            for each in await workers(self._routes, publisher_id):
                if each.id == owner_id:
                    return each.name
        return ""


_CHOSEN: Final = (
    *("publisher", "offer", "state", "action", "source", "country", "destination", "follow", "owner"),
    *("since", "until", "test", "withheld", "sort"),
)
"""What was chosen on the list, without the place in it."""


def order_of(form: Mapping[str, str]) -> Order:
    """What a form asks to do. Raises :class:`Problem` for what is none of the acts."""
    act = form.get("act", "")
    if act not in {each.value for each in BulkAct}:
        message = _("Choose what is to be done with the leads.")
        raise Problem(ProblemType.INVALID_REQUEST, message, (FieldError("act", message),))
    return Order(
        BulkAct(act),
        owner_id=form.get("to-owner", ""),
        state=form.get("to-state", ""),
        reason=form.get("to-reason", "")[:LONGEST_REASON],
        uncertain=form.get("uncertain") == "yes",
    )


def left_over(outcomes: Sequence[BulkOutcome]) -> list[tuple[int, str]]:
    """How many leads are left, wholly or in part, for which reason; the most first."""
    counted = Counter(each.reason for each in outcomes if each.reason is not None)
    return [(count, REASONS[reason]) for reason, count in counted.most_common()]
