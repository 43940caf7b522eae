"""A stranger's bytes stop nobody: what one request may cost, and what stays possible while thousands are unfinished."""

from __future__ import annotations

import asyncio
import http.cookies
import math
import resource
from collections.abc import Callable, Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.journeys.conftest import MakeHub
from tests.journeys.customer import Customer
from tests.journeys.hub import SOON, Hub
from tests.journeys.stranger import HalfOpen, Meter, cost, request, say

pytestmark = pytest.mark.slow

KB, MB = 1_000, 1_000_000
MOST_CPU = 0.05
"""Seconds of the server's CPU that one request may take before it is refused or answered."""
TIMES = 3
ROUNDS = 8
"""A measurement over the limit is made again so often: what else a machine does only ever adds to one."""
BIG = 10 * MB
URLENCODED = "Content-Type: application/x-www-form-urlencoded"
MULTIPART = "Content-Type: multipart/form-data; boundary=b"
SIGN_IN = "POST /portal/sign-in"
MEMBER = "Cookie: leadkeeper_portal=MEMBER"
CHUNKED = "Transfer-Encoding: chunked"
CLOUD = "PUT /api/publishers/contoso/offers/crm?api-version=2017-10-31"


def filled(size: int, unit: str) -> str:
    return (unit * (size // len(unit) + 1))[:size]


def form_part(value: bytes, disposition: bytes = b'form-data; name="key"', more: bytes = b"") -> bytes:
    return b"--b\r\nContent-Disposition: " + disposition + b"\r\n" + more + b"\r\n" + value + b"\r\n--b--\r\n"


def chunks(size: int, each: bytes) -> bytes:
    return (b"%x\r\n" % len(each) + each + b"\r\n") * (size // len(each)) + b"0\r\n\r\n"


def form(kind: str, body: bytes) -> bytes:
    """A member's form whose length is not said before it comes."""
    return request("POST /portal/find", kind, CHUNKED, MEMBER, body=b"%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n")


Shape = Callable[[int], bytes]
HEADS: dict[str, Shape] = {
    "a cookie full of backslashes": lambda n: request("GET /portal/leads", f'Cookie: language="{filled(n, chr(92))}"'),
    "a cookie of octal escapes": lambda n: request("GET /store", f'Cookie: language="{filled(n, chr(92) + "101")}"'),
    "many cookies": lambda n: request("GET /store", f"Cookie: {filled(n, 'a=b; ')}"),
    "a long path": lambda n: request(f"GET /store/{filled(n, 'a')}"),
    "an escaped path": lambda n: request(f"GET /v1/leads/{filled(n, '%41')}"),
    "many slashes": lambda n: request(f"GET {filled(n, '/')}"),
    "a long query": lambda n: request(f"GET /store?search={filled(n, '%2B')}"),
    "many parameters": lambda n: request(f"GET /store?{filled(n, 'a&')}"),
    "a long method": lambda n: request(filled(n, "GET")),
    "empty lines": lambda n: filled(n, "\r\n").encode() + request("GET /healthz"),
    "one header": lambda n: request("GET /healthz", f"X-Long: {filled(n, 'a')}"),
    "many headers": lambda n: request("GET /healthz", *["a: b"] * (n // 6)),
    "a header's name": lambda n: request("GET /healthz", f"{filled(n, 'a')}: b"),
    "folded headers": lambda n: request("GET /healthz", "a: b" + "\r\n b" * (n // 4)),
    "a language": lambda n: request("GET /store", f"Accept-Language: {filled(n, 'a-a;q=0.1, ')}"),
    "spaces for a language": lambda n: request("GET /store", f"Accept-Language: a{filled(n, ' ')}b"),
    "proxies": lambda n: request(SIGN_IN, f"X-Forwarded-For: {filled(n, '1.1.1.1,')}", URLENCODED, body=b"key=a"),
    "a token": lambda n: request("GET /v1/leads", f"Authorization: Bearer lkt_{filled(n, 'gAAA')}"),
    "spaces before a token": lambda n: request("GET /v1/leads", f"Authorization: Bearer {filled(n, ' ')}x"),
    "an idempotency key": lambda n: request("POST /hooks/a", f"Idempotency-Key: {filled(n, 'k')}", body=b"{}"),
    "a host": lambda n: request("GET /store", f"Host: {filled(n, '[a:')}"),
    "a range": lambda n: request("GET /store/form.js", f"Range: bytes={filled(n, '0-1,')}"),
    "an origin": lambda n: request(SIGN_IN, f"Origin: {filled(n, 'https://')}", URLENCODED, body=b"key=a"),
    "a preflight": lambda n: request(
        "OPTIONS /store", "Origin: https://a.example", "Access-Control-Request-Method: POST",
        f"Access-Control-Request-Headers: {filled(n, 'a,')}",
    ),
    "a content type": lambda n: request(SIGN_IN, f"Content-Type: {filled(n, 'multipart/form-data; a=')}", body=b"x"),
    "a boundary": lambda n: request(
        SIGN_IN, f"Content-Type: multipart/form-data; boundary={filled(n, '-')}", body=b"x"
    ),
    "expecting and etags": lambda n: request(CLOUD, f"If-Match: {filled(n, 'W/' + chr(34))}", body=b"{}"),
}  # fmt: skip
FORMS: dict[str, Shape] = {
    "a form's value": lambda n: form(URLENCODED, b"key=" + b"a" * n),
    "a form's escapes": lambda n: form(URLENCODED, b"key=" + b"%41" * (n // 3)),
    "a form's fields": lambda n: form(URLENCODED, b"a&" * (n // 2)),
    "a form in punycode": lambda n: form(
        f"{MULTIPART}; charset=punycode", form_part(b"a" * 10 + b"b-" + b"9a" * (n // 2))
    ),
    "a form's line breaks": lambda n: form(MULTIPART, form_part(b"\r\n" * (n // 2))),
    "a form's half boundaries": lambda n: form(MULTIPART, form_part(b"\r\n--" * (n // 4))),
    "before a form's boundary": lambda n: form(MULTIPART, b"\r\n" * (n // 2) + form_part(b"a")),
    "after a form's boundary": lambda n: form(MULTIPART, form_part(b"a") + b"\r\n" * (n // 2)),
    "a form's parts": lambda n: form(MULTIPART, form_part(b"a")[:-8] * (n // 50)),
    "a part's headers": lambda n: form(MULTIPART, form_part(b"a", more=b"a: b\r\n" * (n // 6))),
    "a part's name": lambda n: form(MULTIPART, form_part(b"a", b'form-data; name="' + b'\\"' * (n // 2) + b'"')),
    "a client's token": lambda n: request("POST /common/oauth2/token", URLENCODED, body=b"a=%41&" * (n // 6)),
}
BODIES: dict[str, Shape] = {
    "a hook's nesting": lambda n: request("POST /hooks/a", body=b"[" * n),
    "a hook's pieces": lambda n: request("POST /hooks/a", CHUNKED, body=chunks(n // 6, b"[")),
    "a hook's chunk names": lambda n: request(
        "POST /hooks/a", CHUNKED, body=b"1;a=" + b"b" * n + b"\r\n{\r\n0\r\n\r\n"
    ),
    "a hook's last headers": lambda n: request(
        "POST /hooks/a", CHUNKED, body=b"0\r\n" + b"a: b\r\n" * (n // 6) + b"\r\n"
    ),
    "a lead of a stranger": lambda n: request("POST /v1/leads", "Content-Type: application/json", body=b"[" * n),
    "an offer of a stranger": lambda n: request(CLOUD, "Content-Type: application/json", body=b"[" * n),
    "an offer in pieces": lambda n: request(
        CLOUD, "Content-Type: application/json", CHUNKED, body=chunks(n // 2, b"[" * 14)
    ),
    "a page's body": lambda n: request("GET /healthz", body=b"a" * n),
}  # fmt: skip


@pytest.fixture
async def hub(make_hub: MakeHub, tmp_path: Path) -> Hub:
    """An API process."""
    made = await make_hub(f"sqlite+aiosqlite:///{tmp_path / 'leadkeeper.db'}")
    await made.start("api")
    return made


async def signed_in(hub: Hub) -> str:
    """The token of a member who has signed in to the portal."""
    jar = aiohttp.CookieJar(unsafe=True)
    async with (
        aiohttp.ClientSession(cookie_jar=jar) as browser,
        browser.post(f"{hub.url}/portal/sign-in", data={"key": hub.key}) as response,
    ):
        assert response.status == 200
    (token,) = (cookie.value for cookie in jar if cookie.key == "leadkeeper_portal")
    return token


async def measured(hub: Hub, shape: Shape, token: bytes) -> list[str]:
    """What is wrong with how long such requests, doubled and doubled again, keep the server busy."""
    meter = Meter(hub.processes[0].pid)
    await say(hub.port, shape(10))
    sizes = [32 * KB << n for n in range(9)] + [10 * MB]
    for size in sizes:
        content, least = shape(size).replace(b"=MEMBER", b"=" + token), math.inf
        statuses: set[int] = set()
        for _ in range(ROUNDS):
            used, message = await cost(hub.port, meter, content, TIMES)
            least, statuses = min(least, used), {each.status for each in message}
            if least <= MOST_CPU:
                break
        else:
            return [f"{size} bytes: {least * 1000:.0f} ms of CPU, answered {statuses}"]
        if size == sizes[0] and 0 in statuses:
            return [f"{size} bytes: no answer"]
    return []


@pytest.mark.parametrize("shapes", [HEADS, FORMS, BODIES], ids=["heads", "forms", "bodies"])
async def test_no_request_costs_much_however_long_it_is(hub: Hub, shapes: dict[str, Shape]) -> None:
    token = (await signed_in(hub)).encode()
    wrong = {name: summary for name, shape in shapes.items() if (summary := await measured(hub, shape, token))}
    assert not wrong
    status, _ = await hub.call("GET", "/healthz")
    assert status == 200


async def test_the_start_warns_of_a_python_that_reads_cookies_slowly(hub: Hub) -> None:
    fixed = hasattr(http.cookies, "_unquote_sub")  # which the fix brought
    assert ("CVE-2024-7592" in hub.tail(100)) is not fixed


async def test_a_head_is_refused_as_soon_as_it_is_too_long(hub: Hub) -> None:
    # Its end never comes, and nothing more than this is sent: a server that reads on would wait.
    unfinished = request("GET /healthz", *["X-More: " + "a" * 100] * 1_000)[: 64 * KB]
    message = await say(hub.port, unfinished)
    assert message.status == 431


@pytest.fixture
def many_files() -> Iterator[None]:
    """This process may open as many files as it needs connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 10_000), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize(
    "beginning",
    [
        b"",
        b"GET /portal HTTP/1.1\r\nHost: leads.example\r\nX-Slow: ",
        b"POST /portal/sign-in HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\n\r\nkey=",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
    ids=["nothing said", "half a head", "half a body", "nothing more"],
)
@pytest.mark.usefixtures("many_files")
async def test_thousands_of_half_open_connections_stop_nobody(
    make_hub: MakeHub, tmp_path: Path, beginning: bytes
) -> None:
    # The deadlines are far away: what is shown does not come from them.
    slow = {"HEAD_SECONDS": 600, "BODY_SECONDS": 600}
    hub = await make_hub(f"sqlite+aiosqlite:///{tmp_path / 'leadkeeper.db'}", **slow)
    hub.files = 1_024  # what Debian allows by default
    await hub.start("api")
    async with Customer(hub.url) as member:
        page = await member.open("/portal")
        page = await member.send(page.form("key"), {"key": hub.key})
        assert page.status == 200
        async with HalfOpen(hub.port, 2_000, beginning) as stood:
            assert stood.begun >= 1_000
            for _ in range(3):
                async with asyncio.timeout(SOON), aiohttp.ClientSession() as newcomer:
                    async with newcomer.get(f"{hub.url}/healthz") as response:
                        assert response.status == 200
                    page = await member.open("/portal/leads")
                    assert page.status == 200
                    assert "Sign out" in page.text
                    # The database's files can still be opened.
                    status, _ = await hub.call("GET", "/readyz")
                    assert status == 200
