"""Requests that no browser of an honest customer sends: unfinished, forged by another site, or without a key."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any

import aiohttp
import pytest

from tests.contracts.test_portal import signed_in
from tests.in_process import Installation, Visitor, installation
from tests.journeys.customer import Customer
from tests.shop import ANSWERS, open_shop

DATABASES = ("sqlite",)
"""What is refused here is refused before a database is asked: how requests are read does not depend on it."""

AT = "/store/offers/contoso/planner/contact-me"
ELSEWHERE: tuple[Mapping[str, str], ...] = (
    {"Origin": "null"},
    {"Origin": "https://evil.example"},
    {"Origin": "null", "Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
)


async def raw(home: Installation, content: bytes, seconds: float = 60, *, more: bytes = b"", pause: float = 0) -> bytes:
    """All that is answered to ``content``, and to ``more`` after a pause, until the connection is closed."""
    host, _, port = home.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        if pause:
            writer.write(content)
            await asyncio.sleep(pause)
            writer.write(more)
        else:
            writer.write(content + more)
        await writer.drain()
        return await asyncio.wait_for(reader.read(), seconds)
    finally:
        writer.transport.abort()


async def statuses(home: Installation, path: str, data: Mapping[str, str], headers: Mapping[str, str]) -> int:
    async with home.session.post(home.url + path, data=data, headers=headers, allow_redirects=False) as response:
        return response.status


class TestForms:
    @pytest.mark.parametrize("headers", ELSEWHERE, ids=str)
    async def test_another_site_s_form_is_refused_by_the_storefront(
        self, home: Installation, headers: Mapping[str, str]
    ) -> None:
        await open_shop(home.services)
        form = ANSWERS | {"consent": "yes"}
        assert await statuses(home, AT, form, headers) == 403
        own = {"Origin": home.url, "Sec-Fetch-Site": "same-origin"}
        assert await statuses(home, AT, form, own) == 303

    @pytest.mark.parametrize("headers", ELSEWHERE, ids=str)
    async def test_another_site_s_form_is_refused_by_the_portal(
        self, database_url: str, headers: Mapping[str, str]
    ) -> None:
        async with installation(database_url, public_url="http://leads.example") as home:
            made = await home.services.access.keys.create("operator", by="test")
            assert await statuses(home, "/portal/sign-in", {"key": made.key}, headers) == 403
            assert await statuses(home, "/portal/sign-in", {"key": made.key}, {"Origin": home.url}) == 303
            async with Customer(home.url) as member:
                page = await signed_in(home, member, "operator")
                form = page.form("text")
                async with member._session.post(form.action, data=form.values | {"text": "a"}, headers=headers) as got:
                    assert got.status == 403

    async def test_a_site_that_may_show_the_form_may_send_it(self, database_url: str) -> None:
        async with installation(database_url, form_origins="https://shop.example") as home:
            await open_shop(home.services)
            form = ANSWERS | {"consent": "yes"}
            message = {"Origin": "https://shop.example", "Sec-Fetch-Site": "cross-site"}
            assert await statuses(home, AT, form, message) == 303
            assert await statuses(home, "/portal/sign-in", {"key": "lk_a"}, message) == 403

    async def test_a_proxy_that_may_says_that_the_page_came_over_tls(self, database_url: str) -> None:
        async with installation(database_url, public_url="http://x.example", trusted_proxies="127.0.0.1") as home:
            await open_shop(home.services)
            message = {"Origin": home.url.replace("http:", "https:"), "X-Forwarded-Proto": "https"}
            assert await statuses(home, AT, ANSWERS | {"consent": "yes"}, message) == 303

    async def test_all_lines_of_forwarded_addresses_count(self, database_url: str) -> None:
        async with installation(database_url, form_limit="1/minute", trusted_proxies="127.0.0.1") as home:
            await open_shop(home.services)
            lines = ("203.0.113.7", "203.0.113.7:4711", "[::ffff:203.0.113.7]")
            found = [await statuses(home, AT, ANSWERS, {"X-Forwarded-For": line}) for line in lines]
            assert found == [422, 429, 429]

    async def test_a_form_is_read_as_utf_8_whatever_it_claims(self, home: Installation) -> None:
        await open_shop(home.services)
        with aiohttp.MultipartWriter("form-data") as form:
            for name, value in (ANSWERS | {"firstName": "Zoë", "email": "no", "consent": "yes"}).items():
                form.append(value).set_content_disposition("form-data", name=name)
        kind = form.headers["Content-Type"] + "; charset=utf-7"
        async with home.session.post(home.url + AT, data=form, headers={"Content-Type": kind}) as response:
            assert response.status == 422
            assert "Zoë" in await response.text()

    async def test_a_form_without_a_length_is_bounded_too(self, home: Installation) -> None:
        await open_shop(home.services)

        async def body() -> Any:
            for _ in range(100):
                yield b"notes=" + b"x" * 1_000 + b"&"

        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        async with home.session.post(home.url + AT, data=body(), headers=kind) as response:
            assert response.status == 413


class TestUnfinished:
    async def test_headers_that_do_not_end_are_given_up(self, database_url: str) -> None:
        async with installation(database_url, head_seconds=0.5) as home:
            assert (await raw(home, b"GET /healthz HTTP/1.1\r\nHost: a\r\n")).startswith(b"HTTP/1.1 408 ")
            assert await raw(home, b"") == b""
            answered = await raw(home, b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\nGET /hea")
            assert answered.startswith(b"HTTP/1.1 200 ")
            assert b"HTTP/1.1 408 " in answered

    async def test_a_body_that_does_not_end_is_given_up(self, database_url: str) -> None:
        async with installation(database_url, body_seconds=0.5) as home:
            head = b"POST /hooks/a HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n"
            assert (await raw(home, head + b"{")).startswith(b"HTTP/1.1 408 ")

    async def test_one_address_has_so_many_connections_and_the_oldest_unfinished_goes(self, database_url: str) -> None:
        async with installation(database_url, connections_per_address=8) as home:
            host, _, port = home.url.removeprefix("http://").partition(":")
            opened = [await asyncio.open_connection(host, int(port)) for _ in range(10)]
            for reader, _ in opened[:2]:
                assert await asyncio.wait_for(reader.read(), 60) == b""
            assert (await home.anyone.get("/healthz")).status == 200
            reader, writer = opened[-1]
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
            assert (await asyncio.wait_for(reader.readline(), 60)).startswith(b"HTTP/1.1 200")
            for _, writer in opened:
                writer.transport.abort()

    @pytest.mark.parametrize("pause", [0, 0.2], ids=["one piece", "two pieces"])
    @pytest.mark.parametrize("length", [b"Content-Length: %d", b"Transfer-Encoding: chunked"])
    async def test_a_body_is_never_taken_for_the_next_request(
        self, home: Installation, length: bytes, pause: float
    ) -> None:
        """Whoever asks for another protocol: a proxy would hand the answer to it to somebody else."""
        hidden = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
        head = b"POST /hooks/a HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"
        head += (length % len(hidden) if b"%d" in length else length) + b"\r\n\r\n"
        answered = await raw(home, head, more=hidden, pause=pause)
        assert answered.startswith(b"HTTP/1.1 400 ")
        assert b"Upgrade" in answered
        assert answered.count(b"HTTP/1.1") == 1

    @pytest.mark.parametrize("pause", [0, 0.2], ids=["one piece", "two pieces"])
    async def test_what_comes_behind_an_upgrade_is_answered_by_a_connection_that_ends(
        self, home: Installation, pause: float
    ) -> None:
        head = b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
        answered = await raw(home, head, more=b"GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n", pause=pause)
        assert answered.startswith(b"HTTP/1.1 200 ")
        assert b"connection: close" in answered
        assert answered.count(b"HTTP/1.1") == 1

    async def test_a_head_over_the_limit_is_refused_as_a_problem(self, home: Installation) -> None:
        answered = await raw(home, b"GET /healthz HTTP/1.1\r\nX: " + b"a" * 20_000)
        assert answered.startswith(b"HTTP/1.1 431 ")
        assert b"/docs/reference/problems.html#head-too-large" in answered

    @pytest.mark.parametrize(
        "asked",
        [
            b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"\x16\x03\x01\x02\x00",
            b"POST /hooks/a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            b"POST /hooks/a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
        ],
    )
    async def test_what_is_no_request_is_refused_as_a_problem(self, home: Installation, asked: bytes) -> None:
        answered = await raw(home, asked)
        assert answered.startswith(b"HTTP/1.1 400 ")
        assert b"/docs/reference/problems.html#malformed-request" in answered

    async def test_a_body_in_crumbs_is_refused(self, home: Installation) -> None:
        """Each chunk costs a call: a body of single bytes would cost a thousand times what it weighs."""
        head = b"POST /v1/leads HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        answered = await raw(home, head + b"1\r\na\r\n" * 10_000 + b"0\r\n\r\n")
        assert not answered or answered.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 401 "))
        some = await raw(home, head + b"1\r\na\r\n" * 100 + b"0\r\n\r\nGET / HTTP/1.1\r\nConnection: close\r\n\r\n")
        assert re.findall(rb"HTTP/1.1 (\d+) ", some) == [b"401", b"404"]

    async def test_requests_behind_one_another_are_answered_in_order(self, home: Installation) -> None:
        """Pipelined, the last one's head in two pieces; and a body larger than is parsed at once."""
        large = b'{"a": "' + b"x" * 50_000 + b'"}'
        asked = b"".join(
            (
                b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n" * 1_000,
                b"POST /hooks/a HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(large) + large,
                b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
            )
        )
        answered = await raw(home, asked)
        assert re.findall(rb"HTTP/1.1 (\d+) ", answered) == [b"200"] * 1_000 + [b"404", b"200"]


