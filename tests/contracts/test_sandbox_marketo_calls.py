"""Who may call the REST API of the Marketo stand-in, how often, and what refuses a whole call."""

from __future__ import annotations

import asyncio
import io
import json
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest

from leadkeeper.sandbox.marketo.rest import QUOTA_ZONE
from leadkeeper.sandbox.marketo.stand_in import Marketo
from leadkeeper.sandbox.marketo.states import REFUSALS
from leadkeeper.sandbox.server import Sandbox
from tests.contracts.marketo_caller import (
    DESCRIBE,
    HOST,
    IDENTITY,
    PERSON,
    SUBMIT,
    SYNC,
    Session,
    code,
    credentials,
    marketo,
    outcomes,
    rest,
    two_subscriptions,
)
from tests.contracts.sandbox_caller import Caller

__all__ = ["marketo", "rest"]
stand_ins = two_subscriptions


# Tokens


async def test_a_token_stays_until_it_ends(call: Caller, sandbox: Sandbox) -> None:
    address = f"{IDENTITY}?{urlencode(credentials())}"
    first = (await call("GET", address)).json
    assert first.keys() == {"access_token", "token_type", "expires_in", "scope"}
    assert 3_590 <= first["expires_in"] <= 3_600
    sandbox.clock.advance(600)
    second = (await call("POST", IDENTITY, data=credentials())).json
    assert second["access_token"] == first["access_token"]
    assert 2_990 <= second["expires_in"] <= 3_000
    sandbox.clock.advance(3_001)
    assert (await call("POST", address)).json["access_token"] != first["access_token"]


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"client_id": "x"}, 401, "unauthorized"),
        ({"client_secret": "x"}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    ],
)
async def test_a_token_is_refused(call: Caller, changes: dict[str, str], status: int, error: str) -> None:
    reply = await call("GET", f"{IDENTITY}?{urlencode(credentials(**changes))}")
    assert (reply.status, reply.json["error"]) == (status, error)


@pytest.mark.parametrize(("state", "error"), [("clientUnknown", "unauthorized"), ("secretWrong", "invalid_client")])
async def test_a_state_refuses_tokens(call: Caller, marketo: Marketo, state: str, error: str) -> None:
    marketo.choose(state)
    reply = await call("GET", f"{IDENTITY}?{urlencode(credentials())}")
    assert (reply.status, reply.json["error"]) == (401, error)


async def test_another_munchkin_id_has_no_address(call: Caller) -> None:
    with pytest.raises(aiohttp.ClientConnectorError):
        await call("GET", IDENTITY.replace("123-PQR-789", "999-AAA-999"))


async def test_a_token_is_needed(rest: Session, call: Caller) -> None:
    token = rest.headers["Authorization"].removeprefix("Bearer ")
    assert code(await call("GET", DESCRIBE)) == "600"
    assert code(await call("GET", f"{DESCRIBE}?access_token={token}")) == "600"
    assert code(await call("GET", DESCRIBE, headers={"Authorization": "Bearer x"})) == "601"
    elsewhere = DESCRIBE.replace("123-PQR-789", "456-XYZ-012")
    assert code(await rest("GET", elsewhere)) == "601"


async def test_a_token_expires(rest: Session, sandbox: Sandbox, marketo: Marketo) -> None:
    sandbox.clock.advance(3_601)
    assert code(await rest.submit()) == "602"
    await rest.renew()
    assert outcomes(await rest.submit()) == ["created"]
    marketo.choose("tokenExpired")
    assert code(await rest.submit()) == "602"
    await rest.renew()
    assert outcomes(await rest.submit()) == ["updated"]


async def test_no_token_is_accepted(rest: Session, marketo: Marketo) -> None:
    marketo.choose("tokenRefused")
    await rest.renew()
    assert code(await rest.submit()) == "601"


# What refuses a whole call


@pytest.mark.parametrize(("state", "expected"), [(state, message[0]) for state, message in REFUSALS.items()])
async def test_a_state_refuses_every_call(rest: Session, marketo: Marketo, state: str, expected: str) -> None:
    marketo.choose(state)
    for reply in (await rest.submit(), await rest.sync(), await rest("GET", DESCRIBE)):
        assert code(reply) == expected
    assert list(marketo.received()) == []


