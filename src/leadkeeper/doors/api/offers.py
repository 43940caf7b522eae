"""Offers."""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, Header, Response
from pydantic import Field

from leadkeeper.doors.api.paging import Paged
from leadkeeper.doors.api.resource import add
from leadkeeper.doors.api.schemas import OfferBody
from leadkeeper.doors.api.security import Offer, Owner, PublisherId
from leadkeeper.problem import ProblemType
from leadkeeper.publishing.catalogue import OfferCatalogue
from leadkeeper.publishing.precondition import Precondition
from leadkeeper.views import View


class OfferView(View):
    """An offer; only a live one takes leads. Its title is the one that customers read."""

    publisher_id: str
    id: str
    title: str
    offer_type: str
    live: bool
    created_at: str = Field(alias="createdTime")
    changed_at: str = Field(alias="changedTime")
    draft_version: int
    preview_version: int | None
    production_version: int | None = Field(description="The version in the storefront; null before it is published.")


IfMatch = Annotated[str | None, Header(description="The ETag that the draft must still have; `*` for any.")]
IfNoneMatch = Annotated[str | None, Header(description="`*`: create the offer, change none that is there.")]


class OfferList(View):
    """Offers by id."""

    offers: list[OfferView]
    next_cursor: str | None = Field(None, description="Where the next page begins; null on the last.")


class Offers:
    """``/v1/publishers/{publisherId}/offers``."""

    def __init__(self, catalogue: OfferCatalogue) -> None:
        self._catalogue = catalogue

    def serve_on(self, app: FastAPI) -> None:
        """Add the routes."""
        tag, every = "Publishers and offers", "/v1/publishers/{publisherId}/offers"
        one = every + "/{offerId}"
        publisher, offer = ProblemType.UNKNOWN_PUBLISHER, ProblemType.UNKNOWN_OFFER
        add(app, "GET", every, self.list_offers, publisher, tag=tag, summary="List a publisher's offers")
        add(app, "GET", one, self.get_offer, offer, tag=tag, summary="Read an offer")
        changed, quota = ProblemType.PRECONDITION_FAILED, ProblemType.QUOTA_EXCEEDED
        created = {201: {"description": "Created.", "model": OfferView}}
        summary = "Create or change an offer"
        add(app, "PUT", one, self.put_offer, publisher, changed, quota, tag=tag, summary=summary, responses=created)

    async def list_offers(self, publisher_id: PublisherId, _: Owner, page: Paged) -> OfferList:
        """For an operator, or the publisher."""
        found = await self._catalogue.offers(publisher_id, page.cursor, page.asked)
        found, following = page.cut(found, lambda offer: offer.id)
        return OfferList(offers=[OfferView.model_validate(offer) for offer in found], next_cursor=following)

    async def get_offer(self, offer: Offer, _: Owner, response: Response) -> OfferView:
        """For an operator, or the publisher."""
        found = await self._catalogue.offer(offer)
        response.headers["ETag"] = found.etag
        return OfferView.model_validate(found)

    async def put_offer(
        self,
        offer: Offer,
        body: OfferBody,
        caller: Owner,
        response: Response,
        if_match: IfMatch = None,
        if_none_match: IfNoneMatch = None,
    ) -> OfferView:
        """For an operator, or the publisher. Changes the offer's draft; customers read it once it is published."""
        before = Precondition(if_match, if_none_match)
        put, is_new = await self._catalogue.put_offer(offer, **body.model_dump(), precondition=before, by=caller.name)
        response.status_code = 201 if is_new else 200
        response.headers["ETag"] = put.etag
        return OfferView.model_validate(put)
