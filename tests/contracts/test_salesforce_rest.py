"""Salesforce's REST API: signing in, upserting one and many, and every error code that is known."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from leadkeeper.destinations.interface import Context
from leadkeeper.destinations.salesforce.diagnoses import SalesforceKind
from leadkeeper.destinations.salesforce.provider import SALESFORCE
from leadkeeper.destinations.salesforce.rest import SalesforceRestApi
from leadkeeper.destinations.salesforce.settings import SalesforceConfig
from leadkeeper.destinations.salesforce.web import WebToLead
from leadkeeper.diagnosis import Answer, AnyKind, Diagnosis, Kind, Outcome, Receipt
from leadkeeper.lead import Customer, OutgoingLead
from leadkeeper.network.client import Network, NetworkPolicy
from leadkeeper.sandbox import faults
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.faults import Fault
from tests.contracts.faults import LEAD, PERSONAL
from tests.contracts.scripted import Remote, Script, form_of, message, remote_side

HOST = "contoso.my.salesforce.com"
TOKEN = "POST /services/oauth2/token"
ONE = "POST /services/data/v62.0/sobjects/Lead"
MANY = "POST /services/data/v62.0/composite/sobjects"
LOOKUP = "GET /services/data/v62.0/sobjects/Lead/LeadkeeperId__c/"
WRITES = "POST /services/data/"
DESCRIBE = "GET /services/data/v62.0/sobjects/Lead/describe"
LIMITS = "GET /services/data/v62.0/limits"
RECORD = "00Q58000003abcdEAA"
SESSION = "00D58000000JmlM!AQEAQFakeSessionToken.0123456789"
GRANTED = message({"access_token": SESSION, "instance_url": f"https://{HOST}", "token_type": "Bearer"})
CREATED = message({"id": RECORD, "success": True, "errors": []}, 201)
MISSING = message([{"message": "No.", "errorCode": "NOT_FOUND"}], 404)
SETTINGS = {
    "objectIdentifier": "00D58000000JmlM",
    "myDomainUrl": f"https://{HOST}",
    "clientId": "3MVG9contosokey",
    "clientSecret": "AF00DSECRETAF00D",
    "externalIdField": "LeadkeeperId__c",
}
HIDDEN = (*PERSONAL, "af00dsecret", "3mvg9contosokey", "fakesessiontoken")


def line(network: Network, **settings: Any) -> WebToLead | SalesforceRestApi:
    opened = SALESFORCE.open(SalesforceConfig.model_validate(SETTINGS | settings), Context(network))
    assert isinstance(opened, WebToLead | SalesforceRestApi)
    return opened


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def leads(number: int) -> list[OutgoingLead]:
    return [replace(LEAD, id=f"0198c2a4-7d10-7c3e-8a55-{n:012x}") for n in range(number)]


def errors(*codes: str, wording: str = "No.", status: int = 400) -> Fault:
    return message([{"message": wording, "errorCode": code, "fields": ["Country"]} for code in codes], status)


async def deliver(side: Remote, some: Sequence[OutgoingLead] = (LEAD,), **settings: Any) -> Sequence[Answer]:
    salesforce = line(side.network, **settings)
    found = await salesforce.deliver(some)
    await salesforce.aclose()
    assert len(found) == len(some)
    assert not [text for text in HIDDEN if text in repr(found).casefold()]
    return found


async def answer_to(authority: Authority, script: Script, seconds: float = 5.0) -> Answer:
    async with remote_side(
        authority, {TOKEN: GRANTED, LOOKUP: MISSING} | dict(script), HOST, total_seconds=seconds
    ) as side:
        (found,) = await deliver(side)
    return found


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


CODES = [  # docs/reference/vendors/salesforce.md#rest-api-errors
    *(
        (400, code, SalesforceKind.RULE_REFUSED, Outcome.REFUSED)
        for code in (
            *("REQUIRED_FIELD_MISSING", "STRING_TOO_LONG", "INVALID_EMAIL_ADDRESS"),
            *("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "FIELD_CUSTOM_VALIDATION_EXCEPTION"),
            *("FIELD_INTEGRITY_EXCEPTION", "NUMBER_OUTSIDE_VALID_RANGE"),
        )
    ),
    (400, "DUPLICATES_DETECTED", SalesforceKind.DUPLICATE_RULE, Outcome.REFUSED),
    (400, "DUPLICATE_VALUE", SalesforceKind.VALUE_TAKEN, Outcome.REFUSED),
    *(
        (400, code, SalesforceKind.AUTOMATION_FAILED, Outcome.REFUSED)
        for code in ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "CANNOT_EXECUTE_FLOW_TRIGGER", "APEX_ERROR")
    ),
    (400, "INVALID_FIELD", SalesforceKind.FIELD_UNKNOWN, Outcome.BROKEN),
    (400, "INVALID_FIELD_FOR_INSERT_UPDATE", SalesforceKind.FIELD_UNKNOWN, Outcome.BROKEN),
    (400, "JSON_PARSER_ERROR", SalesforceKind.REQUEST_REJECTED, Outcome.BROKEN),
    (400, "MALFORMED_ID", SalesforceKind.REQUEST_REJECTED, Outcome.BROKEN),
    (400, "UNABLE_TO_LOCK_ROW", SalesforceKind.ROW_LOCKED, Outcome.FAILED),
    (401, "INVALID_SESSION_ID", SalesforceKind.SESSION_REJECTED, Outcome.BROKEN),
    (403, "REQUEST_LIMIT_EXCEEDED", SalesforceKind.API_LIMIT, Outcome.THROTTLED),
    (403, "API_DISABLED_FOR_ORG", SalesforceKind.API_DISABLED, Outcome.BROKEN),
    (403, "INSUFFICIENT_ACCESS_OR_READONLY", SalesforceKind.ACCESS_MISSING, Outcome.BROKEN),
    (403, "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", SalesforceKind.ACCESS_MISSING, Outcome.BROKEN),
    (403, "STORAGE_LIMIT_EXCEEDED", SalesforceKind.STORAGE_FULL, Outcome.BROKEN),
    *(
        (404, code, SalesforceKind.NOT_FOUND, Outcome.BROKEN)
        for code in ("NOT_FOUND", "INVALID_CROSS_REFERENCE_KEY", "ENTITY_IS_DELETED")
    ),
    (503, "API_CURRENTLY_DISABLED", Kind.SERVER_ERROR, Outcome.FAILED),
    (500, "UNKNOWN_EXCEPTION", Kind.SERVER_ERROR, Outcome.FAILED),
    (503, "SERVER_UNAVAILABLE", Kind.SERVER_ERROR, Outcome.FAILED),
    (400, "SOMETHING_NEW", Kind.LEAD_REFUSED, Outcome.REFUSED),
    (403, "SOMETHING_NEW", SalesforceKind.ACCESS_MISSING, Outcome.BROKEN),
    (500, "SOMETHING_NEW", Kind.SERVER_ERROR, Outcome.FAILED),
]


@pytest.mark.parametrize(("status", "code", "kind", "outcome"), CODES)
async def test_codes_of_a_single_lead(
    authority: Authority, status: int, code: str, kind: AnyKind, outcome: Outcome
) -> None:
    found = await answer_to(authority, {ONE: errors(code, status=status)})
    assert isinstance(found, Diagnosis)
    assert (found.kind, found.outcome) == (kind, outcome)
    assert (found.evidence.status, found.evidence.code) == (status, code)


@pytest.mark.parametrize(("status", "code", "kind", "outcome"), [row for row in CODES if row[0] == 400])
async def test_codes_of_one_among_many(
    authority: Authority, status: int, code: str, kind: AnyKind, outcome: Outcome
) -> None:
    good = {"id": RECORD, "success": True, "errors": []}
    bad = {"success": False, "errors": [{"statusCode": code, "message": "No.", "fields": []}]}
    script = {TOKEN: GRANTED, LOOKUP: MISSING, MANY: message([good, bad]), ONE: errors(code, status=status)}
    async with remote_side(authority, script, HOST) as side:
        first, second = await deliver(side, leads(2))
    assert first.outcome is Outcome.DELIVERED
    assert isinstance(second, Diagnosis)
    assert (second.kind, second.outcome) == (kind, outcome)


@pytest.mark.parametrize(("status", "code", "kind", "outcome"), [row for row in CODES if row[3] is not Outcome.REFUSED])
async def test_codes_of_a_whole_request(
    authority: Authority, status: int, code: str, kind: AnyKind, outcome: Outcome
) -> None:
    fault = errors(code, status=status, wording=f"No {LEAD.customer.last_name}.")
    async with remote_side(authority, {TOKEN: GRANTED, MANY: fault}, HOST) as side:
        found = await deliver(side, leads(3))
    assert {(each.kind, each.outcome) for each in found if isinstance(each, Diagnosis)} == {(kind, outcome)}
    assert {each.evidence.text for each in found if isinstance(each, Diagnosis)} == {None}


async def test_a_whole_request_that_is_refused_is_the_settings_fault(authority: Authority) -> None:
    async with remote_side(authority, {TOKEN: GRANTED, MANY: errors("SOMETHING_NEW")}, HOST) as side:
        found = await deliver(side, leads(3))
    assert {each.outcome for each in found} == {Outcome.BROKEN}


@pytest.mark.parametrize(
    ("fault", "kind", "seconds"),
    [
        (
            errors("REQUEST_LIMIT_EXCEEDED", wording="TotalRequests Limit exceeded.", status=403),
            SalesforceKind.API_LIMIT,
            900,
        ),
        (
            errors("REQUEST_LIMIT_EXCEEDED", wording="ConcurrentPerOrgLongTxn Limit exceeded.", status=403),
            SalesforceKind.CONCURRENCY_LIMIT,
            20,
        ),
        (
            message([{"errorCode": "REQUEST_LIMIT_EXCEEDED"}], 403, sforce_limit_info="api-usage=5000/5000"),
            SalesforceKind.API_LIMIT,
            900,
        ),
        (
            message([{"errorCode": "REQUEST_LIMIT_EXCEEDED"}], 403, sforce_limit_info="api-usage=18/5000"),
            SalesforceKind.CONCURRENCY_LIMIT,
            20,
        ),
    ],
)
async def test_the_two_limits(authority: Authority, fault: Fault, kind: AnyKind, seconds: float) -> None:
    found = await answer_to(authority, {ONE: fault})
    assert isinstance(found, Diagnosis)
    assert (found.kind, found.outcome, found.retry_after) == (kind, Outcome.THROTTLED, seconds)


@pytest.mark.parametrize(
    ("fault", "kind", "outcome"),
    [
        (message(["/services/data/v62.0/sobjects/Lead/00Q1"], 300), SalesforceKind.SEVERAL_MATCH, Outcome.REFUSED),
        (faults.redirect("https://login.salesforce.com/"), Kind.REDIRECTED, Outcome.BROKEN),
        (faults.html(200), Kind.ANSWER_NOT_UNDERSTOOD, Outcome.AMBIGUOUS),
        (faults.reset_in_body(201), Kind.ANSWER_NOT_UNDERSTOOD, Outcome.AMBIGUOUS),
        (faults.html(403), SalesforceKind.ACCESS_MISSING, Outcome.BROKEN),
        (faults.html(404), SalesforceKind.NOT_FOUND, Outcome.BROKEN),
        (faults.answer(413), Kind.LEAD_TOO_LARGE, Outcome.REFUSED),
        (faults.answer(429, retry_after="7"), Kind.THROTTLED, Outcome.THROTTLED),
        (faults.html(500), Kind.SERVER_ERROR, Outcome.FAILED),
        (faults.html(503), Kind.SERVER_ERROR, Outcome.FAILED),
        (faults.answer(503, retry_after="7"), Kind.THROTTLED, Outcome.THROTTLED),
        (faults.hang, Kind.NO_ANSWER, Outcome.AMBIGUOUS),
        (faults.reset_before_answer, Kind.CONNECTION_LOST, Outcome.AMBIGUOUS),
        (faults.commit_then_drop, Kind.CONNECTION_LOST, Outcome.AMBIGUOUS),
        (faults.endless(200), Kind.ANSWER_NOT_UNDERSTOOD, Outcome.AMBIGUOUS),
        (faults.echo(400), Kind.LEAD_REFUSED, Outcome.REFUSED),
        (message({"success": False, "errors": []}), Kind.ANSWER_NOT_UNDERSTOOD, Outcome.AMBIGUOUS),
    ],
)
async def test_other_answers(authority: Authority, fault: Fault, kind: AnyKind, outcome: Outcome) -> None:
    found = await answer_to(authority, {ONE: fault}, seconds=1.0)
    assert isinstance(found, Diagnosis)
    assert (found.kind, found.outcome) == (kind, outcome)


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


async def test_a_session_that_ended_is_renewed_once(authority: Authority) -> None:
    ended = errors("INVALID_SESSION_ID", status=401)
    async with remote_side(authority, {TOKEN: GRANTED, ONE: [CREATED, ended, CREATED]}, HOST) as side:
        salesforce = line(side.network)
        for _ in range(2):
            (found,) = await salesforce.deliver([LEAD])
            assert isinstance(found, Receipt)
        assert len(side.requests(TOKEN)) == 2
        assert len(side.requests(WRITES)) == 3


async def test_a_session_that_is_never_taken_breaks_the_connection(authority: Authority) -> None:
    async with remote_side(authority, {TOKEN: GRANTED, ONE: errors("INVALID_SESSION_ID", status=401)}, HOST) as side:
        (found,) = await deliver(side)
        assert (len(side.requests(TOKEN)), len(side.requests(WRITES))) == (2, 2)
    assert isinstance(found, Diagnosis)
    assert found.kind is SalesforceKind.SESSION_REJECTED


async def test_one_token_serves_all_who_wait_for_it(authority: Authority) -> None:
    async def slowly(exchange: faults.Exchange) -> None:
        await asyncio.sleep(0.1)
        await GRANTED(exchange)

    async with remote_side(authority, {TOKEN: slowly, ONE: CREATED}, HOST) as side:
        salesforce = line(side.network)
        found = await asyncio.gather(*(salesforce.deliver([lead]) for lead in leads(10)))
        assert len(side.requests(TOKEN)) == 1
    assert {each.outcome for (each,) in found} == {Outcome.DELIVERED}


@pytest.mark.parametrize(
    ("fault", "kind", "outcome"),
    [
        *(
            (message({"error": code, "error_description": "No."}, 400), kind, Outcome.BROKEN)
            for code, kind in (
                ("invalid_client_id", SalesforceKind.APP_REJECTED),
                ("invalid_client", SalesforceKind.APP_REJECTED),
                ("invalid_grant", SalesforceKind.APP_NOT_ALLOWED),
                ("unsupported_grant_type", SalesforceKind.APP_NOT_ALLOWED),
                ("inactive_user", SalesforceKind.INACTIVE),
                ("inactive_org", SalesforceKind.INACTIVE),
                ("something_new", SalesforceKind.APP_REJECTED),
            )
        ),
        (message({"error": "rate_limit_exceeded"}, 400), Kind.THROTTLED, Outcome.THROTTLED),
        (faults.html(200), Kind.ANSWER_NOT_UNDERSTOOD, Outcome.FAILED),
        (faults.redirect("https://evil.example/"), Kind.REDIRECTED, Outcome.BROKEN),
        (faults.answer(404), SalesforceKind.DOMAIN_NOT_FOUND, Outcome.BROKEN),
        (faults.html(500), Kind.SERVER_ERROR, Outcome.FAILED),
        (faults.answer(503, retry_after="9"), Kind.THROTTLED, Outcome.THROTTLED),
        (faults.hang, Kind.NO_ANSWER, Outcome.FAILED),
        (faults.reset_before_answer, Kind.CONNECTION_LOST, Outcome.FAILED),
        (faults.echo(400), SalesforceKind.APP_REJECTED, Outcome.BROKEN),
    ],
)
async def test_signing_in_fails_before_a_lead_is_sent(
    authority: Authority, fault: Fault, kind: AnyKind, outcome: Outcome
) -> None:
    async with remote_side(authority, {TOKEN: fault}, HOST, total_seconds=0.5) as side:
        found = await deliver(side, leads(3))
        check = await line(side.network).check()
        assert side.requests(WRITES) == []
    assert {(each.kind, each.outcome) for each in found if isinstance(each, Diagnosis)} == {(kind, outcome)}
    assert check.diagnosis is not None
    assert check.diagnosis.kind is kind
    assert check.steps[-1].name == "token"


async def test_an_endpoint_that_demands_basic_gets_it(authority: Authority) -> None:
    demand = message({"error": "invalid_client"}, 401, www_authenticate='Basic realm="token"')
    async with remote_side(authority, {TOKEN: [demand, GRANTED], ONE: CREATED}, HOST) as side:
        (found,) = await deliver(side)
        first, second = side.requests(TOKEN)
    assert isinstance(found, Receipt)
    assert "authorization" not in first.headers
    assert second.headers["authorization"] == "Basic " + b64("3MVG9contosokey:AF00DSECRETAF00D")
    assert form_of(second) == {"grant_type": "client_credentials"}


async def test_basic_by_the_setting(authority: Authority) -> None:
    async with remote_side(authority, {TOKEN: GRANTED, ONE: CREATED}, HOST) as side:
        own: dict[str, Any] = {
            "clientId": "a:b \u00e9",
            "clientSecret": "b+c%",
        }  # form-encoded each, as RFC 6749 2.3.1 has it
        (found,) = await deliver(side, tokenEndpointAuthMethod="client_secret_basic", **own)
        (asked,) = side.requests(TOKEN)
    assert isinstance(found, Receipt)
    assert asked.headers["authorization"] == "Basic " + b64("a%3Ab+%C3%A9:b%2Bc%25")
    assert form_of(asked) == {"grant_type": "client_credentials"}


async def test_a_refusal_of_the_secret_is_not_a_demand(authority: Authority) -> None:
    refused = message({"error": "invalid_client", "error_description": "invalid client credentials"}, 401)
    async with remote_side(authority, {TOKEN: refused}, HOST) as side:
        (found,) = await deliver(side)
        assert len(side.requests(TOKEN)) == 1
    assert isinstance(found, Diagnosis)
    assert found.kind is SalesforceKind.APP_REJECTED


async def test_an_answer_that_is_too_large_is_asked_for_in_parts(authority: Authority) -> None:
    good = {"id": RECORD, "success": True, "errors": []}

    async def answer(exchange: faults.Exchange) -> None:
        number = len(json.loads(exchange.request.body)["records"])
        await (message([good] * number) if number <= 2 else faults.answer(200, b" " * 1_000_000))(exchange)

    async with remote_side(authority, {TOKEN: GRANTED, MANY: answer, ONE: CREATED}, HOST) as side:
        found = await deliver(side, leads(7))
    assert {each.outcome for each in found} == {Outcome.DELIVERED}


async def test_a_domain_that_does_not_exist(authority: Authority) -> None:
    async def nobody(host: str, port: int) -> Sequence[str]:
        import socket

        raise socket.gaierror(socket.EAI_NONAME, "")

    network = Network(NetworkPolicy(ca_file=authority.ca_file), resolve=nobody)
    (found,) = await line(network).deliver([LEAD])
    check = await line(network).check()
    await network.aclose()
    assert isinstance(found, Diagnosis)
    assert (found.kind, found.outcome) == (SalesforceKind.DOMAIN_NOT_FOUND, Outcome.BROKEN)
    assert check.diagnosis is not None
    assert check.diagnosis.kind is SalesforceKind.DOMAIN_NOT_FOUND


async def test_a_preview_sends_nothing(authority: Authority) -> None:
    lead = replace(LEAD, customer=Customer(first_name="x" * 41))
    async with remote_side(authority, {}, HOST) as side:
        shown = await line(side.network, fields={"Country": None, "CountryCode": "{country}"}).preview(lead)
        assert side.server.received == []
    assert shown.record["LeadkeeperId__c"] == LEAD.id
    assert "Country" not in shown.record
    assert shown.notes[0] == "FirstName cut from 41 to 40 characters"


def described(**fields: dict[str, Any]) -> Fault:
    names = ("FirstName", "LastName", "Email", "Company", "Country", "Phone", "Title", "Description", "LeadSource")
    usual = {name: {"createable": True, "updateable": True, "length": 255} for name in names}
    own = {"createable": True, "updateable": True, "externalId": True, "unique": True, "length": 36}
    every = usual | {"LeadkeeperId__c": own} | fields
    listed = [{"name": name} | each for name, each in every.items() if each]
    filler = [{"name": f"Filler{n}__c", "label": "x" * 1_000} for n in range(400)]
    return message({"name": "Lead", "createable": True, "updateable": True, "fields": listed + filler})


OWN = {"createable": True, "updateable": True, "externalId": True, "unique": True, "length": 36}
USED = message({"DailyApiRequests": {"Max": 15_000, "Remaining": 14_000}})


@pytest.mark.parametrize(
    ("describe", "limits", "settings", "kind", "step"),
    [
        (described(), USED, {}, None, "limits"),
        (described(), errors("INSUFFICIENT_ACCESS", status=403), {}, None, "limits"),
        (described(Phone={}), USED, {}, SalesforceKind.FIELD_UNKNOWN, "fields"),
        (described(Phone={"createable": False}), USED, {}, SalesforceKind.FIELD_UNKNOWN, "fields"),
        (described(Phone={}), USED, {"fields": {"Phone": None}}, None, "limits"),
        (described(), USED, {"fields": {"Region__c": "x"}}, SalesforceKind.FIELD_UNKNOWN, "fields"),
        (described(LeadkeeperId__c={}), USED, {}, SalesforceKind.EXTERNAL_ID_UNUSABLE, "fields"),
        (described(LeadkeeperId__c=OWN | {"unique": False}), USED, {}, SalesforceKind.EXTERNAL_ID_UNUSABLE, "fields"),
        (
            described(LeadkeeperId__c=OWN | {"externalId": False}),
            USED,
            {},
            SalesforceKind.EXTERNAL_ID_UNUSABLE,
            "fields",
        ),
        (described(LeadkeeperId__c=OWN | {"length": 18}), USED, {}, SalesforceKind.EXTERNAL_ID_UNUSABLE, "fields"),
        (errors("NOT_FOUND", status=404), USED, {}, SalesforceKind.NOT_FOUND, "fields"),
        (message({"createable": False, "fields": []}), USED, {}, SalesforceKind.ACCESS_MISSING, "fields"),
        (
            described(),
            message({"DailyApiRequests": {"Max": 15_000, "Remaining": 0}}),
            {},
            SalesforceKind.API_LIMIT,
            "limits",
        ),
    ],
)
async def test_the_check(
    authority: Authority, describe: Fault, limits: Fault, settings: Any, kind: AnyKind | None, step: str
) -> None:
    async with remote_side(authority, {TOKEN: GRANTED, DESCRIBE: describe, LIMITS: limits}, HOST) as side:
        check = await line(side.network, **settings).check()
        assert side.requests(WRITES) == []
    assert (check.diagnosis and check.diagnosis.kind) == kind
    assert check.ok is (kind is None)
    assert check.steps[-1].name == step
