"""The HTTPS endpoint over real TLS: a strict receiver takes its leads, and a hostile one gets nothing out of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from standardwebhooks import Webhook

from leadkeeper import __version__
from leadkeeper.destinations.https_endpoint.adapter import HttpsEndpoint
from leadkeeper.destinations.https_endpoint.diagnoses import HttpsEndpointKind
from leadkeeper.destinations.https_endpoint.settings import HttpsEndpointConfig
from leadkeeper.destinations.interface import Adapter
from leadkeeper.diagnosis import Answer, AnyKind, Diagnosis, Kind, Outcome, Receipt
from leadkeeper.lead import OutgoingLead
from leadkeeper.network.client import Network, NetworkPolicy
from leadkeeper.sandbox import faults
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.faults import Fault
from leadkeeper.sandbox.https_endpoint.stand_in import ReceivingEndpoint
from tests.contracts.faults import HOST, LEAD, NETWORK, PATIENCE, PERSONAL, Case, RemoteSide, remote_side

SECRET = "whsec_QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY="
OLD_SECRET = "whsec_MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI="
QUERY = "api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=Qz7xKp2mWv9sLr4tYh8nBd3fGj6kTc5uEa1oIi0wXyZ"
HIDDEN = (*PERSONAL, "qz7xkp2m", "%2ftriggers", "whsec_", SECRET[6:20].lower())


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def endpoint(network: Network, url: str, **settings: Any) -> HttpsEndpoint:
    return HttpsEndpoint(HttpsEndpointConfig.model_validate({"httpsEndpointUrl": url} | settings), network)


async def deliver(destination: Adapter, lead: OutgoingLead = LEAD) -> Answer:
    """What ``deliver`` says to one lead; it must say it in time."""
    async with asyncio.timeout(PATIENCE):
        (found,) = await destination.deliver([lead])
    return found


async def deliver_to(side: RemoteSide, **settings: Any) -> Answer:
    return await deliver(
        endpoint(side.network, f"{side.origin}/workflows/in?{QUERY}", signingSecret=SECRET, **settings)
    )


def check_nothing_shows(found: Answer) -> None:
    """No personal data, no part of the address, no secret in what is kept and shown."""
    shown = repr(found).casefold()
    assert not [text for text in HIDDEN if text in shown]


@pytest.mark.parametrize("case", NETWORK, ids=lambda case: case.name)
async def test_network_faults(authority: Authority, case: Case) -> None:
    async with remote_side(authority, case) as side:
        found = await deliver_to(side)
        arrived = len(side.server.received)
    assert isinstance(found, Diagnosis)
    assert (found.kind, found.outcome) == (case.kind, case.outcome)
    # A connection that closes without a word is tried once more at once: it may have been an idle one.
    assert arrived in ((1, 2) if case.arrives else (0,))
    check_nothing_shows(found)


@dataclass(frozen=True, slots=True)
class RemoteMessage:
    """An answer of the remote system and what it must mean."""

    name: str
    fault: Fault
    kind: AnyKind
    outcome: Outcome
    retry_after: float | None = None
    code: str | None = None


def error(status: int, code: str) -> Fault:
    return faults.answer(status, f'{{"error":{{"code":"{code}","message":"No."}}}}'.encode())


MESSAGE = (
    RemoteMessage("300", faults.answer(300), Kind.REDIRECTED, Outcome.BROKEN),
    RemoteMessage("304", faults.answer(304), Kind.REDIRECTED, Outcome.BROKEN),
    RemoteMessage("400", error(400, "BadLead"), Kind.LEAD_REFUSED, Outcome.REFUSED, code="BadLead"),
    RemoteMessage(
        "400 of a schema",
        error(400, "TriggerInputSchemaMismatch"),
        HttpsEndpointKind.FLOW_SCHEMA_MISMATCH,
        Outcome.REFUSED,
    ),
    RemoteMessage("401", faults.answer(401), Kind.CREDENTIALS_REJECTED, Outcome.BROKEN),
    RemoteMessage(
        "401 of a flow",
        error(401, "DirectApiAuthorizationRequired"),
        HttpsEndpointKind.FLOW_SIGNATURE_REJECTED,
        Outcome.BROKEN,
    ),
    RemoteMessage(
        "401 of a tenant",
        error(401, "MisMatchingOAuthClaims"),
        HttpsEndpointKind.FLOW_SIGNATURE_REJECTED,
        Outcome.BROKEN,
    ),
    RemoteMessage("402", faults.answer(402), Kind.REQUEST_TURNED_AWAY, Outcome.FAILED),
    RemoteMessage("403", faults.answer(403), Kind.PERMISSION_MISSING, Outcome.BROKEN),
    RemoteMessage("404", faults.answer(404), Kind.ENDPOINT_NOT_FOUND, Outcome.BROKEN),
    RemoteMessage("404 page", faults.html(404, "Not found"), Kind.ENDPOINT_NOT_FOUND, Outcome.BROKEN),
    RemoteMessage("405", faults.answer(405), Kind.METHOD_REFUSED, Outcome.BROKEN),
    RemoteMessage("408", faults.answer(408), Kind.SERVER_ERROR, Outcome.FAILED),
    RemoteMessage("409", faults.answer(409), Kind.REQUEST_TURNED_AWAY, Outcome.FAILED),
    RemoteMessage("410", faults.answer(410), Kind.ENDPOINT_GONE, Outcome.BROKEN),
    RemoteMessage("413", faults.answer(413), Kind.LEAD_TOO_LARGE, Outcome.REFUSED),
    RemoteMessage("415", faults.answer(415), Kind.LEAD_REFUSED, Outcome.REFUSED),
    RemoteMessage("422", error(422, "Invalid"), Kind.LEAD_REFUSED, Outcome.REFUSED, code="Invalid"),
    RemoteMessage("425", faults.answer(425), Kind.SERVER_ERROR, Outcome.FAILED),
    RemoteMessage("429", faults.answer(429), Kind.THROTTLED, Outcome.THROTTLED),
    RemoteMessage("429 seconds", faults.answer(429, retry_after="37"), Kind.THROTTLED, Outcome.THROTTLED, 37.0),
    RemoteMessage("429 rubbish", faults.answer(429, retry_after="soon"), Kind.THROTTLED, Outcome.THROTTLED),
    RemoteMessage(
        "429 for ever", faults.answer(429, retry_after="999999999"), Kind.THROTTLED, Outcome.THROTTLED, 86_400.0
    ),
    RemoteMessage(
        "429 date",
        faults.answer(429, retry_after="Fri, 31 Dec 2100 00:00:00 GMT"),
        Kind.THROTTLED,
        Outcome.THROTTLED,
        86_400.0,
    ),
    RemoteMessage("500", faults.answer(500), Kind.SERVER_ERROR, Outcome.FAILED),
    RemoteMessage("500 page", faults.html(500), Kind.SERVER_ERROR, Outcome.FAILED),
    RemoteMessage("500 and when", faults.answer(500, retry_after="5"), Kind.SERVER_ERROR, Outcome.FAILED),
    RemoteMessage("501", faults.answer(501), Kind.SERVER_ERROR, Outcome.FAILED),
    RemoteMessage("502", faults.answer(502), Kind.SERVER_ERROR, Outcome.FAILED),
    RemoteMessage("503", faults.answer(503), Kind.SERVER_ERROR, Outcome.FAILED),
    RemoteMessage("503 and when", faults.answer(503, retry_after="5"), Kind.THROTTLED, Outcome.THROTTLED, 5.0),
    RemoteMessage("504 and when", faults.answer(504, retry_after="5"), Kind.THROTTLED, Outcome.THROTTLED, 5.0),
    RemoteMessage("599", faults.answer(599), Kind.SERVER_ERROR, Outcome.FAILED),
    RemoteMessage("666", faults.answer(666), Kind.ANSWER_NOT_UNDERSTOOD, Outcome.AMBIGUOUS),
    RemoteMessage("giant 500", faults.endless(500), Kind.SERVER_ERROR, Outcome.FAILED),
    RemoteMessage("giant 403", faults.answer(403, b"x" * 1_000_000), Kind.PERMISSION_MISSING, Outcome.BROKEN),
    RemoteMessage("hanging 503", faults.hang_after_headers(503), Kind.SERVER_ERROR, Outcome.FAILED),
    RemoteMessage("dripping 500", faults.drip(500), Kind.SERVER_ERROR, Outcome.FAILED),
    RemoteMessage("broken 500", faults.reset_in_body(500), Kind.SERVER_ERROR, Outcome.FAILED),
    RemoteMessage("broken 401", faults.reset_in_body(401), Kind.CREDENTIALS_REJECTED, Outcome.BROKEN),
    RemoteMessage("echo 400", faults.echo(400), Kind.LEAD_REFUSED, Outcome.REFUSED),
    RemoteMessage("echo 500", faults.echo(500), Kind.SERVER_ERROR, Outcome.FAILED),
    RemoteMessage("private page", faults.html(500, "No Zoltana", "Quimby"), Kind.SERVER_ERROR, Outcome.FAILED),
    RemoteMessage(
        "other content type",
        faults.answer(400, b"\x00\xff", content_type="image/png"),
        Kind.LEAD_REFUSED,
        Outcome.REFUSED,
    ),
)


@pytest.mark.parametrize("message", MESSAGE, ids=lambda message: message.name)
async def test_answers_that_are_not_success(authority: Authority, message: RemoteMessage) -> None:
    async with remote_side(authority, Case("", message.kind, message.outcome, message.fault)) as side:
        found = await deliver_to(side)
    assert isinstance(found, Diagnosis)
    assert (found.kind, found.outcome, found.retry_after) == (message.kind, message.outcome, message.retry_after)
    if message.code is not None:
        assert found.evidence.code == message.code
        assert found.evidence.text == "No."
    assert found.evidence.status is not None
    check_nothing_shows(found)


@pytest.mark.parametrize(
    ("fault", "confirmed"),
    [
        (faults.answer(200), True),
        (faults.answer(201, b'{"id":1}'), True),
        (faults.answer(202), False),
        (faults.answer(204), True),
        (faults.html(200), True),
        (faults.answer(200, b"\xff", content_type="nonsense"), True),
        (faults.answer(200, b"not gzip", content_encoding="gzip"), True),
        (faults.endless(200), True),
        (faults.hang_after_headers(200), True),
        (faults.drip(200), True),
        (faults.reset_in_body(200), True),
        (faults.reset_in_body(202), False),
        (faults.echo(200), True),
    ],
)
async def test_success_is_decided_by_the_status_alone(authority: Authority, fault: Fault, confirmed: bool) -> None:
    async with remote_side(authority, Case("", Kind.NO_ANSWER, Outcome.AMBIGUOUS, fault)) as side:
        found = await deliver_to(side)
        assert len(side.server.received) == 1
    assert isinstance(found, Receipt)
    assert found.confirmed is confirmed
    check_nothing_shows(found)


async def test_a_slow_body_does_not_hold_up_a_delivery(authority: Authority) -> None:
    async with remote_side(authority, Case("", Kind.NO_ANSWER, Outcome.AMBIGUOUS, faults.drip(200))) as side:
        network = Network(NetworkPolicy(hosts={HOST: ("127.0.0.1", side.server.port)}, ca_file=authority.ca_file))
        found = await deliver(endpoint(network, f"https://{HOST}/"))
        await network.aclose()
    assert isinstance(found, Receipt)


FLOW_HOSTS = (
    "prod-07.westeurope.logic.azure.com",
    "default0123456789ab.4f.environment.api.powerplatform.com",
)


@pytest.mark.parametrize("host", FLOW_HOSTS)
@pytest.mark.parametrize(
    ("status", "kind"), [(401, HttpsEndpointKind.FLOW_SIGNATURE_REJECTED), (404, HttpsEndpointKind.FLOW_NOT_FOUND)]
)
async def test_a_flows_address_explains_itself(authority: Authority, host: str, status: int, kind: AnyKind) -> None:
    case = Case(
        "", kind, Outcome.BROKEN, faults.answer(status, x_ms_workflow_run_id="08585287554177334956853859655CU00")
    )
    async with remote_side(authority, case) as side:
        context = authority.server_context(host)
        server = faults.FaultServer(case.fault)
        await server.start(context)
        network = Network(NetworkPolicy(hosts={host: ("127.0.0.1", server.port)}, ca_file=authority.ca_file))
        found = await deliver(endpoint(network, f"https://{host}:443/workflows/in?{QUERY}"))
        await network.aclose()
        await server.aclose()
        assert side.server.received == []
    assert isinstance(found, Diagnosis)
    assert (found.kind, found.outcome) == (kind, Outcome.BROKEN)
    assert found.evidence.request_id == "08585287554177334956853859655CU00"
    check_nothing_shows(found)


@pytest.fixture
async def side(authority: Authority) -> AsyncIterator[RemoteSide]:
    async with remote_side(authority, Case("", Kind.NO_ANSWER, Outcome.AMBIGUOUS)) as side:
        yield side


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/a/../b//c/./d",
        "/in?" + QUERY,
        "/%7Euser/%2f%2F?x=%20&y=+&z=%C3%A9&empty=&flag",
        "/in?a='1';b=2,3&c=!$()*:@/?~^[]&sig=A-_.~%3D=",
        "/in?q=a%26b%3Dc#part",
    ],
)
async def test_the_address_is_requested_byte_for_byte(side: RemoteSide, target: str) -> None:
    await deliver(endpoint(side.network, side.origin + target))
    assert [seen.target for seen in side.server.received] == [target.partition("#")[0]]


async def test_the_request(side: RemoteSide) -> None:
    await deliver(
        endpoint(side.network, f"{side.origin}/in?{QUERY}", signingSecret=SECRET, previousSigningSecret=OLD_SECRET)
    )
    (seen,) = side.server.received
    assert seen.method == "POST"
    assert seen.headers["host"] == f"{HOST}:{side.server.port}"
    assert seen.headers["content-type"] == "application/json"
    assert seen.headers["user-agent"] == f"Leadkeeper/{__version__}"
    assert seen.headers["webhook-id"] == LEAD.id
    assert abs(int(seen.headers["webhook-timestamp"]) - time.time()) < 60
    assert len(seen.headers["webhook-signature"].split(" ")) == 2
    for secret in (SECRET, OLD_SECRET):
        Webhook(secret).verify(seen.body, seen.headers)


async def test_a_repeat_has_the_same_id_and_body_and_a_new_time(side: RemoteSide) -> None:
    moments = iter((1_700_000_000.9, 1_700_003_600.0))
    settings = HttpsEndpointConfig.model_validate({"httpsEndpointUrl": side.origin, "signingSecret": SECRET})
    destination = HttpsEndpoint(settings, side.network, now=lambda: next(moments))
    for _ in range(2):
        await deliver(destination)
    first, second = side.server.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == LEAD.id
    assert first.body == second.body
    assert [seen.headers["webhook-timestamp"] for seen in (first, second)] == ["1700000000", "1700003600"]
    at = datetime.fromtimestamp(1_700_003_600, UTC)
    assert second.headers["webhook-signature"] == Webhook(SECRET).sign(LEAD.id, at, second.body.decode())


async def test_without_a_secret_nothing_is_signed(side: RemoteSide) -> None:
    await deliver(endpoint(side.network, side.origin))
    assert "webhook-signature" not in side.server.received[0].headers
    assert side.server.received[0].headers["webhook-id"] == LEAD.id


async def test_one_connection_serves_many_leads(side: RemoteSide) -> None:
    destination = endpoint(side.network, side.origin)
    for _ in range(5):
        await deliver(destination)
    assert side.server.connections == 1


@pytest.mark.parametrize("casing", ["pascal", "userDetailsCamel", "camel"])
@pytest.mark.parametrize("status", [200, 202])
async def test_a_strict_receiver_takes_the_lead_once(authority: Authority, casing: Any, status: Any) -> None:
    receiver = ReceivingEndpoint(secret=SECRET, status=status, key_casing=casing)
    await receiver.start(authority.server_context(HOST))
    network = Network(NetworkPolicy(hosts={HOST: ("127.0.0.1", receiver.port)}, ca_file=authority.ca_file))
    destination = endpoint(network, f"https://{HOST}/in?{QUERY}", signingSecret=SECRET, keyCasing=casing)
    outcomes = [(await deliver(destination)).outcome for _ in range(2)]
    await network.aclose()
    await receiver.aclose()
    assert outcomes == [Outcome.DELIVERED if status == 200 else Outcome.UNCONFIRMED] * 2
    assert receiver.refused == []
    assert [(lead, arrived.count) for lead, arrived in receiver.received.items()] == [(LEAD.id, 2)]


@pytest.mark.parametrize(
    ("settings", "kind", "code"),
    [
        ({}, Kind.CREDENTIALS_REJECTED, "BadSignature"),
        ({"signingSecret": OLD_SECRET}, Kind.CREDENTIALS_REJECTED, "BadSignature"),
        ({"signingSecret": SECRET, "keyCasing": "camel"}, Kind.LEAD_REFUSED, "WrongKeys"),
    ],
)
async def test_a_strict_receiver_says_what_it_dislikes(
    authority: Authority, settings: Any, kind: AnyKind, code: str
) -> None:
    receiver = ReceivingEndpoint(secret=SECRET)
    await receiver.start(authority.server_context(HOST))
    network = Network(NetworkPolicy(hosts={HOST: ("127.0.0.1", receiver.port)}, ca_file=authority.ca_file))
    found = await deliver(endpoint(network, f"https://{HOST}/in", **settings))
    await network.aclose()
    await receiver.aclose()
    assert isinstance(found, Diagnosis)
    assert (found.kind, found.evidence.code) == (kind, code)
    assert receiver.received == {}


async def test_a_literal_private_address_is_refused(authority: Authority) -> None:
    network = Network(NetworkPolicy(ca_file=authority.ca_file))
    for url in ("https://10.0.0.1/", "https://[::1]/", "https://169.254.169.254/latest", "https://localhost/"):
        destination = endpoint(network, url)
        found = await deliver(destination)
        assert isinstance(found, Diagnosis)
        assert (found.kind, found.outcome) == (Kind.ADDRESS_REFUSED, Outcome.BROKEN)
        check = await destination.check()
        assert check.diagnosis is not None
        assert check.diagnosis.kind is Kind.ADDRESS_REFUSED
    await network.aclose()


@pytest.mark.parametrize("case", [case for case in NETWORK if not case.arrives], ids=lambda case: case.name)
async def test_the_check_finds_what_can_be_found_without_writing(authority: Authority, case: Case) -> None:
    async with remote_side(authority, case) as side:
        check = await endpoint(side.network, f"{side.origin}/in?{QUERY}").check()
        assert side.server.received == []
    assert not check.ok
    assert check.diagnosis is not None
    assert check.diagnosis.kind is case.kind
    assert [step.ok for step in check.steps][-1] is False
    assert not [text for text in HIDDEN if text in repr(check).casefold()]


async def test_the_check_of_a_sound_line_writes_nothing(side: RemoteSide) -> None:
    check = await endpoint(side.network, f"{side.origin}/in?{QUERY}").check()
    assert check.ok
    assert [step.name for step in check.steps] == ["address", "name", "network", "tls"]
    assert side.server.received == []


async def test_the_check_finds_a_flows_address_that_was_copied_in_part(side: RemoteSide) -> None:
    url = f"https://{FLOW_HOSTS[0]}/workflows/0/triggers/manual/paths/invoke?api-version=2016-06-01"
    check = await endpoint(side.network, url).check()
    assert check.diagnosis is not None
    assert check.diagnosis.kind is HttpsEndpointKind.FLOW_SIGNATURE_REJECTED


async def test_a_cancelled_delivery_stays_cancelled(authority: Authority) -> None:
    async with remote_side(authority, Case("", Kind.NO_ANSWER, Outcome.AMBIGUOUS, faults.hang)) as side:
        task = asyncio.create_task(deliver_to(side))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
