"""The stand-in of Salesforce, called by simple-salesforce and jsforce, unchanged, over TLS."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

import pytest

from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.salesforce.fields import EXTERNAL_ID
from leadkeeper.sandbox.salesforce.org import Org
from leadkeeper.sandbox.salesforce.stand_in import Salesforce
from leadkeeper.sandbox.server import Sandbox
from leadkeeper.sandbox.stand_in import Clock
from tests.contracts.foreign_calls import Calls, node_calls, page_differs, python_calls

OWN: Final = "0055e000001UserAAA"
RULED: Final = "0055e000001RuleAAA"
STANDARD: Final = {
    *("Id", "IsDeleted", "MasterRecordId", "LastName", "FirstName", "Salutation", "Name", "Title", "Company", "Street"),
    *("City", "State", "PostalCode", "Country", "Latitude", "Longitude", "GeocodeAccuracy", "Address", "Phone", "Fax"),
    *("MobilePhone", "Email", "Website", "PhotoUrl", "Description", "LeadSource", "Status", "Industry", "Rating"),
    *("AnnualRevenue", "NumberOfEmployees", "OwnerId", "IsConverted", "ConvertedDate", "ConvertedAccountId"),
    *("ConvertedContactId", "ConvertedOpportunityId", "IsUnreadByOwner", "CreatedDate", "CreatedById"),
    *("LastModifiedDate", "LastModifiedById", "SystemModstamp", "LastActivityDate", "LastViewedDate"),
    *("LastReferencedDate", "Jigsaw", "JigsawContactId", "CleanStatus", "CompanyDunsNumber", "EmailBouncedReason"),
    *("EmailBouncedDate", "IndividualId"),
}


@pytest.fixture
async def sandbox(authority: Authority) -> AsyncIterator[Sandbox]:
    def orgs(clock: Clock) -> Sequence[Salesforce]:
        return [Salesforce(clock, [Org(users=(OWN, RULED), assigns_to=RULED)])]

    async with Sandbox(authority.ca_file.parent, orgs) as opened:
        org = opened.stand_in(Salesforce).org
        kept = {"LastName": "Bartik", "Company": "ENIAC", EXTERNAL_ID: "converted"}
        org.store(kept).converted = True
        yield opened
        assert opened.mistakes == []


async def simple_salesforce(sandbox: Sandbox) -> Calls:
    org = sandbox.stand_in(Salesforce).org
    words = ("contoso.my", org.client_id, org.client_secret, EXTERNAL_ID)
    return await python_calls(sandbox, "salesforce_calls.py", *words)


async def test_simple_salesforce(sandbox: Sandbox) -> None:
    calls = await simple_salesforce(sandbox)
    signs_in(calls)
    tells_of_the_org(calls)
    writes_one(calls, sandbox.stand_in(Salesforce).org)
    queries(calls)
    writes_many(calls)
    deletes(calls)
    assert page_differs("simple-salesforce", calls) == set()


def signs_in(calls: Calls) -> None:
    assert calls.message("Salesforce by client credentials") == "contoso.my.salesforce.com"
    assert calls.message("Salesforce by session_id") == "contoso.my.salesforce.com"
    assert "invalid_client" in calls.raised("Salesforce with a wrong secret")[1]
    assert calls.raised("Salesforce at a login host")[0] == "SalesforceAuthenticationFailed"
    assert calls.message("Salesforce whose session ended") is True


def tells_of_the_org(calls: Calls) -> None:
    message = calls.message("describe")
    (lead,) = [each for each in message["sobjects"] if each["name"] == "Lead"]
    assert (message["encoding"], message["maxBatchSize"], lead["keyPrefix"], lead["queryable"]) == (
        "UTF-8",
        200,
        "00Q",
        True,
    )
    assert lead["urls"]["describe"] == "/services/data/v59.0/sobjects/Lead/describe"
    assert calls.message("limits")["DailyApiRequests"]["Max"] == 5_000
    assert calls.message("is_sandbox") is False
    resources = calls.message("restful resources")
    assert resources["sobjects"] == "/services/data/v59.0/sobjects"
    assert resources["query"] == "/services/data/v59.0/query"
    assert calls.message("oauth2 userinfo")["organization_id"].startswith("00D")
    fields = {each["name"]: each for each in calls.message("Lead.describe")["fields"]}
    assert set(fields) >= STANDARD
    assert (fields["Name"]["createable"], fields["Name"]["nameField"], fields["Name"]["length"]) == (False, True, 121)
    assert (fields["Status"]["defaultedOnCreate"], fields["CreatedDate"]["type"]) == (True, "datetime")
    assert (fields["Description"]["filterable"], fields["Address"]["type"]) == (False, "address")
    assert calls.message("Lead.metadata")["objectDescribe"]["name"] == "Lead"


def writes_one(calls: Calls, org: Org) -> None:
    made = calls.message("Lead.create")
    assert (made["success"], made["errors"], len(made["id"])) == (True, [], 18)
    assert "DUPLICATE_VALUE" in calls.raised("Lead.create again")[1]
    assert calls.raised("Lead.create without a company")[0] == "SalesforceMalformedRequest"
    assert "REQUIRED_FIELD_MISSING" in calls.raised("Lead.create without a company")[1]
    assert "INVALID_FIELD" in calls.raised("Lead.create with an unknown field")[1]
    assert "INVALID_FIELD_FOR_INSERT_UPDATE" in calls.raised("Lead.create with a system field")[1]
    lead = calls.message("Lead.get")
    assert lead["attributes"] == {"type": "Lead", "url": f"/services/data/v59.0/sobjects/Lead/{made['id']}"}
    assert (lead["Id"], lead["Name"], lead["Company"]) == (made["id"], "Lovelace", "Analytical")
    assert (lead["Status"], lead["IsConverted"], lead["IsDeleted"]) == ("Open - Not Contacted", False, False)
    assert lead["CreatedDate"].endswith("+0000")
    assert calls.message("Lead.get with 15 characters") == made["id"]
    some = calls.message("Lead.get of some fields")
    assert list(some) == ["attributes", "Email", "IsConverted", "Id"]
    assert calls.message("Lead.get_by_custom_id")["Id"] == made["id"]
    assert calls.raised("Lead.get_by_custom_id of none")[0] == "SalesforceResourceNotFound"
    assert [calls.message(f"Lead.update{how}") for how in ("", " by external id")] == [204, 200]
    assert [calls.message(f"Lead.upsert{how}") for how in ("", " again", " by Id")] == [201, 200, 200]
    assert "CANNOT_UPDATE_CONVERTED_LEAD" in calls.raised("Lead.upsert of a converted lead")[1]
    assert calls.message("Lead.get_by_custom_id of a converted lead")["IsConverted"] is True
    owners = {each.values["LastName"]: each.values.get("OwnerId", OWN) for each in org.leads.values()}
    assert (owners["TRUE"], owners["FALSE"]) == (RULED, OWN)
    ruled = {each.values["LastName"]: each.assigned for each in org.arrivals if each.values.get("Company") == "Rules"}
    assert ruled == {"TRUE": 1, "FALSE": 0}


def queries(calls: Calls) -> None:
    found = calls.message("query")
    assert (found["totalSize"], found["done"], "nextRecordsUrl" in found) == (1, True, False)
    assert list(found["records"][0]) == ["attributes", "Id", "Name", "Email"]
    assert calls.message("query with LIKE")["totalSize"] == 1
    assert calls.message("query that counts") == {"totalSize": 1, "done": True, "records": []}
    assert "INVALID_FIELD" in calls.raised("query of an unknown field")[1]
    assert "INVALID_TYPE" in calls.raised("query of an unknown object")[1]
    for how in ("query that is none", "query with AND beside OR"):
        assert "MALFORMED_QUERY" in calls.raised(how)[1]
    first, second, by_name = calls.message("query_more")
    assert first[:2] == [200, False]
    assert second == by_name == [first[2] - 200, True, first[2]]
    assert (calls.message("query_all"), calls.message("query_all_iter")) == (200, 7)


def writes_many(calls: Calls) -> None:
    assert calls.message("restful composite/sobjects POST") == [True] * 200
    for how in ("PATCH", "DELETE"):
        results = calls.message(f"restful composite/sobjects {how}")
        assert [each["success"] for each in results] == [True, True, True]
    assert [each["City"] for each in calls.message("restful composite/sobjects GET")] == ["Many"] * 3
    steps = calls.message("restful composite")["compositeResponse"]
    assert [each["referenceId"] for each in steps] == ["made", "changed", "seen", "lost"]
    assert [each["httpStatusCode"] for each in steps] == [201, 204, 200, 400]
    assert steps[2]["body"]["Title"] == "Second"
    assert steps[3]["body"][0]["errorCode"] == "PROCESSING_HALTED"
    halted = calls.message("restful composite allOrNone")["compositeResponse"]
    assert [each["body"][0]["errorCode"] for each in halted] == ["PROCESSING_HALTED"] * 2


def deletes(calls: Calls) -> None:
    assert calls.message("Lead.delete") == 204
    assert calls.message("Lead.delete by external id") == 204
    kind, text = calls.raised("Lead.get of a deleted lead")
    assert (kind, "ENTITY_IS_DELETED" in text) == ("SalesforceResourceNotFound", True)
    assert calls.message("query include_deleted") == calls.message("Lead.deleted") == 5
    assert calls.message("Lead.updated") > 190


async def test_jsforce(sandbox: Sandbox) -> None:
    org = sandbox.stand_in(Salesforce).org
    words = ("contoso.my.salesforce.com", org.client_id, org.client_secret, EXTERNAL_ID)
    calls = await node_calls(sandbox, "jsforce", "jsforce_calls.cjs", *words)
    knows_who_it_is(calls)
    keeps_leads(calls)
    finds_leads(calls)
    ends(calls)
    assert page_differs("jsforce", calls) == set()


def knows_who_it_is(calls: Calls) -> None:
    assert calls.message("authorize")["organizationId"].startswith("00D")
    assert calls.raised("authorize with a wrong secret")[0] == "invalid_client"
    assert calls.message("identity")["user_id"] == OWN
    assert {"label", "url", "version"} == set(calls.message("requestGet versions")[0])
    assert "Lead" in [each["name"] for each in calls.message("describeGlobal")["sobjects"]]
    assert "DailyApiRequests" in calls.message("limits")
    assert {each["name"] for each in calls.message("sobject.describe")["fields"]} >= STANDARD


def keeps_leads(calls: Calls) -> None:
    made = calls.message("sobject.create")["id"]
    assert calls.raised("sobject.create again")[0] == "DUPLICATE_VALUE"
    assert _successes(calls.message("sobject.create many")) == [True, False]
    errors = [each["errors"][0]["statusCode"] for each in calls.message("sobject.create many allOrNone")]
    assert errors == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "REQUIRED_FIELD_MISSING"]
    assert calls.message("sobject.retrieve")["Id"] == made
    assert calls.message("sobject.retrieve of some fields")["Email"] == "ada@analytical.test"
    several = calls.message("sobject.retrieve many")
    assert (several[0]["Id"], several[1]) == (made, None)
    assert calls.message("record.retrieve") == "Lovelace"
    assert calls.message("sobject.update") == {"id": made, "success": True, "errors": []}
    assert _successes(calls.message("sobject.update many")) == [True, False]
    assert (calls.message("sobject.upsert")["created"], calls.message("sobject.upsert again")["created"]) == (
        True,
        False,
    )
    assert [each["created"] for each in calls.message("sobject.upsert many")] == [False, True]
    assert calls.raised("sobject.upsert of a converted lead")[0] == "CANNOT_UPDATE_CONVERTED_LEAD"
    assert calls.message("sobject.upsert many before v46")[0]["success"] is True
    assert calls.raised("requestPatch upserting many before v46")[0] == "NOT_FOUND"
    made, seen = calls.message("requestPost composite")["compositeResponse"]
    assert (made["httpStatusCode"], seen["body"]["LastName"]) == (201, "Step")


def finds_leads(calls: Calls) -> None:
    assert calls.message("query")["records"][0]["Name"] == "Lovelace"
    assert calls.message("queryMore") == [False, 200, True, 200]
    assert calls.message("query autoFetch") == 200
    assert [each["LastName"] for each in calls.message("sobject.find")] == ["L199", "L198"]
    assert calls.message("sobject.findOne")["Title"] == "Countess"
    assert calls.message("sobject.count") == 3
    assert {each["LastName"] for each in calls.message("sobject.find with $or")} == {"Lovelace", "One"}
    assert calls.raised("query of an unknown field")[0] == "INVALID_FIELD"
    assert calls.raised("query that is none")[0] == "MALFORMED_QUERY"


def ends(calls: Calls) -> None:
    assert calls.message("sobject.destroy")["success"] is True
    assert calls.raised("sobject.retrieve of a deleted lead")[0] == "ENTITY_IS_DELETED"
    assert _successes(calls.message("sobject.destroy many")) == [True, True, True, False]
    assert _successes(calls.message("sobject.find and destroy")) == [True]
    assert calls.message("sobject.deleted") == 5
    assert calls.message("sobject.updated") > 190
    assert calls.message("logout") is None
    assert calls.raised("limits after the logout")[0] == "INVALID_SESSION_ID"


def _successes(results: list[dict[str, Any]]) -> list[bool]:
    return [each["success"] for each in results]


async def test_what_the_calls_did_is_seen_from_outside(sandbox: Sandbox) -> None:
    await simple_salesforce(sandbox)
    received = json.loads(json.dumps(list(sandbox.stand_in(Salesforce).received())))
    ruled = {each["fields"]["LastName"]: each["assigned"] for each in received if "LastName" in each["fields"]}
    assert (ruled["TRUE"], ruled["FALSE"]) == (1, 0)
