"""What others' clients ask of the stand-ins of Dataverse and Entra, request by request."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator

import pytest

from leadkeeper.sandbox.dynamics.organization import DELETE, LEAD_WRITER
from leadkeeper.sandbox.dynamics.stand_in import Dynamics
from leadkeeper.sandbox.entra.directory import APPLICATION, SECRET, TENANT
from leadkeeper.sandbox.server import Sandbox
from tests.contracts.microsoft import API, CLIENT, ENTRA, LEAD, LOGIN, ORG, WebApi, api, ask_token
from tests.contracts.sandbox_caller import Caller, Reply

__all__ = ["api"]


def subjects(reply: Reply) -> list[str]:
    assert reply.status == 200, reply.text
    return [each["subject"] for each in reply.json["value"]]


async def fill(api: WebApi) -> None:
    for number, subject in enumerate(["Anna's", "Bert", "Carla", "Dora"]):
        body = {"leadid": f"{number}{LEAD[1:]}", "subject": subject, "lastname": "King", "numberofemployees": number}
        assert (await api("POST", "leads", body)).status == 204


class TestHeaders:
    """Headers as samples send them, or do not."""

    @pytest.mark.parametrize("accept", [None, "*/*", "application/*"])
    async def test_any_accept_that_allows_json(self, api: WebApi, accept: str | None) -> None:
        assert (await api("GET", "WhoAmI", accept=accept)).status == 200

    async def test_the_versions_may_be_left_out(self, api: WebApi) -> None:
        assert (await api("GET", "WhoAmI", odata_version=None, odata_maxversion=None)).status == 200

    async def test_if_none_match_null_is_none(self, api: WebApi) -> None:
        headers = {"if_none_match": "null"}
        assert (await api("POST", "leads", {"leadid": LEAD, "subject": "a", "lastname": "b"}, **headers)).status == 204
        assert (await api("GET", f"leads({LEAD})", **headers)).status == 200
        assert (await api("PATCH", f"leads({LEAD})", {"subject": "c"}, **headers)).status == 204


class TestReading:
    """Queries."""

    @pytest.mark.parametrize(
        ("options", "found"),
        [
            ("$orderby=subject desc", ["Dora", "Carla", "Bert", "Anna's"]),
            ("$orderby=lastname asc,numberofemployees desc&$top=1", ["Dora"]),
            ("$filter=contains(subject,'ar') and lastname eq 'king'", ["Carla"]),
            ("$filter=startswith(subject,'b') or endswith(subject,'ra')", ["Bert", "Dora"]),
            ("$filter=subject eq 'Anna''s'", ["Anna's"]),
            ("$filter=numberofemployees gt 0 and (subject eq 'Bert' or not contains(subject,'r'))", ["Bert"]),
            ("$filter=numberofemployees ge 2 and numberofemployees ne 3", ["Carla"]),
            ("$filter=jobtitle ne null", []),
            (f"$filter=leadid eq 1{LEAD[1:]}", ["Bert"]),
        ],
    )
    async def test_queries(self, api: WebApi, options: str, found: list[str]) -> None:
        await fill(api)
        assert subjects(await api("GET", "leads?" + options.replace(" ", "%20"))) == found

    @pytest.mark.parametrize(
        "text", ["subject", "subject eq", "contains(subject)", "subject like 'x'", "(subject eq 'a'"]
    )
    async def test_a_filter_that_is_none(self, api: WebApi, text: str) -> None:
        assert (await api("GET", "leads?$filter=" + text.replace(" ", "%20"))).status == 400

    async def test_count(self, api: WebApi) -> None:
        await fill(api)
        assert (await api("GET", "leads?$count=true&$top=1")).json["@odata.count"] == 4
        assert (await api("GET", "leads/$count")).text.lstrip("\ufeff") == "4"

    async def test_pages(self, api: WebApi) -> None:
        await fill(api)
        first = await api("GET", "leads?$select=subject&$orderby=subject", prefer="odata.maxpagesize=3")
        assert first.headers["Preference-Applied"] == "odata.maxpagesize=3"
        link = first.json["@odata.nextLink"]
        assert link.startswith(f"{API}leads?")
        second = await api("GET", link.removeprefix(API), prefer="odata.maxpagesize=3")
        assert subjects(first) + subjects(second) == ["Anna's", "Bert", "Carla", "Dora"]
        assert "@odata.nextLink" not in second.json

    async def test_not_modified(self, api: WebApi) -> None:
        await fill(api)
        lead = f"leads(0{LEAD[1:]})"
        etag = (await api("GET", lead)).json["@odata.etag"]
        assert (await api("GET", lead, if_none_match=etag)).status == 304
        await api("PATCH", lead, {"subject": "x"})
        assert (await api("GET", lead, if_none_match=etag)).status == 200

    async def test_the_standard_columns(self, api: WebApi) -> None:
        found = await api("GET", "EntityDefinitions(LogicalName='lead')/Attributes?$select=LogicalName")
        names = {each["LogicalName"] for each in found.json["value"]}
        assert len(names) >= 140
        assert {"fullname", "salutation", "statecode", "statuscode", "donotemail", "address2_city", "fax"} <= names

    async def test_labels(self, api: WebApi) -> None:
        path = "EntityDefinitions(LogicalName='lead')/Attributes(LogicalName='leadsourcecode')"
        found = await api("GET", f"{path}/Microsoft.Dynamics.CRM.PicklistAttributeMetadata?$expand=OptionSet")
        label = found.json["OptionSet"]["Options"][0]["Label"]
        assert label["LocalizedLabels"][0]["Label"] == label["UserLocalizedLabel"]["Label"] == "Advertisement"
        assert found.json["DisplayName"]["LocalizedLabels"][0]["LanguageCode"] == 1033

    async def test_version(self, api: WebApi) -> None:
        assert (await api("GET", "RetrieveVersion()")).json["Version"].startswith("9.2.")


class TestWriting:
    """Alternate keys, delete and batches."""

    async def test_an_alternate_key_that_is_not_defined(self, api: WebApi) -> None:
        assert (await api("GET", "leads(emailaddress1='a@example.com')")).status == 400

    async def test_an_alternate_key(self, api: WebApi, sandbox: Sandbox) -> None:
        organization = sandbox.stand_in(Dynamics).organizations["org.crm4.dynamics.com"]
        organization.keys.add(("emailaddress1",))
        path = "leads(emailaddress1='a@example.com')"
        assert (await api("GET", path)).status == 404
        assert (await api("PATCH", path, {"subject": "a", "lastname": "b"})).status == 204
        assert (await api("PATCH", path, {"subject": "c"})).status == 204
        found = (await api("GET", path)).json
        assert (found["subject"], found["emailaddress1"]) == ("c", "a@example.com")

    async def test_delete(self, api: WebApi, sandbox: Sandbox) -> None:
        await fill(api)
        organization = sandbox.stand_in(Dynamics).organizations["org.crm4.dynamics.com"]
        organization.members[APPLICATION].privileges = LEAD_WRITER | {DELETE}
        lead = f"leads(0{LEAD[1:]})"
        assert (await api("DELETE", lead, if_match='W/"1"')).status == 412
        assert [(await api("DELETE", lead)).status for _ in "ab"] == [204, 404]

    async def test_a_batch_and_a_change_set_that_fails_as_one(self, api: WebApi, call: Caller) -> None:
        def change(subject: str) -> str:
            return (
                "--c\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: 1\r\n\r\n"
                f"POST {API}leads HTTP/1.1\r\nContent-Type: application/json\r\n\r\n"
                f'{{"subject":"{subject}","lastname":"b"}}\r\n'
            )

        async def send(*subjects: str) -> Reply:
            changes = "".join(map(change, subjects))
            body = (
                f"--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n{changes}--c--\r\n"
                "--b\r\nContent-Type: application/http\r\n\r\n"
                "GET /api/data/v9.2/leads?$select=subject HTTP/1.1\r\nAccept: application/json\r\n\r\n\r\n--b--\r\n"
            )
            headers = api.headers | {"Content-Type": 'multipart/mixed; boundary="b"'}
            return await call("POST", API + "$batch", data=body.encode(), headers=headers)

        good = await send("x", "y")
        assert good.status == 200
        assert good.headers["Content-Type"].startswith("multipart/mixed; boundary=")
        assert (good.text.count("HTTP/1.1 204"), good.text.count("HTTP/1.1 200")) == (2, 1)
        bad = await send("z", "s" * 301)
        assert bad.status == 400
        assert "0x80044331" in bad.text
        assert len((await api("GET", "leads")).json["value"]) == 2

    @pytest.mark.parametrize("size", [1, 7, 4096])
    async def test_a_record_and_a_batch_in_chunks(self, api: WebApi, call: Caller, size: int) -> None:
        async def chunks(text: str) -> AsyncIterator[bytes]:
            body = text.encode()
            for start in range(0, len(body), size):
                yield body[start : start + size]

        record = '{"subject": "Zoë", "lastname": "Müller"}'
        headers = api.headers | {"Content-Type": "application/json"}
        made = await call("POST", API + "leads", data=chunks(record), headers=headers)
        assert made.status == 204
        changed = await call("PATCH", made.headers["OData-EntityId"], data=chunks(record), headers=headers)
        assert changed.status == 204
        batch = (
            "--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n"
            "--c\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: 1\r\n\r\n"
            f"POST {API}leads HTTP/1.1\r\nContent-Type: application/json\r\n\r\n{record}\r\n--c--\r\n"
            "--b\r\nContent-Type: application/http\r\n\r\n"
            "GET /api/data/v9.2/leads?$select=subject HTTP/1.1\r\nAccept: application/json\r\n\r\n\r\n--b--\r\n"
        )
        mixed = api.headers | {"Content-Type": 'multipart/mixed; boundary="b"'}
        done = await call("POST", API + "$batch", data=chunks(batch), headers=mixed)
        assert (done.status, done.text.count("HTTP/1.1 204"), done.text.count("Zoë")) == (200, 1, 2)


class TestEntra:
    """Discovery, tokens for people, Basic."""

    async def test_instance_discovery(self, call: Caller) -> None:
        where = f"{ENTRA}/{TENANT}/oauth2/v2.0/authorize"
        url = f"{ENTRA}/common/discovery/instance?api-version=1.1&authorization_endpoint={where}"
        found = (await call("GET", url)).json
        assert found["tenant_discovery_endpoint"] == f"{ENTRA}/{TENANT}/v2.0/.well-known/openid-configuration"
        assert "login.microsoftonline.com" in found["metadata"][0]["aliases"]
        assert (await call("GET", f"{ENTRA}/common/discovery/instance?api-version=1.1")).status == 400

    async def test_an_id_token_and_a_refresh_token(self, call: Caller) -> None:
        got = (await ask_token(call, LOGIN, scope=f"{ORG}/.default openid offline_access profile")).json
        assert got["id_token"].count(".") == 2
        refresh = {"grant_type": "refresh_token", "refresh_token": got["refresh_token"]}
        form = CLIENT | refresh
        again = await ask_token(call, form)
        assert again.status == 200
        assert (await WebApi(call, again.json["access_token"])("GET", "WhoAmI")).status == 200
        wrong = await ask_token(call, form | {"refresh_token": "0.x"})
        assert (wrong.status, wrong.json["error"]) == (400, "invalid_grant")

    async def test_basic(self, call: Caller) -> None:
        form = {name: value for name, value in CLIENT.items() if not name.startswith("client_")}
        for secret, status in ((SECRET, 200), ("wrong", 401)):
            basic = base64.b64encode(f"{APPLICATION}:{secret}".encode()).decode()
            url = f"{ENTRA}/{TENANT}/oauth2/v2.0/token"
            assert (await call("POST", url, data=form, headers={"Authorization": f"Basic {basic}"})).status == status


async def test_chunked_bodies(call: Caller) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for each in "&".join(f"{name}={value}" for name, value in CLIENT.items()).split("&"):
            yield each.encode() + b"&"

    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    reply = await call("POST", f"{ENTRA}/{TENANT}/oauth2/v2.0/token", data=chunks(), headers=headers)
    assert reply.status == 200
