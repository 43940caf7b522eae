"""What a destination answered is shown without what is the customer's, and otherwise whole."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import pytest

from leadkeeper.diagnosis import masked
from leadkeeper.lead import Customer, OutgoingLead
from leadkeeper.network.answer import Private

LEAD: Final = OutgoingLead(
    id="0199",
    created_at=datetime(2026, 11, 20, tzinfo=UTC),
    source="SPZA",
    action="PLT",
    lead_source="SPZA-PLT|northwind.planner",
    publisher_id="northwind",
    publisher_name="Northwind",
    offer_id="planner",
    offer_title="Planner",
    customer=Customer("Rosa", "Lima", "rosa@company.com", "+55 11 5555-0101", "BR", "We", "Me"),
    description="Please call.",
)
WORDS: Final = (
    "We recommend that you comply: the component is not complete, comment on it.",
    "The message was welcome; answered by the server.",
    "Prosaic words, and limas, are no names.",
)


@pytest.mark.parametrize("text", WORDS)
def test_words_are_not_taken_apart(text: str) -> None:
    lead = replace(LEAD, customer=replace(LEAD.customer, company="Com", title="Net"))
    assert Private(lead).mask(text) == text


def test_we_recommend() -> None:
    """The customer's address ends in .com, which stands within *recommend*."""
    text = "We recommend that you use a current version."
    lead = replace(LEAD, customer=Customer("Rosa", "Lima", "rosa@northwind.com"))
    assert Private(lead).mask(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "Lead of Rosa Lima is not valid",
        "last_name=LIMA",
        "lastName: 'lima'",
        '{"LastName":"Lima"}',
        "%22Lima%22",
        "rosalima@northwind.example",
        "rosa@company.com is taken",
        "rosa_lima",
        "no lead for +55 11 5555-0101",
        "no lead for 551155550101",
        "Please call. is too long",
        "cut off: lease call",
    ],
)
def test_what_is_the_customer_s_is_not_shown(text: str) -> None:
    shown = Private(LEAD).mask(text).casefold()
    for private in ("lima", "rosa", "5555", "11555501", "se call"):
        assert private not in shown, shown


def test_a_secret_is_masked_even_within_a_word() -> None:
    assert "abcd" not in Private(None, ["abcd"]).mask("xabcdx")


def test_texts_given_to_be_masked_are_masked_within_words_too() -> None:
    assert masked("xx-secretvalue-xx", ("secretvalue",)) == "xx-***-xx"
