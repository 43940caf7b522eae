"""The few calls of Microsoft's ingestion API that a client of Cloud Partner Portal makes beside it.

Microsoft's own command line looks an offer up there before it makes it, and reads and releases its submission there:
``facts/microsoft-leads.md`` 4.6.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

from fastapi import FastAPI, Path, Query
from pydantic import BaseModel

from leadkeeper.access.keys import Caller
from leadkeeper.doors.cloud_partner.callers import SignedIn
from leadkeeper.doors.cloud_partner.errors import ERRORS
from leadkeeper.offer import OfferRef
from leadkeeper.problem import Problem, ProblemType
from leadkeeper.publishing.catalogue import Catalogue
from leadkeeper.publishing.operations import Operation
from leadkeeper.publishing.publication import Publication
from leadkeeper.publishing.steps import OperationKind, OperationState
from leadkeeper.publishing.versions import Offer

_PRODUCTS: Final = "/v1.0/ingestion/products"
_BY_ID: Final = re.compile(r"externalids/any\(i:i/type eq 'azureofferid' and i/value eq '([^']*)'\)", re.IGNORECASE)
_TAG: Final = "Cloud Partner Portal"

ProductId = Annotated[str, Path(alias="productId", max_length=260, examples=["contoso.crm-pro"])]


class ExternalId(BaseModel):
    """The offer's id."""

    type: str = "AzureOfferId"
    value: str


class Product(BaseModel):
    """An offer as the ingestion API names it."""

    resourceType: str
    name: str
    externalIDs: list[ExternalId]
    isModularPublishing: bool = True
    id: str


class Products(BaseModel):
    """The offers that were asked for."""

    value: list[Product]


class Submission(BaseModel):
    """An operation as the ingestion API names it."""

    resourceType: str = "Submission"
    id: str
    state: str
    substate: str


class Submissions(BaseModel):
    """An offer's operations, newest first."""

    value: list[Submission]


class Ingestion:
    """``/v1.0/ingestion/products``. A product's id is ``publisher.offer``."""

    def __init__(self, catalogue: Catalogue, publication: Publication) -> None:
        self._catalogue = catalogue
        self._publication = publication

    def serve_on(self, app: FastAPI) -> None:
        """Add the routes."""
        more: dict[str, Any] = {"tags": [_TAG], "responses": ERRORS}
        app.add_api_route(_PRODUCTS, self.list_products, methods=["GET"], summary="Find offers", **more)
        path = f"{_PRODUCTS}/{{productId}}/submissions"
        app.add_api_route(path, self.list_product_submissions, methods=["GET"], summary="List submissions", **more)
        path = f"{path}/{{submissionId}}/promote"
        app.add_api_route(path, self.promote, methods=["POST"], summary="Go live", status_code=202, **more)

    async def list_products(
        self, caller: SignedIn, filter: Annotated[str | None, Query(alias="$filter", max_length=1000)] = None
    ) -> Products:
        """`$filter` by the offer's id, as clients write it; other filters are left aside."""
        wanted = None if filter is None else _BY_ID.search(filter)
        found = await self._catalogue.offers(caller.publisher_id)
        return Products(value=[_product(offer) for offer in found if wanted is None or offer.id == wanted[1]])

    async def list_product_submissions(self, product_id: ProductId, caller: SignedIn) -> Submissions:
        """Newest first."""
        found = await self._publication.operations(_offer(product_id, caller))
        return Submissions(value=[_submission(operation) for operation in found])

    async def promote(
        self, product_id: ProductId, submission_id: Annotated[str, Path(alias="submissionId")], caller: SignedIn
    ) -> Submission:
        """The preview that waits goes live."""
        offer = _offer(product_id, caller)
        await self._publication.operation(offer, submission_id)
        return _submission(await self._publication.go_live(offer, by=caller.name))


def _offer(product_id: str, caller: Caller) -> OfferRef:
    try:
        offer = OfferRef.parse(product_id)
    except ValueError:
        raise Problem(ProblemType.NOT_FOUND, "There is no such product.") from None
    if not caller.may_see(offer.publisher_id):
        raise Problem(ProblemType.FORBIDDEN, "User does not have the required permissions")
    return offer


def _product(offer: Offer) -> Product:
    virtual_machine = offer.offer_type == "microsoft-azure-virtualmachines"
    kind = "AzureThirdPartyVirtualMachine" if virtual_machine else offer.offer_type
    return Product(resourceType=kind, name=offer.id, externalIDs=[ExternalId(value=offer.id)], id=str(offer.ref))


def _submission(operation: Operation) -> Submission:
    is_publish = operation.kind is OperationKind.PUBLISH
    done = ("InProgress", "ReadyToPublish") if is_publish else ("Published", "InStore")
    states = {
        OperationState.RUNNING: ("InProgress", "Submitted" if is_publish else "Publishing"),
        OperationState.COMPLETED: done,
        OperationState.FAILED: ("InProgress", "Failed"),
        OperationState.CANCELED: ("InProgress", "InDraft"),
    }
    state, substate = states[operation.state]
    return Submission(id=operation.id, state=state, substate=substate)
