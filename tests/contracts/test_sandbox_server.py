"""The sandbox itself: many host names on one port, mishaps, the control API, and the page."""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import aiohttp
import pytest

from leadkeeper.network.client import Network, NetworkPolicy, parse_hosts, parse_ranges
from leadkeeper.sandbox import faults, mishaps
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.mishaps import Match, Mishap
from leadkeeper.sandbox.server import Sandbox
from leadkeeper.sandbox.stand_in import OK, Answer, Clock, Request
from tests.contracts.sandbox_caller import Caller, calling

PATIENT = aiohttp.ClientTimeout(total=60)
WAIT = aiohttp.ClientTimeout(total=60, sock_read=2)
"""For what never answers."""
FOR_A_WHILE = aiohttp.ClientTimeout(total=3)
"""For what answers without end."""
DELAY = 2.0
"""Seconds within which a test looks at what has happened meanwhile."""
HOOK = "https://app-ab01.fabrikam.example/in"


class Post:
    """A stand-in that takes everything; its records hold what a browser must not run."""

    name = "post"
    hosts = ("app-*.fabrikam.example", "*.northwind.example")
    states: Mapping[str, str] = {OK: "as it should be", "closed": "<closed>"}

    def __init__(self) -> None:
        self.state = OK
        self.taken: list[Request] = []

    def choose(self, state: str) -> None:
        self.state = state

    def reset(self) -> None:
        self.state = OK
        self.taken.clear()

    def received(self) -> Sequence[Mapping[str, object]]:
        return [{"host": each.host, "text": each.body.decode(), "query": each.query} for each in self.taken]

    async def handle(self, request: Request) -> Answer:
        if request.path == "/mistake":
            raise LookupError("no such thing")
        self.taken.append(request)
        return Answer.json(201, {"taken": len(self.taken)})


@pytest.fixture
async def sandbox(authority: Authority) -> AsyncIterator[Sandbox]:
    async with Sandbox(authority.ca_file.parent, lambda clock: (Post(),)) as opened:
        yield opened


@pytest.fixture
async def calls(sandbox: Sandbox) -> AsyncIterator[Caller]:
    async with calling(sandbox) as made:
        yield made


def taken(sandbox: Sandbox) -> int:
    return len(sandbox.stand_in(Post).taken)


async def test_one_port_answers_for_every_name_with_a_certificate_of_its_own(sandbox: Sandbox, calls: Caller) -> None:
    message = await calls("POST", f"{HOOK}?a=1&b=%20", data=b"hello")
    assert (message.status, message.json) == (201, {"taken": 1})
    await calls("GET", "https://two.levels.northwind.example/")
    assert [each["host"] for each in sandbox.stand_in("post").received()] == [
        "app-ab01.fabrikam.example",
        "two.levels.northwind.example",
    ]
    assert sandbox.stand_in("post").received()[0]["query"] == {"a": "1", "b": " "}


@pytest.mark.parametrize(
    "host", ["fabrikam.example", "web-1.fabrikam.example", "northwind.example", "elsewhere.example"]
)
async def test_a_name_that_nobody_has_gets_no_certificate(calls: Caller, host: str) -> None:
    with pytest.raises(aiohttp.ClientConnectorError):
        await calls("GET", f"https://{host}/")


async def test_a_host_header_that_nobody_has_is_misdirected(calls: Caller) -> None:
    assert (await calls("GET", HOOK, headers={"Host": "elsewhere.example"})).status == 421


async def test_the_certificate_is_that_of_the_private_authority_only(sandbox: Sandbox) -> None:
    _, writer = await asyncio.open_connection(
        "127.0.0.1",
        sandbox.port,
        ssl=ssl.create_default_context(cafile=str(sandbox.ca_file)),
        server_hostname="app-9.fabrikam.example",
    )
    names = writer.get_extra_info("peercert")["subjectAltName"]
    writer.close()
    assert names == (("DNS", "app-9.fabrikam.example"),)
    with pytest.raises(ssl.SSLCertVerificationError):
        await asyncio.open_connection(
            "127.0.0.1", sandbox.port, ssl=ssl.create_default_context(), server_hostname="app-9.fabrikam.example"
        )


async def test_the_hosts_setting_leads_the_guarded_network_here(sandbox: Sandbox) -> None:
    setting = sandbox.hosts_setting()
    assert setting == f"*.fabrikam.example=127.0.0.1:{sandbox.port},*.northwind.example=127.0.0.1:{sandbox.port}"
    policy = NetworkPolicy(
        allow_addresses=parse_ranges("127.0.0.0/8"), hosts=parse_hosts(setting), ca_file=sandbox.ca_file
    )
    network = Network(policy)
    try:
        async with network.session.post(HOOK, data=b"x") as answer:
            assert answer.status == 201
    finally:
        await network.aclose()


