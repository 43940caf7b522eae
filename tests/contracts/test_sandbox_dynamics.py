"""The stand-in for Dynamics 365: how strictly it takes calls, and what it answers to writing and reading."""

from __future__ import annotations

from uuid import uuid4

import pytest

from leadkeeper.sandbox.dynamics.organization import DELETE, LEAD_WRITER, Member, Organization
from leadkeeper.sandbox.dynamics.schema import Attribute
from leadkeeper.sandbox.dynamics.stand_in import Dynamics
from tests.contracts.microsoft import (
    API,
    LEAD,
    NEW,
    ORG,
    WebApi,
    api,
    check_error,
    dynamics,
    member,
    organization,
)
from tests.contracts.sandbox_caller import Caller

__all__ = ["api", "dynamics", "member", "organization"]


class TestHeadersAndPaths:
    """The form of a call."""

    @pytest.mark.parametrize(
        ("header", "value", "status"),
        [
            ("accept", "text/html", 406),
            ("odata_version", "3.0", 400),
            ("odata_maxversion", "2.0", 400),
            ("content_type", "text/plain", 415),
            ("content_type", "application/x-www-form-urlencoded", 415),
        ],
    )
    async def test_headers(self, api: WebApi, header: str, value: str | None, status: int) -> None:
        assert (await api("POST", "leads", NEW, **{header: value})).status == status

    async def test_versions(self, call: Caller, api: WebApi) -> None:
        for version, status in (("v9.0", 200), ("v9.1", 200), ("v9.2", 200), ("v8.2", 404), ("v9", 404), ("x", 404)):
            api.base = f"{ORG}/api/data/{version}/"
            assert (await api("GET", "WhoAmI")).status == status

    @pytest.mark.parametrize("path", ["leadz", "lead", "leadz(1)", "accounts", "EntityDefinition", "$metadat", ""])
    async def test_segments(self, api: WebApi, path: str) -> None:
        check_error(await api("GET", path), 404, "0x8006088a", "Resource not found for the segment '")

    @pytest.mark.parametrize(
        ("method", "path"),
        [("PUT", "leads"), ("POST", f"leads({LEAD})"), ("PATCH", "leads"), ("DELETE", "leads"), ("PUT", "WhoAmI")],
    )
    async def test_methods(self, api: WebApi, method: str, path: str) -> None:
        assert (await api(method, path, NEW)).status == 405

    @pytest.mark.parametrize(
        "key", ["1", "", "lead-1", f"{{{LEAD}}}", f"'{LEAD}'", LEAD.replace("-", ""), "new_id='1'"]
    )
    async def test_keys_are_guids(self, api: WebApi, key: str) -> None:
        check_error(await api("PATCH", f"leads({key})", NEW), 400, "0x80060888")
        check_error(await api("GET", f"leads({key})"), 400, "0x80060888")

    async def test_a_batch_is_multipart(self, api: WebApi) -> None:
        check_error(await api("POST", "$batch", {}), 400, "0x80048d19")

    async def test_elsewhere_is_the_web_application(self, call: Caller) -> None:
        reply = await call("GET", f"{ORG}/main.aspx")
        assert reply.headers["Content-Type"].startswith("text/html")

    async def test_errors_are_annotated_on_request(self, api: WebApi) -> None:
        plain = await api("GET", f"leads({LEAD})")
        assert plain.json["error"].keys() == {"code", "message"}
        full = await api("GET", f"leads({LEAD})", prefer='odata.include-annotations="*"')
        assert "@Microsoft.PowerApps.CDS.TraceText" in full.json["error"]
        assert "0x80040217" in full.json["error"]["@Microsoft.PowerApps.CDS.HelpLink"]


