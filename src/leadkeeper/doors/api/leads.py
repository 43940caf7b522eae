"""Reading leads; handing them in is in ``hand_in`` and ``batch``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import FastAPI, Path, Query
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from leadkeeper.access.permissions import Caller
from leadkeeper.doors.api.language import TOLD, Asked
from leadkeeper.doors.api.resource import add
from leadkeeper.doors.api.schemas import Text, to_ms
from leadkeeper.doors.api.security import Reader, visible
from leadkeeper.inbox.inbox import MOST, LeadFilter
from leadkeeper.inbox.reading import Reading
from leadkeeper.lead import canonical_action, canonical_source
from leadkeeper.offer import OFFER_ID, PUBLISHER_ID
from leadkeeper.problem import FieldError, Problem, ProblemType
from leadkeeper.texts import lazy_gettext
from leadkeeper.views import DeliveryState, LeadPage, LeadView

LeadId = Annotated[UUID, Path(alias="leadId")]


class _Wanted(BaseModel):
    """Which leads to list. An unknown filter is refused: left out, it would list more than was asked for."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")

    publisher_id: Annotated[str, Field(pattern=PUBLISHER_ID)] | None = None
    offer_id: Annotated[str, Field(pattern=OFFER_ID)] | None = None
    state: DeliveryState | None = Field(None, description="Leads with a delivery in this state.")
    source: Text | None = None
    action: Text | None = None
    test: bool | None = Field(None, description="Only test leads, or none of them.")
    since: datetime | None = Field(None, description="Handed in at or after this moment (ISO 8601, UTC if unsaid).")
    until: datetime | None = Field(None, description="Handed in before this moment.")
    limit: int = Field(50, ge=1, le=MOST)
    cursor: Annotated[str, Field(pattern=r"^[0-9a-f-]{36}$")] | None = Field(
        None, description="The nextCursor of the page before."
    )

    def filters(self, publisher_id: str | None, email: str | None = None) -> LeadFilter:
        """What the inbox is asked for, of the leads of ``publisher_id`` or of all."""
        return LeadFilter(
            publisher_id=publisher_id,
            offer_id=self.offer_id,
            state=self.state,
            source=None if self.source is None else canonical_source(self.source),
            action=None if self.action is None else canonical_action(self.action),
            test=self.test,
            email=email,
            since_ms=to_ms(self.since),
            until_ms=to_ms(self.until),
        )


class LeadQuery(_Wanted):
    """Which leads to list. An unknown filter is refused: left out, it would list more than was asked for."""

    @model_validator(mode="before")
    @classmethod
    def _no_address(cls, given: Any) -> Any:
        """An address in a URL stands in the logs of every proxy on the way."""
        if isinstance(given, Mapping) and "email" in given:
            error = FieldError("email", "is not taken in an address: send it in the body of POST /v1/leads/find")
            raise Problem(ProblemType.INVALID_REQUEST, f"{error.field} {error.message}.", (error,))
        return given


class FindLeadsBody(_Wanted):
    """Which leads of one customer to list; an address is sent in a body, since one in a URL would stand in logs."""

    email: Text = Field(
        min_length=1, description="The customer's whole e-mail address, in any case.", examples=["ada@contoso.com"]
    )


class Leads:
    """``/v1/leads``, read."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def serve_on(self, app: FastAPI) -> None:
        """Add the routes."""
        add(app, "GET", "/v1/leads", self.list_leads, tag="Leads", summary="List leads, newest first")
        summary = "List a customer's leads, newest first"
        add(app, "POST", "/v1/leads/find", self.find_by_email, tag="Leads", summary=summary)
        one, missing = "/v1/leads/{leadId}", ProblemType.NOT_FOUND
        summary = "Read a lead and what became of it"
        add(app, "GET", one, self.get_lead, missing, tag="Leads", summary=summary, responses={200: TOLD})

    async def list_leads(self, query: Annotated[LeadQuery, Query()], caller: Reader) -> LeadPage:
        """An operator sees all, a publisher its own. Follow ``nextCursor`` until there is none."""
        return await self._list(query, caller)

    async def find_by_email(self, body: FindLeadsBody, caller: Reader) -> LeadPage:
        """As `GET /v1/leads`, of the customer with this address. An operator finds all, a publisher its own."""
        return await self._list(body, caller, body.email)

    async def _list(self, wanted: _Wanted, caller: Caller, email: str | None = None) -> LeadPage:
        whose = visible(caller, wanted.publisher_id, "A publisher sees its own leads only.")
        return await self._reading.leads(wanted.filters(whose, email), wanted.cursor, wanted.limit, by=caller.name)

    async def get_lead(self, lead_id: LeadId, caller: Reader, language: Asked) -> LeadView:
        """For an operator, or the lead's publisher."""
        whose = caller.publisher_id
        lead = await self._reading.lead(str(lead_id), by=caller.name, publisher_id=whose, language=language)
        if lead is None:
            raise Problem(ProblemType.NOT_FOUND, lazy_gettext("There is no lead %(lead)s.", lead=lead_id))
        return lead
