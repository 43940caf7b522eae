"""The guarded way out: what is followed, buffered and given up, and how its errors are told apart."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gzip
import socket
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from leadkeeper.diagnosis import AnyKind, Kind, Outcome
from leadkeeper.gate import on_behalf_of
from leadkeeper.network.client import (
    AddressRefused,
    AnswerTooLarge,
    Network,
    NetworkPolicy,
    NoFreeConnection,
    RedirectRefused,
    diagnose_network,
    parse_url,
)
from leadkeeper.network.rest import request
from leadkeeper.network.silent import Silent
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.faults import (
    Exchange,
    Fault,
    FaultServer,
    answer,
    drip,
    endless,
    hang,
    hang_after_headers,
    redirect,
)
from tests.contracts.faults import PASSING


@pytest.fixture
async def server(authority: Authority) -> AsyncIterator[FaultServer]:
    server = FaultServer()
    await server.start(authority.server_context("leads.example", "127.0.0.1"))
    yield server
    await server.aclose()


@asynccontextmanager
async def opened(authority: Authority, server: FaultServer, total_seconds: float) -> AsyncIterator[Network]:
    network = Network(
        NetworkPolicy(
            hosts={"*.example": ("127.0.0.1", server.port)},
            ca_file=authority.ca_file,
            total_seconds=total_seconds,
            answer_limit=1_000,
            connections=4,
        )
    )
    yield network
    await network.aclose()


@pytest.fixture
async def network(authority: Authority, server: FaultServer) -> AsyncIterator[Network]:
    async with opened(authority, server, 30) as network:
        yield network


@pytest.fixture
async def hasty(authority: Authority, server: FaultServer) -> AsyncIterator[Network]:
    """A network for tests that wait until its time is over."""
    async with opened(authority, server, PASSING) as network:
        yield network


URL = "https://leads.example/in"


async def test_redirects_are_not_followed_even_when_asked_for(network: Network, server: FaultServer) -> None:
    server.fault = redirect("https://leads.example/elsewhere")
    with pytest.raises(RedirectRefused) as caught:
        await network.session.post(URL, data=b"{}")
    assert diagnose_network(caught.value).kind is Kind.REDIRECTED
    answered = await network.post(parse_url(URL), data=b"{}", headers={})
    assert answered.status == 302
    assert [seen.target for seen in server.received] == ["/in", "/in"]


async def test_what_is_posted_goes_over_connections_of_the_session(network: Network, server: FaultServer) -> None:
    server.fault = answer(200, b"{}")
    async with network.session.get(URL) as response:
        await response.read()
    await network.post(parse_url(URL), data=b"{}", headers={})
    assert (len(server.received), server.connections) == (2, 1)


@pytest.mark.parametrize("fault", [endless(), answer(200, b"x" * 1_001)])
async def test_no_more_of_an_answer_is_kept_than_allowed(network: Network, server: FaultServer, fault: object) -> None:
    server.fault = fault  # type: ignore[assignment]
    async with network.session.get(URL) as response:
        with pytest.raises(AnswerTooLarge) as caught:
            await response.read()
    assert diagnose_network(caught.value).kind is Kind.ANSWER_TOO_LARGE
    answered = await network.post(parse_url(URL), data=b"{}", headers={})
    assert (answered.status, len(answered.body)) == (200, 1_000)
    assert isinstance(answered.fault, AnswerTooLarge)


async def test_an_answer_within_the_limit_is_read_whole_and_its_connection_kept(
    network: Network, server: FaultServer
) -> None:
    server.fault = answer(200, b"x" * 1_000)
    for _ in range(3):
        async with network.session.get(URL) as response:
            assert await response.text() == "x" * 1_000
            assert await response.read() == b"x" * 1_000
    assert server.connections == 1


async def test_a_decompression_bomb_stays_small(network: Network, server: FaultServer) -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    server.fault = answer(200, bomb, content_encoding="gzip")
    answered = await network.post(parse_url(URL), data=b"{}", headers={})
    assert isinstance(answered.fault, AnswerTooLarge)
    assert len(answered.body) == 1_000
    assert server.received[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("fault", [hang_after_headers(500), drip(500)])
async def test_a_status_is_not_lost_to_a_slow_body(hasty: Network, server: FaultServer, fault: object) -> None:
    server.fault = fault  # type: ignore[assignment]
    for seconds in (0.1, None):
        answered = await hasty.post(parse_url(URL), data=b"{}", headers={}, body_seconds=seconds)
        assert answered.status == 500
        assert isinstance(answered.fault, TimeoutError)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_all_connections_that_a_publisher_may_have_in_use_is_our_trouble(
    hasty: Network, server: FaultServer
) -> None:
    """Two of four: nobody holds more than are left free."""
    server.fault = hang
    url = parse_url(URL)
    results = await asyncio.gather(*(hasty.post(url, data=b"", headers={}) for _ in range(3)), return_exceptions=True)
    found = [diagnose_network(error) for error in results if isinstance(error, BaseException)]
    assert sorted(diagnosis.outcome for diagnosis in found) == ["ambiguous", "ambiguous", "ours"]
    assert sum(isinstance(error, NoFreeConnection) for error in results) == 1


async def test_one_publisher_opening_many_connections_does_not_hold_up_another(
    authority: Authority, server: FaultServer
) -> None:
    """A handshake is work: the first of another publisher's does not wait for all that one has begun."""
    done = asyncio.Event()

    async def keep_the_flood(exchange: Exchange) -> None:
        if exchange.request.target == "/flood":
            await done.wait()
        await answer(200)(exchange)

    server.fault = keep_the_flood
    policy = NetworkPolicy(hosts={"*.example": ("127.0.0.1", server.port)}, ca_file=authority.ca_file)
    network = Network(policy)

    async def ask(publisher: str, path: str) -> None:
        with on_behalf_of(publisher):
            await network.post(parse_url(f"https://leads.example/{path}"), data=b"", headers={})

    flood = [asyncio.create_task(ask("fabrikam", "flood")) for _ in range(60)]
    await asyncio.sleep(0)  # all of them have begun
    await ask("contoso", "lead")
    opened = server.connections
    done.set()
    await asyncio.gather(*flood)
    assert opened < 60, "all connections of the other publisher were opened first"
    await network.aclose()


