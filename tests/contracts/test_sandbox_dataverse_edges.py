"""What the clients of others do not try: the edges of bulk actions, parts of a record, references and annotations."""

from __future__ import annotations

from typing import Any, Final

import pytest

from leadkeeper.sandbox.dynamics.organization import APPEND, DELETE, LEAD_WRITER, Organization
from leadkeeper.sandbox.dynamics.stand_in import Dynamics
from leadkeeper.sandbox.entra.directory import APPLICATION
from leadkeeper.sandbox.server import Sandbox
from tests.contracts.microsoft import API, LEAD, WebApi, ask_token
from tests.contracts.sandbox_caller import Caller, Reply

CAMPAIGN: Final = "7f3d2c1b-0a9e-4d8c-9b7a-6f5e4d3c2b1a"
TYPE: Final = {"@odata.type": "Microsoft.Dynamics.CRM.lead"}
NEW: Final = {"leadid": LEAD, "subject": "Offer", "lastname": "King", "leadsourcecode": 8, "numberofemployees": 1200}
ONE: Final = f"leads({LEAD})"


@pytest.fixture
def organization(sandbox: Sandbox) -> Organization:
    found = sandbox.stand_in(Dynamics).organizations["org.crm4.dynamics.com"]
    found.campaigns.add(CAMPAIGN)
    return found


@pytest.fixture
async def api(call: Caller, organization: Organization) -> WebApi:
    opened = WebApi(call, (await ask_token(call)).json["access_token"])
    assert (await opened("POST", "leads", NEW)).status == 204
    return opened


def refused(reply: Reply) -> tuple[int, str]:
    return reply.status, reply.json["error"]["code"]


class TestBulk:
    """CreateMultiple and its like, and BulkDelete."""

    @pytest.mark.parametrize(
        "body",
        [{}, {"Targets": []}, {"Targets": [1]}, {"Targets": [{"subject": "x"}]}, {"Targets": [NEW | TYPE, {}]}],
    )
    async def test_targets_are_records_with_their_type(
        self, api: WebApi, organization: Organization, body: dict[str, Any]
    ) -> None:
        reply = await api("POST", "leads/Microsoft.Dynamics.CRM.CreateMultiple", body)
        assert reply.status in {400, 412}
        assert len(organization.leads) == 1

    async def test_one_that_fails_undoes_all(self, api: WebApi, organization: Organization) -> None:
        targets = [TYPE | {"leadid": LEAD, "subject": "x"}, TYPE | {"leadid": LEAD, "subject": "x" * 301}]
        reply = await api("POST", "leads/Microsoft.Dynamics.CRM.UpdateMultiple", {"Targets": targets})
        assert refused(reply) == (400, "0x80044331")
        lead = organization.leads[LEAD]
        assert (lead.values["subject"], lead.record["subject"], lead.writes) == ("Offer", "Offer", 1)

    async def test_a_target_without_a_key(self, api: WebApi) -> None:
        body = {"Targets": [TYPE | {"subject": "x"}]}
        assert (await api("POST", "leads/Microsoft.Dynamics.CRM.UpsertMultiple", body)).status == 400
        assert (await api("GET", "leads/Microsoft.Dynamics.CRM.UpsertMultiple")).status == 405

    @pytest.mark.parametrize(
        "query",
        [
            {"EntityName": "account"},
            {"EntityName": "lead", "Criteria": {"Conditions": []}},
            {"EntityName": "lead", "Criteria": {"Conditions": [{"AttributeName": "subject", "Operator": "Equal"}]}},
        ],
    )
    async def test_a_job_deletes_by_id_only(
        self, api: WebApi, organization: Organization, query: dict[str, Any]
    ) -> None:
        assert (await api("POST", "BulkDelete", {"QuerySet": [query]})).status == 403
        organization.members[APPLICATION].privileges = LEAD_WRITER | {DELETE}
        assert refused(await api("POST", "BulkDelete", {"QuerySet": [query]})) == (501, "0x80060889")
        assert LEAD in organization.leads


