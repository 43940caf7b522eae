"""What publishing an offer would change, the offers that wait for an operator's word, and withdrawing one."""

from __future__ import annotations

from typing import Final

from fastapi import FastAPI
from pydantic import Field

from leadkeeper.doors.api.offers import OfferView
from leadkeeper.doors.api.paging import Paged
from leadkeeper.doors.api.publishing import OperationView
from leadkeeper.doors.api.resource import add
from leadkeeper.doors.api.security import Offer, Operator, Owner
from leadkeeper.problem import ProblemType
from leadkeeper.publishing.difference import FieldChange, Part
from leadkeeper.publishing.differences import Differences, Waiting
from leadkeeper.publishing.publication import Publication
from leadkeeper.views import View

_TAG: Final = "Publishing"
_OFFER: Final = "/v1/publishers/{publisherId}/offers/{offerId}"


class ChangeView(View):
    """One field: what customers have, and what they would have."""

    part: Part
    field: str = Field(description="A destination's field begins with its connection's name.")
    old: str | None = Field(description="Masked where it is a secret; null where there is nothing.")
    new: str | None
    secret: bool


class DifferenceView(View):
    """What publishing the draft would change for customers."""

    differs: bool
    changes: tuple[ChangeView, ...]

    @classmethod
    def of(cls, changes: tuple[FieldChange, ...]) -> DifferenceView:
        """The view of these changes."""
        return cls(differs=bool(changes), changes=tuple(map(ChangeView.model_validate, changes)))


class CertificationView(View):
    """An offer that waits for an operator's word."""

    publisher_id: str
    offer_id: str
    title: str
    operation: OperationView
    changes: tuple[ChangeView, ...] = Field(description="What it would change for customers.")

    @classmethod
    def of(cls, waiting: Waiting) -> CertificationView:
        """The view of one that waits."""
        offer = waiting.offer
        return cls(
            publisher_id=offer.publisher_id,
            offer_id=offer.id,
            title=offer.title,
            operation=OperationView.of(waiting.operation),
            changes=tuple(map(ChangeView.model_validate, waiting.changes)),
        )


class CertificationList(View):
    """Who waits longest stands first."""

    certifications: tuple[CertificationView, ...]
    next_cursor: str | None = Field(None, description="Where the next page begins; null on the last.")


class DifferenceRoutes:
    """``.../difference``, ``.../withdraw`` and ``/v1/certifications``."""

    def __init__(self, differences: Differences, publication: Publication) -> None:
        self._differences = differences
        self._publication = publication

    def serve_on(self, app: FastAPI) -> None:
        """Add the routes."""
        p = ProblemType
        unknown, damaged, summary = p.UNKNOWN_OFFER, p.RECORD_DAMAGED, "See what publishing would change"
        add(app, "GET", f"{_OFFER}/difference", self.get_difference, unknown, damaged, tag=_TAG, summary=summary)
        problems, summary = (unknown, p.NOT_POSSIBLE_NOW, p.OPERATION_RUNNING), "Withdraw an offer"
        path = f"{_OFFER}/withdraw"
        add(app, "POST", path, self.withdraw_offer, *problems, tag=_TAG, summary=summary, no_body=True)
        summary = "List the offers that wait for an operator's word"
        add(app, "GET", "/v1/certifications", self.list_certifications, p.RECORD_DAMAGED, tag=_TAG, summary=summary)

    async def get_difference(self, offer: Offer, _: Owner) -> DifferenceView:
        """Between what customers have and the draft, field by field, with settings of destinations that wait."""
        return DifferenceView.of(await self._differences.of(offer))

    async def withdraw_offer(self, offer: Offer, caller: Owner) -> OfferView:
        """Customers no longer see it in the storefront; leads from elsewhere are still taken."""
        return OfferView.model_validate((await self._publication.withdraw(offer, by=caller.name)).offer)

    async def list_certifications(self, page: Paged, _: Operator) -> CertificationList:
        """For operators. Where `LEADKEEPER_CERTIFICATION=automatic`, none ever waits."""
        found = await self._differences.waiting(after=page.cursor, limit=page.asked)
        shown, following = page.cut(found, lambda each: each.operation.id)
        return CertificationList(certifications=tuple(map(CertificationView.of, shown)), next_cursor=following)
