"""What strangers ask for has a share of the database of its own: nobody else's page waits for it. Both databases."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Final

import pytest
import sqlalchemy as sa

from leadkeeper.access import hooks
from leadkeeper.access.keys import hashed
from leadkeeper.access.permissions import Role
from leadkeeper.gate import STRANGERS, VISITORS, acting_for, on_behalf_of
from leadkeeper.publishing import showcase
from leadkeeper.storage.engine import StorageAway
from leadkeeper.storage.postgresql import POOL
from leadkeeper.storage.sqlite import READERS
from tests.contracts.stopped import SECONDS, Stopped
from tests.contracts.test_portal import home
from tests.in_process import OFFER, Answer, Installation, hand_in
from tests.journeys.customer import Customer
from tests.people import signed_in
from tests.shop import open_shop

__all__ = ["home"]

FLOOD: Final = 40
PAYLOAD: Final = {"UserDetails": {"Email": "ada@contoso.example"}, "LeadSource": "SPZA-INS|contoso.crm-pro"}


@contextlib.asynccontextmanager
async def hanging(
    database_url: str, patch: pytest.MonkeyPatch, module: object, name: str, only: Callable[..., bool]
) -> AsyncIterator[Stopped]:
    """Meanwhile this transaction hangs wherever ``only`` says so of its arguments."""
    transaction = getattr(module, name)
    async with Stopped(database_url) as stopped:

        def stop(conn: sa.Connection, *args: Any) -> Any:
            if only(*args):
                stopped.act(conn)
            return transaction(conn, *args)

        patch.setattr(module, name, stop)
        yield stopped


@pytest.fixture
async def people(home: Installation) -> AsyncIterator[tuple[Customer, Customer]]:
    """Somebody of a publisher and an operator, signed in, in a shop."""
    await open_shop(home.services)
    async with signed_in(home, Role.OWNER) as member, signed_in(home, Role.OPERATOR, None) as operator:
        yield member, operator


async def all_are_answered(home: Installation, people: Sequence[Customer]) -> None:
    """A publisher's people, the operator's, and whoever hands in leads."""
    operator = await home.visitor("operator")
    publisher = await home.visitor("publisher:contoso")
    async with asyncio.timeout(SECONDS):
        for person in people:
            for path in ("/portal", "/portal/leads", "/portal/offers/contoso/planner"):
                page = await person.open(path)
                assert page.status == 200, page.text
        assert (await publisher.get("/v1/leads")).status == 200
        assert await hand_in(operator)


def half_of_the_readers_are_free(database_url: str, stopped: Stopped) -> None:
    """As many strangers at most are served at once."""
    assert 1 <= stopped.begun <= (POOL if database_url.startswith("postgresql") else READERS) // 2


async def arrived(count: Callable[[], int], most: int) -> None:
    """Return when so many requests have come in."""
    async with asyncio.timeout(SECONDS):
        while count() < most:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def flood_of_searches(
    home: Installation, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Stopped, list[asyncio.Task[Answer]]]]:
    """So many searches of the storefront, none of which ends before the test lets it."""
    came = 0
    async with hanging(database_url, monkeypatch, showcase, "_shelf", lambda words, *_: "flood" in words) as stopped:
        offers = showcase.Showcase.offers

        async def counted(self: showcase.Showcase, *args: Any, **more: Any) -> showcase.Shelf:
            nonlocal came
            came += 1
            return await offers(self, *args, **more)

        monkeypatch.setattr(showcase.Showcase, "offers", counted)
        searches = [asyncio.create_task(home.anyone.get("/store?search=flood")) for _ in range(FLOOD)]
        await stopped.until(1)
        await arrived(lambda: came, FLOOD)
        yield stopped, searches


async def test_a_flood_of_searches_holds_up_visitors_alone(
    home: Installation, people: Sequence[Customer], database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with flood_of_searches(home, database_url, monkeypatch) as (stopped, searches):
        await all_are_answered(home, people)
        async with asyncio.timeout(SECONDS), signed_in(home, Role.READER) as newcomer:
            await all_are_answered(home, [newcomer])
            hook = (await (await home.visitor("operator")).post(f"{OFFER}/hooks")).json()["token"]
            assert (await home.anyone.post(f"/hooks/{hook}", PAYLOAD)).status == 200
        half_of_the_readers_are_free(database_url, stopped)
        assert not any(search.done() for search in searches)
        await stopped.__aexit__()
        async with asyncio.timeout(SECONDS):
            assert {answer.status for answer in await asyncio.gather(*searches)} == {200}


async def test_a_flood_of_unknown_hooks_holds_up_nobody_else(
    home: Installation, people: Sequence[Customer], database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    unknown = {hashed(f"lh_{number}") for number in range(FLOOD)}
    looked = hooks.Hooks.hook_of
    came = 0

    async def counted(self: hooks.Hooks, token: str) -> hooks.KnownHook | None:
        nonlocal came
        came += 1
        return await looked(self, token)

    monkeypatch.setattr(hooks.Hooks, "hook_of", counted)
    async with hanging(database_url, monkeypatch, hooks, "_find", lambda digest, _: digest in unknown) as stopped:
        posts = [asyncio.create_task(home.anyone.post(f"/hooks/lh_{number}", PAYLOAD)) for number in range(FLOOD)]
        await stopped.until(1)
        await arrived(lambda: came, FLOOD)
        await all_are_answered(home, people)
        async with asyncio.timeout(SECONDS):
            assert (await home.anyone.get("/store?search=planner")).status == 200
        half_of_the_readers_are_free(database_url, stopped)
        assert not any(post.done() for post in posts)
        await stopped.__aexit__()
        async with asyncio.timeout(SECONDS):
            assert {answer.status for answer in await asyncio.gather(*posts)} == {404}


async def test_whoever_waits_in_vain_is_told_to_come_again(
    home: Installation, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with flood_of_searches(home, database_url, monkeypatch) as (stopped, searches):
        for name in ("_readers", "_places"):
            if (gate := getattr(home.services.storage, name, None)) is not None:
                monkeypatch.setattr(gate, "_queue", 0)  # whoever comes now has nowhere to wait
        async with asyncio.timeout(SECONDS):
            answer = await home.anyone.get("/store")
        assert answer.status == 503
        assert int(answer.headers["Retry-After"]) > 0
        with on_behalf_of(VISITORS, "127.0.0.1"), pytest.raises(StorageAway) as told:
            await home.services.storage.read(lambda conn: conn.scalar(sa.select(1)))
        assert told.value.reason == "too many wait for the database just now"
        await stopped.__aexit__()
        await asyncio.gather(*searches)


@pytest.mark.parametrize(
    ("method", "path", "form"),
    [
        ("GET", "/", ""),
        ("GET", "/store", ""),
        ("GET", "/store/offers/contoso/planner", ""),
        ("GET", "/contacts/none", ""),
        ("POST", "/portal/sign-in", "key=lk_nobody"),
        ("POST", "/portal/sign-in", "email=ada%40contoso.example&password=wrong"),
        ("GET", "/portal/invitation/lko_nothing", ""),
        ("POST", "/organisation/oauth2/token", "grant_type=client_credentials&client_id=x&client_secret=y"),
        ("POST", "/hooks/lh_nothing", "{}"),
    ],
)
async def test_what_strangers_ask_for_is_at_their_own_expense(
    home: Installation, monkeypatch: pytest.MonkeyPatch, method: str, path: str, form: str
) -> None:
    await open_shop(home.services)
    read, seen = home.services.storage.read, set()

    async def noting(*args: Any, **more: Any) -> Any:
        seen.add(acting_for())
        return await read(*args, **more)

    monkeypatch.setattr(home.services.storage, "read", noting)
    kind = "application/json" if path.startswith("/hooks") else "application/x-www-form-urlencoded"
    headers = {"Accept": "text/html", "Origin": home.url} | ({"Content-Type": kind} if form else {})
    async with home.session.request(
        method, home.url + path, data=form or None, headers=headers, allow_redirects=False
    ) as answer:
        await answer.read()
    assert seen & STRANGERS, (answer.status, seen)