class TestParts:
    """One property, one reference."""

    async def test_a_property(self, api: WebApi) -> None:
        found = await api("GET", f"{ONE}/subject")
        assert found.json == {"@odata.context": f"{API}$metadata#leads({LEAD})/subject", "value": "Offer"}
        assert (await api("GET", f"{ONE}/subject/$value")).text == "Offer"
        assert ((await api("GET", f"{ONE}/fax")).status, (await api("GET", f"{ONE}/nickname")).status) == (204, 404)
        assert (await api("GET", f"leads({CAMPAIGN})/fax")).status == 404
        assert (await api("PUT", f"{ONE}/fax", {})).status == 400
        assert refused(await api("PUT", f"{ONE}/subject", {"value": "x" * 301})) == (400, "0x80044331")
        assert (await api("POST", f"{ONE}/fax", {"value": "1"})).status == 405

    async def test_a_property_wants_the_privilege_to_write(self, api: WebApi, organization: Organization) -> None:
        organization.members[APPLICATION].privileges = frozenset({"prvReadLead"})
        assert refused(await api("PUT", f"{ONE}/fax", {"value": "1"})) == (403, "0x80040220")
        assert refused(await api("DELETE", f"{ONE}/subject")) == (403, "0x80040220")

    async def test_a_reference(self, api: WebApi, organization: Organization) -> None:
        where = f"{ONE}/campaignid/$ref"
        assert (await api("GET", where)).status == 204
        assert (await api("PUT", where, {"@odata.id": f"{API}campaigns({CAMPAIGN})"})).status == 204
        assert (await api("GET", where)).json["@odata.id"] == f"{API}campaigns({CAMPAIGN})"
        assert (await api("PUT", where, {"@odata.id": f"campaigns({LEAD})"})).status == 404
        assert (await api("PUT", where, {"@odata.id": f"accounts({CAMPAIGN})"})).status == 400
        assert (await api("DELETE", where)).status == 204
        assert organization.leads[LEAD].values["_campaignid_value"] is None


class TestReferences:
    """References in a body."""

    async def test_null_takes_a_reference_away(self, api: WebApi) -> None:
        bound = {"campaignid@odata.bind": f"/campaigns({CAMPAIGN})"}
        assert (await api("PATCH", ONE, bound)).status == 204
        assert (await api("GET", f"{ONE}?$select=_campaignid_value")).json["_campaignid_value"] == CAMPAIGN
        assert (await api("PATCH", ONE, {"campaignid@odata.bind": None})).status == 204
        assert (await api("GET", f"{ONE}?$select=_campaignid_value")).json["_campaignid_value"] is None

    @pytest.mark.parametrize(
        ("name", "value", "status", "code"),
        [
            ("parentaccountid", f"/accounts({CAMPAIGN})", 404, "0x80040217"),
            ("customerid_contact", f"/contacts({CAMPAIGN})", 404, "0x80040217"),
            ("parentaccountid", f"/contacts({CAMPAIGN})", 400, "0x80048d19"),
            ("customerid", f"/accounts({CAMPAIGN})", 400, "0x80060888"),
            ("masterid", f"/leads({LEAD})", 400, "0x80060888"),
            ("new_regionid", f"/new_regions({CAMPAIGN})", 400, "0x80060888"),
        ],
    )
    async def test_what_leads_nowhere(self, api: WebApi, name: str, value: str, status: int, code: str) -> None:
        assert refused(await api("PATCH", ONE, {f"{name}@odata.bind": value})) == (status, code)

    async def test_privileges(self, api: WebApi, organization: Organization) -> None:
        organization.members[APPLICATION].privileges = LEAD_WRITER - {APPEND}
        body = {"parentaccountid@odata.bind": f"/accounts({CAMPAIGN})"}
        assert refused(await api("PATCH", ONE, body)) == (403, "0x80040220")

    async def test_metadata_and_bodies_know_the_same_references(self, api: WebApi) -> None:
        path = "EntityDefinitions(LogicalName='lead')/ManyToOneRelationships"
        shown = (await api("GET", f"{path}?$select=ReferencingEntityNavigationPropertyName,ReferencedEntity")).json
        names = {each["ReferencingEntityNavigationPropertyName"]: each["ReferencedEntity"] for each in shown["value"]}
        assert (names.pop("masterid"), len(names)) == ("lead", 7)
        for name, table in names.items():
            many = "opportunities" if table == "opportunity" else f"{table}s"
            reply = await api("PATCH", ONE, {f"{name}@odata.bind": f"/{many}({LEAD})"})
            assert (reply.status, reply.json["error"]["code"]) == (404, "0x80040217")