class TestHeaders:
    async def test_answers_of_the_api_are_neither_stored_nor_guessed_at(
        self, home: Installation, operator: Visitor
    ) -> None:
        hook = (await operator.post("/v1/publishers/contoso/offers/crm-pro/hooks")).json()
        for answer in (
            await operator.get("/v1/leads"),
            await operator.post("/v1/leads", {}),
            await home.anyone.get("/v1/leads"),
            await home.anyone.get("/healthz"),
            await home.anyone.get("/nothing"),
            await home.anyone.post(f"/hooks/{hook['token']}", {"Description": "a"}),
            await operator.get("/api/publishers/contoso/offers?api-version=2017-10-31"),
            await home.anyone.get("/api/publishers"),
            await home.anyone.post("/common/oauth2/token"),
        ):
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Cache-Control"] == "no-store"

    async def test_browsers_are_told_to_come_over_tls_only_where_there_is_tls(self, database_url: str) -> None:
        async with installation(database_url, public_url="https://leads.example") as home:
            for path in ("/healthz", "/store", "/portal/sign-in", "/store/form.js"):
                assert "max-age=" in (await home.anyone.get(path)).headers["Strict-Transport-Security"]

    async def test_nobody_is_told_so_without_tls(self, database_url: str) -> None:
        plain: dict[str, Any] = {"public_url": "http://leads.example"}
        summary = {"X-Forwarded-Proto": "https"}
        async with installation(database_url, **plain) as home:
            for headers in ({}, summary):
                answer = await home.anyone.call("GET", "/store", headers=headers)
                assert "Strict-Transport-Security" not in answer.headers

    async def test_a_proxy_that_may_says_so(self, database_url: str) -> None:
        plain: dict[str, Any] = {"public_url": "http://leads.example", "trusted_proxies": "127.0.0.1"}
        async with installation(database_url, **plain) as home:
            answer = await home.anyone.call("GET", "/store", headers={"X-Forwarded-Proto": "https"})
            assert "Strict-Transport-Security" in answer.headers
            assert "Strict-Transport-Security" not in (await home.anyone.get("/store")).headers


class TestMeasurements:
    async def test_they_need_an_operator_s_key(self, home: Installation, operator: Visitor) -> None:
        (await home.anyone.get("/metrics")).problem(401, "unauthorized")
        for role in ("marketplace", "publisher:contoso"):
            (await (await home.visitor(role)).get("/metrics")).problem(403, "forbidden")
        assert "leadkeeper_leads" in (await operator.get("/metrics")).body.decode()

    async def test_a_setting_opens_them(self, database_url: str) -> None:
        async with installation(database_url, metrics_open=True) as home:
            assert (await home.anyone.get("/metrics")).status == 200
