"""The stand-ins of Dataverse and Entra, called by clients that others wrote, unchanged, over TLS.

``PowerPlatform-Dataverse-Client`` is Microsoft's (requirements/client.txt), ``dynamics-web-api`` is from npm
(package-lock.json). Only addresses are changed, and from outside: ``tests/clients`` leads the production names to the
sandbox. What passes, and what is out of scope on purpose: docs/reference/sandbox-clients.md.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import pytest

from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.dynamics.organization import DELETE, LEAD_WRITER
from leadkeeper.sandbox.dynamics.stand_in import Dynamics
from leadkeeper.sandbox.entra.directory import APPLICATION, SECRET, TENANT
from leadkeeper.sandbox.server import Sandbox
from tests.contracts.foreign_calls import Calls, node_calls, page_differs, python_calls
from tests.contracts.microsoft import API, ORG

CAMPAIGN: Final = "7f3d2c1b-0a9e-4d8c-9b7a-6f5e4d3c2b1a"
WORDS: Final = (TENANT, APPLICATION, SECRET, ORG, CAMPAIGN)
FORMATTED: Final = "@OData.Community.Display.V1.FormattedValue"
NOT_BUILT: Final = "Not implemented in the sandbox"


def _calls(authority: Authority, client: str) -> Calls:
    """Everything that the client's program did, in an environment as it wants it."""

    async def run() -> Calls:
        async with Sandbox(authority.ca_file.parent) as sandbox:
            organization = sandbox.stand_in(Dynamics).organizations["org.crm4.dynamics.com"]
            organization.keys.add(("emailaddress1",))
            organization.campaigns.add(CAMPAIGN)
            organization.members[APPLICATION].privileges = LEAD_WRITER | {DELETE}
            if client == "dynamics-web-api":
                done = await node_calls(sandbox, client, "dynamics_web_api_calls.cjs", *WORDS)
            else:
                done = await python_calls(sandbox, "dataverse_calls.py", *WORDS)
            assert sandbox.mistakes == []
            return done

    return asyncio.run(run())


@pytest.fixture(scope="module")
def python(authority: Authority) -> Calls:
    """What the calls of PowerPlatform-Dataverse-Client brought."""
    return _calls(authority, "PowerPlatform-Dataverse-Client")


@pytest.fixture(scope="module")
def node(authority: Authority) -> Calls:
    """What the calls of dynamics-web-api brought."""
    return _calls(authority, "dynamics-web-api")


def subjects(found: Any) -> list[str]:
    return [each["subject"] for each in (found["value"] if isinstance(found, dict) else found)]


def names(found: Any) -> set[str]:
    return {each["LogicalName"] for each in (found["value"] if isinstance(found, dict) else found)}