async def test_a_mistake_of_a_stand_in_is_answered_and_kept(
    sandbox: Sandbox, calls: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "leadkeeper.sandbox.server")
    assert (await calls("GET", "https://app-1.fabrikam.example/mistake")).status == 500
    assert [type(error) for error in sandbox.mistakes] == [LookupError]


def test_unknown_stand_ins_are_not_found(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path, lambda clock: ())
    with pytest.raises(KeyError):
        sandbox.stand_in("post")
    with pytest.raises(KeyError):
        sandbox.stand_in(Post)


async def check_taken(sandbox: Sandbox, count: int) -> None:
    """So many arrive, if not at once then soon, and no more."""
    for _ in range(1_200):
        if taken(sandbox) >= count:
            break
        await asyncio.sleep(0.05)
    assert taken(sandbox) == count


LOST: tuple[tuple[str, Mishap, type[Exception], int], ...] = (
    ("reset", mishaps.instead(faults.reset_before_answer), aiohttp.ClientConnectionError, 0),
    ("reset in the headers", mishaps.instead(faults.reset_in_headers()), aiohttp.ClientError, 0),
    ("reset in the body", mishaps.instead(faults.reset_in_body()), aiohttp.ClientError, 0),
    ("hang", mishaps.instead(faults.hang), TimeoutError, 0),
    ("hang after the headers", mishaps.instead(faults.hang_after_headers()), TimeoutError, 0),
    ("not HTTP", mishaps.instead(faults.not_http), aiohttp.ClientError, 0),
    ("commit, then drop", mishaps.commit_then_drop, aiohttp.ServerDisconnectedError, 1),
    ("commit, then reset", mishaps.after_work(faults.reset_before_answer), aiohttp.ClientConnectionError, 1),
    ("commit, then hang", mishaps.after_work(faults.hang), TimeoutError, 1),
    ("commit, then reset in the body", mishaps.after_work(faults.reset_in_body()), aiohttp.ClientError, 1),
)


@pytest.mark.parametrize(("mishap", "error", "done"), [case[1:] for case in LOST], ids=[case[0] for case in LOST])
async def test_lost_answers(sandbox: Sandbox, calls: Caller, mishap: Mishap, error: type[Exception], done: int) -> None:
    sandbox.fail(mishap)
    with pytest.raises(error):
        await calls("POST", HOOK, data=b"x", timeout=WAIT if error is TimeoutError else PATIENT)
    await check_taken(sandbox, done)
    assert (await calls("POST", HOOK, data=b"x")).status == 201


async def test_other_answers(sandbox: Sandbox, calls: Caller) -> None:
    sandbox.fail(mishaps.instead(faults.html(502)))
    sandbox.fail(mishaps.answered(Answer.json(429, {"slow": True}, {"Retry-After": "7"})))
    sandbox.fail(mishaps.answered(Answer(503), after=True))
    sandbox.fail(mishaps.wrong_content_type("image/png"))
    sandbox.fail(mishaps.instead(mishaps.giant(1_000_000)))
    page, slow, committed, disguised, giant = [await calls("POST", HOOK) for _ in range(5)]
    assert (page.status, page.headers["content-type"]) == (502, "text/html; charset=utf-8")
    assert (slow.status, slow.headers["retry-after"], slow.json) == (429, "7", {"slow": True})
    assert committed.status == 503
    assert (disguised.headers["content-type"], disguised.json) == ("image/png", {"taken": 2})
    assert len(giant.text) == 1_000_000
    assert taken(sandbox) == 2


@pytest.mark.parametrize("after", [False, True])
async def test_a_delay_brings_the_right_answer_late(sandbox: Sandbox, calls: Caller, after: bool) -> None:
    sandbox.fail(mishaps.delay(DELAY, after=after))
    began = time.monotonic()
    call = asyncio.create_task(calls("POST", HOOK))
    if after:
        await check_taken(sandbox, 1)
        assert not call.done()
    else:
        await asyncio.sleep(0.1)
        assert taken(sandbox) == 0
    assert (await call).status == 201
    assert time.monotonic() - began >= DELAY


