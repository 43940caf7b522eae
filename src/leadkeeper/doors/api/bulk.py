"""One act on many leads."""

from __future__ import annotations

from typing import Annotated, Any, Final, Self
from uuid import UUID

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from leadkeeper.access.permissions import Permission
from leadkeeper.doors.api.language import SUMMARY, Asked
from leadkeeper.doors.api.resource import add
from leadkeeper.doors.api.schemas import Text
from leadkeeper.doors.api.security import Reader, forbidden
from leadkeeper.inbox.follow_up.state import LONGEST_REASON, FollowUpState
from leadkeeper.inbox.lists.selection import MOST, BulkAct, Order, Selection
from leadkeeper.texts import lazy_gettext as _
from leadkeeper.views import BulkResult

_SHAPES: Final[dict[str, Any]] = {
    "anyOf": [
        {"properties": {"act": {"const": "again"}}},
        {"properties": {"act": {"const": "owner"}}},
        {
            "required": ["state", "reason"],
            "properties": {
                "act": {"const": "state"},
                "state": {"type": "string"},
                "reason": {"type": "string", "pattern": r"\S"},
            },
        },
        {
            "required": ["state"],
            "properties": {"act": {"const": "state"}, "state": {"enum": ["new", "active", "won", "expired"]}},
        },
    ]
}


class BulkAsked(BaseModel):
    """What to do to each of many leads."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", json_schema_extra=_SHAPES
    )

    act: BulkAct = Field(description="again: send them again; owner: give them to a member; state: set follow-up.")
    owner: UUID | None = Field(None, description="With owner: the member who follows them up; null for nobody.")
    state: FollowUpState | None = Field(None, description="With state: how far their follow-up came.")
    reason: Annotated[Text, Field(max_length=LONGEST_REASON)] = Field(
        "", description="With state: why; lost and declined need it."
    )
    uncertain: bool = Field(False, description="With again: also what may have arrived. Look for it there first.")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.act is BulkAct.STATE and self.state is None:
            raise ValueError(_("state is missing"))
        return self

    def order(self) -> Order:
        """What is to be done to each."""
        owner = "" if self.owner is None else str(self.owner)
        return Order(self.act, owner, self.state or "", self.reason, uncertain=self.uncertain)


class BulkBody(BulkAsked):
    """Which leads, and what to do to each of them."""

    lead_ids: Annotated[list[UUID], Field(min_length=1, max_length=MOST)]
    dry_run: bool = Field(False, description="Only say what would be done.")


class Bulk:
    """``/v1/leads/bulk``."""

    def __init__(self, selection: Selection) -> None:
        self._selection = selection

    def serve_on(self, app: FastAPI) -> None:
        """Add the route."""
        summary, answered = "Send many leads again, give them an owner, or set their follow-up", {200: SUMMARY}
        add(app, "POST", "/v1/leads/bulk", self.act_on_leads, tag="Leads", summary=summary, responses=answered)

    async def act_on_leads(self, body: BulkBody, caller: Reader, language: Asked) -> BulkResult:
        """Each lead is answered for itself, another publisher's as one that is not there. To repeat it does no harm."""
        if not caller.may(Permission.CHANGE, caller.publisher_id):
            raise forbidden(_("A key of role reader may only read."))
        return await self._selection.carry_out(
            [str(each) for each in body.lead_ids],
            body.order(),
            by=caller.name,
            publisher_id=caller.publisher_id,
            dry_run=body.dry_run,
            language=language,
        )
