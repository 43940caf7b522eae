"""Reading leads; handing them in is in ``hand_in`` and ``batch``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Final, Literal, Self
from uuid import UUID

from fastapi import FastAPI, Path, Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from leadkeeper.access.permissions import Caller
from leadkeeper.clock import Clock
from leadkeeper.destinations.registry import Destinations
from leadkeeper.doors.api.language import SUMMARY, Asked
from leadkeeper.doors.api.resource import add
from leadkeeper.doors.api.schemas import IsoMoment, Text, to_ms
from leadkeeper.doors.api.security import Reader, visible
from leadkeeper.inbox.lists.filter import MOST, OLDEST, ORDERS, SORTS, LeadFilter
from leadkeeper.inbox.lists.sorting import SORTED
from leadkeeper.inbox.reading import Reading
from leadkeeper.lead import canonical_action, canonical_source
from leadkeeper.model_errors import LEAD_CURSOR
from leadkeeper.offer import OFFER_ID, PUBLISHER_ID
from leadkeeper.problem import FieldError, Problem, ProblemType
from leadkeeper.texts import join_lazily, lazy_gettext
from leadkeeper.views import LeadPage, LeadView, ListedState

_NOBODY: Final = "nobody"


def _member(given: object) -> object:
    if given == "me":
        raise ValueError(lazy_gettext("me is a person, and a key is none: name a member, or nobody"))
    return _member_or_me(given)


def _member_or_me(given: object) -> object:
    if given in ("me", _NOBODY) or isinstance(given, UUID):
        return given
    try:
        return UUID(str(given))
    except ValueError:
        raise ValueError(lazy_gettext("write a member's id, or nobody")) from None


OwnerOrMe = Annotated[UUID | Literal["nobody", "me"], BeforeValidator(_member_or_me)]
OwnedBy = Annotated[UUID | Literal["nobody"], BeforeValidator(_member)]
"""Who follows leads up, to a key: it is nobody, so there is no ``me``."""
FollowUp = Literal["new", "active", "won", "lost", "declined", "expired", "closed", "overdue"]
Sort = Annotated[str, Field(pattern=f"^({'|'.join(ORDERS)})$")]
_ORDERS: Final = (
    f"In which order: `{OLDEST}` first, or by {', '.join(f'`{each}`' for each in SORTS)}; with `-` before it the other "
    f"way round. By a column the newest {SORTED:,} that fit are put in order."
)
_PERSONAL: Final = ("email", "text")
LeadId = Annotated[UUID, Path(alias="leadId")]


class LeadFilters(BaseModel):
    """Which leads to list. An unknown filter is refused: left out, it would list more than was asked for."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")

    publisher_id: Annotated[str, Field(pattern=PUBLISHER_ID)] | None = None
    offer_id: Annotated[str, Field(pattern=OFFER_ID)] | None = None
    state: ListedState | None = Field(
        None, description="Leads with a delivery in this state; `attention`: held, or set aside for a person."
    )
    source: Text | None = None
    action: Text | None = None
    test: bool | None = Field(None, description="Only test leads, or none of them.")
    country: Annotated[str, Field(max_length=60)] | None = Field(None, description="The customer's country, as given.")
    destination: Annotated[str, Field(max_length=32)] | None = Field(
        None, description="Over a connection to this: `salesforce`, ... or as `leadDestination` calls it."
    )
    follow_up: FollowUp | None = Field(None, description="How far its follow-up came.")
    owner: OwnerOrMe | None = Field(None, description="The member who follows it up, or `nobody`.")
    withheld: bool | None = Field(None, description="Only those whose customer's data were withheld, or none of them.")
    since: IsoMoment | None = Field(None, description="Handed in at or after this moment (ISO 8601, UTC if unsaid).")
    until: IsoMoment | None = Field(None, description="Handed in before this moment.")
    sort: Sort | None = Field(None, description=f"{_ORDERS} Unsaid: the newest first.")

    def filters(
        self, publisher_id: str | None, email: str | None = None, text: str | None = None, now_ms: int = 0
    ) -> LeadFilter:
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
            country=self.country,
            destination=self.destination,
            follow_up=self.follow_up,
            owner_id=None if self.owner is None else "" if self.owner == "nobody" else str(self.owner),
            withheld=self.withheld,
            text=text,
            now_ms=now_ms,
            oldest_first=self.sort == OLDEST,
            sort=None if self.sort == OLDEST else self.sort,
        )


class _Wanted(LeadFilters):
    """The filters, and which part of the list. A key is nobody, so there is no `me`."""

    owner: OwnedBy | None = Field(None, description="The member who follows it up, or `nobody`.")
    limit: int = Field(50, ge=1, le=MOST)
    cursor: Annotated[str, Field(pattern=LEAD_CURSOR)] | None = Field(
        None, description="The nextCursor of the page before."
    )


