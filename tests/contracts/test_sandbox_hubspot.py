"""The HubSpot stand-in, asked with plain requests: records, batches, leads, searches, limits, and what people do."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from leadkeeper.sandbox.hubspot.account import ALL_SCOPES, Account, Token
from leadkeeper.sandbox.hubspot.stand_in import HubSpot
from leadkeeper.sandbox.mishaps import Match, commit_then_drop
from leadkeeper.sandbox.server import Sandbox
from tests.contracts.hubspot_caller import (
    ADA,
    CONTACTS,
    HOST,
    LEADS,
    Session,
    accounts,
    hubspot,
    lead,
    reasons,
    refused,
    rest,
)

__all__ = ["hubspot", "rest"]
stand_ins = accounts


async def test_a_contact_is_created_read_changed_and_archived(rest: Session, hubspot: HubSpot) -> None:
    number = await rest.make(jobtitle="Countess")
    read = (await rest("GET", f"{CONTACTS}/{number}?properties=jobtitle,phone,shoe")).json
    assert (read["id"], read["archived"]) == (number, False)
    assert {"jobtitle": "Countess", "phone": None, "hs_object_id": number}.items() <= read["properties"].items()
    assert "shoe" not in read["properties"]
    usual = (await rest("GET", f"{CONTACTS}/ADA@analytical.example?idProperty=email")).json["properties"]
    assert set(usual) == {"createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"}
    changed = await rest("PATCH", f"{CONTACTS}/{number}", {"properties": {"jobtitle": "", "city": "London"}})
    assert (changed.status, changed.json["properties"]["city"]) == (200, "London")
    assert (await rest("GET", f"{CONTACTS}/{number}?properties=jobtitle")).json["properties"]["jobtitle"] is None
    assert (await rest("DELETE", f"{CONTACTS}/{number}")).status == 204
    assert (await rest("DELETE", f"{CONTACTS}/{number}")).status == 204
    refused(await rest("GET", f"{CONTACTS}/{number}"), 404, "OBJECT_NOT_FOUND")
    assert (await rest("GET", f"{CONTACTS}/{number}?archived=true")).json["archived"] is True
    assert [each["status"] for each in hubspot.received()] == ["archived"]


async def test_an_address_that_is_taken_is_a_conflict(rest: Session) -> None:
    number = await rest.make()
    again = await rest("POST", CONTACTS, {"properties": ADA | {"email": "Ada@Analytical.example"}})
    assert refused(again, 409, "CONFLICT") == f"Contact already exists. Existing ID: {number}"
    other = await rest.make(email="grace@navy.example")
    moved = await rest("PATCH", f"{CONTACTS}/{other}", {"properties": {"email": ADA["email"]}})
    assert refused(moved, 409, "CONFLICT").endswith(number)
    batch = await rest.batch("create", {"properties": {"email": "new@navy.example"}}, {"properties": ADA})
    assert refused(batch, 409, "CONFLICT").endswith(number)
    assert (await rest("GET", CONTACTS)).json["results"][-1]["id"] == other


async def test_values_must_fit_their_properties(rest: Session) -> None:
    wrong = {
        "email": "ada@analytical",
        "shoe": "44",
        "hs_lead_status": "New",
        "numemployees": "1,000",
        "date_of_first_contact": "yesterday",
        "createdate": "2026-01-01",
    }
    assert reasons(await rest("POST", CONTACTS, {"properties": wrong})) == [
        ("INVALID_EMAIL", "email"),
        ("PROPERTY_DOESNT_EXIST", "shoe"),
        ("INVALID_OPTION", "hs_lead_status"),
        ("INVALID_INTEGER", "numemployees"),
        ("INVALID_DATE", "date_of_first_contact"),
        ("READ_ONLY_VALUE", "createdate"),
    ]
    refused(await rest("POST", CONTACTS, {"properties": {"email": ADA["email"], "numemployees": 5}}))
    refused(await rest("POST", CONTACTS, {"properties": {"firstname": "x" * 65_537}}))
    refused(await rest("POST", CONTACTS, {"properties": {"city": "London"}}))
    right = {"hs_lead_status": "NEW", "numemployees": "5", "date_of_first_contact": "2026-11-28", "newsletter": "true"}
    await rest.make(**right)


@pytest.mark.parametrize(
    "address", ["a@b.c1", '"a b"@navy.com', "a@navy.local", "a@@navy.com", "a@-navy.com", "a b@x.de"]
)
async def test_addresses_that_are_refused(rest: Session, address: str) -> None:
    assert reasons(await rest("POST", CONTACTS, {"properties": {"email": address}})) == [("INVALID_EMAIL", "email")]


@pytest.mark.parametrize("address", ["a+b@x.de", "zoë@navy.com", "user@email.삼성", "o'hara@xn--bcher-kva.example"])
async def test_addresses_that_are_taken(rest: Session, address: str) -> None:
    assert (await rest("POST", CONTACTS, {"properties": {"email": address}})).status == 201


async def test_domains_for_examples_can_be_refused_as_hubspot_does(rest: Session, hubspot: HubSpot) -> None:
    hubspot.account.reserved = False
    assert reasons(await rest("POST", CONTACTS, {"properties": ADA})) == [("INVALID_EMAIL", "email")]


async def test_a_batch_read_names_who_is_missing(rest: Session) -> None:
    number = await rest.make()
    found = await rest.batch("read", {"id": number}, properties=["email"])
    assert (found.status, [each["id"] for each in found.json["results"]]) == (200, [number])
    ids = [{"id": "ADA@analytical.example"}, {"id": "nobody@navy.example"}, {"id": "none@navy.example"}]
    some = await rest.batch("read", *ids, properties=["email", "city"], idProperty="email")
    assert (some.status, some.json["numErrors"], some.json["status"]) == (207, 1, "COMPLETE")
    (error,) = some.json["errors"]
    assert error["category"] == "OBJECT_NOT_FOUND"
    assert error["context"] == {"ids": ["nobody@navy.example", "none@navy.example"]}
    assert [each["properties"]["email"] for each in some.json["results"]] == [ADA["email"]]
    assert (await rest.batch("read", ids[1], idProperty="email")).json["results"] == []
    refused(await rest.batch("read", ids[1], idProperty="city"))


async def test_an_upsert_finds_by_address_and_writes_over(rest: Session) -> None:
    inputs = [{"id": each, "idProperty": "email", "properties": {"city": "London"}} for each in ("a@navy.example",)]
    made = await rest.batch("upsert", *inputs)
    assert (made.status, made.json["results"][0]["new"]) == (200, True)
    inputs[0]["properties"] = {"city": "Paris"}
    again = await rest.batch("upsert", *inputs)
    assert again.json["results"][0]["new"] is False
    assert again.json["results"][0]["id"] == made.json["results"][0]["id"]
    refused(await rest.batch("upsert", {"id": "1", "properties": {"city": "Paris"}}))
    refused(await rest.batch("upsert", {"id": "London", "idProperty": "city", "properties": {"city": "Paris"}}))


async def test_one_wrong_record_refuses_a_batch_whole(rest: Session, hubspot: HubSpot) -> None:
    number = await rest.make()
    good = {"properties": {"email": "grace@navy.example"}}
    bad = {"properties": {"email": "jean@eniac.example", "shoe": "44"}}
    assert reasons(await rest.batch("create", good, bad)) == [("PROPERTY_DOESNT_EXIST", "shoe")]
    change = {"id": number, "properties": {"city": "London"}}
    other = await rest.make(email="kay@eniac.example")
    assert reasons(await rest.batch("update", change, {"id": other} | bad)) == [("PROPERTY_DOESNT_EXIST", "shoe")]
    by_email = [
        {"id": "grace@navy.example", "idProperty": "email"} | good,
        {"id": "j@e.example", "idProperty": "email"} | bad,
    ]
    traced = [each | {"objectWriteTraceId": str(at)} for at, each in enumerate(by_email)]
    reasons(await rest.batch("upsert", *traced))
    kept = {record.values["email"]: record for record in hubspot.account.records["contacts"]}
    assert kept.keys() == {ADA["email"], "kay@eniac.example"}
    assert "city" not in kept[ADA["email"]].values


async def test_with_trace_ids_a_batch_is_carried_out_in_part(rest: Session) -> None:
    good = {"properties": {"email": "grace@navy.example"}, "objectWriteTraceId": "one"}
    bad = {"properties": {"email": "jean@eniac.example", "shoe": "44"}, "objectWriteTraceId": "two"}
    partly = await rest.batch("create", good, bad)
    assert (partly.status, partly.json["numErrors"]) == (207, 1)
    assert [each["objectWriteTraceId"] for each in partly.json["results"]] == ["one"]
    (error,) = partly.json["errors"]
    assert (error["category"], error["context"]["objectWriteTraceId"]) == ("VALIDATION_ERROR", ["two"])
    refused(await rest.batch("create", good, bad | {"objectWriteTraceId": "one"}), 409, "CONFLICT")


async def test_a_batch_update_wants_record_ids(rest: Session, hubspot: HubSpot) -> None:
    number = await rest.make()
    change = {"properties": {"city": "London"}}
    summary = await rest.batch("update", {"id": number} | change, {"id": "7"} | change)
    assert (summary.status, summary.json["errors"][0]["context"]) == (207, {"ids": ["7"]})
    for by in ("email", "hs_object_id"):
        assert "non-unique" in refused(await rest.batch("update", {"id": number, "idProperty": by} | change))
    twice = await rest.batch("update", {"id": number} | change, {"id": number} | change)
    assert "Duplicate IDs found in batch input" in refused(twice)
    assert twice.json["context"] == {"ids": [number]}
    refused(await rest.batch("update", {"id": number, "properties": {}}))
    assert (await rest.batch("archive", {"id": number}, {"id": "7"})).status == 204
    assert hubspot.account.records["contacts"] == []


async def test_batches_have_a_size(rest: Session) -> None:
    many = [{"id": str(number)} for number in range(101)]
    for call in ("read", "create", "update", "upsert", "archive"):
        assert "100" in refused(await rest.batch(call, *many))
    assert "50" in refused(await rest.batch("read", *many[:51], propertiesWithHistory=["email"]))
    refused(await rest.batch("read"))
    refused(await rest.batch("read", 1))
    refused(await rest.batch("read", {"id": 1}))
    refused(await rest("POST", f"{CONTACTS}/batch/read", []))


async def test_a_lead_needs_a_name_and_a_primary_contact(rest: Session, hubspot: HubSpot) -> None:
    number = await rest.make()
    refused(await rest.lead(number, hs_lead_name=""))
    refused(await rest.lead(number, 608))
    refused(await rest.lead(number, 610))
    refused(await rest.lead("7"))
    refused(await rest("POST", LEADS, {"properties": {"hs_lead_name": "Ada"}}))
    made = await rest.lead(number, hs_lead_type="NEW BUSINESS", marketplace_lead_id="one")
    assert made.status == 201
    twice = await rest.lead(number, marketplace_lead_id="one")
    assert "CONFLICTING_UNIQUE_VALUE" in refused(twice)
    found = await rest.batch(
        "read", {"id": "one"}, at=LEADS, idProperty="marketplace_lead_id", properties=["hs_lead_name"]
    )
    assert [each["id"] for each in found.json["results"]] == [made.json["id"]]
    ties = await rest("GET", f"{HOST}/crm/v4/objects/leads/{made.json['id']}/associations/contacts")
    assert [(each["toObjectId"], each["associationTypes"][0]["typeId"]) for each in ties.json["results"]] == [
        (number, 578)
    ]
    labels = (await rest("GET", f"{HOST}/crm/v4/associations/leads/contacts/labels")).json["results"]
    assert {each["typeId"] for each in labels} == {578, 608}
    one = await rest("GET", f"{LEADS}/{made.json['id']}?associations=contacts")
    assert one.json["associations"]["contacts"]["results"] == [{"id": number, "type": "lead_to_primary_contact"}]
    assert hubspot.received()[-1]["contacts"] == {number: [578]}


async def test_an_upsert_changes_a_lead_and_makes_none(rest: Session) -> None:
    number = await rest.make()
    await rest.lead(number, marketplace_lead_id="one")
    by = {"idProperty": "marketplace_lead_id", "properties": {"hs_lead_name": "Ada King"}}
    summary = await rest.batch("upsert", {"id": "one"} | by, at=LEADS)
    assert (summary.json["results"][0]["new"], summary.json["results"][0]["properties"]["hs_lead_name"]) == (
        False,
        "Ada King",
    )
    refused(await rest.batch("upsert", {"id": "two"} | by, at=LEADS))


async def test_a_search_sees_changes_late(rest: Session, sandbox: Sandbox) -> None:
    number = await rest.make(city="London")
    asked = {"filterGroups": [{"filters": [{"propertyName": "email", "operator": "EQ", "value": ADA["email"]}]}]}
    assert (await rest("POST", f"{CONTACTS}/search", asked)).json["total"] == 0
    sandbox.clock.advance(11)
    assert (await rest("POST", f"{CONTACTS}/search", asked)).json["total"] == 1
    await rest("PATCH", f"{CONTACTS}/{number}", {"properties": {"city": "Paris"}})
    city = {"filterGroups": [{"filters": [{"propertyName": "city", "operator": "IN", "values": ["london"]}]}]}
    found = await rest("POST", f"{CONTACTS}/search", city)
    assert found.json["total"] == 1
    assert not [name for name in found.headers if name.lower().startswith("x-hubspot-ratelimit")]
    sandbox.clock.advance(11)
    assert (await rest("POST", f"{CONTACTS}/search", city)).json["total"] == 0
    wrong: tuple[dict[str, object], ...] = (
        {"limit": 201},
        {"after": 9_999},
        {"filterGroups": [{}] * 6},
        {"filterGroups": [{"filters": [{}]}]},
    )
    for each in wrong:
        refused(await rest("POST", f"{CONTACTS}/search", each))


async def test_limits_are_counted_and_told(rest: Session, sandbox: Sandbox, hubspot: HubSpot) -> None:
    account = hubspot.account
    account.burst, account.daily = 3, 5
    summary = await rest("GET", CONTACTS)
    assert summary.headers["X-HubSpot-RateLimit-Max"] == "3"
    assert summary.headers["X-HubSpot-RateLimit-Remaining"] == "2"
    assert summary.headers["X-HubSpot-RateLimit-Interval-Milliseconds"] == "10000"
    assert summary.headers["X-HubSpot-RateLimit-Daily-Remaining"] == "4"
    await rest("GET", CONTACTS)
    await rest("GET", CONTACTS)
    over = await rest("GET", CONTACTS)
    assert (over.status, over.json["policyName"], over.json["errorType"]) == (429, "TEN_SECONDLY_ROLLING", "RATE_LIMIT")
    assert "category" not in over.json
    sandbox.clock.advance(10)
    usage = await rest("GET", f"{HOST}/account-info/v3/api-usage/daily/private-apps")
    assert usage.json["results"][0]["currentUsage"] == 4
    await rest("GET", CONTACTS)
    assert (await rest("GET", CONTACTS)).json["policyName"] == "DAILY"
    sandbox.clock.advance(86_400)
    assert (await rest("GET", CONTACTS)).status == 200


async def test_searches_have_a_limit_of_their_own(rest: Session, hubspot: HubSpot, sandbox: Sandbox) -> None:
    hubspot.account.searches = 0
    assert (await rest("POST", f"{CONTACTS}/search", {})).json["policyName"] == "SECONDLY"
    assert (await rest("GET", CONTACTS)).status == 200


async def test_tokens_and_scopes(rest: Session, hubspot: HubSpot) -> None:
    account = hubspot.account
    account.tokens[0].scopes = ALL_SCOPES - {"crm.objects.contacts.write"}
    summary = await rest("POST", CONTACTS, {"properties": ADA})
    refused(summary, 403, "MISSING_SCOPES")
    assert summary.json["errors"][0]["context"] == {"requiredGranularScopes": ["crm.objects.contacts.write"]}
    assert (await rest("GET", CONTACTS)).status == 200
    account.tokens[0].scopes = frozenset()
    assert (await rest("GET", f"{HOST}/account-info/v3/details")).json["portalId"] == account.portal_id
    refused(await rest("GET", f"{HOST}/crm/v3/properties/contacts"), 403, "MISSING_SCOPES")
    account.tokens[0].expired = True
    refused(await rest("GET", CONTACTS), 401, "EXPIRED_AUTHENTICATION")
    account.tokens[0] = Token("pat-na1-another")
    refused(await rest("GET", CONTACTS), 401, "INVALID_AUTHENTICATION")


async def test_an_account_without_leads_grants_no_scopes_for_them(rest: Session, hubspot: HubSpot) -> None:
    rest.headers = {"Authorization": f"Bearer {hubspot.accounts[1].token}"}
    refused(await rest("GET", LEADS), 403, "MISSING_SCOPES")
    refused(await rest("GET", f"{HOST}/crm/v3/properties/leads"), 403, "MISSING_SCOPES")
    assert (await rest("GET", CONTACTS)).status == 200
    details = (await rest("GET", f"{HOST}/account-info/v3/details")).json
    assert (details["dataHostingLocation"], details["timeZone"]) == ("eu1", "Europe/Berlin")


async def test_properties_are_described(rest: Session, hubspot: HubSpot) -> None:
    summary = {each["name"]: each for each in (await rest("GET", f"{HOST}/crm/v3/properties/contacts")).json["results"]}
    assert summary["createdate"]["modificationMetadata"]["readOnlyValue"] is True
    assert summary["marketplace_lead_id"]["hasUniqueValue"] is True
    assert [each["value"] for each in summary["hs_lead_status"]["options"]][:2] == ["NEW", "OPEN"]
    assert (await rest("GET", f"{HOST}/crm/v3/properties/0-136/hs_lead_name")).json["type"] == "string"
    refused(await rest("GET", f"{HOST}/crm/v3/properties/contacts/shoe"), 404, "OBJECT_NOT_FOUND")
    refused(await rest("GET", f"{HOST}/crm/v3/properties/shoes"))
    hubspot.choose("propertyFixed")
    one = (await rest("GET", f"{HOST}/crm/v3/properties/contacts/company")).json
    assert one["modificationMetadata"]["readOnlyValue"] is True


async def test_paths_with_a_date_are_the_same_calls(rest: Session) -> None:
    made = await rest("POST", f"{HOST}/crm/objects/2026-03/contacts", {"properties": ADA})
    number = made.json["id"]
    assert (await rest("GET", f"{HOST}/crm/objects/2026-09/contacts/{number}")).status == 200
    assert (await rest("GET", f"{HOST}/crm/properties/2026-03/contacts/email")).status == 200
    assert (await rest("GET", f"{HOST}/account-info/2026-03/details")).status == 200
    tied = await rest("POST", f"{HOST}/crm/objects/2026-03/leads", lead(number))
    ties = f"{HOST}/crm/objects/2026-03/leads/{tied.json['id']}/associations/contacts"
    assert (await rest("GET", ties)).json["results"][0]["toObjectId"] == number
    assert (await rest("GET", f"{HOST}/crm/associations/2026-03/leads/contacts/labels")).status == 200
    refused(await rest("GET", f"{HOST}/crm/objects/2026-04/contacts"), 404, "OBJECT_NOT_FOUND")


async def test_a_lost_answer_leaves_the_contact_written(rest: Session, sandbox: Sandbox, hubspot: HubSpot) -> None:
    sandbox.fail(commit_then_drop, Match("api.hubapi.com", "POST", "*/batch/upsert"))
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await rest.batch("upsert", {"id": ADA["email"], "idProperty": "email", "properties": ADA})
    assert [each["properties"] for each in hubspot.received()] == [ADA]


async def test_two_creations_at_once_make_one_contact(rest: Session, hubspot: HubSpot) -> None:
    hubspot.work_seconds = 0.05
    both = await asyncio.gather(*(rest("POST", CONTACTS, {"properties": ADA}) for _ in range(2)))
    assert sorted(each.status for each in both) == [201, 409]


async def test_what_people_do_by_hand(rest: Session, sandbox: Sandbox, hubspot: HubSpot) -> None:
    control = f"https://localhost:{sandbox.port}/__sandbox__/by-hand/hubspot"

    async def by_hand(status: int = 200, **asked: object) -> Any:
        summary = await rest("POST", control, asked)
        assert summary.status == status, summary.text
        return summary.json

    first = await rest.make(city="London")
    second = (await by_hand(do="create", properties={"email": "ada@home.example", "phone": "1"}))["id"]
    lead_id = (await rest.lead(second)).json["id"]
    await by_hand(do="change", id=first, properties={"city": "Paris"})
    merged = await by_hand(do="merge", id=first, other=second)
    assert merged["properties"]["hs_additional_emails"] == "ada@home.example"
    for known in (first, second, merged["id"]):
        found = (await rest("GET", f"{CONTACTS}/{known}?properties=city,phone")).json
        assert (found["id"], found["properties"]["city"], found["properties"]["phone"]) == (merged["id"], "Paris", "1")
    assert hubspot.account.records["leads"][0].ties == {merged["id"]: {578}}
    by_other = await rest("GET", f"{CONTACTS}/ada@home.example?idProperty=email")
    assert by_other.json["id"] == merged["id"]
    refused(await rest("POST", CONTACTS, {"properties": {"email": "ada@home.example"}}), 409, "CONFLICT")
    await by_hand(do="archive", object="leads", id=lead_id)
    refused(await rest("GET", f"{LEADS}/{lead_id}"), 404, "OBJECT_NOT_FOUND")
    await by_hand(do="restore", object="leads", id=lead_id)
    assert (await rest("GET", f"{LEADS}/{lead_id}")).status == 200
    for wrong in (
        {"do": "dance"},
        {"do": "change", "id": "7", "properties": {}},
        {"do": "merge", "id": first, "other": first},
    ):
        assert "error" in await by_hand(400, **wrong)
    again = (await by_hand(do="create", properties={"email": "kay@eniac.example"}))["id"]
    await by_hand(do="archive", id=again)
    await rest.make(email="kay@eniac.example")
    assert "already exists" in (await by_hand(400, do="restore", id=again))["error"]
    await by_hand(do="changeScopes", scopes=["forms"])
    refused(await rest("GET", CONTACTS), 403, "MISSING_SCOPES")
    await by_hand(do="expireToken")
    refused(await rest("GET", CONTACTS), 401, "EXPIRED_AUTHENTICATION")


async def test_a_reset_forgets_records_and_counts(rest: Session, sandbox: Sandbox, hubspot: HubSpot) -> None:
    await rest.make()
    hubspot.choose("locked")
    sandbox.reset()
    assert (hubspot.received(), hubspot.account.days, hubspot.state) == ([], {}, "ok")


def test_accounts_are_set_up_apart() -> None:
    assert Account().properties is not Account().properties
