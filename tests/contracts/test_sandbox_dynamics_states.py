"""The limits and states of the stand-in for Dynamics 365: each says what it should."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from leadkeeper.sandbox import mishaps
from leadkeeper.sandbox.dynamics.errors import STATES
from leadkeeper.sandbox.dynamics.organization import Limits, Organization
from leadkeeper.sandbox.dynamics.stand_in import Dynamics
from leadkeeper.sandbox.mishaps import Match
from leadkeeper.sandbox.server import Sandbox
from tests.contracts.microsoft import LEAD, LOGIN, NEW, WebApi, api, ask_token, check_error, dynamics, organization
from tests.contracts.sandbox_caller import Caller

__all__ = ["api", "dynamics", "organization"]


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
        self, call: Caller, api: WebApi, organization: Organization
    ) -> None:
        organization.limits = Limits(requests=1)
        user = WebApi(call, (await ask_token(call, LOGIN)).json["access_token"])
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

    async def test_no_licence(self, call: Caller, api: WebApi, dynamics: Dynamics) -> None:
        dynamics.choose("noLicence")
        assert (await api("GET", "WhoAmI")).status == 200
        user = WebApi(call, (await ask_token(call, LOGIN)).json["access_token"])
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
    async def test_no_answer(self, call: Caller, api: WebApi, dynamics: Dynamics, host: str) -> None:
        dynamics.choose("noAnswer" if host.startswith("org") else "ok")
        with pytest.raises(TimeoutError):
            await call(
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
