"""The people who are members of a publisher: who may follow up its leads, and under which id."""

from __future__ import annotations

from fastapi import FastAPI
from pydantic import Field

from leadkeeper.access.people.people import People
from leadkeeper.access.permissions import Role
from leadkeeper.doors.api.resource import add
from leadkeeper.doors.api.security import Owner, PublisherId
from leadkeeper.problem import ProblemType
from leadkeeper.publishing.catalogue import OfferCatalogue
from leadkeeper.views import View


class MemberView(View):
    """One of them."""

    id: str = Field(description="As `owner` of a lead's follow-up takes it.")
    name: str
    email: str
    role: Role
    is_disabled: bool = Field(description="Whether an operator shut this person out.")


class MemberList(View):
    """A publisher's members, by name."""

    members: tuple[MemberView, ...]


class MemberRoutes:
    """``/v1/publishers/{publisherId}/members``."""

    def __init__(self, people: People, catalogue: OfferCatalogue) -> None:
        self._people = people
        self._catalogue = catalogue

    def serve_on(self, app: FastAPI) -> None:
        """Add the route."""
        path, summary = "/v1/publishers/{publisherId}/members", "List a publisher's members"
        unknown = ProblemType.UNKNOWN_PUBLISHER
        add(app, "GET", path, self.list_members, unknown, tag="Publishers and offers", summary=summary)

    async def list_members(self, publisher_id: PublisherId, _: Owner) -> MemberList:
        """For an operator, or the publisher. People are invited on the portal's page *Members*."""
        await self._catalogue.publisher(publisher_id)
        found = await self._people.members(publisher_id)
        return MemberList(members=tuple(map(MemberView.model_validate, found)))
