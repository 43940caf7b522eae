"""Salesforce's REST API: upserting one and many, repeats, and what is sent again."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from leadkeeper.destinations.salesforce.diagnoses import SalesforceKind
from leadkeeper.diagnosis import AnyKind, Diagnosis, Kind, Outcome, Receipt
from leadkeeper.lead import Customer
from leadkeeper.sandbox import faults
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.faults import Fault
from tests.contracts.faults import LEAD
from tests.contracts.scripted import Script, form_of, message, remote_side
from tests.contracts.scripted_salesforce import (
    CREATED,
    GRANTED,
    HOST,
    LOOKUP,
    MANY,
    MISSING,
    ONE,
    RECORD,
    SESSION,
    TOKEN,
    WRITES,
    answer_to,
    deliver,
    errors,
    leads,
    line,
)


async def test_one_lead(authority: Authority) -> None:
    async with remote_side(authority, {TOKEN: GRANTED, ONE: CREATED}, HOST) as side:
        (found,) = await deliver(side)
        token, _, create = side.server.received
    assert form_of(token) == {
        "grant_type": "client_credentials",
        "client_id": "3MVG9contosokey",
        "client_secret": "AF00DSECRETAF00D",
    }
    assert create.headers["authorization"] == f"Bearer {SESSION}"
    assert json.loads(create.body) == {
        "LeadkeeperId__c": LEAD.id,
        "FirstName": "Zoltana",
        "LastName": "Quimby",
        "Email": "zoltana@northwind.example",
        "Company": "Northwind",
        "Country": "DE",
        "Phone": "+49 30 901820",
        "Title": "Treasurer",
        "Description": "Ring the doorbell twice; mind the dog.",
        "LeadSource": "AzureMarketplace-INS|contoso.crm",
    }
    assert found == Receipt("created", RECORD, f"https://{HOST}/{RECORD}")


def taken(name: str = "LeadkeeperId__c", record: str = "00Q58000003abcd") -> Fault:
    text = f"duplicate value found: {name} duplicates value on record with id: {record}"
    return message([{"message": text, "errorCode": "DUPLICATE_VALUE", "fields": []}], 400)


async def test_twice_makes_one(authority: Authority) -> None:
    short = "00Q58000003abcd"
    assert await answer_to(authority, {ONE: taken()}) == Receipt("duplicate", short, f"https://{HOST}/{short}")
    assert await answer_to(authority, {ONE: taken("leadkeeperid__C")}) == Receipt(
        "duplicate", short, f"https://{HOST}/{short}"
    )


@pytest.mark.parametrize("code", ["DUPLICATE_VALUE", "DUPLICATES_DETECTED", "CANNOT_UPDATE_CONVERTED_LEAD"])
async def test_where_our_id_is_not_named_it_is_looked_up(authority: Authority, code: str) -> None:
    there = message({"Id": RECORD, "LastName": "Quimby", "Email": LEAD.customer.email})
    found = await answer_to(authority, {ONE: errors(code), LOOKUP: there})
    assert found == Receipt("duplicate", RECORD, f"https://{HOST}/{RECORD}")
    several = await answer_to(authority, {ONE: errors(code), LOOKUP: message(["/a", "/b"], 300)})
    assert isinstance(several, Receipt)
    assert several.result == "duplicate"


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("DUPLICATE_VALUE", SalesforceKind.VALUE_TAKEN),
        ("DUPLICATES_DETECTED", SalesforceKind.DUPLICATE_RULE),
        ("CANNOT_UPDATE_CONVERTED_LEAD", SalesforceKind.LEAD_CONVERTED),
    ],
)
async def test_where_our_id_is_not_there_the_refusal_stands(authority: Authority, code: str, kind: AnyKind) -> None:
    found = await answer_to(authority, {ONE: errors(code), LOOKUP: errors("NOT_FOUND", status=404)})
    assert isinstance(found, Diagnosis)
    assert (found.kind, found.outcome) == (kind, Outcome.REFUSED)


async def test_a_look_that_fails_is_made_again_later(authority: Authority) -> None:
    found = await answer_to(authority, {ONE: errors("DUPLICATES_DETECTED"), LOOKUP: faults.html(503)})
    assert isinstance(found, Diagnosis)
    assert (found.kind, found.outcome) == (Kind.SERVER_ERROR, Outcome.FAILED)


async def test_many_leads_go_in_one_request_and_are_answered_each(authority: Authority) -> None:
    some = leads(4)
    results = [
        {"id": RECORD, "success": True, "errors": []},
        {
            "success": False,
            "errors": [{"statusCode": "DUPLICATE_VALUE", "message": f"LeadkeeperId__c on {RECORD}", "fields": []}],
        },
        {"success": False, "errors": [{"statusCode": "REQUIRED_FIELD_MISSING", "message": "No.", "fields": ["X__c"]}]},
        {"success": False, "errors": [{"errorCode": "UNABLE_TO_LOCK_ROW", "message": "No.", "fields": []}]},
    ]
    async with remote_side(authority, {TOKEN: GRANTED, MANY: message(results)}, HOST) as side:
        found = await deliver(side, some)
        (seen,) = side.requests(WRITES)
    body = json.loads(seen.body)
    assert body["allOrNone"] is False
    assert [record["LeadkeeperId__c"] for record in body["records"]] == [lead.id for lead in some]
    assert {record["attributes"]["type"] for record in body["records"]} == {"Lead"}
    assert [each.outcome for each in found] == [
        Outcome.DELIVERED,
        Outcome.DELIVERED,
        Outcome.REFUSED,
        Outcome.FAILED,
    ]
    assert [each.result for each in found if isinstance(each, Receipt)] == ["created", "duplicate"]
    assert isinstance(found[2], Diagnosis)
    assert found[2].evidence.code == "REQUIRED_FIELD_MISSING"
    assert found[2].evidence.text == "No. [X__c]"


async def test_two_hundred(authority: Authority) -> None:
    results = [{"id": RECORD, "success": True, "errors": []}] * 200
    async with remote_side(authority, {TOKEN: GRANTED, MANY: message(results)}, HOST) as side:
        found = await deliver(side, leads(200))
        assert len(side.requests(WRITES)) == 1
    assert {each.outcome for each in found} == {Outcome.DELIVERED}


async def test_a_connection_closed_while_idle_is_tried_once_more(authority: Authority) -> None:
    assert isinstance(await answer_to(authority, {ONE: [faults.commit_then_drop, CREATED]}), Receipt)


async def test_a_value_that_is_taken_is_tried_once_more(authority: Authority) -> None:
    assert isinstance(await answer_to(authority, {ONE: [errors("DUPLICATE_VALUE"), CREATED]}), Receipt)
    bad = {"success": False, "errors": [{"statusCode": "DUPLICATE_VALUE", "message": "No.", "fields": []}]}
    good = {"id": RECORD, "success": True, "errors": []}
    script: Script = {TOKEN: GRANTED, LOOKUP: MISSING, MANY: [message([bad, good, bad]), message([good, bad])]}
    async with remote_side(authority, script, HOST) as side:
        found = await deliver(side, leads(3))
        assert len(side.requests(MANY)) == 2
    assert [each.outcome for each in found] == [Outcome.DELIVERED, Outcome.DELIVERED, Outcome.REFUSED]


async def test_an_answer_that_is_too_large_is_asked_for_in_parts(authority: Authority) -> None:
    good = {"id": RECORD, "success": True, "errors": []}

    async def answer(exchange: faults.Exchange) -> None:
        number = len(json.loads(exchange.request.body)["records"])
        await (message([good] * number) if number <= 2 else faults.answer(200, b" " * 1_000_000))(exchange)

    async with remote_side(authority, {TOKEN: GRANTED, MANY: answer, ONE: CREATED}, HOST) as side:
        found = await deliver(side, leads(7))
    assert {each.outcome for each in found} == {Outcome.DELIVERED}


async def test_a_preview_sends_nothing(authority: Authority) -> None:
    lead = replace(LEAD, customer=Customer(first_name="x" * 41))
    async with remote_side(authority, {}, HOST) as side:
        shown = await line(side.network, fields={"Country": None, "CountryCode": "{country}"}).preview(lead)
        assert side.server.received == []
    assert shown.record["LeadkeeperId__c"] == LEAD.id
    assert "Country" not in shown.record
    assert shown.notes[0] == "FirstName cut from 41 to 40 characters"
