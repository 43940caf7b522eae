"""Of whom nothing is kept, nothing is kept."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from leadkeeper.intake.new_lead import NewLead
from leadkeeper.intake.people import without_person
from leadkeeper.lead import Customer
from leadkeeper.offer import OfferRef

LEAD: Final = NewLead(
    OfferRef("northwind", "planner"),
    "SPZA",
    "PLT",
    Customer("Rosa", "Lima", "rosa@northwind.example", "+55 11 5555-0101", "BR", "Northwind", "CIO"),
    description="Please call.",
    campaign="winter",
    extra={"plan": 7, "list": [{"a": "b"}]},
    idempotency_key="order-1",
)


def test_nothing_of_the_person_is_left() -> None:
    given = replace(
        LEAD,
        source="Rosa",
        action="call Lima",
        campaign="for-rosa",
        idempotency_key="rosa@mit.edu/1",
        customer=Customer("Rosa", "Lima", "rosa@mit.edu"),
    )
    left = without_person(given)
    assert (left.offer, left.customer, left.description, left.extra) == (LEAD.offer, Customer(), "", {})
    assert not any("rosa" in text.casefold() or "lima" in text.casefold() for text in left.texts())
    assert left.idempotency_key
    assert without_person(given) == left
    assert without_person(replace(given, idempotency_key="another")).idempotency_key != left.idempotency_key


def test_what_is_nobody_s_is_left() -> None:
    left = without_person(replace(LEAD, customer=Customer(email="rosa@mit.edu"), idempotency_key=None))
    assert (left.source, left.action, left.campaign, left.idempotency_key) == ("SPZA", "PLT", "winter", None)