class LeadQuery(_Wanted):
    """Which leads to list. An unknown filter is refused: left out, it would list more than was asked for."""

    @model_validator(mode="before")
    @classmethod
    def _no_address(cls, given: Any) -> Any:
        """An address in a URL stands in the logs of every proxy on the way."""
        if isinstance(given, Mapping) and (found := next((each for each in _PERSONAL if each in given), None)):
            error = FieldError(
                found, lazy_gettext("is not taken in an address: send it in the body of POST /v1/leads/find")
            )
            raise Problem(
                ProblemType.INVALID_REQUEST, join_lazily((error.field, join_lazily((error.message, "."), ""))), (error,)
            )
        return given


class FindLeadsBody(_Wanted):
    """Which leads of which customers to list; an address in a URL would stand in logs, so they are sent in a body."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                {"required": ["email"], "properties": {"email": {"type": "string"}}},
                {"required": ["text"], "properties": {"text": {"type": "string"}}},
            ]
        }
    )

    email: Annotated[Text, Field(min_length=1)] | None = Field(
        None, description="The customer's whole e-mail address, in any case.", examples=["ada@contoso.com"]
    )
    text: Annotated[Text, Field(min_length=1, max_length=200)] | None = Field(
        None,
        description="A part of the customer's name, company or e-mail address, in any case. "
        "One or two letters: how a word of them begins.",
    )

    @model_validator(mode="after")
    def _of_somebody(self) -> Self:
        if self.email is None and self.text is None:
            error = FieldError(
                "email", lazy_gettext("is missing: send it, or a part of name, company or address as text")
            )
            raise Problem(
                ProblemType.INVALID_REQUEST, join_lazily((error.field, join_lazily((error.message, "."), ""))), (error,)
            )
        return self


class Leads:
    """``/v1/leads``, read."""

    def __init__(self, reading: Reading, clock: Clock, destinations: Destinations) -> None:
        self._reading = reading
        self._clock = clock
        self._destinations = destinations

    def serve_on(self, app: FastAPI) -> None:
        """Add the routes."""
        lost = ProblemType.NOT_POSSIBLE_NOW  # the place that a cursor names
        add(app, "GET", "/v1/leads", self.list_leads, lost, tag="Leads", summary="List leads, newest first")
        summary = "List the leads of customers, newest first"
        add(app, "POST", "/v1/leads/find", self.find_by_email, lost, tag="Leads", summary=summary)
        one, missing = "/v1/leads/{leadId}", ProblemType.NOT_FOUND
        summary = "Read a lead and what became of it"
        add(app, "GET", one, self.get_lead, missing, tag="Leads", summary=summary, responses={200: SUMMARY})

    async def list_leads(self, query: Annotated[LeadQuery, Query()], caller: Reader) -> LeadPage:
        """An operator sees all, a publisher its own. Follow ``nextCursor`` until there is none."""
        return await self._list(query, caller)

    async def find_by_email(self, body: FindLeadsBody, caller: Reader) -> LeadPage:
        """As `GET /v1/leads`, of the customers whom it names. An operator finds all, a publisher its own."""
        return await self._list(body, caller, body.email, body.text)

    async def _list(
        self, wanted: _Wanted, caller: Caller, email: str | None = None, text: str | None = None
    ) -> LeadPage:
        whose = visible(caller, wanted.publisher_id, lazy_gettext("A publisher sees its own leads only."))
        filters = wanted.filters(whose, email, text, self._clock())
        filters = replace(filters, destination=self._destination(wanted.destination))
        return await self._reading.leads(filters, wanted.cursor, wanted.limit, by=caller.name)

    def _destination(self, called: str | None) -> str | None:
        """Its stored name; what is no destination here stays as it is, and has no leads."""
        return None if called is None else self._destinations.name_of(called) or called

    async def get_lead(self, lead_id: LeadId, caller: Reader, language: Asked) -> LeadView:
        """For an operator, or the lead's publisher."""
        whose = caller.publisher_id
        lead = await self._reading.lead(str(lead_id), by=caller.name, publisher_id=whose, language=language)
        if lead is None:
            raise Problem(ProblemType.NOT_FOUND, lazy_gettext("There is no lead %(lead)s.", lead=lead_id))
        return lead


def _refused(error: FieldError) -> Problem:
    detail = join_lazily((error.field, join_lazily((error.message, "."), "")))
    return Problem(ProblemType.INVALID_REQUEST, detail, (error,))