async def test_a_gateway_is_down(rest: Session, marketo: Marketo) -> None:
    marketo.choose("gatewayDown")
    reply = await rest.submit()
    assert (reply.status, reply.headers["Content-Type"]) == (503, "text/html; charset=utf-8")


@pytest.mark.parametrize(
    ("method", "address", "options", "expected"),
    [
        ("POST", f"{HOST}/rest/v1/leed.json", {"json": {}}, "610"),
        ("POST", f"{HOST}/rest/asset/v1/form/1179/rules.json", {"json": {}}, "605"),
        ("GET", f"{HOST}/rest/asset/v1/form/1179/rules.json", {}, "610"),
        ("GET", SUBMIT, {}, "605"),
        ("POST", SUBMIT, {"data": {"a": "b"}}, "612"),
        ("POST", SUBMIT, {"data": "{", "headers": {"Content-Type": "application/json"}}, "609"),
        ("POST", SUBMIT, {"json": []}, "609"),
        ("POST", SYNC, {"json": {"input": [1]}}, "609"),
        ("POST", SYNC, {"json": {}}, "701"),
        ("POST", SUBMIT, {"json": {"input": [{}]}}, "701"),
        ("POST", SUBMIT, {"json": {"formId": 1179, "input": [{}]}}, "701"),
        ("POST", SUBMIT, {"json": {"formId": 1179, "input": [{}, {}]}}, "1003"),
        ("POST", SYNC, {"json": {"action": "merge", "input": [PERSON]}}, "1003"),
        ("POST", SYNC, {"json": {"input": [PERSON] * 301}}, "1003"),
        ("POST", SYNC, {"json": {"lookupField": "lastName", "input": [PERSON]}}, "1011"),
    ],
)
async def test_a_call_is_refused_for_what_it_is(
    rest: Session, method: str, address: str, options: dict[str, Any], expected: str
) -> None:
    assert code(await rest(method, address, **options)) == expected


async def test_what_is_too_big_is_said_in_http(rest: Session) -> None:
    large = io.BytesIO(json.dumps({"input": [{"email": "x" * 1_100_000}]}).encode())
    assert (await rest("POST", SYNC, data=large, headers={"Content-Type": "application/json"})).status == 413
    assert (await rest("GET", f"{DESCRIBE}?x={'x' * 8_200}")).status == 414


async def test_the_window_of_calls(rest: Session, marketo: Marketo, sandbox: Sandbox) -> None:
    replies = await asyncio.gather(*(rest("GET", DESCRIBE) for _ in range(10)))
    for _ in range(9):
        replies += await asyncio.gather(*(rest("GET", DESCRIBE) for _ in range(10)))
    assert {reply.json["success"] for reply in replies} == {True}
    refused = await rest("GET", DESCRIBE)
    assert code(refused) == "606"
    assert refused.json["errors"][0]["message"] == "Max rate limit '100' exceeded with in '20' secs"
    sandbox.clock.advance(20.1)
    assert (await rest("GET", DESCRIBE)).json["success"] is True


async def test_the_day_ends_at_midnight_in_chicago(rest: Session, marketo: Marketo, sandbox: Sandbox) -> None:
    marketo.subscription.daily_limit = 1
    noon = datetime.fromtimestamp(sandbox.clock.now(), QUOTA_ZONE).replace(hour=12, minute=0, second=0)
    sandbox.clock.advance(noon.timestamp() + 86_400 - sandbox.clock.now())
    await rest.renew()
    assert outcomes(await rest.submit()) == ["created"]
    assert code(await rest.submit()) == "607"
    sandbox.clock.advance(12 * 3_600 - 60)
    await rest.renew()
    assert code(await rest.submit()) == "607"
    sandbox.clock.advance(120)
    assert outcomes(await rest.submit()) == ["updated"]


async def test_ten_calls_at_a_time(rest: Session, marketo: Marketo) -> None:
    marketo.work_seconds = 0.3
    replies = await asyncio.gather(*(rest("GET", DESCRIBE) for _ in range(12)))
    refused = [reply for reply in replies if not reply.json["success"]]
    assert [code(reply) for reply in refused] == ["615", "615"]
    assert marketo.subscription.under_way == 0
