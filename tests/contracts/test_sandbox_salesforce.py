"""The REST API of the Salesforce stand-in, asked with plain requests: one lead, and every state that it promises."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from leadkeeper.sandbox.mishaps import Match, commit_then_drop
from leadkeeper.sandbox.salesforce.fields import EXTERNAL_ID, UNIQUE
from leadkeeper.sandbox.salesforce.stand_in import Salesforce
from leadkeeper.sandbox.salesforce.states import REFUSALS, STATES, TOKEN_REFUSALS, WRITE_REFUSALS
from leadkeeper.sandbox.server import Sandbox
from tests.contracts.salesforce_caller import (
    DATA,
    LEAD,
    PERSON,
    WEB,
    Session,
    code,
    outcome,
    rest,
    salesforce,
    two_orgs,
    web_form,
)
from tests.contracts.sandbox_caller import Caller

__all__ = ["rest", "salesforce"]
stand_ins = two_orgs


# One record


async def test_a_lead_is_created(rest: Session, salesforce: Salesforce) -> None:
    replies = [await rest("POST", LEAD, json=PERSON) for _ in range(2)]
    assert [reply.status for reply in replies] == [201, 201]
    assert replies[0].json["success"] is True
    assert replies[0].json["errors"] == []
    assert replies[0].json["id"].startswith("00Q")
    assert len(salesforce.org.leads) == 2


async def test_an_upsert_makes_one_lead(rest: Session, salesforce: Salesforce) -> None:
    first, second = await rest.upsert(), await rest.upsert("LEAD-1", Title="CTO")
    assert (first.status, first.json["created"]) == (201, True)
    assert (second.status, second.json["created"]) == (200, False)
    assert first.json["id"] == second.json["id"]
    (lead,) = salesforce.received()
    assert (lead["status"], lead["times"], lead["fields"]["Title"]) == ("created", 2, "CTO")  # type: ignore[index]


async def test_old_versions_say_nothing_of_an_update(rest: Session) -> None:
    old = f"{LEAD}/{EXTERNAL_ID}/lead-1".replace("v62.0", "v45.0")
    assert [(await rest("PATCH", old, json=PERSON)).status for _ in range(2)] == [201, 204]


async def test_a_key_may_hold_any_character(rest: Session, salesforce: Salesforce) -> None:
    assert (await rest.upsert("a%2Fb%20c")).status == 201
    assert salesforce.org.find(EXTERNAL_ID, "a/b c")


async def test_update_only_creates_nothing(rest: Session, salesforce: Salesforce) -> None:
    reply = await rest("PATCH", f"{LEAD}/{EXTERNAL_ID}/lead-1?updateOnly=true", json=PERSON)
    assert (reply.status, code(reply)) == (404, "NOT_FOUND")
    assert salesforce.org.leads == {}


async def test_a_key_that_ends_like_a_file_is_not_found(rest: Session) -> None:
    reply = await rest.upsert("ada@analytical.inc")
    assert (reply.status, code(reply)) == (404, "NOT_FOUND")


@pytest.mark.parametrize("name", [EXTERNAL_ID, EXTERNAL_ID.lower(), "Id"])
async def test_the_key_is_not_repeated_in_the_body(rest: Session, name: str) -> None:
    reply = await rest.upsert(**{name: "lead-1"})
    assert (reply.status, code(reply)) == (400, "INVALID_FIELD")


@pytest.mark.parametrize("name", ["Nothing__c", "Email", UNIQUE])
async def test_an_unknown_key_field_is_not_found(rest: Session, name: str) -> None:
    reply = await rest("PATCH", f"{LEAD}/{name}/x", json=PERSON)
    assert (reply.status, code(reply)) == (404, "NOT_FOUND")


async def test_the_key_field_is_missing(rest: Session, salesforce: Salesforce) -> None:
    salesforce.choose("externalIdMissing")
    reply = await rest.upsert()
    assert (reply.status, code(reply)) == (404, "NOT_FOUND")
    reply = await rest.collection({EXTERNAL_ID: "lead-1"} | PERSON)
    assert (reply.status, code(reply)) == (400, "INVALID_FIELD")


async def test_several_leads_match(rest: Session, salesforce: Salesforce) -> None:
    salesforce.choose("externalIdAmbiguous")
    for _ in range(2):
        assert (await rest("POST", LEAD, json=PERSON | {EXTERNAL_ID: "lead-1"})).status == 201
    reply = await rest.upsert()
    assert reply.status == 300
    assert len(reply.json) == 2


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"Shoe__c": "44"}, 400, "INVALID_FIELD"),
        ({"LastName": ""}, 400, "REQUIRED_FIELD_MISSING"),
        ({"Company": None}, 400, "REQUIRED_FIELD_MISSING"),
        ({"Company": "x" * 256}, 400, "STRING_TOO_LONG"),
        ({"Email": "nonsense"}, 400, "INVALID_EMAIL_ADDRESS"),
        ({"Rating": "Boiling"}, 400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
        ({"NumberOfEmployees": 100_000_000}, 400, "NUMBER_OUTSIDE_VALID_RANGE"),
        ({"NumberOfEmployees": "ten"}, 400, "JSON_PARSER_ERROR"),
        ({"Title": {"a": 1}}, 400, "JSON_PARSER_ERROR"),
        ({"OwnerId": "me"}, 400, "MALFORMED_ID"),
        ({"OwnerId": "0055e000001OthrAAA"}, 404, "INVALID_CROSS_REFERENCE_KEY"),
    ],
)
async def test_a_record_is_refused_for_what_it_is(
    rest: Session, salesforce: Salesforce, changes: dict[str, Any], status: int, error: str
) -> None:
    reply = await rest.upsert(**changes)
    assert (reply.status, code(reply)) == (status, error)
    (result,) = (await rest.collection({EXTERNAL_ID: "lead-1"} | PERSON | changes)).json
    assert (result["success"], result["errors"][0]["statusCode"]) == (False, error)
    assert salesforce.org.leads == {}
    assert outcome(salesforce) == ("refused", error)


async def test_a_picklist_that_is_not_restricted_takes_any_text(rest: Session) -> None:
    assert (await rest.upsert(LeadSource="AzureMarketplace-INS|contoso.engine")).status == 201


async def test_a_unique_value_is_taken_once(rest: Session) -> None:
    assert (await rest.upsert("lead-1", **{UNIQUE: "7"})).status == 201
    reply = await rest.upsert("lead-2", **{UNIQUE: "7"})
    assert (reply.status, code(reply)) == (400, "DUPLICATE_VALUE")


async def test_two_upserts_of_one_key_at_a_time_make_one_lead(rest: Session, salesforce: Salesforce) -> None:
    salesforce.work_seconds = 0.05
    replies = await asyncio.gather(rest.upsert(), rest.upsert())
    assert sorted(reply.status for reply in replies) == [201, 400]
    assert code(next(reply for reply in replies if reply.status == 400)) == "DUPLICATE_VALUE"
    assert len(salesforce.org.leads) == 1


@pytest.mark.parametrize(
    ("state", "changes", "error"),
    [
        ("fieldHidden", {"Title": "CTO"}, "INVALID_FIELD"),
        ("fieldReadOnly", {"Description": "hello"}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ("picklistMandatory", {"LeadSource": "Elsewhere"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
        ("picklistMandatory", {}, "REQUIRED_FIELD_MISSING"),
        ("countryPicklist", {"Country": "PT"}, "FIELD_INTEGRITY_EXCEPTION"),
        ("requiredCustomField", {}, "REQUIRED_FIELD_MISSING"),
    ],
)
async def test_an_administrator_changed_the_fields(
    rest: Session, salesforce: Salesforce, state: str, changes: dict[str, Any], error: str
) -> None:
    salesforce.choose(state)
    reply = await rest.upsert(**changes)
    assert (reply.status, code(reply)) == (400, error)


@pytest.mark.parametrize("state", ["duplicateRuleBlock", "duplicateRuleAlert"])
async def test_the_duplicate_rule(rest: Session, salesforce: Salesforce, state: str) -> None:
    salesforce.choose(state)
    assert (await rest.upsert("lead-1")).status == 201
    assert (await rest.upsert("lead-1")).status == 200
    reply = await rest.upsert("lead-2")
    assert (reply.status, code(reply)) == (400, "DUPLICATES_DETECTED")
    found = reply.json[0].get("duplicateResult") or reply.json[0]["duplicateResut"]
    assert found["matchResults"][0]["matchRecords"][0]["record"]["Id"] in salesforce.org.leads
    header = {"Sforce-Duplicate-Rule-Header": "allowSave=true"}
    reply = await rest("PATCH", f"{LEAD}/{EXTERNAL_ID}/lead-2", json=PERSON, headers=header)
    assert reply.status == (201 if state == "duplicateRuleAlert" else 400)


@pytest.mark.parametrize(
    ("state", "status", "error"), [(name, message[0], message[1]) for name, message in REFUSALS.items()]
)
async def test_a_state_refuses_everything(
    rest: Session, salesforce: Salesforce, state: str, status: int, error: str
) -> None:
    salesforce.choose(state)
    for reply in (await rest.upsert(), await rest("GET", f"{DATA}/limits"), await rest.collection()):
        assert (reply.status, code(reply)) == (status, error)
        assert reply.json[0]["message"] == REFUSALS[state][2]
    assert salesforce.org.leads == {}


@pytest.mark.parametrize(
    ("state", "status", "error"), [(name, status, flaw.code) for name, (status, flaw) in WRITE_REFUSALS.items()]
)
async def test_a_state_refuses_what_is_written(
    rest: Session, salesforce: Salesforce, state: str, status: int, error: str
) -> None:
    salesforce.choose(state)
    for reply in (await rest.upsert(), await rest("POST", LEAD, json=PERSON)):
        assert (reply.status, code(reply)) == (status, error)
    several = await rest.collection({EXTERNAL_ID: "lead-1"} | PERSON)
    assert (several.status, several.json[0]["errors"][0]["statusCode"]) == (200, error)
    assert (await rest("GET", f"{DATA}/limits")).status == 200
    assert salesforce.org.leads == {}


async def test_maintenance_is_a_web_page(rest: Session, salesforce: Salesforce) -> None:
    salesforce.choose("maintenance")
    reply = await rest.upsert()
    assert (reply.status, reply.headers["Content-Type"]) == (503, "text/html; charset=utf-8")


async def test_bodies_are_json(rest: Session) -> None:
    address = f"{LEAD}/{EXTERNAL_ID}/lead-1"
    reply = await rest("PATCH", address, data=PERSON)
    assert (reply.status, code(reply)) == (415, "UNSUPPORTED_MEDIA_TYPE")
    for body in ("{", "[]"):
        reply = await rest("PATCH", address, data=body, headers={"Content-Type": "application/json"})
        assert (reply.status, code(reply)) == (400, "JSON_PARSER_ERROR")


async def test_a_lost_answer_is_made_good_by_a_repeat(rest: Session, sandbox: Sandbox, salesforce: Salesforce) -> None:
    sandbox.fail(commit_then_drop, Match(host="*.my.salesforce.com", method="PATCH"))
    with pytest.raises(aiohttp.ClientError):
        await rest.upsert()
    assert (await rest.upsert()).status == 200
    assert len(salesforce.org.leads) == 1


# The whole


def test_every_state_says_what_it_is() -> None:
    assert next(iter(STATES)) == "ok"
    assert all(STATES.values())
    assert {*TOKEN_REFUSALS, *REFUSALS, *WRITE_REFUSALS} <= STATES.keys()


async def test_a_reset_forgets_leads_sessions_and_counts(rest: Session, sandbox: Sandbox, call: Caller) -> None:
    await rest.upsert()
    await call("POST", WEB, data=web_form(oid="x"))
    salesforce = sandbox.stand_in(Salesforce)
    salesforce.choose("apiDisabled")
    sandbox.reset()
    assert (list(salesforce.received()), salesforce.state) == ([], "ok")
    assert (await rest.upsert()).status == 401
    await rest.renew()
    assert (await rest.upsert()).headers["Sforce-Limit-Info"] == "api-usage=1/5000"
