"""Dynamics 365: what is sent, what each answer means, what a check proves, against a scripted far side."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from leadkeeper.catalogue import CATALOGUE
from leadkeeper.destinations.destination import Check, Destination, Previews
from leadkeeper.destinations.dynamics import Dynamics, row_id
from leadkeeper.destinations.dynamics_errors import CODES
from leadkeeper.destinations.dynamics_settings import DynamicsConfig
from leadkeeper.destinations.http import Network, NetworkPolicy
from leadkeeper.diagnoses.microsoft_texts import MICROSOFT_TEXTS, kind_of
from leadkeeper.diagnosis import Answer, Diagnosis, Kind, Outcome, Receipt
from leadkeeper.sandbox import faults
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.faults import Exchange, Fault
from tests.contracts.faults import LEAD, PERSONAL
from tests.unit.far_dynamics import HOST, Far, far_side, refused, said, sign_in_refused, token

SETTINGS: dict[str, Any] = {
    "instanceUrl": f"https://{HOST}",
    "authentication": "azureAD",
    "applicationId": "9f8e7d6c-0000-4000-8000-000000000002",
    "applicationKey": "Top~secret.value/1",
    "directoryId": "3c1d2b4a-0000-4000-8000-000000000001",
}
PERSON: dict[str, Any] = {
    "instanceUrl": f"https://{HOST}",
    "authentication": "office365",
    "username": "ada@contoso.com",
    "password": "Pa55 word",
}
ROW = row_id(LEAD.id)
DUPLICATE = "A record with matching key values already exists."
LENGTHS = "GET EntityDefinitions(LogicalName='lead')/Attributes/Microsoft.Dynamics.CRM.StringAttributeMetadata"
MEMOS = "GET EntityDefinitions(LogicalName='lead')/Attributes/Microsoft.Dynamics.CRM.MemoAttributeMetadata"
COLUMNS = "GET EntityDefinitions(LogicalName='lead')/Attributes?$select=LogicalName"
OPTIONS = "GET EntityDefinitions(LogicalName='lead')/Attributes(LogicalName='leadsourcecode')"
PRIVILEGE = "GET systemusers(0a0a0a0a-1111-2222-3333-444444444444)/Microsoft.Dynamics.CRM.RetrieveUserPrivilegeByPriv"
PRIVILEGES = "GET systemusers(0a0a0a0a-1111-2222-3333-444444444444)/Microsoft.Dynamics.CRM.RetrieveUserPrivileges"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
async def far(authority: Authority) -> AsyncIterator[Far]:
    async with far_side(authority) as side:
        yield side


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def dynamics(far: Far, clock: Clock | None = None, **settings: Any) -> Dynamics:
    config = DynamicsConfig.model_validate(SETTINGS | settings)
    return Dynamics(config, far.network, clock=clock or Clock())


async def deliver(destination: Destination, lead: Any = LEAD) -> Answer:
    (found,) = await destination.deliver([lead])
    shown = repr(found).casefold()
    assert not [text for text in (*PERSONAL, "secret.value", "tok.en") if text in shown]
    return found


def lengths(**of: int) -> Fault:
    return said(200, {"value": [{"LogicalName": name, "MaxLength": length} for name, length in of.items()]})


# What is sent


async def test_a_lead_becomes_a_row(far: Far) -> None:
    found = await deliver(dynamics(far))
    assert found == Receipt(
        "created",
        ROW,
        f"https://{HOST}/main.aspx?etn=lead&id={ROW}&pagetype=entityrecord",
    )
    (sent,) = far.seen("PATCH leads(")
    assert sent.target == f"/api/data/v9.2/leads({ROW})"
    headers = {
        "authorization": "Bearer tok.en-1",
        "if-none-match": "*",
        "content-type": "application/json; charset=utf-8",
        "accept": "application/json",
        "odata-version": "4.0",
        "odata-maxversion": "4.0",
    }
    assert {name: sent.headers.get(name) for name in headers} == headers
    assert "mscrm.suppressduplicatedetection" not in sent.headers
    assert json.loads(sent.body) == {
        "subject": "CRM for everybody (INS)",
        "firstname": "Zoltana",
        "lastname": "Quimby",
        "emailaddress1": "zoltana@northwind.example",
        "telephone1": "+49 30 901820",
        "companyname": "Northwind",
        "jobtitle": "Treasurer",
        "address1_country": "DE",
        "description": (
            "Lead source: AzureMarketplace-INS|contoso.crm\nCampaign: spring\n"
            f"Lead id: {LEAD.id}\n\nRing the doorbell twice; mind the dog."
        ),
        "leadsourcecode": 8,
    }


def test_a_rows_id_never_changes() -> None:
    assert ROW == "90d83c4c-916b-541b-a468-05aa79f6c01e"
    assert UUID(ROW).version == 5


async def test_a_lead_with_little_is_a_small_row(far: Far) -> None:
    lead = replace(LEAD, customer=replace(LEAD.customer, first_name="", phone=" ", title=""), campaign="", action="")
    assert isinstance(await deliver(dynamics(far), replace(lead, description="")), Receipt)
    (body,) = far.bodies("PATCH leads(")
    assert {"firstname", "telephone1", "jobtitle"}.isdisjoint(body)
    assert body["subject"] == "CRM for everybody"
    assert body["description"].endswith(f"\nLead id: {LEAD.id}")
    assert "Campaign" not in body["description"]


async def test_fields_and_settings_change_the_row(far: Far) -> None:
    fields = {
        "subject": "{company} wants {offerTitle}",
        "jobtitle": None,
        "new_score": 7,
        "donotphone": False,
        "campaignid@odata.bind": "/campaigns(11111111-2222-3333-4444-555555555555)",
    }
    await deliver(dynamics(far, fields=fields, leadSourceCode=100000001, duplicateDetection=True))
    (sent,) = far.seen("PATCH leads(")
    body = json.loads(sent.body)
    assert sent.headers["mscrm.suppressduplicatedetection"] == "false"
    assert body["subject"] == "Northwind wants CRM for everybody"
    assert body["leadsourcecode"] == 100000001
    assert (body["new_score"], body["donotphone"]) == (7, False)
    assert body["campaignid@odata.bind"].startswith("/campaigns(")
    assert "jobtitle" not in body


async def test_the_lead_source_code_can_be_left_out(far: Far) -> None:
    await deliver(dynamics(far, fields={"leadsourcecode": None}))
    assert "leadsourcecode" not in far.bodies("PATCH leads(")[0]


async def test_any_text_of_a_customer_can_be_sent(far: Far) -> None:
    lead = replace(LEAD, description='"\x00\u2028 \ud800 {email} \U0001f600', customer=replace(LEAD.customer))
    assert isinstance(await deliver(dynamics(far), lead), Receipt)
    assert far.bodies("PATCH leads(")[0]["description"].endswith('"\u2028 ? {email} \U0001f600')


async def test_a_password_signs_in_too(far: Far) -> None:
    config = DynamicsConfig.model_validate(PERSON)
    assert isinstance(await deliver(Dynamics(config, far.network)), Receipt)
    (form,) = far.forms
    assert form["to"] == "login.microsoftonline.com/organizations/oauth2/v2.0/token"
    assert (form["grant_type"], form["username"], form["password"]) == ("password", "ada@contoso.com", "Pa55 word")
    assert form["client_id"] == "51f81489-12ee-4a9e-aaae-a2591f45987d"
    assert "client_secret" not in form


async def test_many_leads_share_a_token_and_the_lengths(far: Far) -> None:
    far.answers |= {LENGTHS: [lengths(subject=300)], MEMOS: [lengths(description=2000)]}
    destination = dynamics(far)
    await asyncio.gather(*(deliver(destination, replace(LEAD, id=f"lead {number}")) for number in range(20)))
    assert len(far.forms) == 1
    assert len(far.seen(LENGTHS)) == 1
    assert len({request.target for request in far.seen("PATCH leads(")}) == 20


# Lengths


async def test_texts_are_cut_to_the_environments_lengths(far: Far) -> None:
    far.answers |= {LENGTHS: [lengths(companyname=4, lastname=100)], MEMOS: [lengths(description=40)]}
    found = await deliver(dynamics(far))
    assert isinstance(found, Receipt)
    assert found.note == "companyname cut from 9 to 4 characters; description cut from 148 to 40 characters."
    (body,) = far.bodies("PATCH leads(")
    assert body["companyname"] == "Nort"
    assert body["description"] == "Lead source: AzureMarketplace-INS|contos"


async def test_usual_lengths_where_the_environment_tells_none(far: Far) -> None:
    lead = replace(LEAD, description="x" * 3_000, customer=replace(LEAD.customer, last_name="y" * 60))
    found = await deliver(dynamics(far), lead)
    assert isinstance(found, Receipt)
    assert found.note == "lastname cut from 60 to 50 characters; description cut from 3,110 to 2,000 characters."
    (body,) = far.bodies("PATCH leads(")
    assert len(body["description"]) == 2_000
    assert LEAD.id in body["description"]


async def test_lengths_are_read_again_every_hour(far: Far) -> None:
    far.answers |= {LENGTHS: [lengths(companyname=4), lengths(companyname=5)], MEMOS: [faults.answer(403)]}
    clock = Clock()
    destination = dynamics(far, clock)
    for seconds in (0, 3_599, 2):
        clock.now += seconds
        await deliver(destination)
    assert [body["companyname"] for body in far.bodies("PATCH leads(")] == ["Nort", "Nort", "North"]


async def test_lengths_that_cannot_be_read_are_not_asked_for_all_the_time(far: Far) -> None:
    destination = dynamics(far)
    for _ in range(5):
        await deliver(destination)
    assert len([request for request in far.server.received if "AttributeMetadata" in request.target]) == 1


async def test_metadata_that_hangs_does_not_keep_a_lead(authority: Authority) -> None:
    async with far_side(authority, total=0.5) as far:
        far.answers[LENGTHS] = [faults.hang]
        assert isinstance(await deliver(dynamics(far)), Receipt)


async def test_a_long_description_of_the_table_is_read_whole(far: Far) -> None:
    rows = {f"new_column_{number}": 100 for number in range(3_000)}
    far.answers |= {LENGTHS: [lengths(companyname=4, **rows)], MEMOS: [lengths()]}
    await deliver(dynamics(far))
    assert far.bodies("PATCH leads(")[0]["companyname"] == "Nort"


async def test_odd_metadata_is_passed_over(far: Far) -> None:
    rows = [7, {}, {"LogicalName": "companyname", "MaxLength": -1}, {"LogicalName": "lastname", "MaxLength": True}]
    far.answers |= {LENGTHS: [said(200, {"value": rows})], MEMOS: [said(200, [])]}
    assert isinstance(await deliver(dynamics(far)), Receipt)
    assert far.bodies("PATCH leads(")[0]["companyname"] == "Northwind"


async def test_a_length_that_changed_is_learned_and_the_lead_sent_again(far: Far) -> None:
    far.answers |= {
        LENGTHS: [lengths(companyname=100), lengths(companyname=4)],
        MEMOS: [lengths(description=2000)],
        "PATCH leads(": [refused(400, "0x80044331"), faults.answer(204)],
    }
    found = await deliver(dynamics(far))
    assert isinstance(found, Receipt)
    assert found.note == "companyname cut from 9 to 4 characters."
    assert [body["companyname"] for body in far.bodies("PATCH leads(")] == ["Northwind", "Nort"]


async def test_a_length_that_cannot_be_learned_sets_the_lead_aside(far: Far) -> None:
    far.answers["PATCH leads("] = [refused(400, "0x80044331", "The length of 'companyname' exceeded 4.")]
    found = await deliver(dynamics(far))
    assert isinstance(found, Diagnosis)
    assert (found.kind, found.outcome) == (Kind.FIELD_TOO_LONG, Outcome.REFUSED)
    assert len(far.seen("PATCH leads(")) == 1


# Once


async def test_a_row_that_is_there_already_is_a_duplicate(far: Far) -> None:
    for code in ("0x80060892", "", "0x80040237", "0x80060882"):
        far.answers |= {
            "PATCH leads(": [refused(412, code, DUPLICATE)],
            "GET leads(": [said(200, {"leadid": ROW})],
        }
        found = await deliver(dynamics(far))
        assert isinstance(found, Receipt)
        assert (found.result, found.confirmed, found.remote_id) == ("duplicate", True, ROW)


@pytest.mark.parametrize("reading", [refused(403, "0x80040220"), faults.answer(500), faults.reset_before_answer])
async def test_a_role_that_cannot_read_gets_its_duplicates_too(far: Far, reading: Fault) -> None:
    far.answers |= {"PATCH leads(": [refused(412, "0x80060892", DUPLICATE)], "GET leads(": [reading]}
    found = await deliver(dynamics(far))
    assert isinstance(found, Receipt)
    assert found.result == "duplicate"


async def test_a_412_about_another_record_is_no_receipt(far: Far) -> None:
    for code in ("0x80060892", "0x80040237", "0x80040333", "0x80060882", ""):
        far.answers |= {
            "PATCH leads(": [refused(412, code, DUPLICATE)],
            "GET leads(": [refused(404, "0x80040217", "Does Not Exist")],
        }
        found = await deliver(dynamics(far))
        assert isinstance(found, Diagnosis)
        assert (found.kind, found.outcome) == (Kind.DUPLICATE_REFUSED, Outcome.REFUSED)


@pytest.mark.parametrize("status", [412, 500])
async def test_duplicate_detection_goes_by_its_code(far: Far, status: int) -> None:
    far.answers |= {
        "PATCH leads(": [refused(status, "0x80040333", "A record was not created or updated")],
        "GET leads(": [refused(403, "0x80040220")],
    }
    found = await deliver(dynamics(far, duplicateDetection=True))
    assert isinstance(found, Diagnosis)
    assert (found.kind, found.outcome) == (Kind.DUPLICATE_REFUSED, Outcome.REFUSED)
    assert found.evidence.status == status


async def test_our_own_row_is_not_another_duplicate(far: Far) -> None:
    far.answers |= {"PATCH leads(": [refused(412, "0x80040333")], "GET leads(": [said(200, {"leadid": ROW})]}
    found = await deliver(dynamics(far, duplicateDetection=True))
    assert isinstance(found, Receipt)


async def test_a_role_that_may_only_create_gets_plain_creates_from_then_on(far: Far) -> None:
    far.answers["PATCH leads("] = [refused(403, "0x80040220", "missing prvWriteLead privilege")]
    destination = dynamics(far)
    for _ in range(2):
        found = await deliver(destination)
        assert isinstance(found, Receipt)
        assert found.remote_id == ROW
    assert len(far.seen("PATCH leads(")) == 1
    assert [body["leadid"] for body in far.bodies("POST leads")] == [ROW, ROW]
    assert far.seen("POST leads")[0].target == "/api/data/v9.2/leads"


async def test_a_plain_create_that_is_repeated_is_a_duplicate(far: Far) -> None:
    far.answers |= {
        "PATCH leads(": [refused(403, "0x80040220")],
        "POST leads": [refused(412, "0x80040237", "Cannot insert duplicate key.")],
        "GET leads(": [refused(403, "0x80040220")],
    }
    found = await deliver(dynamics(far))
    assert isinstance(found, Receipt)
    assert found.result == "duplicate"


async def test_a_plain_create_against_another_key_is_no_receipt(far: Far) -> None:
    far.answers |= {
        "PATCH leads(": [refused(403, "0x80040220")],
        "POST leads": [refused(412, "0x80060892")],
        "GET leads(": [refused(403, "0x80040220")],
    }
    found = await deliver(dynamics(far))
    assert isinstance(found, Diagnosis)
    assert found.kind is Kind.DUPLICATE_REFUSED


async def test_a_role_that_may_not_even_create_is_told_so(far: Far) -> None:
    far.answers |= {
        "PATCH leads(": [refused(403, "0x80040220", "missing prvWriteLead")],
        "POST leads": [refused(403, "0x80040220", "missing prvCreateLead"), faults.answer(204)],
    }
    destination = dynamics(far)
    found = await deliver(destination)
    assert isinstance(found, Diagnosis)
    assert found.kind is Kind.CREATE_PRIVILEGE_MISSING
    assert found.evidence.text == "missing prvCreateLead"
    assert isinstance(await deliver(destination), Receipt)
    assert len(far.seen("PATCH leads(")) == 2


async def test_commit_then_drop_makes_one_row(far: Far) -> None:
    far.answers |= {
        "PATCH leads(": [faults.commit_then_drop, refused(412, "0x80060892")],
        "GET leads(": [said(200, {"leadid": ROW})],
    }
    found = await deliver(dynamics(far))
    assert isinstance(found, Receipt)
    assert found.result == "duplicate"


# Tokens


async def test_a_token_that_the_environment_refuses_is_renewed_once(far: Far) -> None:
    far.answers["token"] = [token("tok.en-1"), token("tok.en-2")]

    async def picky(exchange: Exchange) -> None:
        good = exchange.request.headers["authorization"] == "Bearer tok.en-2"
        await faults.answer(204 if good else 401)(exchange)

    far.answers["PATCH leads("] = [picky]
    far.answers |= {LENGTHS: [lengths()]}
    assert isinstance(await deliver(dynamics(far)), Receipt)
    assert len(far.forms) == 2


async def test_an_environment_that_takes_no_token_is_not_asked_for_ever(far: Far) -> None:
    far.answers["PATCH leads("] = [faults.answer(401, www_authenticate="Bearer authorization_uri=x")]
    found = await deliver(dynamics(far))
    assert isinstance(found, Diagnosis)
    assert (found.kind, found.outcome) == (Kind.TOKEN_REJECTED, Outcome.BROKEN)
    assert len(far.seen("PATCH leads(")) == 2
    assert len(far.forms) == 2


async def test_a_secret_that_expired_since_is_named(far: Far) -> None:
    far.answers |= {
        "token": [token(), sign_in_refused(7000222, "invalid_client", 401)],
        "PATCH leads(": [faults.answer(401)],
    }
    found = await deliver(dynamics(far))
    assert isinstance(found, Diagnosis)
    assert found.kind is Kind.CLIENT_SECRET_EXPIRED


async def test_no_token_no_lead(far: Far) -> None:
    far.answers["token"] = [sign_in_refused(90002, "invalid_request")]
    found = await deliver(dynamics(far))
    assert isinstance(found, Diagnosis)
    assert (found.kind, found.outcome) == (Kind.TENANT_NOT_FOUND, Outcome.BROKEN)
    assert len(far.server.received) == 1


# What answers mean

ANSWERS = [
    (403, "0x80072560", Kind.USER_NOT_MEMBER, Outcome.BROKEN),
    (401, "0x80072560", Kind.USER_NOT_MEMBER, Outcome.BROKEN),
    (403, "0x80042f09", Kind.NO_SECURITY_ROLE, Outcome.BROKEN),
    (401, "0x80042F09", Kind.NO_SECURITY_ROLE, Outcome.BROKEN),
    (403, -2147209463, Kind.NO_SECURITY_ROLE, Outcome.BROKEN),
    (403, "-2147209463", Kind.NO_SECURITY_ROLE, Outcome.BROKEN),
    (403, "0x80040220", Kind.CREATE_PRIVILEGE_MISSING, Outcome.BROKEN),
    (403, "0x80048306", Kind.CREATE_PRIVILEGE_MISSING, Outcome.BROKEN),
    (403, "0x8004F502", Kind.FIELD_PERMISSION_MISSING, Outcome.BROKEN),
    (403, "0x8004f503", Kind.FIELD_PERMISSION_MISSING, Outcome.BROKEN),
    (403, "0x8004f504", Kind.FIELD_PERMISSION_MISSING, Outcome.BROKEN),
    (403, "0x8004f507", Kind.FIELD_PERMISSION_MISSING, Outcome.BROKEN),
    (403, "0x80040225", Kind.USER_DISABLED, Outcome.BROKEN),
    (403, "0x8004D24B", Kind.LICENCE_MISSING, Outcome.BROKEN),
    (403, "0x8004A113", Kind.ENVIRONMENT_ADMIN_ONLY, Outcome.BROKEN),
    (403, "0x80044507", Kind.RESOURCE_NOT_IN_TENANT, Outcome.BROKEN),
    (403, "0x80049999", Kind.PERMISSION_MISSING, Outcome.BROKEN),
    (400, "0x80044331", Kind.FIELD_TOO_LONG, Outcome.REFUSED),
    (400, "0x8004431A", Kind.PICKLIST_VALUE, Outcome.BROKEN),
    (400, "0x80060888", Kind.FIELD_NOT_KNOWN, Outcome.BROKEN),
    (400, "0x80048d19", Kind.FIELD_VALUE_WRONG, Outcome.REFUSED),
    (400, "0x80040203", Kind.LEAD_REFUSED, Outcome.REFUSED),
    (400, "0x80040265", Kind.ORG_RULE_REFUSED, Outcome.REFUSED),
    (400, "", Kind.LEAD_REFUSED, Outcome.REFUSED),
    (404, "0x80040217", Kind.LOOKUP_NOT_FOUND, Outcome.BROKEN),
    (404, "0x80060891", Kind.LOOKUP_NOT_FOUND, Outcome.BROKEN),
    (404, "0x8006088a", Kind.DYNAMICS_ADDRESS_WRONG, Outcome.BROKEN),
    (405, "", Kind.DYNAMICS_ADDRESS_WRONG, Outcome.BROKEN),
    (501, "", Kind.DYNAMICS_ADDRESS_WRONG, Outcome.BROKEN),
    (412, "0x80040333", Kind.DUPLICATE_REFUSED, Outcome.REFUSED),
    (412, "0x80060882", Kind.DUPLICATE_REFUSED, Outcome.REFUSED),
    (413, "", Kind.LEAD_TOO_LARGE, Outcome.REFUSED),
    (429, "0x80072322", Kind.THROTTLED, Outcome.THROTTLED),
    (429, "0x80072321", Kind.THROTTLED, Outcome.THROTTLED),
    (429, "0x80072326", Kind.THROTTLED, Outcome.THROTTLED),
    (429, "0x8005F103", Kind.THROTTLED, Outcome.THROTTLED),
    (503, "0x80060308", Kind.THROTTLED, Outcome.THROTTLED),
    (429, "", Kind.THROTTLED, Outcome.THROTTLED),
    (500, "0x80040216", Kind.SERVER_ERROR, Outcome.FAILED),
    (500, "0x80044151", Kind.SERVER_ERROR, Outcome.FAILED),
    (500, "0x80049999", Kind.SERVER_ERROR, Outcome.FAILED),
    (502, "", Kind.SERVER_ERROR, Outcome.FAILED),
    (503, "", Kind.SERVER_ERROR, Outcome.FAILED),
    (504, "", Kind.SERVER_ERROR, Outcome.FAILED),
]


def test_every_known_code_is_met() -> None:
    met = {str(code).lower() for _, code, *_ in ANSWERS} | {"0x80060892", "0x80040237"}  # those under "Once"
    assert set(CODES) <= met


@pytest.mark.parametrize(("status", "code", "kind", "outcome"), ANSWERS)
async def test_answers_go_by_code_then_status(
    far: Far, status: int, code: str | int, kind: Kind, outcome: Outcome
) -> None:
    message = "Zoltana of Northwind, zoltana@northwind.example: no. User: 7cd5b9a1-1234-4a6b-9a1b-1234567890ab"
    script = [refused(status, code, message, x_ms_service_request_id="abc-1", retry_after="7")]
    if status == 503 and not code:
        script = [refused(status, code, message)]
    far.answers |= {"PATCH leads(": script, "POST leads": script}
    found = await deliver(dynamics(far))
    assert isinstance(found, Diagnosis)
    if status in (502, 504):
        kind, outcome = Kind.THROTTLED, Outcome.THROTTLED
    assert (found.kind, found.outcome) == (kind, outcome)
    assert found.retry_after == (7.0 if kind is Kind.THROTTLED else None)
    assert found.evidence.status == status
    if status != 503 or code:
        assert found.evidence.request_id == "abc-1"
    assert found.evidence.text is not None


async def test_older_surfaces_say_it_otherwise(far: Far) -> None:
    content = {"Message": "no", "ErrorCode": -2147209463, "ExceptionMessage": "SecLib"}
    far.answers["PATCH leads("] = [said(403, content)]
    found = await deliver(dynamics(far))
    assert isinstance(found, Diagnosis)
    assert found.kind is Kind.NO_SECURITY_ROLE
    assert (found.evidence.code, found.evidence.text) == ("0x80042f09", "no")


@pytest.mark.parametrize(
    ("fault", "kind", "outcome"),
    [
        (faults.html(502, "Bad gateway"), Kind.SERVER_ERROR, Outcome.FAILED),
        (faults.html(503, "Zoltana", "Quimby"), Kind.SERVER_ERROR, Outcome.FAILED),
        (faults.html(404), Kind.DYNAMICS_ADDRESS_WRONG, Outcome.BROKEN),
        (faults.html(403), Kind.PERMISSION_MISSING, Outcome.BROKEN),
        (faults.html(200), Kind.ANSWER_NOT_UNDERSTOOD, Outcome.AMBIGUOUS),
        (faults.answer(202), Kind.ANSWER_NOT_UNDERSTOOD, Outcome.AMBIGUOUS),
        (faults.redirect("https://login.microsoftonline.com/"), Kind.REDIRECTED, Outcome.BROKEN),
        (faults.redirect("https://10.0.0.1/", 307), Kind.REDIRECTED, Outcome.BROKEN),
        (faults.answer(400, b'{"error":"odd"}'), Kind.LEAD_REFUSED, Outcome.REFUSED),
        (faults.answer(400, b'{"error":{"code":{},"message":7}}'), Kind.LEAD_REFUSED, Outcome.REFUSED),
        (faults.answer(403, b"\xff\xfe", content_type="image/png"), Kind.PERMISSION_MISSING, Outcome.BROKEN),
        (faults.answer(500, b"[" * 100_000), Kind.SERVER_ERROR, Outcome.FAILED),
        (faults.echo(400), Kind.LEAD_REFUSED, Outcome.REFUSED),
        (faults.endless(500), Kind.SERVER_ERROR, Outcome.FAILED),
        (faults.hang, Kind.NO_ANSWER, Outcome.AMBIGUOUS),
        (faults.hang_in_headers, Kind.NO_ANSWER, Outcome.AMBIGUOUS),
        (faults.hang_after_headers(500), Kind.SERVER_ERROR, Outcome.FAILED),
        (faults.reset_before_answer, Kind.CONNECTION_LOST, Outcome.AMBIGUOUS),
        (faults.commit_then_drop, Kind.CONNECTION_LOST, Outcome.AMBIGUOUS),
        (faults.reset_in_headers(), Kind.CONNECTION_LOST, Outcome.AMBIGUOUS),
        (faults.not_http, Kind.ANSWER_NOT_UNDERSTOOD, Outcome.AMBIGUOUS),
    ],
)
async def test_faults(authority: Authority, fault: Fault, kind: Kind, outcome: Outcome) -> None:
    async with far_side(authority, total=0.5) as far:
        far.answers["PATCH leads("] = [fault]
        async with asyncio.timeout(2.5):
            found = await deliver(dynamics(far))
    assert isinstance(found, Diagnosis)
    assert (found.kind, found.outcome) == (kind, outcome)


@pytest.mark.parametrize("fault", [faults.answer(204), said(201, {"leadid": ROW}), said(200, {"leadid": ROW})])
async def test_every_way_of_success(far: Far, fault: Fault) -> None:
    far.answers["PATCH leads("] = [fault]
    assert isinstance(await deliver(dynamics(far)), Receipt)


# Settings


def invalid(**changes: Any) -> str:
    given = {name: value for name, value in (SETTINGS | changes).items() if value is not ...}
    with pytest.raises(ValidationError) as caught:
        DynamicsConfig.model_validate(given)
    assert "secret.value" not in str(caught.value)
    return "; ".join(error["msg"] for error in caught.value.errors(include_input=False))


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        ("https://contoso.crm4.dynamics.com/", "https://contoso.crm4.dynamics.com"),
        (" https://Contoso.CRM4.dynamics.com/main.aspx?appid=1#x ", "https://contoso.crm4.dynamics.com"),
        ("https://contoso.api.crm4.dynamics.com/api/data/v9.2/", "https://contoso.crm4.dynamics.com"),
        ("https://contoso.crm.dynamics.com:443", "https://contoso.crm.dynamics.com"),
        ("https://contoso.crm.microsoftdynamics.us", "https://contoso.crm.microsoftdynamics.us"),
        ("https://crm.fabrikam.example:8443/x", "https://crm.fabrikam.example:8443"),
    ],
)
def test_the_instance_url_is_reduced_to_its_origin(given: str, origin: str) -> None:
    config = DynamicsConfig.model_validate(SETTINGS | {"instanceUrl": given})
    assert config.instance_url == origin
    assert DynamicsConfig.model_validate(SETTINGS | {"instanceUrl": origin}).instance_url == origin
    assert config.host == origin.removeprefix("https://").split(":")[0]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"instanceUrl": "http://contoso.crm4.dynamics.com"}, "https"),
        ({"instanceUrl": "contoso.crm4.dynamics.com"}, "https"),
        ({"instanceUrl": "https://user:word@contoso.crm4.dynamics.com"}, "user name"),
        ({"instanceUrl": "https://"}, "host"),
        ({"authentication": "oauth"}, "azureAD"),
        ({"applicationId": ...}, "authentication azureAD needs applicationId"),
        ({"applicationKey": ..., "directoryId": ...}, "needs applicationKey, directoryId"),
        ({"applicationId": "not-a-uuid"}, "UUID"),
        ({"directoryId": "contoso.onmicrosoft.com"}, "UUID"),
        ({"applicationKey": ""}, "at least 1"),
        ({"applicationKey": "x" * 2049}, "at most 2048"),
        ({"applicationKey": "*********"}, "send the secret itself"),
        ({"username": "ada"}, "username does not belong to authentication azureAD"),
        ({"publicClientId": SETTINGS["applicationId"]}, "publicClientId does not belong"),
        ({"authentication": "office365"}, "needs username, password"),
        (
            {"authentication": "office365", "username": "a", "password": "b"},
            "applicationId, applicationKey, directoryId",
        ),
        ({"fields": {"Bad Name": "x"}}, "logical name"),
        ({"fields": {"leadid": "x"}}, "filled in by Leadkeeper"),
        ({"fields": {"subject": "{surname}"}}, "{lastName}"),
        ({"leadSourceCode": -1}, "greater"),
        ({"unknown": 1}, "Extra inputs"),
    ],
)
def test_settings_that_cannot_be_taken(changes: dict[str, Any], text: str) -> None:
    assert text in invalid(**changes)


def test_settings_survive_being_stored() -> None:
    config = DynamicsConfig.model_validate(SETTINGS | {"fields": {"jobtitle": None, "n": 1, "b": True}})
    dumped = config.model_dump(mode="json", by_alias=True, exclude_none=True)
    again = DynamicsConfig.model_validate(dumped | {"applicationKey": SETTINGS["applicationKey"]})
    assert again == config


@pytest.mark.parametrize("host", ["crm.fabrikam.example", "dynamics.com.evil.example", "evildynamics.com"])
async def test_other_hosts_get_neither_secret_nor_lead(host: str) -> None:
    network = Network(NetworkPolicy())
    config = DynamicsConfig.model_validate(SETTINGS | {"instanceUrl": f"https://{host}"})
    destination = Dynamics(config, network)
    found = await deliver(destination)
    assert isinstance(found, Diagnosis)
    assert (found.kind, found.outcome) == (Kind.DYNAMICS_ADDRESS_WRONG, Outcome.BROKEN)
    assert (await destination.check()).diagnosis == found
    assert (await destination.preview(LEAD)).notes == (found.summary,)
    await network.aclose()


async def test_hosts_that_the_operator_names_are_taken(authority: Authority) -> None:
    async with far_side(authority, more_hosts=("crm.fabrikam.example",)) as far:
        found = await deliver(dynamics(far, instanceUrl="https://crm.fabrikam.example"))
    assert isinstance(found, Receipt)
    assert found.link is not None
    assert found.link.startswith("https://crm.fabrikam.example/main.aspx")
    assert far.forms[0]["scope"] == "https://crm.fabrikam.example/.default"


async def test_a_host_name_that_does_not_exist_is_a_wrong_instance() -> None:
    import socket

    async def resolve(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "")

    network = Network(NetworkPolicy(), resolve=resolve)
    check = await Dynamics(DynamicsConfig.model_validate(SETTINGS), network).check()
    await network.aclose()
    assert [(step.name, step.ok) for step in check.steps] == [("address", True), ("name", False)]
    assert check.diagnosis is not None
    assert (check.diagnosis.kind, check.diagnosis.outcome) == (Kind.DYNAMICS_ADDRESS_WRONG, Outcome.BROKEN)


# Check


async def checked(far: Far, **settings: Any) -> tuple[Check, dict[str, bool | None]]:
    check = await dynamics(far, **settings).check()
    assert not [request for request in far.server.received if request.method in ("PATCH", "DELETE", "PUT")]
    assert not far.seen("POST leads")
    return check, {step.name: step.ok for step in check.steps}


REACHED = {"address": True, "name": True, "network": True, "tls": True}


async def test_a_check_proves_all_that_can_be(far: Far) -> None:
    names = [{"LogicalName": name} for name in (*SETTINGS, "subject", "firstname", "lastname", "emailaddress1")]
    names += [{"LogicalName": name} for name in ("telephone1", "companyname", "jobtitle", "address1_country")]
    names += [{"LogicalName": name} for name in ("description", "leadsourcecode")]
    far.answers |= {
        PRIVILEGE: [said(200, {"RolePrivileges": [{"Depth": "Global"}]})],
        COLUMNS: [said(200, {"value": names})],
        OPTIONS: [said(200, {"OptionSet": {"Options": [{"Value": 1}, {"Value": 8}]}})],
    }
    check, steps = await checked(far, fields={"campaignid@odata.bind": "/campaigns(x)"})
    assert check.ok
    assert steps == {**REACHED, "token": True, "membership": True, "create": True, "fields": True}


async def test_what_cannot_be_proven_is_said_so(far: Far) -> None:
    check, steps = await checked(far)
    assert check.ok
    assert steps == {**REACHED, "token": True, "membership": True, "create": None, "fields": None}


@pytest.mark.parametrize(
    ("rows", "told"), [([{"PrivilegeName": "prvCreateLead"}], True), ([{"PrivilegeName": "prvReadLead"}], None)]
)
async def test_the_list_of_privileges_proves_only_what_is_in_it(
    far: Far, rows: list[dict[str, str]], told: bool | None
) -> None:
    far.answers[PRIVILEGES] = [said(200, {"RolePrivileges": rows})]
    check, steps = await checked(far)
    assert steps["create"] is told
    assert check.ok


@pytest.mark.parametrize(
    ("answers", "step", "kind"),
    [
        ({"token": sign_in_refused(7000222, "invalid_client", 401)}, "token", Kind.CLIENT_SECRET_EXPIRED),
        ({"token": faults.answer(503)}, "token", Kind.SERVER_ERROR),
        ({"GET WhoAmI": refused(403, "0x80072560")}, "membership", Kind.USER_NOT_MEMBER),
        ({"GET WhoAmI": refused(403, "0x80042f09")}, "membership", Kind.NO_SECURITY_ROLE),
        ({"GET WhoAmI": faults.answer(401)}, "membership", Kind.TOKEN_REJECTED),
        ({"GET WhoAmI": refused(400, "0x80040203")}, "membership", Kind.DYNAMICS_ADDRESS_WRONG),
        ({"GET WhoAmI": faults.html(404)}, "membership", Kind.DYNAMICS_ADDRESS_WRONG),
        ({"GET WhoAmI": faults.html(200)}, "membership", Kind.ANSWER_NOT_UNDERSTOOD),
        ({"GET WhoAmI": said(200, {"UserId": "../../x"})}, "membership", Kind.ANSWER_NOT_UNDERSTOOD),
        ({"GET WhoAmI": faults.hang}, "membership", Kind.DYNAMICS_NO_ANSWER),
        ({"GET WhoAmI": faults.reset_before_answer}, "membership", Kind.DYNAMICS_NO_ANSWER),
        ({PRIVILEGE: said(200, {"RolePrivileges": []})}, "create", Kind.CREATE_PRIVILEGE_MISSING),
        ({COLUMNS: said(200, {"value": [{"LogicalName": "subject"}]})}, "fields", Kind.FIELD_NOT_KNOWN),
    ],
)
async def test_a_check_names_the_first_thing_that_is_wrong(
    authority: Authority, answers: dict[str, Fault], step: str, kind: Kind
) -> None:
    async with far_side(authority, total=0.5) as far:
        far.answers |= {key: [fault] for key, fault in answers.items()}
        check, steps = await checked(far)
    assert check.diagnosis is not None
    assert check.diagnosis.kind is kind
    assert list(steps)[-1] == step
    assert steps[step] is False
    assert check.diagnosis.outcome in (Outcome.BROKEN, Outcome.FAILED)


async def test_a_check_finds_an_option_that_is_not_there(far: Far) -> None:
    names = [{"LogicalName": "subject"}, {"LogicalName": "leadsourcecode"}]
    gone = dict.fromkeys(
        ("firstname", "lastname", "emailaddress1", "telephone1", "companyname", "jobtitle", "address1_country")
    )
    far.answers |= {
        COLUMNS: [said(200, {"value": names})],
        OPTIONS: [said(200, {"OptionSet": {"Options": [{"Value": 1}, {"Value": 2}]}})],
    }
    check, steps = await checked(far, fields=gone | {"description": None})
    assert steps["fields"] is False
    assert check.diagnosis is not None
    assert check.diagnosis.kind is Kind.PICKLIST_VALUE
    assert check.diagnosis.evidence.text == "leadsourcecode has no option 8; it has 1, 2."


async def test_nothing_listening_points_to_the_address(authority: Authority) -> None:
    async with far_side(authority) as far:
        await far.server.aclose()
        check, _ = await checked(far)
    assert check.diagnosis is not None
    assert (check.diagnosis.kind, check.diagnosis.outcome) == (Kind.DYNAMICS_NO_ANSWER, Outcome.FAILED)


# Preview


async def test_a_preview_sends_nothing_and_says_what_is_lacking(far: Far) -> None:
    far.answers |= {
        LENGTHS: [lengths(companyname=4)],
        MEMOS: [lengths(description=2000)],
        COLUMNS: [said(200, {"value": [{"LogicalName": "companyname"}, {"LogicalName": "subject"}]})],
    }
    fields = {**dict.fromkeys(("description", "jobtitle", "firstname", "lastname", "telephone1")), "new_x": 1}
    destination = dynamics(far, fields=fields | {"address1_country": None, "emailaddress1": None})
    assert isinstance(destination, Previews)
    preview = await destination.preview(LEAD)
    assert preview.record == {
        "subject": "CRM for everybody (INS)",
        "companyname": "Nort",
        "leadsourcecode": 8,
        "new_x": 1,
    }
    assert preview.notes == (
        "companyname cut from 9 to 4 characters",
        "leadsourcecode does not exist in this environment",
        "new_x does not exist in this environment",
    )
    assert {request.method for request in far.server.received if "oauth2" not in request.target} == {"GET"}


async def test_a_preview_without_an_environment_goes_by_the_usual(far: Far) -> None:
    far.answers["token"] = [sign_in_refused(7000215, "invalid_client", 401)]
    preview = await dynamics(far).preview(LEAD)
    assert preview.record["lastname"] == "Quimby"
    assert len(preview.notes) == 1
    assert "usual" in preview.notes[0]


# Microsoft's own texts


@pytest.mark.parametrize("known", MICROSOFT_TEXTS, ids=lambda known: known.kind.value)
def test_microsofts_texts_are_found_as_they_are_pasted(known: Any) -> None:
    assert known.kind in CATALOGUE
    for pasted in (known.text, f"Could not save the lead to Dynamics CRM  {known.text.upper()}\n Increase the timeout"):
        assert kind_of(pasted) is known.kind
    assert len(MICROSOFT_TEXTS) == 8
    assert kind_of("All is well") is None