class TestDataverseClient:
    """PowerPlatform-Dataverse-Client, by what is asked."""

    def test_a_wrong_secret(self, python: Calls) -> None:
        raised, text = python.raised("records.create with a wrong secret")
        assert (raised, "AADSTS7000215" in text) == ("ClientAuthenticationError", True)

    def test_create(self, python: Calls) -> None:
        assert len(python.message("records.create")) == 36
        assert len(python.message("records.create with a reference")) == 36
        assert "maximum allowed length of '50'" in python.raised("records.create of a text that is too long")[1]
        assert "'new_nothing' does not exist" in python.raised("records.create of an unknown column")[1]

    def test_create_many_as_a_whole(self, python: Calls) -> None:
        assert len({*python.message("records.create many")}) == 4
        assert "length of the 'subject'" in python.raised("records.create many with one that is wrong")[1]
        assert subjects(python.message("records.list_pages")[0] + python.message("records.list_pages")[1]) == [
            "Emil", "Dora", "Carl", "Bert",
        ]  # fmt: skip

    def test_retrieve(self, python: Calls) -> None:
        found = python.message("records.retrieve")
        assert (found["subject"], found["leadsourcecode"]) == ("Ada", 9)  # the label that was handed in is this value
        assert found["etag"].startswith('W/"')
        assert len(python.message("records.retrieve all columns")) > 130
        assert python.message("records.retrieve of none") is None
        assert python.message("records.get")["subject"] == "Ada"

    def test_formatted_values(self, python: Calls) -> None:
        found = python.message("records.retrieve with formatted values")
        assert found[f"leadsourcecode{FORMATTED}"] == "Word of Mouth"
        assert python.message("query.builder formatted values")[0][f"leadsourcecode{FORMATTED}"] == "Word of Mouth"

    def test_list(self, python: Calls) -> None:
        assert subjects(python.message("records.list")) == ["Emil", "Dora"]
        assert subjects(python.message("records.list in pages")) == ["Emil", "Dora", "Carl", "Bound", "Bert", "Ada"]
        assert [len(page) for page in python.message("records.list_pages")] == [3, 1]
        assert [len(page) for page in python.message("query.builder execute_pages")] == [2, 2]
        assert "subject" in python.message("query.builder to_dataframe")

    @pytest.mark.parametrize(
        ("call", "found"),
        [
            ("and", ["Carl"]),
            ("or", ["Ada", "Bert", "Bound"]),
            ("not", ["Carl", "Dora", "Emil"]),
            ("in", ["Bert", "Dora"]),
            ("not in", ["Carl", "Emil"]),
            ("between", ["Ada"]),
            ("of nothing filled in", ["Bert", "Carl", "Dora", "Emil"]),
            ("with a quotation mark", ["Carl", "Dora", "Emil"]),
            ("by id", ["Ada"]),
        ],
    )
    def test_filters(self, python: Calls, call: str, found: list[str]) -> None:
        assert python.message(f"query.builder {call}") == found

    def test_update(self, python: Calls) -> None:
        for call in ("records.update", "records.update many alike", "records.update many"):
            assert python.message(call) is None
        for call in ("records.update of none", "records.update many with one that is none"):
            assert "Does Not Exist" in python.raised(call)[1]
        found = python.message("what was updated")
        assert {(each["fax"], each["jobtitle"]) for each in found} == {("1", "King"), ("2", "King")}

    def test_upsert(self, python: Calls) -> None:
        for call in ("records.upsert", "records.upsert again", "records.upsert many"):
            assert python.message(call) is None
        assert "not defined as an alternate key" in python.raised("records.upsert by what is no key")[1]
        found = [(each["emailaddress1"], each["subject"]) for each in python.message("what was upserted")]
        assert found == [("jean@example.com", "jean III"), ("kay@example.com", "kay III")]

    def test_batch(self, python: Calls) -> None:
        done = python.message("batch")
        assert [each["status"] for each in done] == [204, 200, 204, 200, 200, 204, 200]
        assert len(done[1]["data"]["Ids"]) == 2
        assert done[3]["data"]["fax"] == "9"
        assert done[4]["data"]["@odata.count"] == 3
        assert len(done[4]["data"]["value"]) == 2
        assert names(done[6]["data"]) == {"lead"}
        assert [each["status"] for each in python.message("batch that goes on")] == [404, 200]

    def test_change_sets(self, python: Calls) -> None:
        done = python.message("batch changeset")
        assert [(each["status"], each["content_id"]) for each in done] == [(204, "1"), (204, "2"), (204, "3")]
        failed = python.message("batch changeset that fails as one")
        assert [(each["status"], each["code"]) for each in failed] == [(400, "0x80044331")]
        assert [each["jobtitle"] for each in python.message("what the batches changed")] == [None, "Changed"]

    def test_data_frames(self, python: Calls) -> None:
        assert python.message("dataframe.get") == ["leadid", "subject"]
        assert len(python.message("dataframe.create")) == 2

    def test_tables(self, python: Calls) -> None:
        assert python.message("tables.get")["primary_id_attribute"] == "leadid"
        assert python.message("tables.get of none") is None
        assert "lead" in python.message("tables.list")
        assert names(python.message("tables.list with a filter")) == {"lead"}
        assert python.message("tables.get_alternate_keys") == [["emailaddress1"]]

    def test_columns(self, python: Calls) -> None:
        every = {each["LogicalName"]: each for each in python.message("tables.list_columns")}
        assert every["lastname"]["@odata.type"] == "#Microsoft.Dynamics.CRM.StringAttributeMetadata"
        texts = names(python.message("tables.list_columns with a filter"))
        assert {"lastname", "subject"} <= texts
        assert not {"leadid", "description", "leadsourcecode"} & texts
        typed = {each["LogicalName"]: each for each in python.message("tables.list_columns typed")}
        assert (typed["subject"]["MaxLength"], typed["numberofemployees"]["MaxValue"]) == (300, 1_000_000)
        assert python.message("tables.get_column")["SchemaName"] == "LastName"
        assert python.message("tables.get_column typed")["MaxLength"] == 50
        assert python.message("tables.get_column of none") is None
        listed = {each["name"]: each for each in python.message("query.sql_columns")}
        assert (listed["leadid"]["is_pk"], listed["fullname"]["is_name"]) == (True, True)
        assert listed["subject"]["label"] == "Topic"
        assert "lastname" in python.message("query.odata_select")

    def test_relationships(self, python: Calls) -> None:
        campaign = next(each for each in python.message("query.odata_expands") if each["target_table"] == "campaign")
        assert (campaign["nav_property"], campaign["lookup_attribute"]) == ("campaignid", "campaignid")
        assert campaign["target_entity_set"] == "campaigns"
        assert python.message("query.odata_expand") == "campaignid"
        assert python.message("query.odata_bind") == {"campaignid@odata.bind": f"/campaigns({CAMPAIGN})"}
        assert "campaign_leads" in {each["SchemaName"] for each in python.message("tables.list_table_relationships")}
        assert "campaign_leads" in python.message("tables.list_relationships")
        assert python.message("tables.get_relationship") == "campaign"

    def test_delete(self, python: Calls) -> None:
        assert python.message("records.delete") is None
        assert "Does Not Exist" in python.raised("records.delete again")[1]
        assert python.message("records.delete one by one") is None
        assert len(python.message("records.delete many")) == 36  # the id of the job that deletes them
        assert python.message("what is left") == []

    @pytest.mark.parametrize(
        "call",
        ["query.sql", "query.fetchxml", "tables.create", "tables.add_columns", "tables.create_alternate_key"],
    )
    def test_out_of_scope_on_purpose(self, python: Calls, call: str) -> None:
        assert NOT_BUILT in python.raised(call)[1]

    def test_the_page_lists_every_call(self, python: Calls) -> None:
        made = Calls({name: each for name, each in python.items() if not name.startswith("what ")})
        assert page_differs("PowerPlatform-Dataverse-Client", made) == set()


