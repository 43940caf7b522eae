"""Dynamics 365: what is sent, cut and sent again, against a scripted remote system."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID

import pytest

from leadkeeper.destinations.dynamics.adapter import Dynamics
from leadkeeper.destinations.dynamics.diagnoses import DynamicsKind
from leadkeeper.destinations.dynamics.settings import DynamicsConfig
from leadkeeper.diagnosis import Diagnosis, Outcome, Receipt
from leadkeeper.network.entra.diagnoses import EntraKind
from leadkeeper.sandbox import faults
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.faults import Exchange, Fault
from tests.contracts.faults import LEAD, PASSING
from tests.contracts.remote_dynamics import (
    DUPLICATE,
    HOST,
    LENGTHS,
    MEMOS,
    PERSON,
    ROW,
    Clock,
    Remote,
    deliver,
    dynamics,
    lengths,
    message,
    refused,
    remote_side,
    sign_in_refused,
    token,
)


@pytest.fixture
async def remote(authority: Authority) -> AsyncIterator[Remote]:
    async with remote_side(authority) as side:
        yield side


# What is sent


async def test_a_lead_becomes_a_row(remote: Remote) -> None:
    found = await deliver(dynamics(remote))
    assert found == Receipt(
        "created",
        ROW,
        f"https://{HOST}/main.aspx?etn=lead&id={ROW}&pagetype=entityrecord",
    )
    (sent,) = remote.seen("PATCH leads(")
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


async def test_a_lead_with_little_is_a_small_row(remote: Remote) -> None:
    lead = replace(LEAD, customer=replace(LEAD.customer, first_name="", phone=" ", title=""), campaign="", action="")
    assert isinstance(await deliver(dynamics(remote), replace(lead, description="")), Receipt)
    (body,) = remote.bodies("PATCH leads(")
    assert {"firstname", "telephone1", "jobtitle"}.isdisjoint(body)
    assert body["subject"] == "CRM for everybody"
    assert body["description"].endswith(f"\nLead id: {LEAD.id}")
    assert "Campaign" not in body["description"]


async def test_fields_and_settings_change_the_row(remote: Remote) -> None:
    fields = {
        "subject": "{company} wants {offerTitle}",
        "jobtitle": None,
        "new_score": 7,
        "donotphone": False,
        "campaignid@odata.bind": "/campaigns(11111111-2222-3333-4444-555555555555)",
    }
    await deliver(dynamics(remote, fields=fields, leadSourceCode=100000001, duplicateDetection=True))
    (sent,) = remote.seen("PATCH leads(")
    body = json.loads(sent.body)
    assert sent.headers["mscrm.suppressduplicatedetection"] == "false"
    assert body["subject"] == "Northwind wants CRM for everybody"
    assert body["leadsourcecode"] == 100000001
    assert (body["new_score"], body["donotphone"]) == (7, False)
    assert body["campaignid@odata.bind"].startswith("/campaigns(")
    assert "jobtitle" not in body


async def test_the_lead_source_code_can_be_left_out(remote: Remote) -> None:
    await deliver(dynamics(remote, fields={"leadsourcecode": None}))
    assert "leadsourcecode" not in remote.bodies("PATCH leads(")[0]


async def test_any_text_of_a_customer_can_be_sent(remote: Remote) -> None:
    lead = replace(LEAD, description='"\x00\u2028 \ud800 {email} \U0001f600', customer=replace(LEAD.customer))
    assert isinstance(await deliver(dynamics(remote), lead), Receipt)
    assert remote.bodies("PATCH leads(")[0]["description"].endswith('"\u2028 ? {email} \U0001f600')


async def test_a_password_signs_in_too(remote: Remote) -> None:
    config = DynamicsConfig.model_validate(PERSON)
    assert isinstance(await deliver(Dynamics(config, remote.network)), Receipt)
    (form,) = remote.forms
    assert form["to"] == "login.microsoftonline.com/organizations/oauth2/v2.0/token"
    assert (form["grant_type"], form["username"], form["password"]) == ("password", "ada@contoso.com", "Pa55 word")
    assert form["client_id"] == "51f81489-12ee-4a9e-aaae-a2591f45987d"
    assert "client_secret" not in form


async def test_many_leads_share_a_token_and_the_lengths(remote: Remote) -> None:
    remote.answers |= {LENGTHS: [lengths(subject=300)], MEMOS: [lengths(description=2000)]}
    destination = dynamics(remote)
    await asyncio.gather(*(deliver(destination, replace(LEAD, id=f"lead {number}")) for number in range(20)))
    assert len(remote.forms) == 1
    assert len(remote.seen(LENGTHS)) == 1
    assert len({request.target for request in remote.seen("PATCH leads(")}) == 20


# Lengths


async def test_texts_are_cut_to_the_environments_lengths(remote: Remote) -> None:
    remote.answers |= {LENGTHS: [lengths(companyname=4, lastname=100)], MEMOS: [lengths(description=40)]}
    found = await deliver(dynamics(remote))
    assert isinstance(found, Receipt)
    assert found.note == "companyname cut from 9 to 4 characters; description cut from 148 to 40 characters."
    (body,) = remote.bodies("PATCH leads(")
    assert body["companyname"] == "Nort"
    assert body["description"] == "Lead source: AzureMarketplace-INS|contos"


async def test_usual_lengths_where_the_environment_tells_none(remote: Remote) -> None:
    lead = replace(LEAD, description="x" * 3_000, customer=replace(LEAD.customer, last_name="y" * 60))
    found = await deliver(dynamics(remote), lead)
    assert isinstance(found, Receipt)
    assert found.note == "lastname cut from 60 to 50 characters; description cut from 3,110 to 2,000 characters."
    (body,) = remote.bodies("PATCH leads(")
    assert len(body["description"]) == 2_000
    assert LEAD.id in body["description"]


async def test_lengths_are_read_again_every_hour(remote: Remote) -> None:
    remote.answers |= {LENGTHS: [lengths(companyname=4), lengths(companyname=5)], MEMOS: [faults.answer(403)]}
    clock = Clock()
    destination = dynamics(remote, clock)
    for seconds in (0, 3_599, 2):
        clock.now += seconds
        await deliver(destination)
    assert [body["companyname"] for body in remote.bodies("PATCH leads(")] == ["Nort", "Nort", "North"]


async def test_lengths_that_cannot_be_read_are_not_asked_for_all_the_time(remote: Remote) -> None:
    destination = dynamics(remote)
    for _ in range(5):
        await deliver(destination)
    assert len([request for request in remote.server.received if "AttributeMetadata" in request.target]) == 1


async def test_metadata_that_hangs_does_not_keep_a_lead(authority: Authority) -> None:
    async with remote_side(authority, total=PASSING) as remote:
        remote.answers[LENGTHS] = [faults.hang]
        assert isinstance(await deliver(dynamics(remote)), Receipt)


async def test_a_long_description_of_the_table_is_read_whole(remote: Remote) -> None:
    rows = {f"new_column_{number}": 100 for number in range(3_000)}
    remote.answers |= {LENGTHS: [lengths(companyname=4, **rows)], MEMOS: [lengths()]}
    await deliver(dynamics(remote))
    assert remote.bodies("PATCH leads(")[0]["companyname"] == "Nort"


async def test_odd_metadata_is_passed_over(remote: Remote) -> None:
    rows = [7, {}, {"LogicalName": "companyname", "MaxLength": -1}, {"LogicalName": "lastname", "MaxLength": True}]
    remote.answers |= {LENGTHS: [message(200, {"value": rows})], MEMOS: [message(200, [])]}
    assert isinstance(await deliver(dynamics(remote)), Receipt)
    assert remote.bodies("PATCH leads(")[0]["companyname"] == "Northwind"


async def test_a_length_that_changed_is_learned_and_the_lead_sent_again(remote: Remote) -> None:
    remote.answers |= {
        LENGTHS: [lengths(companyname=100), lengths(companyname=4)],
        MEMOS: [lengths(description=2000)],
        "PATCH leads(": [refused(400, "0x80044331"), faults.answer(204)],
    }
    found = await deliver(dynamics(remote))
    assert isinstance(found, Receipt)
    assert found.note == "companyname cut from 9 to 4 characters."
    assert [body["companyname"] for body in remote.bodies("PATCH leads(")] == ["Northwind", "Nort"]


async def test_a_length_that_cannot_be_learned_sets_the_lead_aside(remote: Remote) -> None:
    remote.answers["PATCH leads("] = [refused(400, "0x80044331", "The length of 'companyname' exceeded 4.")]
    found = await deliver(dynamics(remote))
    assert isinstance(found, Diagnosis)
    assert (found.kind, found.outcome) == (DynamicsKind.FIELD_TOO_LONG, Outcome.REFUSED)
    assert len(remote.seen("PATCH leads(")) == 1


# Once


async def test_a_row_that_is_there_already_is_a_duplicate(remote: Remote) -> None:
    for code in ("0x80060892", "", "0x80040237", "0x80060882"):
        remote.answers |= {
            "PATCH leads(": [refused(412, code, DUPLICATE)],
            "GET leads(": [message(200, {"leadid": ROW})],
        }
        found = await deliver(dynamics(remote))
        assert isinstance(found, Receipt)
        assert (found.result, found.confirmed, found.remote_id) == ("duplicate", True, ROW)


@pytest.mark.parametrize("reading", [refused(403, "0x80040220"), faults.answer(500), faults.reset_before_answer])
async def test_a_role_that_cannot_read_gets_its_duplicates_too(remote: Remote, reading: Fault) -> None:
    remote.answers |= {"PATCH leads(": [refused(412, "0x80060892", DUPLICATE)], "GET leads(": [reading]}
    found = await deliver(dynamics(remote))
    assert isinstance(found, Receipt)
    assert found.result == "duplicate"


async def test_a_412_about_another_record_is_no_receipt(remote: Remote) -> None:
    for code in ("0x80060892", "0x80040237", "0x80040333", "0x80060882", ""):
        remote.answers |= {
            "PATCH leads(": [refused(412, code, DUPLICATE)],
            "GET leads(": [refused(404, "0x80040217", "Does Not Exist")],
        }
        found = await deliver(dynamics(remote))
        assert isinstance(found, Diagnosis)
        assert (found.kind, found.outcome) == (DynamicsKind.DUPLICATE_REFUSED, Outcome.REFUSED)


@pytest.mark.parametrize("status", [412, 500])
async def test_duplicate_detection_goes_by_its_code(remote: Remote, status: int) -> None:
    remote.answers |= {
        "PATCH leads(": [refused(status, "0x80040333", "A record was not created or updated")],
        "GET leads(": [refused(403, "0x80040220")],
    }
    found = await deliver(dynamics(remote, duplicateDetection=True))
    assert isinstance(found, Diagnosis)
    assert (found.kind, found.outcome) == (DynamicsKind.DUPLICATE_REFUSED, Outcome.REFUSED)
    assert found.evidence.status == status


async def test_our_own_row_is_not_another_duplicate(remote: Remote) -> None:
    remote.answers |= {"PATCH leads(": [refused(412, "0x80040333")], "GET leads(": [message(200, {"leadid": ROW})]}
    found = await deliver(dynamics(remote, duplicateDetection=True))
    assert isinstance(found, Receipt)


async def test_a_role_that_may_only_create_gets_plain_creates_from_then_on(remote: Remote) -> None:
    remote.answers["PATCH leads("] = [refused(403, "0x80040220", "missing prvWriteLead privilege")]
    destination = dynamics(remote)
    for _ in range(2):
        found = await deliver(destination)
        assert isinstance(found, Receipt)
        assert found.remote_id == ROW
    assert len(remote.seen("PATCH leads(")) == 1
    assert [body["leadid"] for body in remote.bodies("POST leads")] == [ROW, ROW]
    assert remote.seen("POST leads")[0].target == "/api/data/v9.2/leads"


async def test_a_plain_create_that_is_repeated_is_a_duplicate(remote: Remote) -> None:
    remote.answers |= {
        "PATCH leads(": [refused(403, "0x80040220")],
        "POST leads": [refused(412, "0x80040237", "Cannot insert duplicate key.")],
        "GET leads(": [refused(403, "0x80040220")],
    }
    found = await deliver(dynamics(remote))
    assert isinstance(found, Receipt)
    assert found.result == "duplicate"


async def test_a_plain_create_against_another_key_is_no_receipt(remote: Remote) -> None:
    remote.answers |= {
        "PATCH leads(": [refused(403, "0x80040220")],
        "POST leads": [refused(412, "0x80060892")],
        "GET leads(": [refused(403, "0x80040220")],
    }
    found = await deliver(dynamics(remote))
    assert isinstance(found, Diagnosis)
    assert found.kind is DynamicsKind.DUPLICATE_REFUSED


async def test_a_role_that_may_not_even_create_is_told_so(remote: Remote) -> None:
    remote.answers |= {
        "PATCH leads(": [refused(403, "0x80040220", "missing prvWriteLead")],
        "POST leads": [refused(403, "0x80040220", "missing prvCreateLead"), faults.answer(204)],
    }
    destination = dynamics(remote)
    found = await deliver(destination)
    assert isinstance(found, Diagnosis)
    assert found.kind is DynamicsKind.CREATE_PRIVILEGE_MISSING
    assert found.evidence.text == "missing prvCreateLead"
    assert isinstance(await deliver(destination), Receipt)
    assert len(remote.seen("PATCH leads(")) == 2


async def test_commit_then_drop_makes_one_row(remote: Remote) -> None:
    remote.answers |= {
        "PATCH leads(": [faults.commit_then_drop, refused(412, "0x80060892")],
        "GET leads(": [message(200, {"leadid": ROW})],
    }
    found = await deliver(dynamics(remote))
    assert isinstance(found, Receipt)
    assert found.result == "duplicate"


# Tokens


async def test_a_token_that_the_environment_refuses_is_renewed_once(remote: Remote) -> None:
    remote.answers["token"] = [token("tok.en-1"), token("tok.en-2")]

    async def picky(exchange: Exchange) -> None:
        good = exchange.request.headers["authorization"] == "Bearer tok.en-2"
        await faults.answer(204 if good else 401)(exchange)

    remote.answers["PATCH leads("] = [picky]
    remote.answers |= {LENGTHS: [lengths()]}
    assert isinstance(await deliver(dynamics(remote)), Receipt)
    assert len(remote.forms) == 2


async def test_an_environment_that_takes_no_token_is_not_asked_for_ever(remote: Remote) -> None:
    remote.answers["PATCH leads("] = [faults.answer(401, www_authenticate="Bearer authorization_uri=x")]
    found = await deliver(dynamics(remote))
    assert isinstance(found, Diagnosis)
    assert (found.kind, found.outcome) == (DynamicsKind.TOKEN_REJECTED, Outcome.BROKEN)
    assert len(remote.seen("PATCH leads(")) == 2
    assert len(remote.forms) == 2


async def test_a_secret_that_expired_since_is_named(remote: Remote) -> None:
    remote.answers |= {
        "token": [token(), sign_in_refused(7000222, "invalid_client", 401)],
        "PATCH leads(": [faults.answer(401)],
    }
    found = await deliver(dynamics(remote))
    assert isinstance(found, Diagnosis)
    assert found.kind is EntraKind.CLIENT_SECRET_EXPIRED


async def test_no_token_no_lead(remote: Remote) -> None:
    remote.answers["token"] = [sign_in_refused(90002, "invalid_request")]
    found = await deliver(dynamics(remote))
    assert isinstance(found, Diagnosis)
    assert (found.kind, found.outcome) == (EntraKind.TENANT_NOT_FOUND, Outcome.BROKEN)
    assert len(remote.server.received) == 1
