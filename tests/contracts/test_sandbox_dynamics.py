"""The stand-in for Dynamics 365: its strictness, and each of its answers."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import aiohttp
import pytest

from leadkeeper.sandbox import mishaps
from leadkeeper.sandbox.dynamics.errors import STATES
from leadkeeper.sandbox.dynamics.organization import CREATE, DELETE, LEAD_WRITER, Limits, Member, Organization
from leadkeeper.sandbox.dynamics.schema import Attribute
from leadkeeper.sandbox.dynamics.stand_in import Dynamics
from leadkeeper.sandbox.entra.directory import APPLICATION, PUBLIC_APPLICATION, TENANT, USER
from leadkeeper.sandbox.mishaps import Match
from leadkeeper.sandbox.server import Sandbox
from tests.contracts.microsoft import API, LEAD, LOGIN, ORG, WebApi, ask_token
from tests.contracts.sandbox_caller import Caller, Reply

NEW = {"subject": "Offer", "firstname": "Ada", "lastname": "King", "emailaddress1": "ada@example.com"}


@pytest.fixture
def dynamics(sandbox: Sandbox) -> Dynamics:
    return sandbox.stand_in(Dynamics)


@pytest.fixture
def organization(dynamics: Dynamics) -> Organization:
    return dynamics.organizations["org.crm4.dynamics.com"]


@pytest.fixture
def member(organization: Organization) -> Member:
    return organization.members[APPLICATION]


@pytest.fixture
async def api(caller: Caller) -> WebApi:
    return WebApi(caller, (await ask_token(caller)).json["access_token"])


def check_error(reply: Reply, status: int, code: str, text: str = "") -> None:
    error = reply.json["error"]
    assert (reply.status, error["code"]) == (status, code)
    assert text in error["message"]
    assert reply.headers["OData-Version"] == "4.0"


async def test_who_am_i(api: WebApi, organization: Organization, member: Member) -> None:
    reply = await api("GET", "WhoAmI")
    assert reply.json == {
        "@odata.context": f"{API}$metadata#Microsoft.Dynamics.CRM.WhoAmIResponse",
        "BusinessUnitId": organization.unit,
        "UserId": member.id,
        "OrganizationId": organization.id,
    }
    for name in ("x-ms-service-request-id", "REQ_ID", "x-ms-ratelimit-burst-remaining-xrm-requests"):
        assert name in reply.headers
    assert (await api("POST", "WhoAmI", {})).status == 405


class TestTokens:
    """Who is let in at all."""

    async def test_without_a_good_token_the_tenant_is_told(self, caller: Caller, api: WebApi) -> None:
        for token in (None, "Bearer", "Bearer a.b.c", "Basic abc", api.headers["Authorization"] + "x"):
            reply = await api("GET", "WhoAmI", authorization=token)
            assert reply.status == 401
            assert reply.headers["WWW-Authenticate"] == (
                f"Bearer authorization_uri=https://login.microsoftonline.com/{TENANT}/oauth2/authorize, "
                f"resource_id={ORG}/"
            )

    async def test_a_token_is_for_one_environment(self, caller: Caller) -> None:
        other = (await ask_token(caller, scope="https://contoso.crm4.dynamics.com/.default")).json["access_token"]
        assert (await WebApi(caller, other)("GET", "WhoAmI")).status == 401
        contoso = WebApi(caller, other, "https://contoso.api.crm4.dynamics.com/api/data/v9.2/")
        assert (await contoso("GET", "WhoAmI")).status == 200

    async def test_the_audience_may_end_in_a_slash(self, caller: Caller) -> None:
        token = (await ask_token(caller, scope=f"{ORG}//.default")).json["access_token"]
        assert (await WebApi(caller, token)("GET", "WhoAmI")).status == 200

    async def test_a_token_ends(self, sandbox: Sandbox, api: WebApi) -> None:
        sandbox.clock.advance(3_590)
        assert (await api("GET", "WhoAmI")).status == 200
        sandbox.clock.advance(10)
        assert (await api("GET", "WhoAmI")).status == 401

    async def test_another_application_is_no_member(self, caller: Caller, organization: Organization) -> None:
        login = LOGIN | {"client_id": PUBLIC_APPLICATION}
        user = WebApi(caller, (await ask_token(caller, login, client_secret=None)).json["access_token"])
        assert (await user("GET", "WhoAmI")).json["UserId"] == organization.members[USER].id
        del organization.members[USER]
        check_error(await user("GET", "WhoAmI"), 403, "0x80072560", "The user is not a member of the organization.")


class TestMembers:
    """What a member is, one by one."""

    async def test_roles(self, api: WebApi, member: Member) -> None:
        member.roles = 0
        text = f"no roles are assigned to user. Returned hr = -2147209463, User: {member.id}"
        check_error(await api("GET", "WhoAmI"), 403, "0x80042f09", text)

    async def test_disabled(self, api: WebApi, member: Member) -> None:
        member.disabled = True
        check_error(await api("GET", "WhoAmI"), 403, "0x80040225", member.id)

    async def test_licences_are_for_people(self, caller: Caller, api: WebApi, organization: Organization) -> None:
        for each in organization.members.values():
            each.licensed = False
        assert (await api("GET", "WhoAmI")).status == 200
        user = WebApi(caller, (await ask_token(caller, LOGIN)).json["access_token"])
        check_error(await user("GET", "WhoAmI"), 403, "0x8004D24B")

    async def test_own_privileges_can_be_read(self, api: WebApi, member: Member) -> None:
        path = f"systemusers({member.id})/Microsoft.Dynamics.CRM.RetrieveUserPrivileges"
        for each in (path, f"{path}()"):
            shown = (await api("GET", each)).json["RolePrivileges"]
            assert {item["PrivilegeName"] for item in shown} == LEAD_WRITER
        check_error(await api("GET", path.replace(member.id, str(uuid4()))), 404, "0x80040217")

    @pytest.mark.parametrize(
        ("missing", "method", "path"),
        [
            ("prvCreateLead", "POST", "leads"),
            ("prvCreateLead", "PATCH", f"leads({LEAD})"),
            ("prvWriteLead", "PATCH", f"leads({LEAD})"),
            ("prvReadLead", "GET", f"leads({LEAD})"),
            ("prvReadLead", "GET", "leads"),
            ("prvDeleteLead", "DELETE", f"leads({LEAD})"),
            ("prvReadAttribute", "GET", "EntityDefinitions(LogicalName='lead')/Attributes"),
        ],
    )
    async def test_each_privilege_is_wanted(
        self, api: WebApi, member: Member, missing: str, method: str, path: str
    ) -> None:
        member.privileges = (LEAD_WRITER | {DELETE}) - {missing}
        reply = await api(method, path, NEW if method in {"POST", "PATCH"} else None)
        check_error(reply, 403, "0x80040220", f"is missing {missing} privilege (Id=")
        text = reply.json["error"]["message"]
        assert text.startswith(f"Principal user (Id={member.id}, type=8, roleCount=1, privilegeCount=6, accessMode=")
        assert text.endswith(f"context.Caller={member.id}")
        if missing.endswith("Lead"):
            assert "on OTC=4 for entity 'lead'" in text

    async def test_create_alone(self, api: WebApi, member: Member, organization: Organization) -> None:
        member.privileges = frozenset({CREATE})
        path = f"leads({LEAD})"
        check_error(await api("PATCH", path, NEW, if_none_match="*"), 403, "0x80040220", "prvWriteLead")
        organization.upsert_wants_write = False
        assert (await api("PATCH", path, NEW, if_none_match="*")).status == 204
        check_error(await api("PATCH", path, NEW, if_none_match="*"), 412, "0x80060892")
        check_error(await api("PATCH", path, NEW), 403, "0x80040220")
        check_error(await api("PATCH", path, NEW, if_match="*"), 403, "0x80040220")
        check_error(await api("POST", "leads", NEW, prefer="return=representation"), 403, "0x80040220", "prvReadLead")
        assert len(organization.leads) == 1
        assert (await api("POST", "leads", NEW)).status == 204

    async def test_secured_columns(self, api: WebApi, member: Member) -> None:
        member.secured = frozenset({"leadsourcecode"})
        body = NEW | {"leadsourcecode": 8}
        text = "does not have Create permissions for the leadsourcecode attribute in the lead entity"
        check_error(await api("POST", "leads", body), 403, "0x8004F502", text)
        assert (await api("PATCH", f"leads({LEAD})", NEW)).status == 204
        check_error(await api("PATCH", f"leads({LEAD})", body), 403, "0x8004F507", "Update permissions")


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

    async def test_versions(self, caller: Caller, api: WebApi) -> None:
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

    async def test_elsewhere_is_the_web_application(self, caller: Caller) -> None:
        reply = await caller("GET", f"{ORG}/main.aspx")
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
    async def test_the_body_is_an_object(self, caller: Caller, api: WebApi, data: bytes) -> None:
        headers = api.headers | {"Content-Type": "application/json; charset=utf-8"}
        check_error(await caller("POST", f"{API}leads", data=data, headers=headers), 400, "0x80048d19")

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


class TestLimits:
    """429, by a sliding window for each member."""

    async def test_requests(self, sandbox: Sandbox, api: WebApi, organization: Organization) -> None:
        organization.limits = Limits(requests=3, window=20)
        assert [(await api("GET", "WhoAmI")).status for _ in range(3)] == [200] * 3
        sandbox.clock.advance(5)
        refused = await api("GET", "WhoAmI")
        text = "Number of requests exceeded the limit of 3 over time window of 20 seconds."
        check_error(refused, 429, "0x80072322", text)
        assert refused.headers["Retry-After"] == "15"
        sandbox.clock.advance(15)
        assert (await api("GET", "WhoAmI")).status == 200

    async def test_who_hammers_waits_longer(self, sandbox: Sandbox, api: WebApi, organization: Organization) -> None:
        organization.limits = Limits(requests=2, window=20)
        waits = []
        for _ in range(5):
            reply = await api("GET", "WhoAmI")
            waits.append(int(reply.headers.get("Retry-After", 0)))
            sandbox.clock.advance(2)
        assert waits[:2] == [0, 0]
        assert sorted(waits[2:]) == waits[2:]
        sandbox.clock.advance(waits[-1])
        assert (await api("GET", "WhoAmI")).status == 200

    async def test_one_member_does_not_wait_for_another(
        self, caller: Caller, api: WebApi, organization: Organization
    ) -> None:
        organization.limits = Limits(requests=1)
        user = WebApi(caller, (await ask_token(caller, LOGIN)).json["access_token"])
        assert [(await each("GET", "WhoAmI")).status for each in (api, user, api, user)] == [200, 200, 429, 429]

    async def test_at_once(self, api: WebApi, organization: Organization) -> None:
        organization.limits = Limits(concurrent=2)
        organization.work_seconds = 1.5
        replies = await asyncio.gather(*(api("GET", "WhoAmI") for _ in range(3)))
        assert sorted(each.status for each in replies) == [200, 200, 429]
        refused = next(each for each in replies if each.status == 429)
        check_error(refused, 429, "0x80072326", "Number of concurrent requests exceeded the limit of 2.")
        assert int(refused.headers["Retry-After"]) >= 1

    async def test_time_worked(self, sandbox: Sandbox, api: WebApi, organization: Organization) -> None:
        organization.limits = Limits(seconds_worked=0.2, window=30)
        organization.work_seconds = 0.1
        assert [(await api("GET", "WhoAmI")).status for _ in range(2)] == [200, 200]
        text = "exceeded limit of 200 milliseconds over time window of 30 seconds"
        check_error(await api("GET", "WhoAmI"), 429, "0x80072321", text)
        sandbox.clock.advance(30)
        assert (await api("GET", "WhoAmI")).status == 200


ON_ALL = {
    "notMember": (403, "0x80072560"),
    "noRoles": (403, "0x80042f09"),
    "noRoles401": (401, "0x80042f09"),
    "userDisabled": (403, "0x80040225"),
    "adminOnly": (403, "0x8004A113"),
    "tenantForbidden": (403, "0x80044507"),
    "throttledRequests": (429, "0x80072322"),
    "throttledTime": (429, "0x80072321"),
    "throttledConcurrent": (429, "0x80072326"),
    "serviceBusy": (503, "0x8005F103"),
    "serviceThrottled": (429, "0x80060308"),
}
ON_CREATE = {
    "privilegeMissing": (403, "0x80040220"),
    "accessDenied": (403, "0x80048306"),
    "fieldForbidden": (403, "0x8004F502"),
    "plugInAborts": (400, "0x80040265"),
    "duplicateFound": (412, "0x80040333"),
    "duplicateFound500": (500, "0x80040333"),
    "unexpectedError": (500, "0x80040216"),
    "sqlTimeout": (500, "0x80044151"),
}
OTHERS = {
    "noLicence",
    "createOnly",
    "createOnlyUpsert",
    "metadataForbidden",
    "upsertCodeEmpty",
    "gateway",
    "signInPage",
    "noAnswer",
}


class TestStates:
    """Each state says what it should, and nothing is written."""

    def test_all_are_tested(self) -> None:
        assert ON_ALL.keys() | ON_CREATE.keys() | OTHERS == STATES.keys()

    @pytest.mark.parametrize("state", [*ON_ALL, *ON_CREATE])
    async def test_errors(self, api: WebApi, dynamics: Dynamics, state: str) -> None:
        dynamics.choose(state)
        status, code = ON_ALL.get(state) or ON_CREATE[state]
        body = NEW | {"leadsourcecode": 8}
        calls: tuple[tuple[str, str, dict[str, Any]], ...] = (
            ("POST", "leads", {}),
            ("PATCH", f"leads({LEAD})", {"if_none_match": "*"}),
        )
        for method, path, headers in calls:
            reply = await api(method, path, body, **headers)
            check_error(reply, status, code)
            assert "{" not in reply.json["error"]["message"]
            assert ("Retry-After" in reply.headers) == (state in list(ON_ALL)[-5:])
        who = await api("GET", "WhoAmI")
        assert who.status == (status if state in ON_ALL else 200)
        assert dynamics.received() == []
        dynamics.reset()
        assert (await api("POST", "leads", body)).status == 204

    async def test_no_licence(self, caller: Caller, api: WebApi, dynamics: Dynamics) -> None:
        dynamics.choose("noLicence")
        assert (await api("GET", "WhoAmI")).status == 200
        user = WebApi(caller, (await ask_token(caller, LOGIN)).json["access_token"])
        check_error(await user("GET", "WhoAmI"), 403, "0x8004D24B", "The user has not been assigned any License")

    async def test_create_only_roles(self, api: WebApi, dynamics: Dynamics) -> None:
        path = f"leads({LEAD})"
        dynamics.choose("createOnly")
        check_error(await api("PATCH", path, NEW, if_none_match="*"), 403, "0x80040220", "prvWriteLead")
        check_error(await api("GET", path), 403, "0x80040220", "prvReadLead")
        check_error(await api("GET", "EntityDefinitions"), 403, "0x80040220", "prvReadAttribute")
        assert (await api("POST", "leads", NEW | {"leadid": LEAD})).status == 204
        dynamics.choose("createOnlyUpsert")
        check_error(await api("PATCH", path, NEW, if_none_match="*"), 412, "0x80060892")

    async def test_metadata_forbidden(self, api: WebApi, dynamics: Dynamics) -> None:
        dynamics.choose("metadataForbidden")
        check_error(await api("GET", "EntityDefinitions"), 403, "0x80040220", "prvReadAttribute")
        assert (await api("POST", "leads", NEW)).status == 204

    async def test_a_duplicate_without_a_code(self, api: WebApi, dynamics: Dynamics) -> None:
        dynamics.choose("upsertCodeEmpty")
        await api("PATCH", f"leads({LEAD})", NEW, if_none_match="*")
        again = await api("PATCH", f"leads({LEAD})", NEW, if_none_match="*")
        check_error(again, 412, "", "A record with matching key values already exists.")

    async def test_web_pages(self, api: WebApi, dynamics: Dynamics) -> None:
        for state, status in (("gateway", 503), ("signInPage", 200)):
            dynamics.choose(state)
            reply = await api("POST", "leads", NEW)
            assert (reply.status, reply.headers["Content-Type"]) == (status, "text/html; charset=utf-8")

    @pytest.mark.parametrize("host", ["org.crm4.dynamics.com", "nowhere.crm4.dynamics.com"])
    async def test_no_answer(self, caller: Caller, api: WebApi, dynamics: Dynamics, host: str) -> None:
        dynamics.choose("noAnswer" if host.startswith("org") else "ok")
        with pytest.raises(TimeoutError):
            await caller(
                "GET", f"https://{host}/api/data/v9.2/WhoAmI", headers=api.headers, timeout=aiohttp.ClientTimeout(0.4)
            )


async def test_a_lost_answer_leaves_one_record(sandbox: Sandbox, api: WebApi, dynamics: Dynamics) -> None:
    sandbox.fail(mishaps.commit_then_drop, Match(host="*.dynamics.com", method="PATCH"))
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await api("PATCH", f"leads({LEAD})", NEW, if_none_match="*")
    assert (await api("PATCH", f"leads({LEAD})", NEW, if_none_match="*")).status == 412
    assert [record["writes"] for record in dynamics.received()] == [1]


async def test_reset_forgets_leads_and_counts_but_not_the_set_up(
    sandbox: Sandbox, api: WebApi, organization: Organization, dynamics: Dynamics
) -> None:
    organization.limits = Limits(requests=1)
    await api("POST", "leads", NEW)
    sandbox.reset()
    assert dynamics.received() == []
    assert not dynamics.answers
    assert [(await api("GET", "WhoAmI")).status for _ in range(2)] == [200, 429]