async def test_a_mishap_happens_to_those_meant_after_some_and_so_many_times(sandbox: Sandbox, calls: Caller) -> None:
    match = Match(host="*.northwind.example", method="post", path="/in/*")
    sandbox.fail(mishaps.answered(Answer(418)), match, after_n=1, times=2)
    there = "https://crm.northwind.example"
    for method, url in (("POST", HOOK), ("GET", f"{there}/in/a"), ("POST", f"{there}/out"), ("POST", f"{there}/in/a")):
        assert (await calls(method, url)).status == 201
    assert [(await calls("POST", f"{there}/in/b")).status for _ in range(3)] == [418, 418, 201]


async def test_a_mishap_without_times_goes_on_until_the_reset(sandbox: Sandbox, calls: Caller) -> None:
    sandbox.fail(mishaps.answered(Answer(503)), times=None)
    assert [(await calls("GET", HOOK)).status for _ in range(3)] == [503] * 3
    sandbox.reset()
    assert (await calls("GET", HOOK)).status == 201


async def test_states_are_listed_and_chosen_over_the_control_api(sandbox: Sandbox, calls: Caller) -> None:
    base = f"{sandbox.control_url}__sandbox__"
    assert (await calls("GET", f"{base}/states")).json == {"post": {"state": "ok", "states": dict(Post.states)}}
    assert (await calls("PUT", f"{base}/states/post", json={"state": "closed"})).json == {"state": "closed"}
    assert sandbox.stand_in("post").state == "closed"
    assert (await calls("PUT", f"{base}/states/post", json={"state": "odd"})).status == 400
    assert (await calls("PUT", f"{base}/states/none", json={"state": "ok"})).status == 404


async def test_what_arrived_is_told_and_forgotten(sandbox: Sandbox, calls: Caller) -> None:
    base = f"{sandbox.control_url}__sandbox__"
    await calls("POST", HOOK, data=b"x")
    expected = {"post": [{"host": "app-ab01.fabrikam.example", "text": "x", "query": {}}]}
    assert (await calls("GET", f"{base}/received")).json == expected
    assert (await calls("GET", f"{base}/received?stand-in=post")).json == expected
    assert (await calls("GET", f"{base}/received?stand-in=none")).status == 404
    assert (await calls("POST", f"{base}/reset")).status == 204
    assert (await calls("GET", f"{base}/received")).json == {"post": []}


ANSWERED: tuple[tuple[dict[str, object], int], ...] = (
    ({"kind": "answer", "status": 507, "body": {"a": 1}, "headers": {"X-A": "b"}}, 507),
    ({"kind": "answer", "status": 503, "body": "busy", "headers": {"content-type": "text/x", "Retry-After": "3"}}, 503),
    ({"kind": "html", "status": 404}, 404),
    ({"kind": "wrongContentType", "contentType": "text/csv"}, 201),
    ({"kind": "delay", "seconds": 0.01}, 201),
    ({"kind": "giant", "size": 100}, 200),
)
UNANSWERED = ("reset", "resetInHeaders", "resetInBody", "drop", "notHttp")
UNENDED = ("hang", "hangInHeaders", "hangAfterHeaders", "drip", "endless")
KINDS: list[tuple[dict[str, object], int | None]] = [
    *ANSWERED,
    *((dict[str, object](kind=kind), None) for kind in (*UNANSWERED, *UNENDED)),
]


@pytest.mark.parametrize(("wanted", "status"), KINDS, ids=[str(wanted["kind"]) for wanted, _ in KINDS])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_faults_over_the_control_api(
    sandbox: Sandbox, calls: Caller, wanted: dict[str, object], status: int | None, when: str
) -> None:
    base = f"{sandbox.control_url}__sandbox__/faults"
    assert (await calls("POST", base, json=wanted | {"when": when, "match": {"path": "/in"}})).status == 201
    kind = str(wanted["kind"])
    timeout = FOR_A_WHILE if kind in {"drip", "endless"} else WAIT if kind.startswith("hang") else PATIENT
    try:
        done = (await calls("POST", HOOK, timeout=timeout)).status
    except (aiohttp.ClientError, TimeoutError):
        assert status is None
    else:
        assert done == status
    changes_only = wanted["kind"] in {"delay", "wrongContentType"}
    await check_taken(sandbox, int(when == "after" or changes_only))
    assert (await calls("GET", base)).json == {"faults": []}


async def test_faults_are_listed_and_removed(sandbox: Sandbox, calls: Caller) -> None:
    base = f"{sandbox.control_url}__sandbox__/faults"
    for _ in range(2):
        await calls("POST", base, json={"kind": "reset", "times": None, "after_n": 2, "match": {"method": "PUT"}})
    listed = (await calls("GET", base)).json["faults"]
    assert listed[1] == {
        "id": 2,
        "kind": "reset",
        "match": {"host": "*", "method": "PUT", "path": "*"},
        "after_n": 2,
        "times": None,
    }
    assert (await calls("DELETE", f"{base}/1")).status == 204
    assert (await calls("DELETE", f"{base}/1")).status == 404
    assert (await calls("DELETE", base)).status == 204
    assert (await calls("GET", base)).json == {"faults": []}


