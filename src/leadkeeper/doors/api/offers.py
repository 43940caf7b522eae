"""Offers."""

from __future__ import annotations

from fastapi import FastAPI, Response
from pydantic import Field

from leadkeeper.doors.api.resource import add
from leadkeeper.doors.api.schemas import OfferBody
from leadkeeper.doors.api.security import Offer, Owner, PublisherId
from leadkeeper.problem import ProblemType
from leadkeeper.publishing.catalogue import Catalogue
from leadkeeper.views import View


class OfferView(View):
    """An offer; only a live one takes leads."""

    publisher_id: str
    id: str
    title: str
    offer_type: str
    live: bool
    created_at: str = Field(alias="createdTime")
    changed_at: str = Field(alias="changedTime")


class OfferList(View):
    """Offers by id."""

    offers: list[OfferView]


class Offers:
    """``/v1/publishers/{publisherId}/offers``."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def serve_on(self, app: FastAPI) -> None:
        """Add the routes."""
        tag, every = "Publishers and offers", "/v1/publishers/{publisherId}/offers"
        one = every + "/{offerId}"
        publisher, offer = ProblemType.UNKNOWN_PUBLISHER, ProblemType.UNKNOWN_OFFER
        add(app, "GET", every, self.list_offers, publisher, tag=tag, summary="List a publisher's offers")
        add(app, "GET", one, self.get_offer, offer, tag=tag, summary="Read an offer")
        created = {201: {"description": "Created.", "model": OfferView}}
        summary = "Create or change an offer"
        add(app, "PUT", one, self.put_offer, publisher, tag=tag, summary=summary, responses=created)

    async def list_offers(self, publisher_id: PublisherId, _: Owner) -> OfferList:
        """For an operator, or the publisher."""
        found = await self._catalogue.offers(publisher_id)
        return OfferList(offers=[OfferView.model_validate(offer) for offer in found])

    async def get_offer(self, offer: Offer, _: Owner) -> OfferView:
        """For an operator, or the publisher."""
        return OfferView.model_validate(await self._catalogue.offer(offer))

    async def put_offer(self, offer: Offer, body: OfferBody, caller: Owner, response: Response) -> OfferView:
        """For an operator, or the publisher."""
        put, is_new = await self._catalogue.put_offer(
            offer, title=body.title, offer_type=body.offer_type, live=body.live, by=caller.name
        )
        response.status_code = 201 if is_new else 200
        return OfferView.model_validate(put)
