"""Both databases keep the same promises."""

from __future__ import annotations

import asyncio
import threading

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import StorageAway, one_of, open_storage
from leadkeeper.storage.group import GroupCommit
from leadkeeper.storage.migrate import current, newest, upgrade
from tests.conftest import EVERY_WAY

DATABASES = EVERY_WAY


@pytest.mark.empty_database
async def test_migrations_lead_to_the_tables(database_url: str) -> None:
    storage = open_storage(database_url)
    await storage.write(upgrade)

    def differences(conn: sa.Connection) -> list[object]:
        context = MigrationContext.configure(conn, opts={"compare_type": True})
        return list(compare_metadata(context, t.metadata))

    assert await storage.read(differences) == []
    assert await storage.read(current) == newest()
    await storage.write(upgrade)
    await storage.close()


@pytest.mark.empty_database
async def test_processes_that_start_together_migrate_once(database_url: str) -> None:
    storages = [open_storage(database_url) for _ in range(4)]
    await asyncio.gather(*(storage.write(upgrade) for storage in storages))
    assert await storages[0].read(current) == newest()
    for storage in storages:
        await storage.close()


async def test_an_act_that_raises_is_undone(database_url: str) -> None:
    storage = open_storage(database_url)
    await storage.write(upgrade)

    def act(conn: sa.Connection) -> None:
        conn.execute(sa.insert(t.lease).values(id="a", until=1))
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await storage.write(act)
    assert await storage.read(lambda conn: conn.scalar(sa.select(sa.func.count()).select_from(t.lease))) == 0
    await storage.close()


async def test_a_caller_that_goes_away_leaves_a_whole_act(database_url: str) -> None:
    storage = open_storage(database_url)
    await storage.write(upgrade)
    begun, go_on = threading.Event(), threading.Event()

    def act(conn: sa.Connection) -> None:
        begun.set()
        conn.execute(sa.insert(t.lease).values(id="a", until=1))
        if conn.dialect.name == "sqlite":
            go_on.wait(5)
        conn.execute(sa.insert(t.lease).values(id="b", until=1))

    task = asyncio.create_task(storage.write(act))
    await asyncio.to_thread(begun.wait, 5)
    task.cancel()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task

    async def leases() -> int:
        return await storage.read(lambda conn: conn.scalar(sa.select(sa.func.count()).select_from(t.lease)) or 0)

    for _ in range(200):
        if await leases() == 2:
            break
        await asyncio.sleep(0.01)
    assert await leases() == 2
    await storage.close()


async def test_one_of_takes_none_and_many(database_url: str) -> None:
    storage = open_storage(database_url)
    await storage.write(upgrade)
    odd = ["a'b", 'c"d', "é", "a,b", "{x}", "NULL"]
    await storage.write(lambda conn: conn.execute(sa.insert(t.lease), [{"id": x, "until": 1} for x in odd]).rowcount)

    async def found(values: list[str]) -> set[str]:
        return await storage.read(
            lambda conn: set(conn.scalars(sa.select(t.lease.c.id).where(one_of(conn, t.lease.c.id, values))))
        )

    assert await found([]) == set()
    assert await found(odd) == set(odd)
    assert await found(["é", *(f"no-{i}" for i in range(40_000))]) == {"é"}
    await storage.close()


@pytest.mark.parametrize("url", ["mysql://x/y", "sqlite://", "nonsense"])
def test_other_addresses_are_refused_in_one_line(url: str) -> None:
    with pytest.raises(ValueError, match="sqlite") as error:
        open_storage(url)
    assert "\n" not in str(error.value)


async def test_a_server_that_is_not_there_is_away() -> None:
    storage = open_storage("postgresql+asyncpg://nobody:secret@127.0.0.1:9/none")
    with pytest.raises(StorageAway) as error:
        await storage.read(current)
    assert "secret" not in str(error.value)
    await storage.close()


async def test_a_group_shares_one_write_and_one_fate() -> None:
    groups: list[list[int]] = []

    async def write(items: list[int]) -> list[int]:
        await asyncio.sleep(0.01)
        groups.append(list(items))
        if 13 in items:
            raise RuntimeError
        return [item * 2 for item in items]

    group = GroupCommit[int, int](write, limit=8)  # type: ignore[arg-type]
    futures = [group.put(number) for number in range(12)]
    assert await asyncio.gather(*futures) == [number * 2 for number in range(12)]
    assert [len(g) for g in groups] == [8, 4]
    failed, spared = await asyncio.gather(group.put(13), group.put(14), return_exceptions=True)
    assert isinstance(failed, RuntimeError)
    assert spared == 28
    assert groups[2:] == [[13, 14], [13], [14]]
    await group.drained()
    assert len(group) == 0
