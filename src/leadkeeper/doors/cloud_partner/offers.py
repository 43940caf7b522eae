"""Offers as Cloud Partner Portal lists, shows and takes them.

Source: ``docs/reference/vendors/marketplace.md#cloud-partner-portal-api``.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

from fastapi import FastAPI, Header, Path, Query
from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pydantic.config import JsonDict

from leadkeeper.connections.connection import Connection
from leadkeeper.connections.connections import Connections
from leadkeeper.connections.resource import Stored
from leadkeeper.doors.cloud_partner.callers import AnyCaller, Offer, Owner, PublisherId
from leadkeeper.doors.cloud_partner.errors import ERRORS, invalid_field
from leadkeeper.doors.cloud_partner.lead_configuration import (
    destination_key,
    lead_configuration,
    read_lead_configuration,
)
from leadkeeper.model_errors import TYPE_FILTER
from leadkeeper.offer import PRIMARY, OfferRef
from leadkeeper.problem import FieldError, Problem, ProblemType, unknown_offer
from leadkeeper.publishing.catalogue import OfferCatalogue
from leadkeeper.publishing.offer_types import OFFER_TYPES
from leadkeeper.publishing.precondition import Precondition
from leadkeeper.publishing.publication import Publication
from leadkeeper.publishing.steps import OfferStatus
from leadkeeper.publishing.versions import Offer as StoredOffer
from leadkeeper.publishing.versions import OfferVersion, Slot, definition_etag
from leadkeeper.texts import lazy_gettext

_OFFERS: Final = "/api/publishers/{publisherId}/offers"
_FILTER: Final = re.compile(r"offerTypeId eq '([^']*)'")
IfMatch = Annotated[str | None, Header(description="The eTag that the offer must still have; `*` for any.")]
TAG: Final = "Cloud Partner Portal"


class Definition(BaseModel):
    """What the publisher says of the offer."""

    model_config = ConfigDict(extra="allow")

    displayText: str | None = Field(None, max_length=500, examples=["Contoso CRM Pro"])
    offer: dict[str, JsonValue] = Field(default_factory=dict, description="Properties, lead configuration among them.")
    plans: list[JsonValue] = Field(default_factory=list)


_EXAMPLE: Final[JsonDict] = {
    "publisherId": "contoso",
    "offerTypeId": "saas",
    "id": "crm-pro",
    "definition": {
        "displayText": "Contoso CRM Pro",
        "offer": {
            "microsoft-azure-marketplace.summary": "Customers, well kept.",
            "microsoft-azure-marketplace.description": "A CRM for small sales teams.",
            "microsoft-azure-marketplace.callToAction": "contact-me",
            "microsoft-azure-marketplace.leadDestination": "None",
        },
        "plans": [],
    },
}


class OfferBody(BaseModel):
    """An offer as it is sent; what is not said here is not kept."""

    model_config = ConfigDict(extra="ignore", json_schema_extra={"example": _EXAMPLE})

    publisherId: str | None = None
    id: str | None = None
    offerTypeId: str | None = Field(None, max_length=128, examples=["saas"])
    definition: Definition


class Summary(BaseModel):
    """The definition in a list."""

    displayText: str


class OfferSummary(BaseModel):
    """An offer in a list."""

    publisherId: str
    offerTypeId: str
    id: str
    status: str
    version: int
    definition: Summary
    changedTime: str


class ShownDefinition(BaseModel):
    """The definition, whole."""

    displayText: str
    offer: dict[str, Any]
    plans: list[Any]


class ShownOffer(BaseModel):
    """An offer, whole. Secrets are never shown."""

    publisherId: str
    offerTypeId: str
    id: str
    offerTypeVersions: dict[str, int]
    definition: ShownDefinition
    eTag: str = Field(description="Changes with the draft, and with the settings of the lead destination.")
    version: int
    status: str
    changedTime: str


class OfferTypeView(BaseModel):
    """A type of offers."""

    offerTypeId: str
    displayText: str
    leadDestination: str = Field(description="always, contactMe or optional; one with a test drive needs it always.")


class Offers:
    """``/api/publishers/{publisherId}/offers`` and ``/api/offerTypes``."""

    def __init__(self, catalogue: OfferCatalogue, publication: Publication, connections: Connections) -> None:
        self._catalogue = catalogue
        self._publication = publication
        self._connections = connections
        self._destinations = connections.destinations

    def serve_on(self, app: FastAPI) -> None:
        """Add the routes."""
        one = _OFFERS + "/{offerId}"
        more: dict[str, Any] = {"tags": [TAG], "responses": ERRORS}
        app.add_api_route(_OFFERS, self.list_offers, methods=["GET"], summary="List offers", **more)
        app.add_api_route(one, self.get_offer, methods=["GET"], summary="Show an offer's draft", **more)
        app.add_api_route(one, self.put_offer, methods=["PUT"], summary="Create or change an offer", **more)
        path = one + "/versions/{version}"
        app.add_api_route(path, self.get_version, methods=["GET"], summary="Show one version of an offer", **more)
        path = one + "/slot/{slot}"
        app.add_api_route(path, self.get_slot, methods=["GET"], summary="Show what a slot holds", **more)
        path = "/api/offerTypes"
        app.add_api_route(path, self.list_types, methods=["GET"], summary="List the types of offers", **more)

    async def list_offers(
        self,
        publisher_id: PublisherId,
        _: Owner,
        filter: Annotated[
            str | None, Query(alias="$filter", pattern=TYPE_FILTER, examples=["offerTypeId eq 'saas'"])
        ] = None,
    ) -> list[OfferSummary]:
        """By id; `$filter` by one type."""
        found = await self._catalogue.offers(publisher_id)
        wanted = None if filter is None else _FILTER.fullmatch(filter)
        shown = [offer for offer in found if wanted is None or offer.offer_type == wanted[1]]
        statuses = await self._publication.statuses(shown)
        return [_summary(offer, statuses[offer.ref]) for offer in shown]

    async def get_offer(self, offer: Offer, _: Owner) -> ShownOffer:
        """The draft."""
        return await self._slot(offer, Slot.DRAFT)

    async def get_slot(self, offer: Offer, slot: Annotated[str, Path(examples=["Preview"])], _: Owner) -> ShownOffer:
        """Draft, Preview or Production; a slot that holds nothing is not found."""
        named = {each.value.casefold(): each for each in Slot}.get(slot.casefold())
        if named is None:
            raise Problem(ProblemType.NOT_FOUND, "There is no such slot. Use Draft, Preview or Production.")
        return await self._slot(offer, named)

    async def get_version(self, offer: Offer, version: Annotated[int, Path(ge=1, lt=2**31)], _: Owner) -> ShownOffer:
        """Versions grow with each publishing."""
        found, there = await self._catalogue.version(offer, version)
        return await self._shown(found, there)

    async def put_offer(self, offer: Offer, body: OfferBody, caller: Owner, if_match: IfMatch = None) -> ShownOffer:
        """Changes the draft, and at once the lead destination. A secret that is not sent stays as it is."""
        for name, reason, meant in (
            ("publisherId", body.publisherId, offer.publisher_id),
            ("id", body.id, offer.offer_id),
        ):
            if reason is not None and reason != meant:
                raise invalid_field(
                    FieldError(
                        name,
                        lazy_gettext(
                            "is '%(given)s' in the body and '%(meant)s' in the address", given=reason[:100], meant=meant
                        ),
                    )
                )
        stored = await self._stored(offer)
        try:
            properties, leads = read_lead_configuration(body.definition.offer, stored, self._destinations)
        except ValueError as error:
            raise invalid_field(
                FieldError(f"definition.offer.{destination_key(body.definition.offer, self._destinations)}", str(error))
            ) from None
        definition = body.definition.model_dump() | {"offer": properties}
        put, _ = await self._catalogue.put_definition(
            offer,
            offer_type=await self._type(offer, body.offerTypeId),
            definition=definition,
            lead_settings=leads,
            precondition=Precondition(None if if_match == "*" else if_match),  # `*`: whoever writes last wins
            by=caller.name,
            trusted=caller.is_operator,
        )
        return await self._slot(put.ref, Slot.DRAFT)

    async def list_types(self, _: AnyCaller) -> list[OfferTypeView]:
        """Offers of other types are taken too."""
        return [
            OfferTypeView(offerTypeId=each.id, displayText=each.title, leadDestination=each.need)
            for each in OFFER_TYPES
        ]

    async def _type(self, offer: OfferRef, named: str | None) -> str:
        if named:
            return named
        try:
            return (await self._catalogue.offer(offer)).offer_type
        except Problem as problem:
            if problem.type is not ProblemType.UNKNOWN_OFFER:
                raise
            message = "The argument: 'OfferTypeId' cannot be null or empty."
            raise Problem(ProblemType.INVALID_REQUEST, message, (FieldError("offerTypeId", "is missing"),)) from None

    async def _primary(self, offer: OfferRef) -> Connection | None:
        try:
            return await self._connections.get(offer, PRIMARY)
        except Problem:
            return None  # the offer is new

    async def _stored(self, offer: OfferRef) -> Stored | None:
        connection = await self._primary(offer)
        return None if connection is None else connection.changed.stored

    async def _slot(self, offer: OfferRef, slot: Slot) -> ShownOffer:
        found, there = await self._catalogue.slot(offer, slot)
        if there is None:
            raise Problem(
                ProblemType.NOT_FOUND,
                lazy_gettext("The offer %(offer)s has nothing in the slot %(slot)s.", offer=offer, slot=slot),
            )
        return await self._shown(found, there)

    async def _shown(self, offer: StoredOffer, version: OfferVersion | None) -> ShownOffer:
        if version is None:
            raise unknown_offer(offer.ref)
        definition = version.definition
        properties = definition.get("offer", {})
        primary = await self._primary(offer.ref)  # once, so that the eTag is that of the settings that are shown
        stored = None if primary is None else primary.changed.stored
        leads = lead_configuration(stored, properties, self._destinations)
        return ShownOffer(
            publisherId=offer.publisher_id,
            offerTypeId=offer.offer_type,
            id=offer.id,
            offerTypeVersions={},
            definition=ShownDefinition(
                displayText=definition.get("displayText") or "",
                offer={**properties, **leads},
                plans=definition.get("plans", []),
            ),
            eTag=definition_etag(offer, primary),
            version=version.number,
            status=(await self._publication.status(offer.ref)).status,
            changedTime=version.changed_at,
        )


def _summary(offer: StoredOffer, status: OfferStatus) -> OfferSummary:
    return OfferSummary(
        publisherId=offer.publisher_id,
        offerTypeId=offer.offer_type,
        id=offer.id,
        status=status,
        version=offer.draft_version,
        definition=Summary(displayText=offer.title),
        changedTime=offer.changed_at,
    )
