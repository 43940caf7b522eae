"""What a customer did in the storefront, as the leads that it makes. Pure.

Source: ``docs/reference/vendors/marketplace.md#lead-source``: a button that gets the offer makes ``INS``, contact me
``PLT``, a test drive ``StartTestDrive``, buying in the portal ``Create``. No code is documented for a free trial: the
customer gets the offer, so it is ``INS``, and its description says what was asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from leadkeeper.intake.consent import Consent
from leadkeeper.intake.new_lead import NewLead
from leadkeeper.lead import Action, Customer, Source
from leadkeeper.offer import OfferRef
from leadkeeper.publishing.listing import CallToAction
from leadkeeper.publishing.offer_types import offer_type

PREVIEW_NOTE: Final = "Made from the offer's preview, before customers could see it."
FREE_TRIAL_NOTE: Final = "The customer asked for a free trial."

_ACTIONS: Final[Mapping[CallToAction, Action]] = {
    CallToAction.GET_IT_NOW: Action.INSTALL,
    CallToAction.FREE_TRIAL: Action.INSTALL,
    CallToAction.CONTACT_ME: Action.CONTACT_ME,
    CallToAction.TEST_DRIVE: Action.START_TEST_DRIVE,
    CallToAction.CREATE: Action.CREATE,
}
_SOURCES: Final[Mapping[CallToAction, Source]] = {
    CallToAction.CONTACT_ME: Source.SPZA,
    CallToAction.TEST_DRIVE: Source.TEST_DRIVE,
    CallToAction.CREATE: Source.AZURE_PORTAL,
}
"""Where that is always so; what gets an offer stands in the store of its type."""


@dataclass(frozen=True, slots=True)
class Acted:
    """A form that a customer sent, with consent. ``form_id`` tells this form from all others."""

    offer: OfferRef
    offer_type: str
    call: CallToAction
    customer: Customer
    form_id: str
    notes: str = ""
    campaign: str = ""
    preview: bool = False
    consent: Consent | None = None


def lead_of(acted: Acted) -> NewLead:
    """The lead that the action makes."""
    call = acted.call
    return NewLead(
        offer=acted.offer,
        source=_SOURCES.get(call, offer_type(acted.offer_type).store).value,
        action=_ACTIONS[call].value,
        customer=acted.customer,
        description=_summary(acted, FREE_TRIAL_NOTE if call is CallToAction.FREE_TRIAL else ""),
        campaign=acted.campaign,
        idempotency_key=f"form:{acted.form_id}",
        preview=acted.preview,
        consent=acted.consent,
    )


def partner_leads(acted: Acted, partner: OfferRef, partner_title: str) -> tuple[NewLead, NewLead]:
    """What asking a cross-listed partner to make contact makes: ``PLT`` for the partner, and ``DNC`` for the offer.

    ``acted.offer`` is the offer on whose page the partner was asked. Its publisher only learns of it, and must not
    contact the customer, so the notes, which are for the partner, are not told.
    """
    asked = NewLead(
        offer=partner,
        source=Source.SPZA.value,
        action=Action.CONTACT_ME.value,
        customer=acted.customer,
        description=_summary(acted, ""),
        campaign=acted.campaign,
        idempotency_key=f"form:{acted.form_id}",
        preview=acted.preview,
        consent=acted.consent,
    )
    known = NewLead(
        offer=acted.offer,
        source=Source.SPZA.value,
        action=Action.DO_NOT_CONTACT.value,
        customer=acted.customer,
        description=f"Do not contact this customer, who asked your partner {partner_title} ({partner}).",
        campaign=acted.campaign,
        idempotency_key=f"form:{acted.form_id}:dnc",
        preview=acted.preview,
        consent=acted.consent,
    )
    return asked, known


def _summary(acted: Acted, first: str) -> str:
    return "\n".join(part for part in (PREVIEW_NOTE if acted.preview else "", first, acted.notes) if part)
