"""A known shape is read whatever its nesting and encoding; nothing of it is lost."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from leadkeeper.intake.new_lead import NewLead
from leadkeeper.intake.payload import read_payload
from leadkeeper.lead import Customer
from leadkeeper.offer import OfferRef
from leadkeeper.problem import Problem

PLANNER: Final = OfferRef("northwind", "planner")
ROSA: Final = Customer("Rosa", "Lima", "rosa@northwind.example", "+55 11 5555-0101", "BR", "Northwind", "CIO")
DETAILS: Final = {
    "FirstName": "Rosa",
    "LastName": "Lima",
    "Email": "rosa@northwind.example",
    "Phone": "+55 11 5555-0101",
    "Country": "BR",
    "Company": "Northwind",
    "Title": "CIO",
}
REST: Final = {"LeadSource": "AzureMarketplace", "ActionCode": "INS", "OfferTitle": "Northwind Planner"}
SNAKE: Final = {
    "first_name": "Rosa",
    "last-name": "Lima",
    "E-Mail": "rosa@northwind.example",
    "PHONE": "+55 11 5555-0101",
    "country": "BR",
    "Company": "Northwind",
    "title": "CIO",
}


def read(payload: object) -> NewLead:
    """The lead in ``payload``, written as JSON."""
    return read_payload(json.dumps(payload).encode(), PLANNER)


def test_details_as_text() -> None:
    lead = read({"UserDetails": json.dumps(DETAILS), **REST, "Description": ""})
    assert lead.customer == ROSA
    assert (lead.source, lead.action, lead.extra) == (
        "AzureMarketplace",
        "INS",
        {"offerTitle": "Northwind Planner"},
    )


def test_a_row_of_the_table() -> None:
    row = {
        "PartitionKey": "2026-11-20",
        "RowKey": "7d0f0d5e-2f0a-4d39-9f3f-0d0a4f7f6a11",
        "CustomerInfo": json.dumps(
            {name: DETAILS[name] for name in ("FirstName", "LastName", "Email", "Company", "Country")}
        ),
        "LeadSource": "SPZA-PLT|northwind.planner",
        "ActionCode": "PLT",
        "OfferDisplayName": "Northwind Planner",
        "Description": "Campaigns: winter",
    }
    lead = read(row)
    assert lead.customer == Customer("Rosa", "Lima", "rosa@northwind.example", "", "BR", "Northwind", "")
    assert (lead.source, lead.action, lead.campaign) == ("SPZA", "PLT", "winter")
    assert lead.extra == {
        "PartitionKey": row["PartitionKey"],
        "RowKey": row["RowKey"],
        "offerTitle": "Northwind Planner",
    }


WHOLE: Final[dict[str, Any]] = {"UserDetails": DETAILS, **REST}
SHAPES: Final[dict[str, Any]] = {
    "at the top": {**DETAILS, **REST},
    "at the top, with a list of nothing": {**DETAILS, **REST, "UserDetails": None},
    "at the top, empty details": {**DETAILS, **REST, "UserDetails": {}},
    "underscores and hyphens": {"user_details": SNAKE, "lead_source": "AzureMarketplace", "action-code": "INS"},
    "the customer of our own API": {"customer": {k[0].lower() + k[1:]: v for k, v in DETAILS.items()}, **REST},
    "text twice": {"UserDetails": json.dumps(json.dumps(DETAILS)), **REST},
    "text with space around": {"UserDetails": f"\n {json.dumps(DETAILS)} ", **REST},
    "a list of one": {"UserDetails": [DETAILS], **REST},
    "a list of one as text": {"CustomerInfo": json.dumps([DETAILS]), **REST},
    "all in a list of one": [WHOLE],
    "all as text": json.dumps(WHOLE),
    "all as text twice": json.dumps(json.dumps(WHOLE)),
    "all within": {"id": "1", "data": WHOLE},
    "all within, as text": {"id": "1", "Body": json.dumps(WHOLE)},
    "all within, deeper": {"event": {"payload": [{"lead": WHOLE}]}},
    "source beside, details within": {**REST, "lead": {"userDetails": DETAILS}},
    "details of details": {**REST, "UserDetails": {"UserDetails": DETAILS}},
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_customer_is_found(shape: str) -> None:
    lead = read(SHAPES[shape])
    assert lead.customer == ROSA
    assert (lead.source, lead.action) == ("AzureMarketplace", "INS")


def test_what_stood_beside_is_kept() -> None:
    lead = read({"id": "1", "data": {**WHOLE, "plan": 7, "UserDetails": {**DETAILS, "Fax": "1"}}})
    assert lead.extra == {
        "id": "1",
        "data": {"plan": 7, "userDetails": {"Fax": "1"}},
        "offerTitle": "Northwind Planner",
    }


def test_another_person_s_fields_are_not_the_customer_s() -> None:
    """Only an object that is surely the lead is searched: a referrer has an e-mail address too."""
    lead = read({**REST, "referrer": {"Email": "sales@partner.example"}})
    assert lead.customer == Customer()
    assert lead.extra["referrer"] == {"Email": "sales@partner.example"}


def test_details_win_over_what_stands_at_the_top() -> None:
    lead = read({"UserDetails": {"Email": "rosa@northwind.example"}, "Title": "Planner", "Email": "x@y.example"})
    assert lead.customer == Customer(email="rosa@northwind.example")
    assert lead.extra == {"Title": "Planner", "Email": "x@y.example"}


@pytest.mark.parametrize("depth", [33, 200, 480, *range(880, 1_000, 5), 5_000, 30_000])
@pytest.mark.parametrize(("opened", "closed"), [("[", "]"), ('{"a":', "}")])
def test_any_depth_is_taken_or_refused_in_words(depth: int, opened: str, closed: str) -> None:
    for nested in (opened * depth + "1" + closed * depth, json.dumps(opened * depth + "1" + closed * depth)):
        body = f'{{"UserDetails": {json.dumps(DETAILS)}, "x": {nested}}}'.encode()
        message, lead = "", None
        try:
            lead = read_payload(body, PLANNER)
        except Problem as problem:
            message = problem.detail
        assert lead.customer == ROSA if lead else "nested too deeply" in message
        assert lead or (depth > 850 and nested[0] != '"')
