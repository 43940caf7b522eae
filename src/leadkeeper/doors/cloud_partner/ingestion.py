"""The few calls of Microsoft's ingestion API that a client of Cloud Partner Portal makes beside it.

Microsoft's own command line looks an offer up there before it makes it, and reads and releases its submission there:
``docs/reference/vendors/marketplace.md#clients-of-that-api``.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

from fastapi import FastAPI, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from leadkeeper.access.permissions import Caller
from leadkeeper.connections.connections import Connections
from leadkeeper.doors.cloud_partner.callers import SignedIn
from leadkeeper.doors.cloud_partner.errors import ERRORS
from leadkeeper.doors.cloud_partner.ingestion_leads import by_their_names, read_configuration, show_configuration
from leadkeeper.offer import PRIMARY, OfferRef
from leadkeeper.problem import Problem, ProblemType
from leadkeeper.publishing.catalogue import OfferCatalogue
from leadkeeper.publishing.operations import Operation
from leadkeeper.publishing.publication import Publication
from leadkeeper.publishing.steps import OperationKind, OperationState
from leadkeeper.publishing.versions import Offer

_PRODUCTS: Final = "/v1.0/ingestion/products"
_BY_ID: Final = re.compile(r"externalids/any\(i:i/type eq 'azureofferid' and i/value eq '([^']*)'\)", re.IGNORECASE)
_BY_TYPE: Final = re.compile(r"resourcetype eq '([^']*)'", re.IGNORECASE)
_TAG: Final = "Cloud Partner Portal"
RESOURCE_TYPES: Final = {
    "saas": "SoftwareAsAService",
    "azure-application": "AzureApplication",
    "microsoft-azure-applications": "AzureApplication",
    "microsoft-azure-virtualmachines": "AzureThirdPartyVirtualMachine",
    "azure-container": "AzureContainer",
    "microsoft-azure-container": "AzureContainer",
    "dynamics-365-customer-engagement": "AzureDynamics365ForCustomerEngagement",
    "dynamics-365-operations": "AzureDynamics365ForOperations",
    "dynamics-365-business-central": "AzureDynamics365BusinessCentral",
}
"""The types of offers as Microsoft's enumeration names products; one that it lacks keeps its own name."""

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


class LeadConfiguration(BaseModel):
    """Where leads go: ``resourceType`` says which of the other properties count."""

    model_config = ConfigDict(extra="allow")

    resourceType: str = Field("", examples=["SalesForceLeadConfiguration"])
    contactEmail: str | None = Field(None, description="Addresses joined by `;`.")
    dailyDigestEmailContacts: list[str] | None = None


class Ingestion:
    """``/v1.0/ingestion/products``. A product's id is ``publisher.offer``."""

    def __init__(self, catalogue: OfferCatalogue, publication: Publication, connections: Connections) -> None:
        self._catalogue = catalogue
        self._publication = publication
        self._connections = connections

    def serve_on(self, app: FastAPI) -> None:
        """Add the routes."""
        more: dict[str, Any] = {"tags": [_TAG], "responses": ERRORS}
        app.add_api_route(_PRODUCTS, self.list_products, methods=["GET"], summary="Find offers", **more)
        one = f"{_PRODUCTS}/{{productId}}"
        app.add_api_route(one, self.get_product, methods=["GET"], summary="Show a product", **more)
        path = f"{one}/leadconfiguration"
        shown = {"response_model": LeadConfiguration, "response_model_exclude_unset": True, **more}
        app.add_api_route(path, self.get_lead_configuration, methods=["GET"], summary="Show lead settings", **shown)
        app.add_api_route(path, self.set_lead_configuration, methods=["POST"], summary="Set lead settings", **shown)
        path = f"{_PRODUCTS}/{{productId}}/submissions"
        app.add_api_route(path, self.list_product_submissions, methods=["GET"], summary="List submissions", **more)
        path = f"{path}/{{submissionId}}/promote"
        app.add_api_route(path, self.promote, methods=["POST"], summary="Go live", status_code=202, **more)

    async def list_products(
        self, caller: SignedIn, filter: Annotated[str | None, Query(alias="$filter", max_length=1000)] = None
    ) -> Products:
        """`$filter` by the offer's id or by resource types, as clients write it; other filters are left aside."""
        wanted = None if filter is None else _BY_ID.search(filter)
        types = set() if filter is None else {each.casefold() for each in _BY_TYPE.findall(filter)}
        found = await self._catalogue.offers(caller.publisher_id)
        products = [_product(offer) for offer in found if wanted is None or offer.id == wanted[1]]
        return Products(value=[each for each in products if not types or each.resourceType.casefold() in types])

    async def get_product(self, product_id: ProductId, caller: SignedIn) -> Product:
        """One product."""
        return _product(await self._catalogue.offer(_offer(product_id, caller)))

    async def get_lead_configuration(self, product_id: ProductId, caller: SignedIn) -> dict[str, Any]:
        """Without secrets. Settings that wait to be proven are told."""
        return await self._shown(_offer(product_id, caller))

    async def set_lead_configuration(
        self, product_id: ProductId, body: LeadConfiguration, caller: SignedIn
    ) -> dict[str, Any]:
        """Replaces the settings. A secret that is not sent stays as it is."""
        offer = _offer(product_id, caller, changes=True)
        await self._catalogue.offer(offer)
        sent = body.model_dump(exclude_unset=True)
        before = await self._connections.get(offer, PRIMARY)
        known = self._connections.destinations
        settings = read_configuration(sent, None if before is None else before.changed.stored, known)
        try:
            await self._connections.put(offer, PRIMARY, settings, by=caller.name, trusted=caller.is_operator)
        except Problem as problem:
            raise by_their_names(problem, sent, known) from None
        return await self._shown(offer)

    async def _shown(self, offer: OfferRef) -> dict[str, Any]:
        await self._catalogue.offer(offer)
        connection = await self._connections.get(offer, PRIMARY)
        shown = None if connection is None else show_configuration(connection.changed.stored)
        if shown is None:
            raise Problem(ProblemType.NOT_FOUND, "The product has no lead configuration that this API knows.")
        return shown

    async def list_product_submissions(self, product_id: ProductId, caller: SignedIn) -> Submissions:
        """Newest first."""
        found = await self._publication.operations(_offer(product_id, caller))
        return Submissions(value=[_submission(operation) for operation in found])

    async def promote(
        self, product_id: ProductId, submission_id: Annotated[str, Path(alias="submissionId")], caller: SignedIn
    ) -> Submission:
        """The preview of that submission goes live, while it waits; another does not."""
        offer = _offer(product_id, caller, changes=True)
        await self._publication.operation(offer, submission_id)
        return _submission(await self._publication.go_live(offer, by=caller.name, seen=submission_id))


def _offer(product_id: str, caller: Caller, *, changes: bool = False) -> OfferRef:
    try:
        offer = OfferRef.parse(product_id)
    except ValueError:
        raise Problem(ProblemType.NOT_FOUND, "There is no such product.") from None
    if not (caller.may_change if changes else caller.may_see)(offer.publisher_id):
        raise Problem(ProblemType.FORBIDDEN, "User does not have the required permissions")
    return offer


def _product(offer: Offer) -> Product:
    kind = RESOURCE_TYPES.get(offer.offer_type.casefold(), offer.offer_type)
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