class TestAnnotations:
    """Formatted values, and annotations in what a caller sends back."""

    @pytest.mark.parametrize(
        ("wanted", "there"),
        [
            ("*", {"FormattedValue", "lookuplogicalname", "associatednavigationproperty"}),
            ("OData.Community.Display.V1.FormattedValue", {"FormattedValue"}),
            ("Microsoft.Dynamics.CRM.*", {"lookuplogicalname", "associatednavigationproperty"}),
            ("Microsoft.PowerApps.CDS.ErrorDetails*", set()),
        ],
    )
    async def test_those_that_are_preferred(self, api: WebApi, wanted: str, there: set[str]) -> None:
        await api("PATCH", ONE, {"campaignid@odata.bind": f"/campaigns({CAMPAIGN})"})
        prefer = f'odata.maxpagesize=5,odata.include-annotations="{wanted}"'
        reply = await api("GET", "leads?$select=leadsourcecode,_campaignid_value,fax", prefer=prefer)
        (record,) = reply.json["value"]
        assert {name.rpartition(".")[2] for name in record if "@" in name and not name.startswith("@")} == there
        assert reply.headers["Preference-Applied"] == prefer

    async def test_words(self, api: WebApi) -> None:
        await api("PATCH", ONE, {"revenue": 1234.5})
        found = (await api("GET", ONE, prefer='odata.include-annotations="*"')).json
        words = {
            name: found[f"{name}@OData.Community.Display.V1.FormattedValue"]
            for name in ("leadsourcecode", "statuscode", "donotemail", "numberofemployees", "revenue")
        }
        assert [*words.values()] == ["Web", "New", "Allow", "1,200", "$1,234.50"]

    async def test_what_was_read_can_be_sent_back(self, api: WebApi) -> None:
        found = (await api("GET", f"{ONE}?$select=leadsourcecode,subject", prefer='odata.include-annotations="*"')).json
        del found["leadid"]
        assert (await api("PATCH", ONE, found, if_match=found["@odata.etag"])).status == 204


class TestQueries:
    """What is no query, and what is none of the sandbox's."""

    @pytest.mark.parametrize("name", ["sql", "fetchXml", "savedQuery", "$apply", "$expand"])
    async def test_what_is_not_built_says_so(self, api: WebApi, name: str) -> None:
        reply = await api("GET", f"leads?{name}=x")
        assert refused(reply) == (501, "0x80060889")
        assert f"Not implemented in the sandbox: {name}." == reply.json["error"]["message"]

    @pytest.mark.parametrize("values", ["[", '["a"', '{"a":1}]', '["a"]'])
    async def test_a_list_that_is_none(self, api: WebApi, values: str) -> None:
        end = "" if values == '["a"]' else ")"
        text = f"Microsoft.Dynamics.CRM.In(PropertyName='subject',PropertyValues={values}{end}"
        assert (await api("GET", f"leads?$filter={text}")).status == 400

    async def test_a_tag_says_nothing(self, api: WebApi) -> None:
        assert (await api("GET", f"{ONE}?tag=mine")).status == 200

    async def test_other_interfaces_want_a_token_too(self, api: WebApi) -> None:
        api.base = "https://org.crm4.dynamics.com/api/search/v1.0/"
        assert (await api("POST", "query", {"search": "x"})).status == 501
        assert (await api("POST", "query", {"search": "x"}, authorization=None)).status == 401
