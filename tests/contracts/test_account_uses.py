"""The count of what a system takes in 24 hours: its window, its clock, and several processes. Both databases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

import pytest
import sqlalchemy as sa

from leadkeeper.clock import now_ms
from leadkeeper.connections.connection import Connection
from leadkeeper.connections.usage import prune_uses
from leadkeeper.delivery.worker import Worker
from leadkeeper.destinations.interface import Context
from leadkeeper.network.client import Network, NetworkPolicy
from leadkeeper.storage import tables as t
from leadkeeper.storage.database_clock import agree
from leadkeeper.storage.engine import Storage, StorageAway, open_storage
from tests.contracts.installation import CRM, TestInstallation, furnished
from tests.contracts.usage import usage_of, used

MINUTE: Final = 60_000
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
NOON: Final = 1_800_000_000_000 // DAY * DAY + 12 * HOUR
SALESFORCE: Final = {
    "leadDestination": "salesforce",
    "salesforceLeadConfiguration": {"objectIdentifier": "00D58000000JmlM"},
}


class Time:
    """A clock that stands where it is put."""

    now = NOON

    def __call__(self) -> int:
        return self.now


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[tuple[TestInstallation, Connection]]:
    async with furnished(url) as home:
        made, _, _ = await home.connections.put(CRM, "primary", SALESFORCE, by="test")
        assert made is not None
        yield home, made


async def rows(storage: Storage) -> int:
    query = sa.select(sa.func.count()).select_from(t.account_use)
    return await storage.read(lambda conn: conn.scalar(query) or 0)


async def test_a_lead_counts_for_24_hours_and_five_minutes_more_at_most(database_url: str) -> None:
    time = Time()
    async with connected(database_url) as (home, connection):
        usage = usage_of(home.storage, connection, time)
        assert [(await usage.take(3)).used for _ in range(2)] == [1, 2]
        time.now = NOON + 6 * HOUR
        assert (await usage.take(3)).wait is None
        full = await usage.take(3)
        assert (full.used, full.wait) == (3, (18 * HOUR + 5 * MINUTE) / 1_000)
        assert (await usage.take(1)).wait == (DAY + 5 * MINUTE) / 1_000, "all three are too many for a lower limit"
        time.now = NOON + DAY + 4 * MINUTE
        full = await usage.take(3)
        assert (full.used, full.wait) == (3, MINUTE / 1_000)
        time.now += MINUTE
        assert await used(usage) == 1
        assert (await usage.take(3)).used == 2


async def test_what_is_given_back_counts_no_more(database_url: str) -> None:
    time = Time()
    async with connected(database_url) as (home, connection):
        usage = usage_of(home.storage, connection, time)
        place = await usage.take(1)
        time.now += 20 * MINUTE
        assert (await usage.take(1)).wait is not None
        await usage.give_back(place)
        await usage.give_back(place)
        assert await used(usage) == 0
        assert (await usage.take(1)).wait is None


async def test_what_cannot_be_given_back_stays_counted(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with connected(database_url) as (home, connection):
        usage = usage_of(home.storage, connection)
        place = await usage.take(1)

        async def away(*_: object, **__: object) -> None:
            raise StorageAway

        with monkeypatch.context() as patch:
            patch.setattr(usage._storage, "write", away)
            await usage.give_back(place)
        assert await used(usage) == 1


async def test_processes_that_count_at_one_moment_let_through_no_more_than_the_limit(database_url: str) -> None:
    async with connected(database_url) as (home, connection), AsyncExitStack() as stack:
        others = [open_storage(database_url) for _ in range(3)]
        for each in others:
            stack.push_async_callback(each.close)
        usages = [usage_of(each, connection) for each in (home.storage, *others)]
        places = await asyncio.gather(*(usage.take(7) for usage in usages * 5))
        assert sorted(place.used for place in places if place.wait is None) == [1, 2, 3, 4, 5, 6, 7]
        assert {place.used for place in places if place.wait is not None} == {7}


@pytest.mark.parametrize("ahead", [HOUR, 400 * DAY], ids=["an hour", "a year"])
async def test_what_a_clock_that_was_ahead_counted_holds_nobody_for_its_error(database_url: str, ahead: int) -> None:
    """It counts, since it was sent just now, and for as long as anything else does."""
    time = Time()
    async with connected(database_url) as (home, connection):
        usage = usage_of(home.storage, connection, time)
        time.now = NOON + ahead
        await usage.take(2)
        time.now = NOON
        assert (await usage.take(2)).used == 2
        full = await usage.take(2)
        assert (full.used, full.wait) == (2, (DAY + 5 * MINUTE) / 1_000)
        time.now = NOON + DAY + 5 * MINUTE
        assert await used(usage) == 0


async def test_a_machine_whose_clock_is_wrong_counts_by_the_database_s(database_url: str) -> None:
    async with connected(database_url) as (home, connection):
        now = now_ms()
        await home.storage.write(agree, now, now)
        wrong = usage_of(home.storage, connection, lambda: now - 2 * DAY)
        await wrong.take(5)
        assert await used(usage_of(home.storage, connection, lambda: now)) == 1


async def test_what_counts_no_more_is_removed_and_nothing_else(database_url: str) -> None:
    time = Time()
    async with connected(database_url) as (home, connection):
        usage = usage_of(home.storage, connection, time)
        for _ in range(5):
            await usage.take(100)
            time.now += HOUR
        assert await home.storage.write(prune_uses, NOON + DAY + 4 * MINUTE) == 0
        assert await home.storage.write(prune_uses, NOON + DAY + 2 * HOUR) == 2
        assert await rows(home.storage) == 3
        time.now = NOON + DAY + 2 * HOUR
        assert await used(usage) == 3
        many = [{"publisher_id": "contoso", "account": "x", "slot": slot, "leads": 1} for slot in range(1_500)]
        await home.storage.write(lambda conn: conn.execute(sa.insert(t.account_use), many) and None)
        assert [await home.storage.write(prune_uses, NOON) for _ in range(3)] == [1_000, 500, 0]


async def test_workers_remove_it(database_url: str) -> None:
    async with connected(database_url) as (home, connection):
        await usage_of(home.storage, connection, lambda: now_ms() - 2 * DAY).take(5)
        await usage_of(home.storage, connection).take(5)
        network = Network(NetworkPolicy())
        context = Context(network)
        try:
            worker = Worker(home.storage, home.connections, context)
            await worker._housekeeping.look()
            assert await rows(home.storage) == 1
        finally:
            await network.aclose()


async def test_it_goes_with_its_publisher(database_url: str) -> None:
    async with connected(database_url) as (home, connection):
        await usage_of(home.storage, connection).take(5)

        def remove(conn: sa.Connection) -> None:
            for table in reversed(t.metadata.sorted_tables):
                if ("publisher_id" in table.c or "offer_ref" in table.c) and table is not t.account_use:
                    conn.execute(sa.delete(table))
            conn.execute(sa.delete(t.publisher))

        await home.storage.write(remove)
        assert await rows(home.storage) == 0


async def test_nothing_of_a_lead_and_no_id_of_the_system_stands_there(database_url: str) -> None:
    async with connected(database_url) as (home, connection):
        await usage_of(home.storage, connection).take(5)
        (row,) = await home.storage.read(lambda conn: conn.execute(sa.select(t.account_use)).all())
        assert set(row._fields) == {"publisher_id", "account", "slot", "leads"}
        assert len(row.account) == 32
        assert "00D5" not in row.account
