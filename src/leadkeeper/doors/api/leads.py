"""Reading leads; handing them in is in ``hand_in`` and ``batch``."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import FastAPI, Path, Query

from leadkeeper.access.keys import Caller, Role
from leadkeeper.doors.api.resource import add
from leadkeeper.doors.api.schemas import Text, to_ms
from leadkeeper.doors.api.security import Reader, forbidden
from leadkeeper.inbox.inbox import MOST, Inbox, LeadFilter
from leadkeeper.lead import canonical_action, canonical_source
from leadkeeper.offer import OFFER_ID, PUBLISHER_ID
from leadkeeper.problem import Problem, ProblemType
from leadkeeper.views import DeliveryState, LeadPage, LeadView

LeadId = Annotated[UUID, Path(alias="leadId")]
_PublisherId = Annotated[str | None, Query(alias="publisherId", pattern=PUBLISHER_ID)]
_OfferId = Annotated[str | None, Query(alias="offerId", pattern=OFFER_ID)]
_State = Annotated[DeliveryState | None, Query(description="Leads with a delivery in this state.")]
_Email = Annotated[Text | None, Query(description="The customer's whole e-mail address, in any case.")]
_Since = Annotated[datetime | None, Query(description="Handed in at or after this moment (ISO 8601, UTC if unsaid).")]
_Until = Annotated[datetime | None, Query(description="Handed in before this moment.")]
_Test = Annotated[bool | None, Query(description="Only test leads, or none of them.")]
_Cursor = Annotated[str | None, Query(pattern=r"^[0-9a-f-]{36}$", description="The nextCursor of the page before.")]


class Leads:
    """``GET /v1/leads``."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox

    def serve_on(self, app: FastAPI) -> None:
        """Add the routes."""
        add(app, "GET", "/v1/leads", self.list_leads, tag="Leads", summary="List leads, newest first")
        one, missing = "/v1/leads/{leadId}", ProblemType.NOT_FOUND
        add(app, "GET", one, self.get_lead, missing, tag="Leads", summary="Read a lead and what became of it")

    async def list_leads(
        self,
        caller: Reader,
        publisher_id: _PublisherId = None,
        offer_id: _OfferId = None,
        state: _State = None,
        source: Annotated[Text | None, Query()] = None,
        action: Annotated[Text | None, Query()] = None,
        test: _Test = None,
        email: _Email = None,
        since: _Since = None,
        until: _Until = None,
        limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
        cursor: _Cursor = None,
    ) -> LeadPage:
        """An operator sees all, a publisher its own. Follow ``nextCursor`` until there is none."""
        filters = LeadFilter(
            publisher_id=_visible(caller, publisher_id),
            offer_id=offer_id,
            state=state,
            source=None if source is None else canonical_source(source),
            action=None if action is None else canonical_action(action),
            test=test,
            email=email,
            since_ms=to_ms(since),
            until_ms=to_ms(until),
        )
        return await self._inbox.list(filters, cursor, limit)

    async def get_lead(self, lead_id: LeadId, caller: Reader) -> LeadView:
        """For an operator, or the lead's publisher."""
        lead = await self._inbox.get(str(lead_id))
        if lead is None or not caller.may_see(lead.publisher_id):
            raise Problem(ProblemType.NOT_FOUND, f"There is no lead {lead_id}.")
        return lead


def _visible(caller: Caller, publisher_id: str | None) -> str | None:
    """Whose leads to list: a publisher's own, unless it asks for another's (:class:`Problem`)."""
    if caller.role is not Role.PUBLISHER:
        return publisher_id
    if publisher_id not in (None, caller.publisher_id):
        raise forbidden("A publisher sees its own leads only.")
    return caller.publisher_id
