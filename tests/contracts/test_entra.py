"""Tokens of Entra ID: kept, renewed early, asked for once, and every refusal told by its code."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from leadkeeper.destinations.dynamics.sign_in_diagnoses import SIGNED_IN_TO, DynamicsSignInKind
from leadkeeper.diagnosis import AnyKind, Diagnosis, Kind, Outcome
from leadkeeper.network.entra import tokens as entra
from leadkeeper.network.entra.diagnoses import EntraKind
from leadkeeper.network.entra.tokens import Credential, EntraTokens
from leadkeeper.sandbox import faults
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.faults import Exchange, Fault
from tests.contracts.faults import seconds_for
from tests.contracts.remote_dynamics import HOST, Remote, message, remote_side, sign_in_refused, token

TENANT = "3c1d2b4a-0000-4000-8000-000000000001"
CLIENT = "9f8e7d6c-0000-4000-8000-000000000002"
APPLICATION = Credential(TENANT, CLIENT, f"https://{HOST}", SIGNED_IN_TO, secret="Top~secret.value/1")
PERSON = Credential(
    "organizations", CLIENT, f"https://{HOST}", SIGNED_IN_TO, username="ada.lovelace@contoso.com", password="Pa55&word="
)


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def remote(authority: Authority) -> AsyncIterator[Remote]:
    async with remote_side(authority) as side:
        yield side


@pytest.fixture
def clock() -> Clock:
    return Clock()


def tokens(remote: Remote, clock: Clock) -> EntraTokens:
    return EntraTokens(remote.network, clock=clock)


async def test_an_application_signs_in_with_its_secret(remote: Remote, clock: Clock) -> None:
    assert await tokens(remote, clock).get(APPLICATION) == "tok.en-1"
    assert remote.forms == [
        {
            "to": f"login.microsoftonline.com/{TENANT}/oauth2/v2.0/token",
            "grant_type": "client_credentials",
            "client_id": CLIENT,
            "client_secret": "Top~secret.value/1",
            "scope": f"https://{HOST}/.default",
        }
    ]
    assert remote.server.received[0].headers["content-type"] == "application/x-www-form-urlencoded"


async def test_a_person_signs_in_with_a_password(remote: Remote, clock: Clock) -> None:
    assert await tokens(remote, clock).get(PERSON) == "tok.en-1"
    assert remote.forms == [
        {
            "to": "login.microsoftonline.com/organizations/oauth2/v2.0/token",
            "grant_type": "password",
            "client_id": CLIENT,
            "username": "ada.lovelace@contoso.com",
            "password": "Pa55&word=",
            "scope": f"https://{HOST}/.default",
        }
    ]


async def test_a_token_is_kept_and_renewed_five_minutes_early(remote: Remote, clock: Clock) -> None:
    remote.answers["token"] = [token("a"), token("b")]
    kept = tokens(remote, clock)
    assert [await kept.get(APPLICATION) for _ in range(3)] == ["a"] * 3
    clock.now += 3599 - 301
    assert await kept.get(APPLICATION) == "a"
    clock.now += 2
    assert await kept.get(APPLICATION) == "b"
    assert len(remote.forms) == 2


@pytest.mark.parametrize(("seconds", "good"), [("3599", 3290), (60, 29), (0, None), (None, None), ("soon", None)])
async def test_other_lifetimes(remote: Remote, clock: Clock, seconds: object, good: float | None) -> None:
    remote.answers["token"] = [token("a", seconds), token("b")]
    kept = tokens(remote, clock)
    first = await kept.get(APPLICATION)
    clock.now += good or 2
    again = await kept.get(APPLICATION)
    if good is not None:
        assert (first, again) == ("a", "a")
    else:
        assert again == "b"


async def test_adapters_of_one_network_share_tokens(remote: Remote, clock: Clock) -> None:
    await tokens(remote, clock).get(APPLICATION)
    await tokens(remote, clock).get(replace(APPLICATION))
    assert len(remote.forms) == 1
    await tokens(remote, clock).get(replace(APPLICATION, resource="https://fabrikam.crm.dynamics.com"))
    await tokens(remote, clock).get(replace(APPLICATION, client=TENANT))
    await tokens(remote, clock).get(replace(APPLICATION, tenant=CLIENT))
    await tokens(remote, clock).get(PERSON)
    assert len(remote.forms) == 5


async def test_a_changed_secret_is_used_at_once(remote: Remote, clock: Clock) -> None:
    remote.answers["token"] = [sign_in_refused(7000222, "invalid_client", 401), token()]
    kept = tokens(remote, clock)
    assert isinstance(await kept.get(APPLICATION), Diagnosis)
    assert await kept.get(replace(APPLICATION, secret="new")) == "tok.en-1"


async def slowly(exchange: Exchange) -> None:
    await asyncio.sleep(0.1)
    await token()(exchange)


async def slowly_refused(exchange: Exchange) -> None:
    await asyncio.sleep(0.1)
    await sign_in_refused(7000215, "invalid_client", 401)(exchange)


async def test_one_request_however_many_wait(remote: Remote, clock: Clock) -> None:
    remote.answers["token"] = [slowly]
    kept, others = tokens(remote, clock), tokens(remote, clock)
    found = await asyncio.gather(*(one.get(APPLICATION) for one in (kept, others) for _ in range(20)))
    assert set(found) == {"tok.en-1"}
    assert len(remote.forms) == 1


async def test_a_refusal_is_shared_too(remote: Remote, clock: Clock) -> None:
    remote.answers["token"] = [slowly_refused]
    kept = tokens(remote, clock)
    found = await asyncio.gather(*(kept.get(APPLICATION, anew=index % 2 == 0) for index in range(10)))
    assert len({id(each) for each in found}) == 1
    assert len(remote.forms) == 1


async def test_who_gives_up_waiting_leaves_the_others_theirs(remote: Remote, clock: Clock) -> None:
    remote.answers["token"] = [slowly]
    kept = tokens(remote, clock)
    first = asyncio.create_task(kept.get(APPLICATION))
    second = asyncio.create_task(kept.get(APPLICATION))
    await asyncio.sleep(0.05)
    first.cancel()
    assert await second == "tok.en-1"


async def test_a_refusal_is_not_asked_for_again_and_again(remote: Remote, clock: Clock) -> None:
    remote.answers["token"] = [sign_in_refused(7000215, "invalid_client", 401)]
    kept = tokens(remote, clock)
    for _ in range(50):
        assert isinstance(await kept.get(APPLICATION), Diagnosis)
    assert len(remote.forms) == 1
    clock.now += entra.REFUSED_SECONDS + 1
    await kept.get(APPLICATION)
    assert len(remote.forms) == 2


async def test_a_check_asks_anew(remote: Remote, clock: Clock) -> None:
    remote.answers["token"] = [sign_in_refused(7000215, "invalid_client", 401), token("a"), token("b")]
    kept = tokens(remote, clock)
    assert isinstance(await kept.get(APPLICATION), Diagnosis)
    assert await kept.get(APPLICATION, anew=True) == "a"
    assert await kept.get(APPLICATION, anew=True) == "b"
    assert await kept.get(APPLICATION) == "b"


async def test_a_check_sees_an_expired_secret_while_the_token_still_works(remote: Remote, clock: Clock) -> None:
    remote.answers["token"] = [token("a"), sign_in_refused(7000222, "invalid_client", 401)]
    kept = tokens(remote, clock)
    await kept.get(APPLICATION)
    found = await kept.get(APPLICATION, anew=True)
    assert isinstance(found, Diagnosis)
    assert found.kind is EntraKind.CLIENT_SECRET_EXPIRED
    assert await kept.get(APPLICATION) == "a"


async def test_a_locked_account_is_left_alone(remote: Remote, clock: Clock) -> None:
    remote.answers["token"] = [sign_in_refused(50053, "invalid_grant"), token()]
    kept = tokens(remote, clock)
    for _ in range(3):
        found = await kept.get(PERSON, anew=True)
        assert isinstance(found, Diagnosis)
        assert found.kind is EntraKind.ACCOUNT_LOCKED
    assert len(remote.forms) == 1
    clock.now += entra.LOCKED_SECONDS
    assert await kept.get(PERSON) == "tok.en-1"


async def test_a_token_that_the_resource_refuses_is_replaced_once(remote: Remote, clock: Clock) -> None:
    remote.answers["token"] = [token("a"), token("b")]
    kept = tokens(remote, clock)
    assert await kept.get(APPLICATION) == "a"
    found = await asyncio.gather(*(kept.get(APPLICATION, instead_of="a") for _ in range(5)))
    assert set(found) == {"b"}
    assert len(remote.forms) == 2


async def test_a_good_token_outlives_a_fault_of_the_service(remote: Remote, clock: Clock) -> None:
    remote.answers["token"] = [token("a"), faults.answer(503), token("b")]
    kept = tokens(remote, clock)
    await kept.get(APPLICATION)
    clock.now += 3400
    assert await kept.get(APPLICATION) == "a"
    assert len(remote.forms) == 2
    clock.now += 150
    assert await kept.get(APPLICATION) == "b"


async def test_sovereign_clouds_have_their_own_service(remote: Remote, clock: Clock) -> None:
    await tokens(remote, clock).get(replace(APPLICATION, authority="https://login.microsoftonline.us"))
    assert remote.forms[0]["to"].startswith("login.microsoftonline.us/")


REFUSALS = [
    (90002, "invalid_request", 400, EntraKind.TENANT_NOT_FOUND),
    (90002, "invalid_tenant", 400, EntraKind.TENANT_NOT_FOUND),
    (900023, "invalid_request", 400, EntraKind.TENANT_INVALID),
    (700016, "unauthorized_client", 400, EntraKind.APPLICATION_NOT_FOUND),
    (7000229, "unauthorized_client", 400, EntraKind.APPLICATION_NOT_FOUND),
    (7000112, "unauthorized_client", 400, EntraKind.APPLICATION_DISABLED),
    (7000215, "invalid_client", 401, EntraKind.CLIENT_SECRET_WRONG),
    (700030, "invalid_client", 401, EntraKind.CLIENT_SECRET_WRONG),
    (7000222, "invalid_client", 401, EntraKind.CLIENT_SECRET_EXPIRED),
    (7000218, "invalid_client", 401, EntraKind.PUBLIC_CLIENT_REFUSED),
    (50126, "invalid_grant", 400, EntraKind.SIGN_IN_REJECTED),
    (50034, "invalid_grant", 400, EntraKind.SIGN_IN_REJECTED),
    (50056, "invalid_grant", 400, EntraKind.SIGN_IN_REJECTED),
    (50053, "invalid_grant", 400, EntraKind.ACCOUNT_LOCKED),
    (50055, "invalid_grant", 400, EntraKind.PASSWORD_EXPIRED),
    (50057, "invalid_grant", 400, EntraKind.SIGN_IN_BLOCKED),
    (50072, "invalid_grant", 400, EntraKind.MULTI_FACTOR_REQUIRED),
    (50074, "invalid_grant", 400, EntraKind.MULTI_FACTOR_REQUIRED),
    (50076, "interaction_required", 400, EntraKind.MULTI_FACTOR_REQUIRED),
    (50079, "invalid_grant", 400, EntraKind.MULTI_FACTOR_REQUIRED),
    (53000, "interaction_required", 400, EntraKind.CONDITIONAL_ACCESS),
    (53003, "invalid_grant", 400, EntraKind.CONDITIONAL_ACCESS),
    (50158, "invalid_grant", 400, EntraKind.CONDITIONAL_ACCESS),
    (65001, "invalid_grant", 400, DynamicsSignInKind.CONSENT_MISSING),
    (500011, "invalid_resource", 400, DynamicsSignInKind.RESOURCE_NOT_IN_TENANT),
    (50105, "invalid_grant", 400, EntraKind.APPLICATION_NOT_ASSIGNED),
    (50059, "invalid_request", 400, EntraKind.TENANT_INVALID),
    (50128, "invalid_request", 400, EntraKind.TENANT_INVALID),
    (70011, "invalid_scope", 400, DynamicsSignInKind.TOKEN_REQUEST_INVALID),
    (1002012, "invalid_scope", 400, DynamicsSignInKind.TOKEN_REQUEST_INVALID),
    (900144, "invalid_request", 400, DynamicsSignInKind.TOKEN_REQUEST_INVALID),
    (90014, "invalid_request", 400, DynamicsSignInKind.TOKEN_REQUEST_INVALID),
    (901002, "invalid_request", 400, DynamicsSignInKind.TOKEN_REQUEST_INVALID),
    (50196, "invalid_grant", 400, Kind.THROTTLED),
    (50033, "temporarily_unavailable", 503, Kind.SERVER_ERROR),
    (90033, "temporarily_unavailable", 500, Kind.SERVER_ERROR),
    (50087, "temporarily_unavailable", 503, Kind.SERVER_ERROR),
    (50033, "temporarily_unavailable", 400, Kind.SERVER_ERROR),
    # Numbers that nobody has told us of go by the error.
    (1, "invalid_tenant", 400, EntraKind.TENANT_NOT_FOUND),
    (1, "unauthorized_client", 400, EntraKind.APPLICATION_NOT_FOUND),
    (1, "invalid_client", 401, EntraKind.CLIENT_SECRET_WRONG),
    (1, "invalid_grant", 400, EntraKind.SIGN_IN_REJECTED),
    (1, "interaction_required", 400, EntraKind.MULTI_FACTOR_REQUIRED),
    (1, "consent_required", 400, DynamicsSignInKind.CONSENT_MISSING),
    (1, "invalid_resource", 400, DynamicsSignInKind.RESOURCE_NOT_IN_TENANT),
    (1, "invalid_scope", 400, DynamicsSignInKind.TOKEN_REQUEST_INVALID),
    (1, "something_new", 400, EntraKind.SIGN_IN_REJECTED),
]


@pytest.mark.parametrize(("code", "error", "status", "kind"), REFUSALS)
async def test_refusals(remote: Remote, clock: Clock, code: int, error: str, status: int, kind: AnyKind) -> None:
    text = f"It says {APPLICATION.secret} and {TENANT}."
    remote.answers["token"] = [sign_in_refused(code, error, status, text)]
    found = await tokens(remote, clock).get(APPLICATION)
    assert isinstance(found, Diagnosis)
    assert found.kind is kind
    waits: dict[AnyKind, Outcome] = {Kind.THROTTLED: Outcome.THROTTLED, Kind.SERVER_ERROR: Outcome.FAILED}
    assert found.outcome is waits.get(kind, Outcome.BROKEN)
    assert found.evidence.code == f"AADSTS{code}"
    assert found.evidence.status == status
    assert found.evidence.request_id == "11111111-2222-3333-4444-555555555555"
    assert found.evidence.text is not None
    assert APPLICATION.secret not in repr(found)
    assert "Trace ID" not in found.evidence.text


@pytest.mark.parametrize("code", [50059, 50128, 50126])
async def test_a_users_unknown_domain_is_a_wrong_user_name(remote: Remote, clock: Clock, code: int) -> None:
    text = "Ada.Lovelace@contoso.com is not known; Pa55&word= neither"
    remote.answers["token"] = [sign_in_refused(code, "invalid_request", text=text)]
    found = await tokens(remote, clock).get(PERSON)
    assert isinstance(found, Diagnosis)
    assert found.kind is EntraKind.SIGN_IN_REJECTED
    assert not [part for part in ("lovelace", "pa55") if part in repr(found).lower()]


@pytest.mark.parametrize(
    ("suberror", "kind"),
    [
        ("user_password_expired", EntraKind.PASSWORD_EXPIRED),
        ("consent_required", DynamicsSignInKind.CONSENT_MISSING),
        ("basic_action", EntraKind.MULTI_FACTOR_REQUIRED),
        ("bad_token", EntraKind.SIGN_IN_REJECTED),
    ],
)
async def test_suberrors_where_numbers_are_missing(remote: Remote, clock: Clock, suberror: str, kind: AnyKind) -> None:
    remote.answers["token"] = [message(400, {"error": "invalid_grant", "suberror": suberror})]
    found = await tokens(remote, clock).get(PERSON)
    assert isinstance(found, Diagnosis)
    assert found.kind is kind


@pytest.mark.parametrize(
    ("fault", "kind", "outcome", "wait"),
    [
        (faults.answer(429, retry_after="17"), Kind.THROTTLED, Outcome.THROTTLED, 17.0),
        (faults.answer(503, retry_after="9"), Kind.THROTTLED, Outcome.THROTTLED, 9.0),
        (faults.answer(429), Kind.THROTTLED, Outcome.THROTTLED, None),
        (faults.html(503), Kind.SERVER_ERROR, Outcome.FAILED, None),
        (faults.html(200), Kind.ANSWER_NOT_UNDERSTOOD, Outcome.FAILED, None),
        (faults.html(403), Kind.ANSWER_NOT_UNDERSTOOD, Outcome.FAILED, None),
        (faults.redirect("https://10.0.0.1/"), Kind.ANSWER_NOT_UNDERSTOOD, Outcome.FAILED, None),
        (
            message(200, {"access_token": "two\nlines", "expires_in": 1}),
            Kind.ANSWER_NOT_UNDERSTOOD,
            Outcome.FAILED,
            None,
        ),
        (message(200, {"expires_in": 1}), Kind.ANSWER_NOT_UNDERSTOOD, Outcome.FAILED, None),
        (message(200, ["no"]), Kind.ANSWER_NOT_UNDERSTOOD, Outcome.FAILED, None),
        (message(400, {"error": {"code": 7}}), Kind.ANSWER_NOT_UNDERSTOOD, Outcome.FAILED, None),
        (faults.hang, Kind.NO_ANSWER, Outcome.FAILED, None),
        (faults.hang_after_headers(200), Kind.NO_ANSWER, Outcome.FAILED, None),
        (faults.reset_before_answer, Kind.CONNECTION_LOST, Outcome.FAILED, None),
        (faults.commit_then_drop, Kind.CONNECTION_LOST, Outcome.FAILED, None),
        (faults.reset_in_body(200), Kind.CONNECTION_LOST, Outcome.FAILED, None),
        (faults.endless(200), Kind.ANSWER_TOO_LARGE, Outcome.BROKEN, None),
        (faults.echo(400), Kind.ANSWER_NOT_UNDERSTOOD, Outcome.FAILED, None),
    ],
)
async def test_faults_send_nothing(
    authority: Authority, clock: Clock, fault: Fault, kind: AnyKind, outcome: Outcome, wait: float | None
) -> None:
    async with remote_side(authority, total=seconds_for(kind)) as remote:
        remote.answers["token"] = [fault]
        found = await tokens(remote, clock).get(APPLICATION)
    assert isinstance(found, Diagnosis)
    assert (found.kind, found.outcome, found.retry_after) == (kind, outcome, wait)
    assert "secret.value" not in repr(found)


async def test_a_service_that_asks_for_time_gets_it(remote: Remote, clock: Clock) -> None:
    remote.answers["token"] = [faults.answer(429, retry_after="17"), token()]
    kept = tokens(remote, clock)
    await kept.get(APPLICATION)
    clock.now += 16
    assert isinstance(await kept.get(APPLICATION), Diagnosis)
    assert len(remote.forms) == 1
    clock.now += 2
    assert await kept.get(APPLICATION) == "tok.en-1"


async def test_nothing_secret_is_shown_and_nothing_outlives_the_network(authority: Authority, clock: Clock) -> None:
    assert "secret" not in repr(APPLICATION).replace("client_secret", "")
    assert "lovelace" not in repr(PERSON)
    async with remote_side(authority) as remote:
        await tokens(remote, clock).get(APPLICATION)
        before = len(entra._LINES)
    del remote
    gc.collect()
    assert len(entra._LINES) < before


async def test_old_credentials_are_forgotten(remote: Remote, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entra, "_KEPT", 2)
    kept = tokens(remote, clock)
    for number in range(5):
        await kept.get(replace(APPLICATION, secret=f"secret {number}"))
        clock.now += 4_000
    assert len(kept._lines) <= 3