async def test_cookies_are_not_kept(network: Network, server: FaultServer) -> None:
    server.fault = answer(200, set_cookie="session=1; Path=/")
    for _ in range(2):
        await network.post(parse_url(URL), data=b"{}", headers={})
    assert "cookie" not in server.received[1].headers


async def test_what_can_be_reached(network: Network, server: FaultServer) -> None:
    check = await network.check_reach(URL)
    assert check.ok
    assert [(step.name, step.ok) for step in check.steps] == [(n, True) for n in ("address", "name", "network", "tls")]
    assert server.received == []


async def test_a_foreign_certificate_fails_the_tls_step(network: Network, server: FaultServer) -> None:
    check = await network.check_reach("https://other.example/?sig=secret")
    assert [(step.name, step.ok) for step in check.steps][-1] == ("tls", False)
    assert check.diagnosis is not None
    assert (check.diagnosis.kind, check.diagnosis.outcome) == (Kind.TLS_FAILED, Outcome.BROKEN)
    assert "another host name" in check.steps[-1].detail
    assert "other.example" not in str(check)


@pytest.mark.parametrize(
    ("error", "sent", "kind", "outcome"),
    [
        (socket.gaierror(socket.EAI_NONAME, ""), True, Kind.ADDRESS_NOT_FOUND, Outcome.BROKEN),
        (socket.gaierror(socket.EAI_AGAIN, ""), True, Kind.CONNECTION_FAILED, Outcome.FAILED),
        (aiohttp.ConnectionTimeoutError(), True, Kind.CONNECTION_FAILED, Outcome.FAILED),
        (TimeoutError(), True, Kind.NO_ANSWER, Outcome.AMBIGUOUS),
        (TimeoutError(), False, Kind.CONNECTION_FAILED, Outcome.FAILED),
        (aiohttp.SocketTimeoutError(), True, Kind.NO_ANSWER, Outcome.AMBIGUOUS),
        (aiohttp.ServerDisconnectedError(), True, Kind.CONNECTION_LOST, Outcome.AMBIGUOUS),
        (aiohttp.ClientPayloadError(), True, Kind.CONNECTION_LOST, Outcome.AMBIGUOUS),
        (ConnectionResetError(errno.ECONNRESET, ""), True, Kind.CONNECTION_LOST, Outcome.AMBIGUOUS),
        (ConnectionResetError(errno.ECONNRESET, ""), False, Kind.CONNECTION_FAILED, Outcome.FAILED),
        (ssl.SSLEOFError(), False, Kind.CONNECTION_FAILED, Outcome.FAILED),
        (ssl.SSLError(1, ""), False, Kind.TLS_FAILED, Outcome.BROKEN),
        (ssl.SSLError(1, ""), True, Kind.CONNECTION_LOST, Outcome.AMBIGUOUS),
        (aiohttp.InvalidUrlClientError("https://x"), True, Kind.SETTINGS_INVALID, Outcome.BROKEN),
        (KeyError("x"), True, Kind.INTERNAL_ERROR, Outcome.OURS),
    ],
)
def test_errors_are_told_apart_by_class(error: BaseException, sent: bool, kind: AnyKind, outcome: Outcome) -> None:
    found = diagnose_network(error, sent=sent)
    assert (found.kind, found.outcome) == (kind, outcome)


