"""Guesses are counted over all processes of an installation, and strangers lock nobody out of their own browser."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import sqlalchemy as sa

from leadkeeper.access.people.guesses import Guesses
from leadkeeper.access.permissions import Role
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import open_storage
from tests.in_process import Installation, installation
from tests.journeys.customer import Customer
from tests.people import add, sign_in


@pytest.fixture
async def two(database_url: str) -> AsyncIterator[tuple[Guesses, Guesses]]:
    """The same counts as two processes see them; the clock stands still."""
    async with AsyncExitStack() as stack:
        made = []
        for _each in range(2):
            storage = open_storage(database_url)
            stack.push_async_callback(storage.close)
            made.append(Guesses(storage, "test", 3, 1_000, lambda: NOW[0]))
        NOW[0] = 1_000_000
        yield made[0], made[1]


NOW = [0]


async def test_two_processes_give_no_more_guesses_than_one(two: tuple[Guesses, Guesses]) -> None:
    one, other = two
    waits = [await each.count("ada") for each in (one, other, one, other, one)]
    assert waits == [0, 0, 0, 1_000, 1_000]
    assert await other.count("grace") == 0
    NOW[0] += 999
    assert await one.count("ada") == 1
    NOW[0] += 1
    assert await other.count("ada") == 0, "the time is over"
    await other.take_back("ada")
    assert [await one.count("ada") for _each in range(4)] == [0, 0, 0, 1_000]


async def test_guesses_of_one_moment_are_all_counted(two: tuple[Guesses, Guesses]) -> None:
    waits = await asyncio.gather(*(each.count("ada") for each in two for _more in range(10)))
    assert sorted(waits) == [0] * 3 + [1_000] * 17


async def test_rows_go_when_their_time_is_over(two: tuple[Guesses, Guesses]) -> None:
    one, _other = two
    await asyncio.gather(*(one.count(str(number)) for number in range(20)))
    NOW[0] += 120_000
    await one.count("last")
    left = await one._storage.read(lambda conn: conn.scalar(sa.select(sa.func.count()).select_from(t.guess)))
    assert left == 1


async def test_a_guesser_at_two_processes_waits_and_the_owner_does_not(database_url: str) -> None:
    async with (
        installation(database_url, public_url="http://leads.example", sign_in_limit="4/minute") as one,
        second(database_url) as other,
        Customer(one.url) as owner,
    ):
        email = await add(one, Role.OWNER)
        assert (await sign_in(owner, email)).status == 200
        answers = []
        for home in (one, other, one, other, one, other):
            async with Customer(home.url) as stranger:
                answers.append((await sign_in(stranger, email, "wrong")).status)
        assert answers == [401] * 4 + [429] * 2
        assert (await sign_in(owner, email)).status == 200, "a browser that is known is counted by itself"
        kept = await one.services.storage.read(lambda conn: str(conn.execute(sa.select(t.guess)).all()))
        assert "@" not in kept


def second(database_url: str):  # type: ignore[no-untyped-def]
    """Another process of the installation: its services and doors over the same database."""
    from contextlib import asynccontextmanager

    from pydantic import SecretStr

    from leadkeeper.app import open_services
    from leadkeeper.entrances import open_doors
    from leadkeeper.settings import Settings
    from tests.in_process import SECRET_KEY, listening

    @asynccontextmanager
    async def opened() -> AsyncIterator[Installation]:
        given = Settings(
            database_url=database_url,
            secret_key=SecretStr(SECRET_KEY),
            public_url="http://leads.example",
            sign_in_limit="4/minute",
        )
        async with (
            open_services(given, worker=False) as installation,
            listening(open_doors(given, installation)) as url,
        ):
            yield Installation(installation.services, url, None)  # type: ignore[arg-type]

    return opened()
