"""Wrong keys are counted by person and by address, at every way to sign in; the right key is never locked out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import sqlalchemy as sa

from tests.in_process import Answer, Installation, Visitor, installation

OFFERS = "/v1/publishers/contoso/offers"
PARTNER_OFFERS = "/api/publishers/contoso/offers?api-version=2017-10-31"
STRANGER, OWNER = "203.0.113.9", "198.51.100.7"


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[Installation]:
    """An installation behind a proxy on this machine, so that a test can come from any address."""
    settings: dict[str, Any] = {"public_url": "http://leads.example", "trusted_proxies": "127.0.0.0/8"}
    async with installation(database_url, **settings) as opened:
        yield opened


async def at_portal(home: Installation, key: str, address: str) -> Answer:
    """Sign in to the portal from ``address``."""
    form, headers = {"key": key}, {"X-Forwarded-For": address}
    path = f"{home.url}/portal/sign-in"
    async with home.session.post(path, data=form, headers=headers, allow_redirects=False) as response:
        return Answer(response.status, response.headers, await response.read())


async def at_token(home: Installation, client: str, secret: str, address: str) -> Answer:
    """Ask for a token from ``address``."""
    form = {"grant_type": "client_credentials", "client_id": client, "client_secret": secret}
    headers = {"X-Forwarded-For": address}
    async with home.session.post(f"{home.url}/contoso/oauth2/token", data=form, headers=headers) as response:
        return Answer(response.status, response.headers, await response.read())


async def with_key(home: Installation, key: str, address: str, path: str = OFFERS) -> Answer:
    """A call with a key from ``address``."""
    return await Visitor(home.session, home.url, key).call("GET", path, headers={"X-Forwarded-For": address})


async def test_at_the_portal(home: Installation) -> None:
    made = await home.services.access.keys.create("publisher:contoso", by="test")
    tries = [await at_portal(home, f"lk_{n}", STRANGER) for n in range(11)]
    assert [each.status for each in tries] == [401] * 10 + [429]
    assert 1 <= int(tries[-1].headers["Retry-After"]) <= 60
    assert (await at_portal(home, made.key, OWNER)).status == 303
    assert (await at_portal(home, "lk_0", OWNER)).status == 401, "another address has its own count"


async def test_right_keys_are_not_counted(home: Installation) -> None:
    made = await home.services.access.keys.create("publisher:contoso", by="test")
    assert {(await at_portal(home, made.key, OWNER)).status for _ in range(15)} == {303}
    assert {(await at_token(home, made.id, made.key, OWNER)).status for _ in range(15)} == {200}
    assert {(await with_key(home, made.key, OWNER)).status for _ in range(15)} == {200}


async def test_where_tokens_are_made(home: Installation) -> None:
    made = await home.services.access.keys.create("publisher:contoso", by="test")
    tries = [await at_token(home, made.id, f"wrong{n}", STRANGER) for n in range(11)]
    assert [each.status for each in tries] == [401] * 10 + [429]
    assert "Retry-After" in tries[-1].headers
    assert (await at_token(home, made.id, made.key, OWNER)).status == 200, "its owner is elsewhere"


async def test_a_person_tried_from_many_addresses_is_counted_and_not_locked_out(home: Installation) -> None:
    made = await home.services.access.keys.create("publisher:contoso", by="test")
    statuses = [(await at_token(home, made.id, f"wrong{n}", f"203.0.113.{n}")).status for n in range(12)]
    assert statuses == [401] * 10 + [429] * 2
    assert (await at_token(home, made.id, made.key, OWNER)).status == 200
    other = await home.services.access.keys.create("publisher:contoso", by="test")
    assert (await at_token(home, other.id, "wrong", OWNER)).status == 401, "others are not counted with it"


@pytest.mark.parametrize("path", [OFFERS, PARTNER_OFFERS])
async def test_with_bearer_keys(home: Installation, path: str) -> None:
    made = await home.services.access.keys.create("publisher:contoso", by="test")
    tries = [await with_key(home, f"lk_{n}", STRANGER, path) for n in range(11)]
    assert [each.status for each in tries] == [401] * 10 + [429]
    assert "Retry-After" in tries[-1].headers
    assert (await with_key(home, made.key, OWNER, path)).status == 200
    assert (await with_key(home, made.key, STRANGER, path)).status == 200, "beside a stranger, behind one address"


async def test_where_leads_are_handed_in(home: Installation) -> None:
    statuses = []
    for n in range(11):
        caller = Visitor(home.session, home.url, f"lk_{n}")
        statuses.append((await caller.call("POST", "/v1/leads", {}, headers={"X-Forwarded-For": STRANGER})).status)
    assert statuses == [401] * 10 + [429]


async def test_the_door_looks_through_the_proxy(home: Installation) -> None:
    for n in range(10):
        assert (await at_portal(home, f"lk_{n}", f"10.9.9.9, {STRANGER}")).status == 401
    assert (await at_portal(home, "lk_x", STRANGER)).status == 429, "what the client claims before it does not count"


async def test_a_flood_of_wrong_keys_costs_little_and_forgets_no_good_one(home: Installation) -> None:
    keys = home.services.access.keys
    made = await keys.create("publisher:contoso", by="test")
    assert await keys.caller(made.key) is not None
    reads = count_reads(home)
    for n in range(300):
        assert await keys.caller(f"lk_{n}") is None
    assert len(reads) <= 300, "more than one read for an unknown key"
    before = len(reads)
    for _ in range(50):
        assert await keys.caller("lk_7") is None
    assert len(reads) == before, "a wrong key that was just looked for is looked for again"
    assert await keys.caller(made.key) is not None
    assert len(reads) == before, "the good key was forgotten"


async def test_a_key_of_ten_thousand_tokens_pushes_nobody_out_at_once(home: Installation) -> None:
    keys = home.services.access.keys
    good = [await keys.create("publisher:contoso", by="test") for _ in range(3)]
    for made in good:
        assert await keys.caller(made.key) is not None
    known = keys._known
    for n in range(10_000 - len(known) + 1):
        known[f"token{n}"] = known[next(iter(known))]
    another = await keys.create("publisher:contoso", by="test")
    assert await keys.caller(another.key) is not None
    assert len(known) > 9_000, "all were forgotten at once"
    assert len(known) <= 10_000


def count_reads(home: Installation) -> list[str]:
    """A list that grows with every read of the database."""
    storage, reads = home.services.storage, []
    read = storage.read

    async def counted(transaction, *args, **kwargs):  # type: ignore[no-untyped-def]
        reads.append(getattr(transaction, "__name__", ""))
        return await read(transaction, *args, **kwargs)

    storage.read = counted  # type: ignore[method-assign]
    return reads


async def test_the_table_of_keys_is_read_by_its_index(home: Installation) -> None:
    def transaction(conn: sa.Connection) -> str:
        if conn.dialect.name != "sqlite":
            return "INDEX"
        return str(conn.execute(sa.text("EXPLAIN QUERY PLAN SELECT * FROM key WHERE hash = 'x'")).all())

    assert "INDEX" in await home.services.storage.read(transaction)
