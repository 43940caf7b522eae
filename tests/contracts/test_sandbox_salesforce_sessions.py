"""Tokens and sessions of the Salesforce stand-in, and what may be asked without writing."""

from __future__ import annotations

import aiohttp
import pytest

from leadkeeper.sandbox.salesforce.fields import EXTERNAL_ID
from leadkeeper.sandbox.salesforce.org import Org
from leadkeeper.sandbox.salesforce.stand_in import Salesforce
from leadkeeper.sandbox.salesforce.states import TOKEN_REFUSALS
from leadkeeper.sandbox.server import Sandbox
from tests.contracts.salesforce_caller import (
    DATA,
    HOST,
    LEAD,
    Session,
    code,
    rest,
    salesforce,
    token,
    two_orgs,
)
from tests.contracts.sandbox_caller import Caller

__all__ = ["rest", "salesforce"]
stand_ins = two_orgs


# Tokens and sessions


async def test_a_token_has_no_end(call: Caller) -> None:
    reply = await token(call)
    assert reply.status == 200
    assert reply.json.keys() == {
        *("access_token", "instance_url", "id", "token_type", "issued_at", "signature", "scope"),
    }
    assert (reply.json["instance_url"], reply.json["token_type"]) == (HOST, "Bearer")


@pytest.mark.parametrize(
    ("host", "changes", "error"),
    [
        ("https://login.salesforce.com", {}, "invalid_grant"),
        ("https://test.salesforce.com", {}, "invalid_grant"),
        (HOST, {"grant_type": "password"}, "unsupported_grant_type"),
        (HOST, {"client_id": "other"}, "invalid_client_id"),
        (HOST, {"client_secret": "other"}, "invalid_client"),
    ],
)
async def test_a_token_is_refused(call: Caller, host: str, changes: dict[str, str], error: str) -> None:
    reply = await token(call, host, **changes)
    assert (reply.status, reply.json["error"]) == (400, error)
    assert reply.json["error_description"]


@pytest.mark.parametrize(("state", "error"), [(state, error) for state, (error, _) in TOKEN_REFUSALS.items()])
async def test_a_state_refuses_tokens(call: Caller, salesforce: Salesforce, state: str, error: str) -> None:
    salesforce.choose(state)
    reply = await token(call)
    assert (reply.status, reply.json["error"]) == (400, error)


async def test_a_token_is_asked_for_with_a_form(call: Caller) -> None:
    org = Org()
    wanted = {"grant_type": "client_credentials", "client_id": org.client_id, "client_secret": org.client_secret}
    reply = await call("POST", f"{HOST}/services/oauth2/token", json=wanted)
    assert (reply.status, reply.json["error"]) == (400, "unsupported_grant_type")


async def test_another_my_domain_has_no_address(call: Caller) -> None:
    with pytest.raises(aiohttp.ClientConnectorError):
        await call("GET", "https://fabrikam.my.salesforce.com/services/data/v62.0/limits")


async def test_a_session_ends(rest: Session, sandbox: Sandbox) -> None:
    assert (await rest("GET", f"{DATA}/limits")).status == 200
    sandbox.clock.advance(7_201)
    reply = await rest("GET", f"{DATA}/limits")
    assert (reply.status, code(reply)) == (401, "INVALID_SESSION_ID")
    await rest.renew()
    assert (await rest("GET", f"{DATA}/limits")).status == 200


async def test_sessions_given_so_far_are_ended(rest: Session, salesforce: Salesforce) -> None:
    salesforce.choose("sessionExpired")
    assert code(await rest.upsert()) == "INVALID_SESSION_ID"
    await rest.renew()
    assert (await rest.upsert()).status == 201


async def test_no_session_is_accepted(rest: Session, salesforce: Salesforce) -> None:
    salesforce.choose("sessionRefused")
    await rest.renew()
    reply = await rest.upsert()
    assert (reply.status, code(reply)) == (401, "INVALID_SESSION_ID")


@pytest.mark.parametrize("header", ["", "Bearer nonsense", "Basic {}", "{}"])
async def test_without_a_session_nothing_is_answered(rest: Session, call: Caller, header: str) -> None:
    session = rest.headers["Authorization"].removeprefix("Bearer ")
    reply = await call("GET", f"{DATA}/limits", headers={"Authorization": header.format(session)})
    assert (reply.status, code(reply)) == (401, "INVALID_SESSION_ID")


async def test_a_session_is_of_one_org(rest: Session) -> None:
    reply = await rest("GET", "https://contoso--uat.sandbox.my.salesforce.com/services/data/v62.0/limits")
    assert reply.status == 401


# What may be asked without writing


async def test_limits_and_usage(rest: Session, salesforce: Salesforce, sandbox: Sandbox) -> None:
    reply = await rest("GET", f"{DATA}/limits")
    assert reply.json["DailyApiRequests"] == {"Max": 5_000, "Remaining": 4_999}
    assert reply.headers["Sforce-Limit-Info"] == "api-usage=1/5000"
    salesforce.org.api_limit = 1
    reply = await rest.upsert()
    assert (reply.status, code(reply)) == (403, "REQUEST_LIMIT_EXCEEDED")
    sandbox.clock.advance(86_401)
    await rest.renew()
    assert (await rest.upsert()).status == 201


async def test_describe_tells_the_fields(rest: Session, salesforce: Salesforce) -> None:
    about = (await rest("GET", f"{LEAD}/describe")).json
    fields = {each["name"]: each for each in about["fields"]}
    assert (fields["LastName"]["length"], fields["LastName"]["nillable"]) == (80, False)
    assert fields[EXTERNAL_ID]["externalId"] is True
    assert {each["value"] for each in fields["Rating"]["picklistValues"]} == {"Hot", "Warm", "Cold"}
    assert about["createable"] is True
    salesforce.choose("readOnly")
    assert (await rest("GET", f"{LEAD}/describe")).json["createable"] is False
    salesforce.choose("fieldHidden")
    assert "Title" not in {each["name"] for each in (await rest("GET", f"{LEAD}/describe")).json["fields"]}


@pytest.mark.parametrize(
    ("method", "path", "status", "error"),
    [
        ("GET", "/services/data/v62.0/sobjects/Leed", 404, "NOT_FOUND"),
        ("GET", "/services/data/v99.0/limits", 404, "NOT_FOUND"),
        ("GET", "/services/data/62/limits", 404, "NOT_FOUND"),
        ("GET", "/services", 404, "NOT_FOUND"),
        ("DELETE", "/services/data/v62.0/limits", 405, "METHOD_NOT_ALLOWED"),
        ("PUT", "/services/data/v62.0/sobjects/Lead", 405, "METHOD_NOT_ALLOWED"),
    ],
)
async def test_addresses_that_are_not_there(rest: Session, method: str, path: str, status: int, error: str) -> None:
    reply = await rest(method, f"{HOST}{path}")
    assert (reply.status, code(reply)) == (status, error)
