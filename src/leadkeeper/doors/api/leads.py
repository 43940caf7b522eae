"""Reading leads; handing them in is in ``hand_in`` and ``batch``."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import FastAPI, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from leadkeeper.access.keys import Caller, Role
from leadkeeper.doors.api.language import TOLD, Asked
from leadkeeper.doors.api.resource import add
from leadkeeper.doors.api.schemas import Text, to_ms
from leadkeeper.doors.api.security import Reader, forbidden
from leadkeeper.inbox.inbox import MOST, Inbox, LeadFilter
from leadkeeper.lead import canonical_action, canonical_source
from leadkeeper.offer import OFFER_ID, PUBLISHER_ID
from leadkeeper.problem import Problem, ProblemType
from leadkeeper.views import DeliveryState, LeadPage, LeadView

LeadId = Annotated[UUID, Path(alias="leadId")]


class LeadQuery(BaseModel):
    """Which leads to list. An unknown filter is refused: left out, it would list more than was asked for."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")

    publisher_id: Annotated[str, Field(pattern=PUBLISHER_ID)] | None = None
    offer_id: Annotated[str, Field(pattern=OFFER_ID)] | None = None
    state: DeliveryState | None = Field(None, description="Leads with a delivery in this state.")
    source: Text | None = None
    action: Text | None = None
    test: bool | None = Field(None, description="Only test leads, or none of them.")
    email: Text | None = Field(None, description="The customer's whole e-mail address, in any case.")
    since: datetime | None = Field(None, description="Handed in at or after this moment (ISO 8601, UTC if unsaid).")
    until: datetime | None = Field(None, description="Handed in before this moment.")
    limit: int = Field(50, ge=1, le=MOST)
    cursor: Annotated[str, Field(pattern=r"^[0-9a-f-]{36}$")] | None = Field(
        None, description="The nextCursor of the page before."
    )

    def filters(self, publisher_id: str | None) -> LeadFilter:
        """What the inbox is asked for, of the leads of ``publisher_id`` or of all."""
        return LeadFilter(
            publisher_id=publisher_id,
            offer_id=self.offer_id,
            state=self.state,
            source=None if self.source is None else canonical_source(self.source),
            action=None if self.action is None else canonical_action(self.action),
            test=self.test,
            email=self.email,
            since_ms=to_ms(self.since),
            until_ms=to_ms(self.until),
        )


class Leads:
    """``GET /v1/leads``."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox

    def serve_on(self, app: FastAPI) -> None:
        """Add the routes."""
        add(app, "GET", "/v1/leads", self.list_leads, tag="Leads", summary="List leads, newest first")
        one, missing = "/v1/leads/{leadId}", ProblemType.NOT_FOUND
        summary = "Read a lead and what became of it"
        add(app, "GET", one, self.get_lead, missing, tag="Leads", summary=summary, responses={200: TOLD})

    async def list_leads(self, query: Annotated[LeadQuery, Query()], caller: Reader) -> LeadPage:
        """An operator sees all, a publisher its own. Follow ``nextCursor`` until there is none."""
        filters = query.filters(_visible(caller, query.publisher_id))
        return await self._inbox.list(filters, query.cursor, query.limit)

    async def get_lead(self, lead_id: LeadId, caller: Reader, language: Asked) -> LeadView:
        """For an operator, or the lead's publisher."""
        lead = await self._inbox.get(str(lead_id), language)
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