@pytest.mark.parametrize(
    "wanted",
    [
        [],
        {},
        {"kind": "explode"},
        {"kind": "reset", "when": "never"},
        {"kind": "reset", "match": {"port": 1}},
        {"kind": "reset", "match": []},
        {"kind": "reset", "after_n": -1},
        {"kind": "reset", "times": "many"},
        {"kind": "delay", "seconds": True},
        {"kind": "answer", "headers": {"A": "b\r\nC: d"}},
        {"kind": "reset", "often": 1},
    ],
)
async def test_a_fault_that_is_none_is_refused(sandbox: Sandbox, calls: Caller, wanted: object) -> None:
    message = await calls("POST", f"{sandbox.control_url}__sandbox__/faults", json=wanted)
    assert message.status == 400
    assert message.json["error"]


async def test_the_control_api_is_for_this_machine_and_no_web_page(sandbox: Sandbox, calls: Caller) -> None:
    base = f"{sandbox.control_url}__sandbox__"
    assert (await calls("POST", f"{base}/reset", headers={"Origin": "https://elsewhere.example"})).status == 403
    assert (await calls("PUT", f"{base}/states/post", data=b'{"state": "closed"}')).status == 415
    for method, room in (("GET", "none"), ("PATCH", "states/post"), ("GET", "reset"), ("POST", "states")):
        assert (await calls(method, f"{base}/{room}")).status == 404
    await calls("GET", f"{HOOK}/__sandbox__/states")
    await calls("GET", "https://app-1.fabrikam.example/__sandbox__/states")
    assert taken(sandbox) == 2
    assert (await calls("GET", f"https://127.0.0.1:{sandbox.port}/__sandbox__/states")).status == 200


async def test_the_clock_moves_for_all(sandbox: Sandbox, calls: Caller) -> None:
    base = f"{sandbox.control_url}__sandbox__/clock"
    before = sandbox.clock.now()
    assert (await calls("POST", base, json={"advance": 3600})).status == 200
    assert sandbox.clock.now() - before >= 3600
    assert (await calls("POST", base, json={"advance": "soon"})).status == 400
    sandbox.reset()
    assert abs(sandbox.clock.now() - time.time()) < 60


async def test_the_page_shows_what_arrived_and_runs_nothing_of_it(sandbox: Sandbox, calls: Caller) -> None:
    await calls("POST", HOOK, data=b"<script>alert('x')</script>")
    sandbox.stand_in("post").choose("closed")
    await calls("POST", f"{sandbox.control_url}__sandbox__/faults", json={"kind": "reset"})
    message = await calls("GET", sandbox.control_url)
    text = message.text
    assert "&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;" in text
    assert "<script" not in text
    assert "&lt;closed&gt;" in text
    assert "1: reset" in text
    assert "1 received" in text
    assert message.headers["content-security-policy"].startswith("default-src 'none'")


async def test_a_body_in_chunks_is_taken_and_the_connection_goes_on(sandbox: Sandbox, calls: Caller) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"x"

    assert (await calls("POST", HOOK, data=chunks())).status == 201
    assert (await calls("POST", HOOK, data=chunks())).status == 201
    assert taken(sandbox) == 2


async def test_head_is_answered_without_a_body(sandbox: Sandbox, calls: Caller) -> None:
    message = await calls("HEAD", sandbox.control_url)
    assert (message.status, message.text) == (200, "")
    assert int(message.headers["content-length"]) > 100


def test_a_clock_goes_on_by_itself() -> None:
    clock = Clock()
    assert clock.moment().tzinfo is not None
    first = clock.now()
    assert clock.now() >= first


async def test_every_stand_in_of_the_house_is_there(authority: Authority) -> None:
    async with Sandbox(authority.ca_file.parent) as sandbox:
        assert {"entra", "dynamics"} <= sandbox.stand_ins.keys()
        for each in sandbox.stand_ins.values():
            assert each.state == next(iter(each.states)) == OK
            assert all(each.states.values())
            for state in each.states:
                each.choose(state)
                assert each.state == state
            each.reset()
            assert each.state == OK
        setting = parse_hosts(sandbox.hosts_setting())
        assert setting["*.dynamics.com"] == setting["login.microsoftonline.com"] == ("127.0.0.1", sandbox.port)
