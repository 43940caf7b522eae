"""Marketo's REST API: signing in, submitting the form, and every error code that is known."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from leadkeeper.destinations.interface import Context
from leadkeeper.destinations.marketo.diagnoses import MarketoKind
from leadkeeper.destinations.marketo.errors import seconds_to_marketo_midnight
from leadkeeper.destinations.marketo.form import MarketoForm
from leadkeeper.destinations.marketo.provider import MARKETO
from leadkeeper.destinations.marketo.rest import MarketoRestApi
from leadkeeper.destinations.marketo.settings import MarketoConfig
from leadkeeper.diagnosis import Answer, AnyKind, Diagnosis, Kind, Outcome, Receipt
from leadkeeper.lead import OutgoingLead
from leadkeeper.network.client import Network
from leadkeeper.sandbox import faults
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.faults import Fault
from tests.contracts.faults import LEAD, PERSONAL, seconds_for
from tests.contracts.scripted import Remote, message, remote_side

HOST = "123-pqr-789.mktorest.com"
TOKEN = "GET /identity/oauth/token"
SUBMIT = "POST /rest/v1/leads/submitForm.json"
DESCRIBE = "GET /rest/v1/leads/describe.json"
ASSET = "GET /rest/asset/v1/form/1179.json"
BEARER = "cdf01657-110d-4155-99a7-f986b2ff13a0:int"
GRANTED = message({"access_token": BEARER, "token_type": "bearer", "expires_in": 3599, "scope": "api@contoso.example"})
SETTINGS = {
    "serverId": "ys12",
    "munchkinId": "123-PQR-789",
    "formId": "1179",
    "clientId": "0a1b2c3d-client",
    "clientSecret": "MarketoSecretX1",
}
HIDDEN = (*PERSONAL, "marketosecret", "0a1b2c3d", "110d-4155")


def line(network: Network, **settings: Any) -> MarketoForm | MarketoRestApi:
    opened = MARKETO.open(MarketoConfig.model_validate(SETTINGS | settings), Context(network))
    assert isinstance(opened, MarketoForm | MarketoRestApi)
    return opened


def result(*results: Any) -> Fault:
    return message({"requestId": "e42b#14272d07d78", "success": True, "result": list(results)})


def failure(code: str, wording: str = "No.") -> Fault:
    return message({"requestId": "e42b#1", "success": False, "errors": [{"code": code, "message": wording}]})


def skipped(code: str, wording: str = "No.") -> Fault:
    return result({"status": "skipped", "reasons": [{"code": code, "message": wording}]})


CREATED = result({"id": 319174, "status": "created"})


async def deliver(side: Remote, lead: OutgoingLead = LEAD, **settings: Any) -> Answer:
    marketo = line(side.network, **settings)
    (found,) = await marketo.deliver([lead])
    await marketo.aclose()
    assert not [text for text in HIDDEN if text in repr(found).casefold()]
    return found


async def answer_to(authority: Authority, submit: Fault | Sequence[Fault], seconds: float = 30.0) -> Answer:
    async with remote_side(authority, {TOKEN: GRANTED, SUBMIT: submit}, HOST, total_seconds=seconds) as side:
        return await deliver(side)


async def test_one_lead(authority: Authority) -> None:
    async with remote_side(authority, {TOKEN: GRANTED, SUBMIT: CREATED}, HOST) as side:
        found = await deliver(side, programId="1003")
        token, submit = side.server.received
    assert token.target.startswith("/identity/oauth/token?grant_type=client_credentials&client_id=0a1b2c3d-client&")
    assert submit.headers["authorization"] == f"Bearer {BEARER}"
    assert submit.headers["content-type"].startswith("application/json")
    assert json.loads(submit.body) == {
        "formId": 1179,
        "programId": 1003,
        "input": [
            {
                "leadFormFields": {
                    "firstName": "Zoltana",
                    "lastName": "Quimby",
                    "email": "zoltana@northwind.example",
                    "company": "Northwind",
                    "title": "Treasurer",
                    "phone": "+49 30 901820",
                    "country": "DE",
                    "leadSource": "AzureMarketplace-INS|contoso.crm",
                }
            }
        ],
    }
    link = "https://app-ys12.marketo.com/leadDatabase/loadLeadDetail?leadId=319174"
    assert found == Receipt("created", "319174", link)


async def test_a_person_who_is_there_is_updated(authority: Authority) -> None:
    found = await answer_to(authority, result({"id": 7, "status": "updated"}))
    assert isinstance(found, Receipt)
    assert (found.result, found.confirmed) == ("updated", True)
    found = await answer_to(authority, skipped("1005"))
    assert isinstance(found, Receipt)
    assert found.result == "duplicate"


TOP = [  # docs/reference/vendors/marketo.md#rest-api-errors
    *((code, MarketoKind.SERVICE_REJECTED, Outcome.BROKEN) for code in ("600", "601", "602")),
    ("603", MarketoKind.ACCESS_DENIED, Outcome.BROKEN),
    *(
        (code, MarketoKind.BUSY, Outcome.FAILED)
        for code in ("604", "608", "611", "614", "713", "719", "502", "500", "699")
    ),
    *((code, MarketoKind.REQUEST_REJECTED, Outcome.BROKEN) for code in ("605", "609", "610", "612", "613")),
    ("606", MarketoKind.RATE_LIMIT, Outcome.THROTTLED),
    ("607", MarketoKind.DAILY_QUOTA, Outcome.THROTTLED),
    ("615", MarketoKind.RATE_LIMIT, Outcome.THROTTLED),
    ("616", MarketoKind.FEATURE_OFF, Outcome.BROKEN),
    ("701", MarketoKind.LEAD_REFUSED, Outcome.REFUSED),
    ("702", MarketoKind.FORM_NOT_FOUND, Outcome.BROKEN),
    ("703", MarketoKind.FEATURE_OFF, Outcome.BROKEN),
    ("704", MarketoKind.LEAD_REFUSED, Outcome.REFUSED),
    ("709", MarketoKind.LEAD_REFUSED, Outcome.REFUSED),
]
RECORD = [
    *(
        (code, MarketoKind.LEAD_REFUSED, Outcome.REFUSED)
        for code in ("1001", "1002", "1003", "1004", "1012", "1021", "1036", "1037", "1099")
    ),
    ("1006", MarketoKind.FIELD_UNKNOWN, Outcome.BROKEN),
    ("1011", MarketoKind.FIELD_UNKNOWN, Outcome.BROKEN),
    ("1007", MarketoKind.SEVERAL_MATCH, Outcome.REFUSED),
    *((code, MarketoKind.PARTITION_UNUSABLE, Outcome.BROKEN) for code in ("1008", "1009", "1010")),
    ("1013", MarketoKind.FORM_NOT_FOUND, Outcome.BROKEN),
    ("1018", MarketoKind.FEATURE_OFF, Outcome.BROKEN),
    *((code, MarketoKind.BUSY, Outcome.FAILED) for code in ("1014", "1016", "1019", "1022", "1029")),
]


@pytest.mark.parametrize(("code", "kind", "outcome"), [*TOP, *RECORD])
async def test_codes_of_a_request(authority: Authority, code: str, kind: AnyKind, outcome: Outcome) -> None:
    found = await answer_to(authority, failure(code, f"No {LEAD.customer.email}"))
    assert isinstance(found, Diagnosis)
    assert (found.kind, found.outcome, found.evidence.code) == (kind, outcome, code)


@pytest.mark.parametrize(("code", "kind", "outcome"), RECORD)
async def test_codes_of_a_lead(authority: Authority, code: str, kind: AnyKind, outcome: Outcome) -> None:
    found = await answer_to(authority, skipped(code, f"No {LEAD.customer.last_name}"))
    assert isinstance(found, Diagnosis)
    assert (found.kind, found.outcome, found.evidence.code) == (kind, outcome, code)


@pytest.mark.parametrize(("code", "least", "most"), [("606", 20, 20), ("615", 2, 2), ("607", 1, 90_000)])
async def test_how_long_limits_rest(authority: Authority, code: str, least: float, most: float) -> None:
    found = await answer_to(authority, failure(code))
    assert isinstance(found, Diagnosis)
    assert found.retry_after is not None
    assert least <= found.retry_after <= most


def test_the_day_ends_at_midnight_in_us_central_time() -> None:
    def left(*moment: int) -> float:
        return seconds_to_marketo_midnight(datetime(*moment, tzinfo=UTC).timestamp())  # type: ignore[misc, arg-type]

    assert left(2026, 1, 15, 5, 59, 59) == 1
    assert left(2026, 1, 15, 6, 0, 0) == 86_400
    assert left(2026, 7, 15, 4, 0, 0) in (3_600, 7_200)  # the latter where no time zones are installed


@pytest.mark.parametrize(
    ("fault", "kind", "outcome"),
    [
        (faults.html(200), Kind.ANSWER_NOT_UNDERSTOOD, Outcome.AMBIGUOUS),
        (result(), Kind.ANSWER_NOT_UNDERSTOOD, Outcome.AMBIGUOUS),
        (message({"requestId": "1"}), Kind.ANSWER_NOT_UNDERSTOOD, Outcome.AMBIGUOUS),
        (message({"success": False}), MarketoKind.BUSY, Outcome.FAILED),
        (faults.reset_in_body(200), Kind.ANSWER_NOT_UNDERSTOOD, Outcome.AMBIGUOUS),
        (faults.answer(401), MarketoKind.SERVICE_REJECTED, Outcome.BROKEN),
        (faults.answer(403), MarketoKind.ACCESS_DENIED, Outcome.BROKEN),
        (faults.answer(413), Kind.LEAD_TOO_LARGE, Outcome.REFUSED),
        (faults.answer(414), MarketoKind.REQUEST_REJECTED, Outcome.BROKEN),
        (faults.answer(429, retry_after="8"), Kind.THROTTLED, Outcome.THROTTLED),
        (faults.html(500), Kind.SERVER_ERROR, Outcome.FAILED),
        (faults.html(502), Kind.SERVER_ERROR, Outcome.FAILED),
        (faults.answer(503, retry_after="8"), Kind.THROTTLED, Outcome.THROTTLED),
        (faults.redirect("https://evil.example/"), Kind.REDIRECTED, Outcome.BROKEN),
        (faults.hang, Kind.NO_ANSWER, Outcome.AMBIGUOUS),
        (faults.reset_before_answer, Kind.CONNECTION_LOST, Outcome.AMBIGUOUS),
        (faults.commit_then_drop, Kind.CONNECTION_LOST, Outcome.AMBIGUOUS),
        (faults.echo(400), MarketoKind.REQUEST_REJECTED, Outcome.BROKEN),
    ],
)
async def test_other_answers(authority: Authority, fault: Fault, kind: AnyKind, outcome: Outcome) -> None:
    found = await answer_to(authority, fault, seconds=0.7)
    assert isinstance(found, Diagnosis)
    assert (found.kind, found.outcome) == (kind, outcome)


@pytest.mark.parametrize("code", ["601", "602"])
async def test_a_token_that_ended_is_renewed_once(authority: Authority, code: str) -> None:
    async with remote_side(authority, {TOKEN: GRANTED, SUBMIT: [failure(code), CREATED]}, HOST) as side:
        assert isinstance(await deliver(side), Receipt)
        assert len(side.requests(TOKEN)) == 2
    async with remote_side(authority, {TOKEN: GRANTED, SUBMIT: failure(code)}, HOST) as side:
        assert isinstance(await deliver(side), Diagnosis)
        assert (len(side.requests(TOKEN)), len(side.requests(SUBMIT))) == (2, 2)


async def test_one_token_serves_all_and_a_short_one_is_renewed(authority: Authority) -> None:
    async with remote_side(authority, {TOKEN: GRANTED, SUBMIT: CREATED}, HOST) as side:
        marketo = line(side.network)
        people = [replace(LEAD, customer=replace(LEAD.customer, email=f"a{n}@x.example")) for n in range(6)]
        await asyncio.gather(*(marketo.deliver([lead]) for lead in people))
        assert len(side.requests(TOKEN)) == 1
    short = message({"access_token": BEARER, "token_type": "bearer", "expires_in": 0})
    async with remote_side(authority, {TOKEN: short, SUBMIT: CREATED}, HOST) as side:
        marketo = line(side.network)
        for _ in range(2):
            assert isinstance((await marketo.deliver([LEAD]))[0], Receipt)
        assert len(side.requests(TOKEN)) == 2


@pytest.mark.parametrize(
    ("fault", "kind", "outcome"),
    [
        (
            message({"error": "invalid_client", "error_description": "No."}, 401),
            MarketoKind.SERVICE_REJECTED,
            Outcome.BROKEN,
        ),
        (message({"error": "unauthorized"}, 401), MarketoKind.SERVICE_REJECTED, Outcome.BROKEN),
        (faults.html(200), Kind.ANSWER_NOT_UNDERSTOOD, Outcome.FAILED),
        (faults.html(500), Kind.SERVER_ERROR, Outcome.FAILED),
        (faults.answer(503, retry_after="8"), Kind.THROTTLED, Outcome.THROTTLED),
        (faults.hang, Kind.NO_ANSWER, Outcome.FAILED),
        (faults.commit_then_drop, Kind.CONNECTION_LOST, Outcome.FAILED),
        (faults.echo(401), MarketoKind.SERVICE_REJECTED, Outcome.BROKEN),
    ],
)
async def test_signing_in_fails_before_a_lead_is_sent(
    authority: Authority, fault: Fault, kind: AnyKind, outcome: Outcome
) -> None:
    async with remote_side(authority, {TOKEN: fault}, HOST, total_seconds=seconds_for(kind)) as side:
        found = await deliver(side)
        check = await line(side.network).check()
        assert side.requests(SUBMIT) == []
    assert isinstance(found, Diagnosis)
    assert (found.kind, found.outcome) == (kind, outcome)
    assert check.diagnosis is not None
    assert (check.diagnosis.kind, check.steps[-1].name) == (kind, "token")


@pytest.mark.parametrize("fail", [failure, skipped])
async def test_fields_that_are_not_on_the_form_are_left_out_from_then_on(authority: Authority, fail: Any) -> None:
    refused = fail("1006", "Field 'leadSource' and field 'title' not found")
    async with remote_side(authority, {TOKEN: GRANTED, SUBMIT: [refused, CREATED]}, HOST) as side:
        marketo = line(side.network)
        for _ in range(2):
            (found,) = await marketo.deliver([LEAD])
            assert isinstance(found, Receipt)
            assert found.note == "not on the form and left out: leadSource, title."
        sent = [json.loads(seen.body)["input"][0]["leadFormFields"] for seen in side.requests(SUBMIT)]
    assert [("title" in fields, "leadSource" in fields) for fields in sent] == [(True, True)] + [(False, False)] * 2


async def test_a_field_of_the_settings_that_is_not_there_is_not_passed_over(authority: Authority) -> None:
    script = {TOKEN: GRANTED, SUBMIT: skipped("1006", "Field 'leadSource' not found")}
    async with remote_side(authority, script, HOST) as side:
        found = await deliver(side, fields={"leadSource": "Marketplace"})
        assert len(side.requests(SUBMIT)) == 1
    assert isinstance(found, Diagnosis)
    assert found.kind is MarketoKind.FIELD_UNKNOWN


@pytest.mark.parametrize("email", ["", "zoe", "zoë@x.example", "a b@x.example", "a@" + "x" * 254])
async def test_a_lead_without_a_usable_address_is_set_aside(authority: Authority, email: str) -> None:
    async with remote_side(authority, {}, HOST) as side:
        found = await deliver(side, replace(LEAD, customer=replace(LEAD.customer, email=email)))
        assert side.server.received == []
    assert isinstance(found, Diagnosis)
    assert (found.kind, found.outcome) == (MarketoKind.EMAIL_UNUSABLE, Outcome.REFUSED)


async def test_one_person_is_written_by_one_call_at_a_time_over_all_connections(authority: Authority) -> None:
    running, most = 0, 0
    together = asyncio.Event()
    together.set()

    async def slowly(exchange: faults.Exchange) -> None:
        nonlocal running, most
        running, most = running + 1, max(most, running + 1)
        if running > 1:
            together.set()
        await together.wait()
        await asyncio.sleep(0.05)
        running -= 1
        await CREATED(exchange)

    async with remote_side(authority, {TOKEN: GRANTED, SUBMIT: slowly}, HOST) as side:
        first, second = line(side.network), line(side.network)
        shout = replace(LEAD, customer=replace(LEAD.customer, email=LEAD.customer.email.upper()))
        await asyncio.gather(*(each.deliver([lead]) for each in (first, second) for lead in (LEAD, shout)))
        assert most == 1
        together.clear()
        people = [replace(LEAD, customer=replace(LEAD.customer, email=f"a{n}@x.example")) for n in range(12)]
        await asyncio.gather(*(first.deliver([lead]) for lead in people))
    assert 1 < most <= 5


async def test_a_used_up_window_makes_the_others_wait(authority: Authority) -> None:
    async with remote_side(authority, {TOKEN: GRANTED, SUBMIT: failure("606")}, HOST) as side:
        found = [await deliver(side), await deliver(side)]
        assert len(side.requests(SUBMIT)) == 1
    kinds = [each.kind for each in found if isinstance(each, Diagnosis)]
    assert kinds == [MarketoKind.RATE_LIMIT, MarketoKind.PACED]


FIELDS = result(
    *(
        {"id": n, "rest": {"name": name, "readOnly": False}}
        for n, name in enumerate(("email", "firstName", "region__c"))
    ),
    *({"id": n, "rest": {"name": f"filler{n}", "readOnly": False}, "x": "y" * 1_000} for n in range(300)),
)
APPROVED = result({"id": 1179, "name": "MarketplaceLeadBackend", "status": "approved"})


@pytest.mark.parametrize(
    ("describe", "asset", "settings", "kind", "last"),
    [
        (FIELDS, APPROVED, {}, None, ("form", True)),
        (FIELDS, failure("603"), {}, None, ("form", None)),
        (FIELDS, result({"id": 1179, "status": "draft"}), {}, None, ("form", None)),
        (FIELDS, failure("702"), {}, MarketoKind.FORM_NOT_FOUND, ("form", False)),
        (FIELDS, result(), {}, MarketoKind.FORM_NOT_FOUND, ("form", False)),
        (failure("603"), APPROVED, {}, MarketoKind.ACCESS_DENIED, ("fields", False)),
        (failure("607"), APPROVED, {}, MarketoKind.DAILY_QUOTA, ("fields", False)),
        (FIELDS, APPROVED, {"fields": {"region__c": "x", "leadSource": None}}, None, ("form", True)),
        (FIELDS, APPROVED, {"fields": {"Region__c": "x"}}, MarketoKind.FIELD_UNKNOWN, ("fields", False)),
    ],
)
async def test_the_check(
    authority: Authority,
    describe: Fault,
    asset: Fault,
    settings: Any,
    kind: AnyKind | None,
    last: tuple[str, bool | None],
) -> None:
    async with remote_side(authority, {TOKEN: GRANTED, DESCRIBE: describe, ASSET: asset}, HOST) as side:
        check = await line(side.network, **settings).check()
        assert side.requests(SUBMIT) == []
    assert (check.diagnosis and check.diagnosis.kind) == kind
    assert check.ok is (kind is None)
    assert (check.steps[-1].name, check.steps[-1].ok) == last


async def test_a_preview_sends_nothing(authority: Authority) -> None:
    async with remote_side(authority, {}, HOST) as side:
        shown = await line(side.network, fields={"comments__c": "{description}", "title": None}).preview(LEAD)
        assert side.server.received == []
    assert shown.record["comments__c"] == LEAD.description
    assert "title" not in shown.record
    assert shown.notes == ()
