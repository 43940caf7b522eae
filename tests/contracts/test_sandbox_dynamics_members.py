"""Whom the stand-in for Dynamics 365 lets in, and what each member may do."""

from __future__ import annotations

from uuid import uuid4

import pytest

from leadkeeper.sandbox.dynamics.organization import CREATE, DELETE, LEAD_WRITER, Member, Organization
from leadkeeper.sandbox.entra.directory import PUBLIC_APPLICATION, TENANT, USER
from leadkeeper.sandbox.server import Sandbox
from tests.contracts.microsoft import (
    API,
    LEAD,
    LOGIN,
    NEW,
    ORG,
    WebApi,
    api,
    ask_token,
    check_error,
    member,
    organization,
)
from tests.contracts.sandbox_caller import Caller

__all__ = ["api", "member", "organization"]


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

    async def test_without_a_good_token_the_tenant_is_told(self, call: Caller, api: WebApi) -> None:
        for token in (None, "Bearer", "Bearer a.b.c", "Basic abc", api.headers["Authorization"] + "x"):
            reply = await api("GET", "WhoAmI", authorization=token)
            assert reply.status == 401
            assert reply.headers["WWW-Authenticate"] == (
                f"Bearer authorization_uri=https://login.microsoftonline.com/{TENANT}/oauth2/authorize, "
                f"resource_id={ORG}/"
            )

    async def test_a_token_is_for_one_environment(self, call: Caller) -> None:
        other = (await ask_token(call, scope="https://contoso.crm4.dynamics.com/.default")).json["access_token"]
        assert (await WebApi(call, other)("GET", "WhoAmI")).status == 401
        contoso = WebApi(call, other, "https://contoso.api.crm4.dynamics.com/api/data/v9.2/")
        assert (await contoso("GET", "WhoAmI")).status == 200

    async def test_the_audience_may_end_in_a_slash(self, call: Caller) -> None:
        token = (await ask_token(call, scope=f"{ORG}//.default")).json["access_token"]
        assert (await WebApi(call, token)("GET", "WhoAmI")).status == 200

    async def test_a_token_ends(self, sandbox: Sandbox, api: WebApi) -> None:
        sandbox.clock.advance(3_590)
        assert (await api("GET", "WhoAmI")).status == 200
        sandbox.clock.advance(10)
        assert (await api("GET", "WhoAmI")).status == 401

    async def test_another_application_is_no_member(self, call: Caller, organization: Organization) -> None:
        login = LOGIN | {"client_id": PUBLIC_APPLICATION}
        user = WebApi(call, (await ask_token(call, login, client_secret=None)).json["access_token"])
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

    async def test_licences_are_for_people(self, call: Caller, api: WebApi, organization: Organization) -> None:
        for each in organization.members.values():
            each.licensed = False
        assert (await api("GET", "WhoAmI")).status == 200
        user = WebApi(call, (await ask_token(call, LOGIN)).json["access_token"])
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