class TestCreating:
    """POST and PATCH."""

    async def test_post(self, api: WebApi, dynamics: Dynamics) -> None:
        reply = await api("POST", "leads", NEW)
        assert (reply.status, reply.text) == (204, "")
        entity = reply.headers["OData-EntityId"]
        assert entity.startswith(f"{API}leads(")
        (record,) = dynamics.received()
        assert entity == f"{API}leads({record['leadid']})"
        assert record.items() >= (NEW | {"environment": "org.crm4.dynamics.com", "writes": 1}).items()

    async def test_post_with_representation(self, api: WebApi) -> None:
        reply = await api("POST", "leads?$select=subject", NEW, prefer="return=representation")
        assert reply.status == 201
        assert reply.json.keys() == {"@odata.context", "@odata.etag", "leadid", "subject"}
        assert reply.json["@odata.context"] == f"{API}$metadata#leads(subject)/$entity"
        assert reply.headers["Preference-Applied"] == "return=representation"
        assert "OData-EntityId" not in reply.headers

    async def test_the_caller_may_choose_the_id_once(self, api: WebApi, dynamics: Dynamics) -> None:
        body = NEW | {"leadid": LEAD.upper()}
        assert (await api("POST", "leads", body)).headers["OData-EntityId"] == f"{API}leads({LEAD})"
        check_error(await api("POST", "leads", body), 412, "0x80040237")
        check_error(await api("POST", "leads", NEW | {"leadid": "1"}), 400, "0x80048d19")
        assert [record["leadid"] for record in dynamics.received()] == [LEAD]

    async def test_create_only(self, api: WebApi, dynamics: Dynamics) -> None:
        reply = await api("PATCH", f"leads({LEAD})", NEW, if_none_match="*")
        assert (reply.status, reply.headers["OData-EntityId"]) == (204, f"{API}leads({LEAD})")
        again = await api("PATCH", f"leads({LEAD.upper()})", NEW | {"subject": "Other"}, if_none_match="*")
        check_error(again, 412, "0x80060892", "A record with matching key values already exists.")
        (record,) = dynamics.received()
        assert (record["subject"], record["writes"]) == ("Offer", 1)
        check_error(await api("PATCH", f"leads({LEAD})", NEW, if_none_match='W/"1"'), 400, "0x80040203")
        check_error(await api("PATCH", f"leads({LEAD})", NEW, if_none_match="*", if_match="*"), 400, "0x80040203")

    async def test_upsert(self, api: WebApi, dynamics: Dynamics) -> None:
        path = f"leads({LEAD})?$select=subject"
        first = await api("PATCH", path, NEW, prefer="return=representation")
        second = await api("PATCH", path, {"subject": "Other"}, prefer="return=representation")
        assert (first.status, second.status) == (201, 200)
        assert first.json["@odata.etag"] != second.json["@odata.etag"]
        (record,) = dynamics.received()
        assert (record["subject"], record["lastname"], record["writes"]) == ("Other", "King", 2)

    async def test_update_only(self, api: WebApi) -> None:
        path = f"leads({LEAD})"
        check_error(await api("PATCH", path, NEW, if_match="*"), 404, "0x80040217", f"{LEAD} Does Not Exist")
        etag = (await api("PATCH", path, NEW, prefer="return=representation")).json["@odata.etag"]
        assert (await api("PATCH", path, NEW, if_match="*")).status == 204
        text = "The version of the existing record doesn't match the RowVersion property provided."
        check_error(await api("PATCH", path, NEW, if_match=etag), 412, "0x80060882", text)

    async def test_the_id_in_the_body_of_an_upsert(self, api: WebApi) -> None:
        path = f"leads({LEAD})"
        check_error(await api("PATCH", path, NEW | {"leadid": str(uuid4())}), 400, "0x80040203")
        assert (await api("PATCH", path, NEW | {"leadid": LEAD})).status == 204
        check_error(await api("PATCH", path, NEW | {"leadid": LEAD}), 400, "0x80040203")

    async def test_duplicates_are_sought_only_when_asked(self, api: WebApi, organization: Organization) -> None:
        await api("POST", "leads", NEW)
        assert (await api("POST", "leads", NEW)).status == 204
        body = NEW | {"emailaddress1": "ADA@example.com"}
        text = "a duplicate of the current record already exists"
        check_error(
            await api("POST", "leads", body, **{"mscrm.suppressduplicatedetection": "false"}), 412, "0x80040333", text
        )
        organization.finds_duplicates = False
        assert (await api("POST", "leads", body, **{"mscrm.suppressduplicatedetection": "false"})).status == 204

    async def test_campaigns_want_append(self, api: WebApi, member: Member, organization: Organization) -> None:
        campaign = str(uuid4())
        body = NEW | {"campaignid@odata.bind": f"/campaigns({campaign})"}
        check_error(await api("POST", "leads", body), 404, "0x80040217", "campaign With Id")
        organization.campaigns.add(campaign)
        assert (await api("POST", "leads", body)).status == 204
        check_error(await api("POST", "leads", NEW | {"campaignid@odata.bind": "spring"}), 400, "0x80048d19")
        for missing in ("prvAppendLead", "prvAppendToCampaign"):
            member.privileges = LEAD_WRITER - {missing}
            check_error(await api("POST", "leads", body), 403, "0x80040220", missing)

    @pytest.mark.parametrize(
        ("name", "value", "code"),
        [
            ("nickname", "A", "0x80060888"),
            ("Subject", "A", "0x80060888"),
            ("subject", 1, "0x80048d19"),
            ("subject", {"a": 1}, "0x80048d19"),
            ("subject", True, "0x80048d19"),
            ("leadsourcecode", "8", "0x80048d19"),
            ("leadsourcecode", True, "0x80048d19"),
            ("leadsourcecode", 8.0, "0x80048d19"),
            ("leadsourcecode", 11, "0x8004431A"),
            ("leadsourcecode", 0, "0x8004431A"),
            ("numberofemployees", 1_000_001, "0x80040203"),
            ("revenue", "much", "0x80048d19"),
            ("firstname", "x" * 51, "0x80044331"),
            ("firstname", "\N{GRINNING FACE}" * 26, "0x80044331"),
            ("description", "x" * 2001, "0x80044331"),
            ("mobilephone", "1" * 21, "0x80044331"),
        ],
    )
    async def test_values_that_do_not_fit(
        self, api: WebApi, dynamics: Dynamics, name: str, value: object, code: str
    ) -> None:
        for method, path in (("POST", "leads"), ("PATCH", f"leads({LEAD})")):
            check_error(await api(method, path, NEW | {name: value}), 400, code, name)
        assert dynamics.received() == []
        assert dynamics.answers == {f"POST 400 {code}": 1, f"PATCH 400 {code}": 1}

    async def test_values_that_just_fit(self, api: WebApi) -> None:
        body = NEW | {
            "subject": "x" * 300,
            "firstname": "\N{GRINNING FACE}" * 25,
            "description": "x" * 2000,
            "emailaddress1": "no address at all",
            "jobtitle": None,
            "leadsourcecode": 10,
            "numberofemployees": 1_000_000,
            "revenue": 12.5,
        }
        assert (await api("POST", "leads", body)).status == 204
        assert (await api("POST", "leads", {})).status == 204

    async def test_texts_of_refusals(self, api: WebApi) -> None:
        text = (
            "The length of the 'firstname' attribute of the 'lead' entity exceeded the maximum allowed length of '50'."
        )
        check_error(await api("POST", "leads", {"firstname": "x" * 51}), 400, "0x80044331", text)
        text = "The property 'x' does not exist on type 'Microsoft.Dynamics.CRM.lead'."
        check_error(await api("POST", "leads", {"x": 1}), 400, "0x80060888", text)
        text = "Error identified in Payload provided by the user for Entity :'leads'"
        check_error(await api("POST", "leads", {"subject": 1}), 400, "0x80048d19", text)

    @pytest.mark.parametrize("data", [b"", b"[]", b"{", b"1"])
    async def test_the_body_is_an_object(self, call: Caller, api: WebApi, data: bytes) -> None:
        headers = api.headers | {"Content-Type": "application/json; charset=utf-8"}
        check_error(await call("POST", f"{API}leads", data=data, headers=headers), 400, "0x80048d19")

    async def test_an_organisation_may_change_its_columns(self, api: WebApi, organization: Organization) -> None:
        organization.attributes["new_offer"] = Attribute("new_offer", limit=10)
        organization.attributes["subject"] = Attribute("subject", limit=5)
        del organization.attributes["jobtitle"]
        assert (await api("POST", "leads", {"new_offer": "x" * 10, "subject": "Offer"})).status == 204
        check_error(await api("POST", "leads", {"subject": "Offers"}), 400, "0x80044331")
        check_error(await api("POST", "leads", {"jobtitle": "x"}), 400, "0x80060888")