def test_wrapped_errors_are_looked_through() -> None:
    wrapper = RuntimeError("in the words of another library")
    wrapper.__cause__ = AddressRefused("private")
    assert diagnose_network(wrapper).kind is Kind.ADDRESS_REFUSED


def test_an_authority_is_found_again(tmp_path: Path) -> None:
    first, second = Authority(tmp_path / "ca"), Authority(tmp_path / "ca")
    assert first.ca_file.read_bytes() == second.ca_file.read_bytes()
    assert (tmp_path / "ca" / "ca-key.pem").stat().st_mode & 0o077 == 0


async def test_calls_that_began_together_do_not_all_end_together() -> None:
    numbers = iter([0.0, 0.5, 1 - 1e-9])
    network = Network(NetworkPolicy(total_seconds=30), random_unit=lambda: next(numbers))
    assert [network.seconds_for_one() for _ in range(3)] == [22.5, 26.25, pytest.approx(30)]
    await network.aclose()


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_who_is_cancelled_hears_it_though_the_time_is_over_at_the_same_moment(
    hasty: Network, server: FaultServer, method: str
) -> None:
    asked = asyncio.Event()

    async def hang_heard(exchange: Exchange) -> None:
        asked.set()
        await hang(exchange)

    server.fault = hang_heard

    async def call() -> str:
        try:
            await request(hasty, method, URL, headers={}, data=b"{}" if method == "POST" else None)
        except TimeoutError:
            return "went on"
        return "answered"

    task = asyncio.create_task(call())
    await asyncio.wait_for(asked.wait(), 30)
    asyncio.get_running_loop().call_later(0.05, task.cancel)
    time.sleep(PASSING + 0.2)  # the loop is late: both moments have passed when it looks  # noqa: ASYNC251
    done, _ = await asyncio.wait({task}, timeout=30)
    assert done
    assert task.cancelled(), task.result()


def flood(piece: bytes) -> Fault:
    """Send the same again and again until the other side has gone."""

    async def act(exchange: Exchange) -> None:
        with contextlib.suppress(OSError):
            while True:
                await exchange.send(piece * 3_000)

    return act


@pytest.mark.parametrize("status", [b"102 Processing", b"103 Early Hints"])
async def test_an_answer_that_only_says_that_it_is_coming_is_given_up_soon(
    network: Network, server: FaultServer, status: bytes
) -> None:
    """The event loop parses each; nobody else is served meanwhile."""
    server.fault = flood(b"HTTP/1.1 " + status + b"\r\n\r\n")
    with pytest.raises(aiohttp.ClientError) as caught:
        await network.post(parse_url(URL), data=b"{}", headers={})
    assert diagnose_network(caught.value).outcome is Outcome.AMBIGUOUS


async def test_an_answer_that_says_so_a_few_times_is_read(network: Network, server: FaultServer) -> None:
    async def act(exchange: Exchange) -> None:
        await exchange.send(b"HTTP/1.1 102 Processing\r\n\r\n" * 10)
        await answer(200)(exchange)

    server.fault = act
    for _ in range(5):  # over one connection
        answered = await network.post(parse_url(URL), data=b"{}", headers={})
        assert answered.status == 200
    assert server.connections == 1


async def test_over_a_silent_network_nothing_is_called_in_any_way(server: FaultServer) -> None:
    silent = Silent(NetworkPolicy())
    url = parse_url(URL)
    with pytest.raises(aiohttp.ClientConnectionError):
        await silent.post(url, data=b"{}", headers={})
    for method, data in (("GET", None), ("POST", b"{}"), ("DELETE", None)):
        with pytest.raises(aiohttp.ClientConnectionError):
            await silent.request(method, url, data=data, headers={})
    with pytest.raises(aiohttp.ClientConnectionError):
        await silent.session.get(url)
    assert server.received == []
