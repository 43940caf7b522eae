"""Sessions of the portal: they end on the server, and their tokens are good for nothing else. On both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import sqlalchemy as sa

from leadkeeper.storage import tables as t
from tests.in_process import Installation, Visitor, installation
from tests.journeys.customer import Customer

COOKIE = "leadkeeper_portal"
OFFERS = "/v1/publishers/contoso/offers"
PARTNER_OFFERS = "/api/publishers/contoso/offers?api-version=2017-10-31"


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[Installation]:
    """An installation whose address is plain, so that cookies come back over plain HTTP."""
    async with installation(database_url, public_url="http://leads.example") as opened:
        yield opened


async def signed_in(home: Installation, key: str) -> str:
    """The cookie's token after signing in with ``key``."""
    async with home.session.post(f"{home.url}/portal/sign-in", data={"key": key}, allow_redirects=False) as response:
        assert response.status == 303, await response.text()
        return response.cookies[COOKIE].value


async def is_in(home: Installation, token: str) -> bool:
    """Whether the portal shows its first page to whoever sends this cookie."""
    jar = aiohttp.DummyCookieJar()
    async with (
        aiohttp.ClientSession(cookie_jar=jar) as session,
        session.get(f"{home.url}/portal", headers={"Cookie": f"{COOKIE}={token}"}, allow_redirects=False) as response,
    ):
        assert response.status in (200, 303)
        return response.status == 200


async def test_signing_out_ends_the_session_on_the_server(home: Installation) -> None:
    made = await home.services.access.keys.create("publisher:contoso", by="test")
    async with Customer(home.url) as visitor:
        page = await visitor.open("/portal")
        page = await visitor.send(page.form("key"), {"key": made.key})
        token = next(cookie.value for cookie in visitor._session.cookie_jar if cookie.key == COOKIE)
        other = await signed_in(home, made.key)
        assert await is_in(home, token)
        (form,) = [form for form in page.forms if form.action.endswith("/sign-out")]
        await visitor.send(form, {})
    assert not await is_in(home, token), "a copy of the cookie is still good"
    assert await is_in(home, other), "another session of the same person goes on"


async def test_a_session_s_token_is_refused_as_a_bearer(home: Installation) -> None:
    made = await home.services.access.keys.create("publisher:contoso", by="test")
    token = await signed_in(home, made.key)
    bearer = Visitor(home.session, home.url, token)
    (await bearer.get(OFFERS)).problem(401, "unauthorized")
    assert (await bearer.get(PARTNER_OFFERS)).status == 401
    (await bearer.post("/v1/leads", {})).problem(401, "unauthorized")
    form = {"grant_type": "client_credentials", "client_id": made.id, "client_secret": token}
    async with home.session.post(f"{home.url}/contoso/oauth2/token", data=form) as response:
        assert response.status == 401
    assert await is_in(home, token)


async def test_a_key_and_an_access_token_are_refused_as_the_portal_s_cookie(home: Installation) -> None:
    made = await home.services.access.keys.create("publisher:contoso", by="test")
    form = {"grant_type": "client_credentials", "client_id": made.id, "client_secret": made.key}
    async with home.session.post(f"{home.url}/contoso/oauth2/token", data=form) as response:
        token = (await response.json())["access_token"]
    assert (await Visitor(home.session, home.url, token).get(OFFERS)).status == 200
    assert not await is_in(home, token)
    assert not await is_in(home, made.key)


async def test_revoking_a_key_ends_its_sessions(home: Installation) -> None:
    made = await home.services.access.keys.create("publisher:contoso", by="test")
    tokens = [await signed_in(home, made.key) for _ in range(2)]
    await home.services.access.keys.revoke(made.id)
    assert [await is_in(home, token) for token in tokens] == [False, False]
    ended = await home.services.storage.read(lambda conn: conn.scalars(sa.text("SELECT ended_at FROM session")).all())
    assert len(ended) == 2
    assert None not in ended


async def test_a_session_ends_when_idle_and_in_the_end_anyway(database_url: str) -> None:
    settings: dict[str, Any] = {"public_url": "http://leads.example", "session_hours": 8, "session_idle_minutes": 30}
    async with installation(database_url, **settings) as home:
        made = await home.services.access.keys.create("publisher:contoso", by="test")
        idle, old, fresh = [await signed_in(home, made.key) for _ in range(3)]
        await age(home, idle, seen=31 * 60_000)
        await age(home, old, begun=8 * 3_600_000 + 1)
        await age(home, fresh, seen=29 * 60_000, begun=7 * 3_600_000)
        assert [await is_in(home, token) for token in (idle, old, fresh)] == [False, False, True]
        await age(home, fresh, seen=0)


async def test_when_a_session_was_seen_is_written_once_a_minute(home: Installation) -> None:
    made = await home.services.access.keys.create("publisher:contoso", by="test")
    token = await signed_in(home, made.key)
    first = await seen(home)
    assert await is_in(home, token)
    assert await seen(home) == first, "a page of the same minute writes nothing"
    await age(home, token, seen=61_000)
    assert await is_in(home, token)
    assert await seen(home) >= first, "one of the next minute does"


async def test_neither_a_token_nor_a_key_stands_in_the_database(home: Installation) -> None:
    made = await home.services.access.keys.create("publisher:contoso", by="test")
    token = await signed_in(home, made.key)
    rows = await home.services.storage.read(lambda conn: conn.execute(sa.select(t.metadata.tables["session"])).all())
    assert len(rows) == 1
    assert token not in str(rows)
    assert made.key not in str(rows)


async def age(home: Installation, token: str, *, seen: int = 0, begun: int = 0) -> None:
    """Make a session older: last seen, begun so many milliseconds ago."""
    from leadkeeper.access.keys import hashed

    def transaction(conn: sa.Connection) -> None:
        session = t.metadata.tables["session"]
        columns = session.c
        changed = conn.execute(
            sa.update(session)
            .where(columns.token_hash == hashed(token))
            .values(
                seen_at=columns.seen_at - seen,
                created_at=columns.created_at - begun,
                until=columns.until - begun,
            )
        )
        assert changed.rowcount == 1

    await home.services.storage.write(transaction)


async def seen(home: Installation) -> int:
    """When the only session was last seen."""
    found = await home.services.storage.read(lambda conn: conn.scalar(sa.text("SELECT seen_at FROM session")))
    assert found is not None
    return int(found)
