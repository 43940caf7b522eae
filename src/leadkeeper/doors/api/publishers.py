"""Publishers."""

from __future__ import annotations

from fastapi import FastAPI, Response
from pydantic import Field

from leadkeeper.doors.api.paging import Paged
from leadkeeper.doors.api.resource import add
from leadkeeper.doors.api.schemas import PublisherBody, SuspensionBody
from leadkeeper.doors.api.security import Operator, Owner, PublisherId, Reader
from leadkeeper.problem import ProblemType
from leadkeeper.publishing.catalogue import OfferCatalogue
from leadkeeper.publishing.suspension import Suspensions
from leadkeeper.views import View


class PublisherView(View):
    """A publisher."""

    id: str
    display_name: str
    created_at: str = Field(alias="createdTime")
    changed_at: str = Field(alias="changedTime")
    quotas: dict[str, int] = Field(description="What it may have and do, by name; an operator changes them.")
    own_quotas: dict[str, int] = Field(description="Those of the quotas that an operator gave to it alone.")
    contact: str = Field(description="Whom an operator asks about it.")
    suspended_at: str | None = Field(
        alias="suspendedTime",
        description="Since when it may only read and takes no leads; null if it is not suspended.",
    )
    suspended_for: str = Field(description="Why it is suspended.")


class PublisherList(View):
    """Publishers by id."""

    publishers: list[PublisherView]
    next_cursor: str | None = Field(None, description="Where the next page begins; null on the last.")


class Publishers:
    """``/v1/publishers``."""

    def __init__(self, catalogue: OfferCatalogue, suspensions: Suspensions) -> None:
        self._catalogue = catalogue
        self._suspensions = suspensions

    def serve_on(self, app: FastAPI) -> None:
        """Add the routes."""
        tag, one = "Publishers and offers", "/v1/publishers/{publisherId}"
        unknown = ProblemType.UNKNOWN_PUBLISHER
        add(app, "GET", "/v1/publishers", self.list_publishers, tag=tag, summary="List publishers")
        add(app, "GET", one, self.get_publisher, unknown, tag=tag, summary="Read a publisher")
        created = {201: {"description": "Created.", "model": PublisherView}}
        add(app, "PUT", one, self.put_publisher, tag=tag, summary="Create or change a publisher", responses=created)
        suspend, release = f"{one}/suspend", f"{one}/release"
        add(app, "POST", suspend, self.suspend_publisher, unknown, tag=tag, summary="Suspend a publisher")
        add(app, "POST", release, self.release_publisher, unknown, tag=tag, summary="Release it", no_body=True)

    async def list_publishers(self, caller: Reader, page: Paged) -> PublisherList:
        """An operator sees all, a publisher itself."""
        following = None
        if caller.publisher_id is not None:
            found = [await self._catalogue.publisher(caller.publisher_id)]
        else:
            found = await self._catalogue.publishers(page.cursor, page.asked)
            found, following = page.cut(found, lambda publisher: publisher.id)
        shown = [PublisherView.model_validate(publisher) for publisher in found]
        return PublisherList(publishers=shown, next_cursor=following)

    async def get_publisher(self, publisher_id: PublisherId, _: Owner) -> PublisherView:
        """For an operator, or the publisher itself."""
        return PublisherView.model_validate(await self._catalogue.publisher(publisher_id))

    async def put_publisher(
        self, publisher_id: PublisherId, body: PublisherBody, caller: Operator, response: Response
    ) -> PublisherView:
        """For an operator."""
        quotas = None if body.quotas is None else body.quotas.given()
        publisher, is_new = await self._catalogue.put_publisher(
            publisher_id, body.display_name, quotas=quotas, contact=body.contact, by=caller.name
        )
        response.status_code = 201 if is_new else 200
        return PublisherView.model_validate(publisher)

    async def suspend_publisher(
        self, publisher_id: PublisherId, body: SuspensionBody, caller: Operator
    ) -> PublisherView:
        """For an operator. Its members and keys may only read, its offers take no leads, and what was kept is held.

        A publisher that is suspended already gets the new reason.
        """
        await self._suspensions.suspend(publisher_id, body.reason, by=caller.name)
        return PublisherView.model_validate(await self._catalogue.publisher(publisher_id))

    async def release_publisher(self, publisher_id: PublisherId, caller: Operator) -> PublisherView:
        """For an operator. It goes on, and its held leads go out; one that is not suspended stays as it is."""
        await self._suspensions.release(publisher_id, by=caller.name)
        return PublisherView.model_validate(await self._catalogue.publisher(publisher_id))