class TestReading:
    """GET of leads and of metadata."""

    async def test_one(self, api: WebApi) -> None:
        check_error(await api("GET", f"leads({LEAD})?$select=leadid"), 404, "0x80040217", "Does Not Exist")
        await api("PATCH", f"leads({LEAD})", NEW)
        shown = (await api("GET", f"leads({LEAD})?$select=leadid,subject,jobtitle")).json
        assert (shown["leadid"], shown["subject"], shown["jobtitle"]) == (LEAD, "Offer", None)
        assert shown.keys() == {"@odata.context", "@odata.etag", "leadid", "subject", "jobtitle"}
        assert "createdon" in (await api("GET", f"leads({LEAD})")).json
        check_error(await api("GET", f"leads({LEAD})?$select=nickname"), 400, "0x80060888")
        check_error(await api("GET", f"leads({LEAD})?select=subject"), 400, "0x80060888")
        assert (await api("GET", f"leads({LEAD})?$expand=x")).status == 501

    async def test_many(self, api: WebApi) -> None:
        for name in ("Ada", "O'Hara", "Eve"):
            await api("POST", "leads", {"firstname": name})
        shown = (await api("GET", "leads?$select=firstname&$top=2")).json["value"]
        assert [each["firstname"] for each in shown] == ["Ada", "O'Hara"]
        shown = (await api("GET", "leads?$filter=firstname%20eq%20'O''Hara'")).json["value"]
        assert [each["firstname"] for each in shown] == ["O'Hara"]
        check_error(await api("GET", "leads?$filter=firstname%20like%20'A'"), 400, "0x80060888")
        check_error(await api("GET", "leads?$top=many"), 400, "0x80060888")

    async def test_deleted(self, api: WebApi, member: Member) -> None:
        member.privileges = LEAD_WRITER | {DELETE}
        await api("PATCH", f"leads({LEAD})", NEW)
        assert (await api("DELETE", f"leads({LEAD})")).status == 204
        check_error(await api("DELETE", f"leads({LEAD})"), 404, "0x80040217")

    async def test_lengths(self, api: WebApi) -> None:
        path = "EntityDefinitions(LogicalName='lead')/Attributes/Microsoft.Dynamics.CRM.StringAttributeMetadata"
        shown = (await api("GET", f"{path}?$select=LogicalName,MaxLength")).json["value"]
        lengths = {each["LogicalName"]: each["MaxLength"] for each in shown}
        assert lengths.items() >= {"subject": 300, "lastname": 50, "mobilephone": 20}.items()
        assert "description" not in lengths
        assert shown[0].keys() == {"MetadataId", "LogicalName", "MaxLength"}
        memo = (await api("GET", path.replace("String", "Memo"))).json["value"]
        memos = {each["LogicalName"]: each["MaxLength"] for each in memo}
        assert (len(memos), memos["description"], memos["businesscard"]) == (7, 2000, 1_073_741_823)

    async def test_options(self, api: WebApi) -> None:
        path = (
            "EntityDefinitions(LogicalName='lead')/Attributes(LogicalName='leadsourcecode')"
            "/Microsoft.Dynamics.CRM.PicklistAttributeMetadata?$select=LogicalName"
        )
        shown = (await api("GET", f"{path}&$expand=OptionSet($select=Options)")).json
        options = {
            each["Value"]: each["Label"]["UserLocalizedLabel"]["Label"] for each in shown["OptionSet"]["Options"]
        }
        assert (options[8], len(options)) == ("Web", 10)
        assert "OptionSet" not in (await api("GET", path)).json

    async def test_metadata_is_as_strict(self, api: WebApi) -> None:
        base = "EntityDefinitions(LogicalName='lead')"
        cases: tuple[tuple[str, int, str], ...] = (
            ("EntityDefinitions(LogicalName='leads')", 404, "0x80060891"),
            (f"{base}/Attributes(LogicalName='nickname')", 404, "0x80060891"),
            (f"{base}/Attributes/Microsoft.Dynamics.CRM.TextAttributeMetadata", 404, "0x8006088a"),
            (f"{base}/Columns", 404, "0x8006088a"),
            (f"{base}/Attributes?$select=MaxLength", 400, "0x80060888"),
            (f"{base}/Attributes?$expand=OptionSet", 400, "0x80060888"),
            (f"{base}?$select=Nickname", 400, "0x80060888"),
        )
        for path, status, code in cases:
            check_error(await api("GET", path), status, code)
        for path in ("EntityDefinitions", "CreateEntities", f"{base}/Attributes"):
            check_error(await api("POST", path, {}), 501, "0x80060889", "metadata can be read, not changed")

    async def test_tables_and_columns(self, api: WebApi) -> None:
        query = "$select=LogicalName,EntitySetName,PrimaryIdAttribute&$filter=LogicalName%20eq%20'lead'"
        (shown,) = (await api("GET", f"EntityDefinitions?{query}")).json["value"]
        assert (shown["EntitySetName"], shown["PrimaryIdAttribute"]) == ("leads", "leadid")
        assert (await api("GET", f"EntityDefinitions?{query}s")).status == 400
        assert (await api("GET", "EntityDefinitions(LogicalName='lead')?$select=EntitySetName")).status == 200
        path = "EntityDefinitions(LogicalName='lead')/Attributes"
        columns = (await api("GET", f"{path}?$select=LogicalName,AttributeType")).json["value"]
        assert {"LogicalName": "leadsourcecode", "AttributeType": "Picklist"}.items() <= next(
            each for each in columns if each["LogicalName"] == "leadsourcecode"
        ).items()
        found = (await api("GET", f"{path}?$filter=LogicalName%20eq%20'subject'")).json["value"]
        assert [each["LogicalName"] for each in found] == ["subject"]
