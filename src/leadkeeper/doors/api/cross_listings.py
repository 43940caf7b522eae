"""Offers shown on one another's pages, by agreement of both publishers."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import FastAPI, Path
from pydantic import Field

from leadkeeper.doors.api.resource import add
from leadkeeper.doors.api.security import Offer, Owner
from leadkeeper.offer import OFFER_ID, PUBLISHER_ID, OfferRef
from leadkeeper.problem import FieldError, Problem, ProblemType
from leadkeeper.publishing.cross_listing import CrossListing, CrossListings
from leadkeeper.texts import lazy_gettext
from leadkeeper.views import View

_EVERY: Final = "/v1/publishers/{publisherId}/offers/{offerId}/cross-listings"
PartnerPublisher = Annotated[str, Path(alias="partnerPublisherId", pattern=PUBLISHER_ID, examples=["fabrikam"])]
PartnerOffer = Annotated[str, Path(alias="partnerOfferId", pattern=OFFER_ID, examples=["rollout-help"])]


class CrossListingView(View):
    """One pair, from this offer's side."""

    partner_publisher_id: str
    partner_offer_id: str
    agreed: bool = Field(description="Both have agreed: each is shown on the other's page while both are live.")
    agreed_time: str | None = Field(description="When this side agreed.")
    partner_agreed_time: str | None = Field(description="When the other side agreed.")

    @classmethod
    def of(cls, found: CrossListing) -> CrossListingView:
        """The view of a pair."""
        return cls(
            partner_publisher_id=found.partner.publisher_id,
            partner_offer_id=found.partner.offer_id,
            agreed=found.agreed,
            agreed_time=found.agreed_at,
            partner_agreed_time=found.partner_agreed_at,
        )


class CrossListingList(View):
    """An offer's pairs."""

    cross_listings: tuple[CrossListingView, ...]


class CrossListingRoutes:
    """``.../cross-listings``."""

    def __init__(self, cross_listings: CrossListings) -> None:
        self._cross_listings = cross_listings

    def serve_on(self, app: FastAPI) -> None:
        """Add the routes."""
        tag, offer = "Publishers and offers", ProblemType.UNKNOWN_OFFER
        one = _EVERY + "/{partnerPublisherId}/{partnerOfferId}"
        summary = "List the offers that an offer is shown beside"
        add(app, "GET", _EVERY, self.list_cross_listings, offer, tag=tag, summary=summary)
        summary = "Agree to be shown on one another's pages"
        add(app, "PUT", one, self.agree_cross_listing, offer, tag=tag, summary=summary, no_body=True)
        more = (offer, ProblemType.NOT_FOUND)
        summary = "Withdraw from it"
        add(app, "DELETE", one, self.withdraw_cross_listing, *more, tag=tag, summary=summary, status=204)

    async def list_cross_listings(self, offer: Offer, _: Owner) -> CrossListingList:
        """Those too that wait for one side."""
        found = await self._cross_listings.of(offer)
        return CrossListingList(cross_listings=tuple(CrossListingView.of(each) for each in found))

    async def agree_cross_listing(
        self, offer: Offer, partner_publisher_id: PartnerPublisher, partner_offer_id: PartnerOffer, caller: Owner
    ) -> CrossListingView:
        """For this side; the partner agrees in the same way. A customer who asks the partner is told to both."""
        partner = OfferRef(partner_publisher_id, partner_offer_id)
        return CrossListingView.of(await self._cross_listings.agree(offer, partner, by=caller.name))

    async def withdraw_cross_listing(
        self, offer: Offer, partner_publisher_id: PartnerPublisher, partner_offer_id: PartnerOffer, caller: Owner
    ) -> None:
        """Neither is shown on the other's page any more."""
        partner = OfferRef(partner_publisher_id, partner_offer_id)
        if not await self._cross_listings.withdraw(offer, partner, by=caller.name):
            detail = lazy_gettext(
                "%(offer)s has not agreed to be shown with %(partner)s.", offer=offer, partner=partner
            )
            error = FieldError("partnerOfferId", lazy_gettext("no such cross-listing"))
            raise Problem(ProblemType.NOT_FOUND, detail, (error,))
