"""The types of offers: in which store they stand, what customers can do, and whether they need a destination. Pure.

Source of the rule: ``docs/reference/vendors/marketplace.md#rules`` (the wording of 2019). Of the ids only that of
virtual machines is Microsoft's; an offer of any other type is taken too, and needs no destination unless it has a test
drive.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from leadkeeper.lead import Source
from leadkeeper.publishing.listing import CallToAction
from leadkeeper.texts import lazy_gettext


class Need(StrEnum):
    """When an offer must have a lead destination; one with a test drive always must."""

    ALWAYS = "always"
    CONTACT_ME = "contactMe"
    OPTIONAL = "optional"


@dataclass(frozen=True, slots=True)
class OfferType:
    """One type of offers; ``Language.tell`` tells its title. ``calls_to_action`` are those of one that names none."""

    id: str
    title: str
    need: Need = Need.OPTIONAL
    store: Source = Source.SPZA
    calls_to_action: tuple[CallToAction, ...] = (CallToAction.CONTACT_ME,)


_IN_AZURE: Final = (CallToAction.GET_IT_NOW, CallToAction.CREATE)

OFFER_TYPES: Final = (
    OfferType("saas", lazy_gettext("Software as a service"), Need.CONTACT_ME),
    OfferType("dynamics-365-customer-engagement", lazy_gettext("Dynamics 365 Customer Engagement"), Need.CONTACT_ME),
    OfferType("dynamics-365-operations", lazy_gettext("Dynamics 365 Operations"), Need.ALWAYS),
    OfferType("dynamics-365-business-central", lazy_gettext("Dynamics 365 Business Central"), Need.ALWAYS),
    OfferType("consulting-services", lazy_gettext("Consulting service"), Need.ALWAYS),
    OfferType("power-bi-app", lazy_gettext("Power BI app")),
    OfferType("office-add-in", lazy_gettext("Office add-in"), calls_to_action=(CallToAction.GET_IT_NOW,)),
    OfferType(
        "microsoft-azure-virtualmachines",
        lazy_gettext("Virtual machine"),
        store=Source.AZURE_MARKETPLACE,
        calls_to_action=_IN_AZURE,
    ),
    OfferType(
        "azure-application",
        lazy_gettext("Azure application"),
        store=Source.AZURE_MARKETPLACE,
        calls_to_action=_IN_AZURE,
    ),
    OfferType(
        "azure-container", lazy_gettext("Azure container"), store=Source.AZURE_MARKETPLACE, calls_to_action=_IN_AZURE
    ),
    OfferType(
        "managed-service", lazy_gettext("Managed service"), store=Source.AZURE_MARKETPLACE, calls_to_action=_IN_AZURE
    ),
)
_BY_ID: Final = {offer_type.id.casefold(): offer_type for offer_type in OFFER_TYPES}


def offer_type(id: str) -> OfferType:
    """The type of this id; one of its own for an id that is not in the list."""
    return _BY_ID.get(id.casefold()) or OfferType(id, id)


def type_word(id: str) -> str | None:
    """What people call the type of this id; ``None`` for one that is not in the list."""
    known = _BY_ID.get(id.casefold())
    return None if known is None else known.title


def calls_of(offer_type_id: str, calls: tuple[CallToAction, ...]) -> tuple[CallToAction, ...]:
    """What customers can do with an offer of this type that names ``calls``."""
    return calls or offer_type(offer_type_id).calls_to_action


def destination_required(offer_type_id: str, calls: Collection[CallToAction]) -> bool:
    """Whether an offer of this type with these calls to action (see :func:`calls_of`) must have a lead destination."""
    need = offer_type(offer_type_id).need
    if need is Need.ALWAYS or CallToAction.TEST_DRIVE in calls:
        return True
    return need is Need.CONTACT_ME and CallToAction.CONTACT_ME in calls
