"""Signing in to Salesforce's REST API: tokens, sessions that end, and refusals before a lead is sent."""

from __future__ import annotations

import asyncio
import base64
import socket
from collections.abc import Sequence
from typing import Any

import pytest

from leadkeeper.destinations.salesforce.diagnoses import SalesforceKind
from leadkeeper.diagnosis import AnyKind, Diagnosis, Kind, Outcome, Receipt
from leadkeeper.network.client import Network, NetworkPolicy
from leadkeeper.sandbox import faults
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.faults import Fault
from tests.contracts.faults import LEAD, seconds_for
from tests.contracts.scripted import form_of, message, remote_side
from tests.contracts.scripted_salesforce import CREATED, GRANTED, HOST, ONE, TOKEN, WRITES, deliver, errors, leads, line


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


async def test_a_session_that_ended_is_renewed_once(authority: Authority) -> None:
    ended = errors("INVALID_SESSION_ID", status=401)
    async with remote_side(authority, {TOKEN: GRANTED, ONE: [CREATED, ended, CREATED]}, HOST) as side:
        salesforce = line(side.network)
        for _ in range(2):
            (found,) = await salesforce.deliver([LEAD])
            assert isinstance(found, Receipt)
        assert len(side.requests(TOKEN)) == 2
        assert len(side.requests(WRITES)) == 3


async def test_a_session_that_is_never_taken_breaks_the_connection(authority: Authority) -> None:
    async with remote_side(authority, {TOKEN: GRANTED, ONE: errors("INVALID_SESSION_ID", status=401)}, HOST) as side:
        (found,) = await deliver(side)
        assert (len(side.requests(TOKEN)), len(side.requests(WRITES))) == (2, 2)
    assert isinstance(found, Diagnosis)
    assert found.kind is SalesforceKind.SESSION_REJECTED


async def test_one_token_serves_all_who_wait_for_it(authority: Authority) -> None:
    async def slowly(exchange: faults.Exchange) -> None:
        await asyncio.sleep(0.1)
        await GRANTED(exchange)

    async with remote_side(authority, {TOKEN: slowly, ONE: CREATED}, HOST) as side:
        salesforce = line(side.network)
        found = await asyncio.gather(*(salesforce.deliver([lead]) for lead in leads(10)))
        assert len(side.requests(TOKEN)) == 1
    assert {each.outcome for (each,) in found} == {Outcome.DELIVERED}


@pytest.mark.parametrize(
    ("fault", "kind", "outcome"),
    [
        *(
            (message({"error": code, "error_description": "No."}, 400), kind, Outcome.BROKEN)
            for code, kind in (
                ("invalid_client_id", SalesforceKind.APP_REJECTED),
                ("invalid_client", SalesforceKind.APP_REJECTED),
                ("invalid_grant", SalesforceKind.APP_NOT_ALLOWED),
                ("unsupported_grant_type", SalesforceKind.APP_NOT_ALLOWED),
                ("inactive_user", SalesforceKind.INACTIVE),
                ("inactive_org", SalesforceKind.INACTIVE),
                ("something_new", SalesforceKind.APP_REJECTED),
            )
        ),
        (message({"error": "rate_limit_exceeded"}, 400), Kind.THROTTLED, Outcome.THROTTLED),
        (faults.html(200), Kind.ANSWER_NOT_UNDERSTOOD, Outcome.FAILED),
        (faults.redirect("https://evil.example/"), Kind.REDIRECTED, Outcome.BROKEN),
        (faults.answer(404), SalesforceKind.DOMAIN_NOT_FOUND, Outcome.BROKEN),
        (faults.html(500), Kind.SERVER_ERROR, Outcome.FAILED),
        (faults.answer(503, retry_after="9"), Kind.THROTTLED, Outcome.THROTTLED),
        (faults.hang, Kind.NO_ANSWER, Outcome.FAILED),
        (faults.reset_before_answer, Kind.CONNECTION_LOST, Outcome.FAILED),
        (faults.echo(400), SalesforceKind.APP_REJECTED, Outcome.BROKEN),
    ],
)
async def test_signing_in_fails_before_a_lead_is_sent(
    authority: Authority, fault: Fault, kind: AnyKind, outcome: Outcome
) -> None:
    async with remote_side(authority, {TOKEN: fault}, HOST, total_seconds=seconds_for(kind)) as side:
        found = await deliver(side, leads(3))
        check = await line(side.network).check()
        assert side.requests(WRITES) == []
    assert {(each.kind, each.outcome) for each in found if isinstance(each, Diagnosis)} == {(kind, outcome)}
    assert check.diagnosis is not None
    assert check.diagnosis.kind is kind
    assert check.steps[-1].name == "token"


async def test_an_endpoint_that_demands_basic_gets_it(authority: Authority) -> None:
    demand = message({"error": "invalid_client"}, 401, www_authenticate='Basic realm="token"')
    async with remote_side(authority, {TOKEN: [demand, GRANTED], ONE: CREATED}, HOST) as side:
        (found,) = await deliver(side)
        first, second = side.requests(TOKEN)
    assert isinstance(found, Receipt)
    assert "authorization" not in first.headers
    assert second.headers["authorization"] == "Basic " + b64("3MVG9contosokey:AF00DSECRETAF00D")
    assert form_of(second) == {"grant_type": "client_credentials"}


async def test_basic_by_the_setting(authority: Authority) -> None:
    async with remote_side(authority, {TOKEN: GRANTED, ONE: CREATED}, HOST) as side:
        own: dict[str, Any] = {
            "clientId": "a:b \u00e9",
            "clientSecret": "b+c%",
        }  # form-encoded each, as RFC 6749 2.3.1 has it
        (found,) = await deliver(side, tokenEndpointAuthMethod="client_secret_basic", **own)
        (asked,) = side.requests(TOKEN)
    assert isinstance(found, Receipt)
    assert asked.headers["authorization"] == "Basic " + b64("a%3Ab+%C3%A9:b%2Bc%25")
    assert form_of(asked) == {"grant_type": "client_credentials"}


async def test_a_refusal_of_the_secret_is_not_a_demand(authority: Authority) -> None:
    refused = message({"error": "invalid_client", "error_description": "invalid client credentials"}, 401)
    async with remote_side(authority, {TOKEN: refused}, HOST) as side:
        (found,) = await deliver(side)
        assert len(side.requests(TOKEN)) == 1
    assert isinstance(found, Diagnosis)
    assert found.kind is SalesforceKind.APP_REJECTED


async def test_a_domain_that_does_not_exist(authority: Authority) -> None:
    async def nobody(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_NONAME, "")

    network = Network(NetworkPolicy(ca_file=authority.ca_file), resolve=nobody)
    (found,) = await line(network).deliver([LEAD])
    check = await line(network).check()
    await network.aclose()
    assert isinstance(found, Diagnosis)
    assert (found.kind, found.outcome) == (SalesforceKind.DOMAIN_NOT_FOUND, Outcome.BROKEN)
    assert check.diagnosis is not None
    assert check.diagnosis.kind is SalesforceKind.DOMAIN_NOT_FOUND
