"""Texts are made normal once, at intake, for every door."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadkeeper.intake.new_lead import NewLead
from leadkeeper.intake.normal import normal_address, normalised
from leadkeeper.lead import Customer
from leadkeeper.offer import OfferRef

LEAD: Final = NewLead(OfferRef("northwind", "planner"), "SPZA", "PLT", Customer("Rosa", "Lima"))


@pytest.mark.parametrize(
    "came",
    [
        " rosa@northwind.example",
        "rosa@northwind.example\t\r\n",
        "Rosa Lima <rosa@northwind.example>",
        '"Lima, Rosa" <rosa@northwind.example>',
        "<rosa@northwind.example>",
        "\u00a0rosa@northwind.example",
        "rosa@northwind.example\u00a0",
        "\u200brosa@northwind.example",
        "rosa@northwind.example\u200b\ufeff",
        "\u2060 rosa@northwind.example \u200d",
        "mailto:rosa@northwind.example",
        "rosa@north\u200bwind.example",
        "rosa\uff20northwind.example",
        "rosa@northwind.example.",
    ],
)
def test_an_address_is_kept_as_it_is_meant(came: str) -> None:
    lead = normalised(replace(LEAD, customer=Customer("Rosa", "Lima", came)))
    assert lead.customer == Customer("Rosa", "Lima", "rosa@northwind.example")
    assert lead.extra == {"asReceived": {"email": came}}
    assert normalised(lead) == lead


@pytest.mark.parametrize(
    "text", ["", "rosa@northwind.example", "Rosa.Lima+x@Northwind.example", "rosa", "a b@c", "a@b@c"]
)
def test_others_stay_as_they_came(text: str) -> None:
    assert normal_address(text) == text


def test_ends_of_the_other_fields() -> None:
    came = Customer(" Rosa\u00a0", "\u200bLima", "", "+55 ", "BR", "Northwind\u200b", " ")
    lead = normalised(replace(LEAD, customer=came, campaign=" winter\ufeff", extra={"asReceived": "x"}))
    assert lead.customer == Customer("Rosa", "Lima", "", "+55", "BR", "Northwind", "")
    assert lead.campaign == "winter"
    assert lead.extra["asReceived"] == "x"
    assert lead.extra["asReceived_"] == {
        "firstName": " Rosa\u00a0",
        "lastName": "\u200bLima",
        "phone": "+55 ",
        "company": "Northwind\u200b",
        "title": " ",
        "campaign": " winter\ufeff",
    }


def test_what_is_normal_is_the_same_lead() -> None:
    lead = replace(LEAD, customer=Customer("Rosa", "da Silva", "rosa@northwind.example", "+55 11"), description=" a ")
    assert normalised(lead) is lead


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8"), max_size=60))
def test_any_text_becomes_normal_once(text: str) -> None:
    once = normal_address(text)
    assert normal_address(once) == once
