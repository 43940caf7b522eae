"""One act on all leads that filters choose, however many: begun, looked at, stopped."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Final
from uuid import UUID

from fastapi import FastAPI, Path
from pydantic import Field

from leadkeeper.access.permissions import Caller, Permission
from leadkeeper.clock import Clock
from leadkeeper.destinations.registry import Destinations
from leadkeeper.doors.api.bulk import BulkAsked
from leadkeeper.doors.api.language import SUMMARY, Asked
from leadkeeper.doors.api.leads import LeadFilters, OwnedBy
from leadkeeper.doors.api.resource import add
from leadkeeper.doors.api.schemas import Text
from leadkeeper.doors.api.security import Reader, forbidden, visible
from leadkeeper.inbox.lists.acting import BulkRuns, BulkRunView
from leadkeeper.problem import Problem, ProblemType
from leadkeeper.texts import lazy_gettext as _

ALL: Final = "/v1/leads/bulk/runs"
RunId = Annotated[UUID, Path(alias="runId")]


class BulkRunFilters(LeadFilters):
    """Which leads; without any filter all of them. Test leads are left out unless `test` is true."""

    owner: OwnedBy | None = Field(None, description="The member who follows it up, or `nobody`.")
    email: Annotated[Text, Field(min_length=1)] | None = Field(None, description="The customer's whole e-mail address.")
    text: Annotated[Text, Field(min_length=1, max_length=200)] | None = Field(
        None, description="A part of the customer's name, company or e-mail address."
    )


class BulkRunBody(BulkAsked):
    """What to do to all leads that fit."""

    id: UUID | None = Field(None, description="Your own id for the run: what is sent twice with it begins one run.")
    filters: BulkRunFilters


class BulkRunResource:
    """``/v1/leads/bulk/runs``."""

    def __init__(self, runs: BulkRuns, clock: Clock, destinations: Destinations) -> None:
        self._runs = runs
        self._clock = clock
        self._destinations = destinations

    def serve_on(self, app: FastAPI) -> None:
        """Add the routes."""
        summary, answered = "Act on all leads that fit, however many", {202: SUMMARY}
        add(app, "POST", ALL, self.begin_bulk_run, tag="Leads", summary=summary, status=202, responses=answered)
        one, missing = ALL + "/{runId}", ProblemType.NOT_FOUND
        summary = "Look how far an act on all leads that fit has come"
        add(app, "GET", one, self.get_bulk_run, missing, tag="Leads", summary=summary, responses={200: SUMMARY})
        summary = "Stop an act on all leads that fit; what was done stays"
        add(app, "DELETE", one, self.stop_bulk_run, missing, tag="Leads", summary=summary, status=204)

    async def begin_bulk_run(self, body: BulkRunBody, caller: Reader, language: Asked) -> BulkRunView:
        """It is carried on without you, from the newest lead that is there now to the oldest, each of them once. The
        answer is the run; where you have the same one under way already, that one.
        """
        _require_change(caller)
        asked = body.filters
        whose = visible(caller, asked.publisher_id, _("A publisher acts on its own leads only."))
        filters = asked.filters(whose, asked.email, asked.text, self._clock())
        called = asked.destination
        named = None if called is None else self._destinations.name_of(called) or called
        filters = replace(filters, destination=named, test=bool(filters.test))
        run_id = self._runs.new_id() if body.id is None else str(body.id)
        begun = await self._runs.begin(run_id, filters, body.order(), by=caller.name, publisher_id=caller.publisher_id)
        return await self._run(begun, caller, language)

    async def get_bulk_run(self, run_id: RunId, caller: Reader, language: Asked) -> BulkRunView:
        """For an operator, or the publisher whose key began it; until 30 days after its end."""
        return await self._run(str(run_id), caller, language)

    async def stop_bulk_run(self, run_id: RunId, caller: Reader, language: Asked) -> None:
        """To stop what is over does nothing."""
        _require_change(caller)
        await self._run(str(run_id), caller, language)
        await self._runs.stop(str(run_id), by=caller.name, publisher_id=caller.publisher_id)

    async def _run(self, run_id: str, caller: Caller, language: Asked) -> BulkRunView:
        found = await self._runs.find(run_id, caller.publisher_id, language)
        if found is None:
            raise Problem(ProblemType.NOT_FOUND, _("There is no such run: %(run)s.", run=run_id))
        return found


def _require_change(caller: Caller) -> None:
    if not caller.may(Permission.CHANGE, caller.publisher_id):
        raise forbidden(_("A key of role reader may only read."))
