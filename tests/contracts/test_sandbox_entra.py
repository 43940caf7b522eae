"""The stand-in for Entra's token endpoint: each of its answers, brought about by the request or by a state."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from leadkeeper.sandbox.dynamics.stand_in import Dynamics
from leadkeeper.sandbox.entra.directory import (
    APPLICATION,
    DOMAIN,
    PASSWORD,
    PUBLIC_APPLICATION,
    SECRET,
    TENANT,
    USER,
    Secret,
    Tenant,
    User,
)
from leadkeeper.sandbox.entra.errors import STATES
from leadkeeper.sandbox.entra.stand_in import Entra
from leadkeeper.sandbox.server import Sandbox
from leadkeeper.sandbox.tokens import Tokens
from tests.contracts.microsoft import CLIENT, ENTRA, LOGIN, ORG, ask_token
from tests.contracts.sandbox_caller import Caller, Reply

V1 = "/oauth2/token"
_DESCRIPTION = re.compile(
    r"(AADSTS\d+: )?.+ Trace ID: [0-9a-f-]{36} Correlation ID: [0-9a-f-]{36} Timestamp: \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ"
)


def check_error(reply: Reply, status: int, error: str, code: int | None) -> None:
    """The whole body is as documented."""
    body = reply.json
    assert (reply.status, body["error"], body["error_codes"]) == (status, error, [] if code is None else [code])
    assert _DESCRIPTION.fullmatch(body["error_description"])
    if code is not None:
        assert body["error_description"].startswith(f"AADSTS{code}: ")
        assert body["error_uri"] == f"https://login.microsoftonline.com/error?code={code}"
    assert body["trace_id"] in body["error_description"]
    assert body["correlation_id"] in body["error_description"]
    assert body["timestamp"] in body["error_description"]
    assert reply.headers["Cache-Control"] == "no-store, no-cache"
    assert reply.headers["Content-Type"].startswith("application/json")


async def test_a_token_by_client_credentials(call: Caller, sandbox: Sandbox) -> None:
    reply = await ask_token(call)
    token = reply.json.pop("access_token")
    assert reply.status == 200
    assert {name: value for name, value in reply.json.items() if name != "access_token"} == {
        "token_type": "Bearer",
        "expires_in": 3599,
        "ext_expires_in": 3599,
    }
    assert token.count(".") == 2
    for name in ("Pragma", "Strict-Transport-Security", "P3P", "x-ms-request-id"):
        assert name in reply.headers
    (record,) = sandbox.stand_in("entra").received()
    assert record["answer"] == "token"
    assert SECRET not in str(record)


async def test_a_token_by_password(call: Caller, sandbox: Sandbox) -> None:
    for form in ({}, {"client_id": PUBLIC_APPLICATION, "client_secret": None}, {"username": USER.upper()}):
        reply = await ask_token(call, LOGIN, **form)
        assert (reply.status, reply.json["scope"]) == (200, f"{ORG}/user_impersonation {ORG}/.default")
        assert "refresh_token" not in reply.json
    scope = f"{ORG}/user_impersonation openid offline_access"
    lasting = (await ask_token(call, LOGIN, scope=scope)).json
    assert "refresh_token" in lasting
    assert lasting["scope"] == f"{ORG}/user_impersonation"
    assert (await ask_token(call, LOGIN, tenant="organizations")).status == 200
    assert PASSWORD not in str(sandbox.stand_in("entra").received())


async def test_a_token_of_version_1(call: Caller) -> None:
    reply = await ask_token(call, path=V1, scope=None, resource=ORG)
    assert reply.json["resource"] == ORG
    assert reply.json["expires_in"] == "3599"
    assert abs(int(reply.json["expires_on"]) - time.time() - 3599) < 60
    check_error(await ask_token(call, path=V1), 400, "invalid_request", 900144)


async def test_the_domain_is_as_good_as_the_id(call: Caller) -> None:
    assert (await ask_token(call, tenant=DOMAIN.upper())).status == 200


async def test_tokens_say_for_whom_and_for_how_long(sandbox: Sandbox) -> None:
    tokens = Tokens(sandbox.clock)
    token = tokens.issue(ORG, TENANT, APPLICATION, USER, 60)
    bearer = tokens.read(token)
    assert bearer is not None
    assert (bearer.audience, bearer.tenant, bearer.client, bearer.user) == (ORG, TENANT, APPLICATION, USER)
    assert not tokens.expired(bearer)
    sandbox.clock.advance(61)
    assert tokens.expired(bearer)
    assert tokens.read(token[:-1] + ("A" if token[-1] != "A" else "B")) is None
    assert tokens.read("opaque") is None
    assert tokens.read("a.b.c") is None
    assert Tokens(sandbox.clock).read(token) is None


ANSWERS: tuple[tuple[str, dict[str, Any], int, str, int], ...] = (
    ("tenant unknown", {"tenant": "1b0c7b5e-6a53-4c0d-8a8e-0d4b1fb1c0aa"}, 400, "invalid_request", 90002),
    ("domain unknown", {"tenant": "fabrikam.onmicrosoft.com"}, 400, "invalid_request", 90002),
    ("tenant malformed", {"tenant": "not_a_tenant"}, 400, "invalid_request", 900023),
    ("tenant in braces", {"tenant": f"%7B{TENANT}%7D"}, 400, "invalid_request", 900023),
    ("no tenant named", {"tenant": "common"}, 400, "invalid_request", 50059),
    ("grant type missing", {"grant_type": None}, 400, "invalid_request", 900144),
    ("application missing", {"client_id": None}, 400, "invalid_request", 900144),
    ("scope missing", {"scope": ""}, 400, "invalid_request", 900144),
    ("resource at version 2", {"resource": ORG}, 400, "invalid_request", 901002),
    ("another grant", {"grant_type": "implicit"}, 400, "unsupported_grant_type", 70003),
    ("scope without default", {"scope": ORG}, 400, "invalid_scope", 1002012),
    ("delegated scope", {"scope": f"{ORG}/user_impersonation"}, 400, "invalid_scope", 1002012),
    ("two scopes", {"scope": f"{ORG}/.default openid"}, 400, "invalid_scope", 70011),
    ("no URL", {"scope": "dynamics"}, 400, "invalid_scope", 70011),
    ("application unknown", {"client_id": "11111111-2222-4333-8444-555555555555"}, 400, "unauthorized_client", 700016),
    ("secret missing", {"client_secret": None}, 401, "invalid_client", 7000218),
    ("secret wrong", {"client_secret": "wrong"}, 401, "invalid_client", 7000215),
    ("resource unknown", {"scope": "https://fabrikam.crm4.dynamics.com/.default"}, 400, "invalid_resource", 500011),
)
LOGINS: tuple[tuple[str, dict[str, Any], int, str, int], ...] = (
    ("common", {"tenant": "common"}, 400, "invalid_grant", 9001023),
    ("user of nowhere", {"tenant": "organizations", "username": "a@b.example"}, 400, "invalid_request", 90002),
    ("name missing", {"username": None}, 400, "invalid_request", 900144),
    ("password missing", {"password": None}, 400, "invalid_request", 900144),
    ("user unknown", {"username": f"nobody@{DOMAIN}"}, 400, "invalid_grant", 50034),
    ("password wrong", {"password": "wrong"}, 400, "invalid_grant", 50126),
    ("public client off", {"client_secret": None}, 401, "invalid_client", 7000218),
    ("scope of nothing", {"scope": "openid"}, 400, "invalid_scope", 70011),
    ("another permission", {"scope": f"{ORG}/Leads.Write"}, 400, "invalid_scope", 70011),
)


@pytest.mark.parametrize(
    ("usual", "form", "status", "error", "code"),
    [(usual, *case[1:]) for usual, cases in ((CLIENT, ANSWERS), (LOGIN, LOGINS)) for case in cases],
    ids=[case[0] for case in (*ANSWERS, *LOGINS)],
)
async def test_what_the_request_does_wrong(
    call: Caller, sandbox: Sandbox, usual: dict[str, str], form: dict[str, Any], status: int, error: str, code: int
) -> None:
    check_error(await ask_token(call, usual, **form), status, error, code)
    assert sandbox.stand_in("entra").received()[-1]["answer"] == code
    sandbox.stand_in("entra").choose("unavailable")
    check_error(await ask_token(call, usual, **form), status, error, code)


async def test_only_forms_are_read(call: Caller) -> None:
    url = f"{ENTRA}/{TENANT}/oauth2/v2.0/token"
    check_error(await call("POST", url, json=CLIENT), 400, "invalid_request", 900144)
    check_error(await call("GET", url), 400, "invalid_request", 900561)
    assert (await call("POST", f"{ENTRA}/{TENANT}/oauth2/v3.0/token", data=CLIENT)).status == 404


async def test_a_secret_expires(call: Caller, sandbox: Sandbox) -> None:
    application = sandbox.stand_in(Entra).directory.tenants[TENANT].applications[APPLICATION]
    application.secrets.append(Secret("second", sandbox.clock.now() + 60))
    assert (await ask_token(call, client_secret="second")).status == 200
    sandbox.clock.advance(61)
    check_error(await ask_token(call, client_secret="second"), 401, "invalid_client", 7000222)
    assert (await ask_token(call)).status == 200


@pytest.mark.parametrize("code", [50053, 50055, 50057, 50076])
async def test_a_user_in_trouble(call: Caller, sandbox: Sandbox, code: int) -> None:
    name = f"second@{DOMAIN}"
    sandbox.stand_in(Entra).directory.tenants[TENANT].users[name] = User("secret", code)
    check_error(await ask_token(call, LOGIN, username=name, password="secret"), 400, "invalid_grant", code)
    check_error(await ask_token(call, LOGIN, username=name, password="wrong"), 400, "invalid_grant", 50126)


STATUS = {
    "tenantMissing": (400, "invalid_request", 90002, None),
    "tenantInvalid": (400, "invalid_tenant", 90002, None),
    "tenantMalformed": (400, "invalid_request", 900023, None),
    "applicationUnknown": (400, "unauthorized_client", 700016, None),
    "secretWrong": (401, "invalid_client", 7000215, None),
    "secretExpired": (401, "invalid_client", 7000222, None),
    "passwordWrong": (400, "invalid_grant", 50126, None),
    "userUnknown": (400, "invalid_grant", 50034, None),
    "passwordExpired": (400, "invalid_grant", 50055, "user_password_expired"),
    "userLocked": (400, "invalid_grant", 50053, None),
    "userDisabled": (400, "invalid_grant", 50057, None),
    "mfaNeeded": (400, "invalid_grant", 50076, "basic_action"),
    "mfaInteraction": (400, "interaction_required", 50076, "basic_action"),
    "conditionalAccess": (400, "invalid_grant", 53003, None),
    "consentMissing": (400, "invalid_grant", 65001, "consent_required"),
    "resourceUnknown": (400, "invalid_resource", 500011, None),
    "publicClientOff": (401, "invalid_client", 7000218, None),
    "unavailable": (503, "temporarily_unavailable", 90033, None),
    "throttled": (429, "temporarily_unavailable", None, None),
    "requestLoop": (400, "invalid_grant", 50196, None),
    "code50072": (400, "invalid_grant", 50072, "basic_action"),
    "code50074": (400, "invalid_grant", 50074, "basic_action"),
    "code50079": (400, "invalid_grant", 50079, "basic_action"),
    "code53000": (400, "invalid_grant", 53000, None),
    "code50158": (400, "invalid_grant", 50158, None),
    "code50056": (400, "invalid_grant", 50056, None),
    "code50105": (400, "invalid_grant", 50105, None),
    "code90014": (400, "invalid_request", 90014, None),
    "code50059": (400, "invalid_request", 50059, None),
    "code50128": (400, "invalid_request", 50128, None),
    "code700030": (400, "invalid_client", 700030, None),
    "code7000112": (400, "unauthorized_client", 7000112, None),
    "code7000229": (400, "unauthorized_client", 7000229, None),
    "code50033": (503, "temporarily_unavailable", 50033, None),
    "code50087": (500, "temporarily_unavailable", 50087, None),
}
PUBLIC = LOGIN | {"client_id": PUBLIC_APPLICATION}
PUBLIC.pop("client_secret")


@pytest.mark.parametrize("state", STATUS)
async def test_every_state(call: Caller, sandbox: Sandbox, state: str) -> None:
    sandbox.stand_in("entra").choose(state)
    status, error, code, suberror = STATUS[state]
    forms = {"client_credentials": CLIENT, "password": LOGIN, "public": PUBLIC}
    for name, form in forms.items():
        reply = await ask_token(call, form)
        meant = ("password" if name == "public" else name) in STATES[state].grants
        if not meant or STATES[state].with_secret not in {None, "client_secret" in form}:
            assert reply.status == 200
            continue
        check_error(reply, status, error, code)
        assert reply.json.get("suberror") == suberror
    sandbox.stand_in("entra").reset()
    assert (await ask_token(call)).status == 200


async def test_a_throttled_caller_is_told_when(call: Caller, sandbox: Sandbox) -> None:
    sandbox.stand_in("entra").choose("throttled")
    assert (await ask_token(call)).headers["Retry-After"] == "5"


async def test_texts_name_what_is_wrong(call: Caller) -> None:
    async def text(usual: dict[str, str] = CLIENT, **form: Any) -> str:
        return str((await ask_token(call, usual, **form)).json["error_description"])

    assert "Tenant 'fabrikam.example' not found." in await text(tenant="fabrikam.example")
    assert "identifier 'x_y' is neither a valid DNS name, nor a valid external domain" in await text(tenant="x_y")
    assert f"identifier 'abc' was not found in the directory '{TENANT}'" in await text(client_id="abc")
    assert "following parameter: 'client_id'" in await text(client_id=None)
    resource = "https://nowhere.crm4.dynamics.com"
    assert f"principal named {resource} was not found" in await text(scope=f"{resource}/.default")
    assert f"for a secret added to app '{APPLICATION}'" in await text(client_secret="no")


async def test_the_caller_may_bring_a_correlation_id(call: Caller) -> None:
    wanted = "0f8fad5b-d9cb-469f-a165-70867728950e"
    url = f"{ENTRA}/not_a_tenant/oauth2/v2.0/token"
    reply = await call("POST", url, data=CLIENT, headers={"client-request-id": wanted})
    assert reply.json["correlation_id"] == wanted


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/v2.0/.well-known/openid-configuration"])
async def test_the_discovery_document(call: Caller, sandbox: Sandbox, path: str) -> None:
    found = await call("GET", f"{ENTRA}/{TENANT}{path}")
    assert found.json["token_endpoint"] == f"{ENTRA}/{TENANT}/oauth2/v2.0/token"
    assert {"issuer", "authorization_endpoint"} <= found.json.keys()
    check_error(await call("GET", f"{ENTRA}/fabrikam.example{path}"), 400, "invalid_tenant", 90002)
    sandbox.stand_in("entra").choose("tenantMissing")
    check_error(await call("GET", f"{ENTRA}/{TENANT}{path}"), 400, "invalid_tenant", 90002)


async def test_more_tenants_can_be_set_up(call: Caller, sandbox: Sandbox) -> None:
    other = "b3a7c0de-1111-4222-8333-944455556666"
    entra = sandbox.stand_in(Entra)
    tenant = entra.directory.add(Tenant(other, {"fabrikam.example"}, entra.directory.tenants[TENANT].applications))
    sandbox.stand_in(Dynamics).add_organization("fabrikam.crm.dynamics.com", other)
    scope = "https://fabrikam.crm.dynamics.com/.default"
    assert (await ask_token(call, tenant="fabrikam.example", scope=scope)).status == 200
    assert (await ask_token(call, scope=scope)).status == 400
    assert "https://fabrikam.api.crm.dynamics.com" in tenant.resources