class TestDynamicsWebApi:
    """dynamics-web-api, by what is asked."""

    def test_functions(self, node: Calls) -> None:
        assert len(node.message("callFunction")["UserId"]) == 36
        assert node.raised("callFunction with a wrong token")[1].startswith("401")
        assert node.message("callFunction RetrieveVersion")["Version"].startswith("9.2.")
        assert node.message("callFunction bound") == 1

    def test_create(self, node: Calls) -> None:
        assert len(node.message("create")) == 36
        assert node.message("create returnRepresentation")["subject"] == "Bert"
        assert "0x80040333" in node.raised("create duplicateDetection")[1]
        assert "0x80060888" in node.raised("create of an unknown column")[1]
        assert len(node.message("create with a reference")) == 36
        assert len(node.message("callAction CreateMultiple")["Ids"]) == 2

    def test_retrieve(self, node: Calls) -> None:
        assert node.message("retrieve")["subject"] == "Ada \u2013 Lovelace"
        assert node.message("retrieve includeAnnotations")["leadsourcecode_Formatted"] == "Word of Mouth"
        assert node.message("retrieve by an alternate key")["subject"] == "Bert"
        assert node.message("retrieve not modified") is None
        assert node.message("retrieve of a lookup")["_campaignid_value"] == CAMPAIGN
        assert node.message("retrieve of one property")["value"] == "Ada \u2013 Lovelace"
        assert "0x80040217" in node.raised("retrieve of none")[1]

    def test_retrieve_multiple(self, node: Calls) -> None:
        found = node.message("retrieveMultiple")
        assert (subjects(found), found["oDataCount"]) == (["Dora", "Carl", "Bert"], 3)
        assert len(node.message("retrieveMultiple top")["value"]) == 2
        first, second = (node.message(f"retrieveMultiple {page}") for page in ("maxPageSize", "the next page"))
        assert first["oDataNextLink"].startswith(f"{API}leads?")
        assert [len(each["value"]) for each in (first, second)] == [3, 2]
        assert subjects(node.message("retrieveAll")) == subjects(first) + subjects(second)
        annotated = node.message("retrieveMultiple includeAnnotations")["value"]
        assert annotated[0]["leadsourcecode_Formatted"] == "Word of Mouth"
        assert subjects(node.message("retrieveMultiple with a long filter")) == ["Dora"]  # it came as a batch
        assert len(node.message("retrieveMultiple useEntityNames")["value"]) == 1

    def test_count(self, node: Calls) -> None:
        assert [node.message(call) for call in ("count", "count with a filter", "countAll")] == [5, 4, 5]

    def test_update(self, node: Calls) -> None:
        assert node.message("update") is True
        assert node.message("update returnRepresentation")["leadsourcecode"] == 9
        assert node.message("update of another version") is False
        assert "0x80040217" in node.raised("update of none")[1]
        assert node.message("updateSingleProperty") is None
        updated = node.message("what was updated")
        assert (updated["fax"], updated["jobtitle"]) == ("4", "Countess")
        assert node.message("deleteRecord of one property") is True
        assert node.message("what was cleared")["fax"] is None

    def test_upsert(self, node: Calls) -> None:
        assert len(node.message("upsert by an alternate key")) == 36
        assert node.message("upsert again")["subject"] == "Jean II"
        assert node.message("upsert of what is there") is None
        assert node.message("upsert of what is not there") is None
        assert "not defined as an alternate key" in node.raised("upsert by what is no key")[1]

    def test_references(self, node: Calls) -> None:
        assert node.message("associateSingleValued") is None
        assert node.message("disassociateSingleValued") is None

    def test_batches(self, node: Calls) -> None:
        created, updated, other, listed, counted = node.message("executeBatch")
        assert [len(each) for each in (created, other)] == [36, 36]
        assert updated is True
        assert [each["jobtitle"] for each in listed["value"]] == [None, "Changed"]
        assert counted == 8
        assert node["executeBatch that fails as one"]["answers"] == [400]
        assert len(node.message("what the batches changed")["value"]) == 2
        missing, there = node.message("executeBatch continueOnError")
        assert (missing["status"], there["leadsourcecode"]) == (404, 9)

    def test_metadata(self, node: Calls) -> None:
        assert node.message("retrieveEntity")["EntitySetName"] == "leads"
        assert "lastname" in names(node.message("retrieveEntity with attributes")["Attributes"])
        assert names(node.message("retrieveEntities")) == {"lead"}
        kinds = {each["LogicalName"]: each["AttributeType"] for each in node.message("retrieveAttributes")["value"]}
        assert (kinds["statecode"], kinds["statuscode"], kinds["ownerid"]) == ("State", "Status", "Owner")
        lengths = {
            each["LogicalName"]: each["MaxLength"] for each in node.message("retrieveAttributes castType")["value"]
        }
        assert lengths["subject"] == 300
        source = node.message("retrieveAttribute")
        assert source["OptionSet"]["Options"][8]["Label"]["UserLocalizedLabel"]["Label"] == "Word of Mouth"
        assert node.message("retrieveAttribute by its id")["MaxLength"] == 50
        (campaign,) = node.message("retrieveRelationships")["value"]
        assert campaign["ReferencedEntity"] == "campaign"
        assert node.message("retrieveRelationship")["SchemaName"] == "campaign_leads"

    def test_delete(self, node: Calls) -> None:
        assert node.message("deleteRecord of another version") is False
        assert node.message("deleteRecord") is True
        assert "0x80040217" in node.raised("deleteRecord again")[1]
        assert node.message("deleteRecord by an alternate key") is True
        assert node.message("what is left") == 6

    @pytest.mark.parametrize(
        "call",
        [
            "fetch",
            "retrieve with a reference expanded",
            "retrieveGlobalOptionSets",
            "retrieveCsdlMetadata",
            "createAttribute",
            "search",
        ],
    )
    def test_out_of_scope_on_purpose(self, node: Calls, call: str) -> None:
        assert NOT_BUILT in node.raised(call)[1]

    def test_what_the_environment_does_not_have(self, node: Calls) -> None:
        assert "0x8006088a" in node.raised("associate")[1]

    def test_the_page_lists_every_call(self, node: Calls) -> None:
        made = Calls({name: each for name, each in node.items() if name != "ids" and not name.startswith("what ")})
        assert page_differs("dynamics-web-api", made) == set()
