"""Both databases keep the same promises."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import StorageAway, one_of, open_storage
from leadkeeper.storage.group import PATIENCE, Group, GroupCommit
from leadkeeper.storage.migrate import current_revision, newest, upgrade
from leadkeeper.storage.sqlite import SQLite
from tests.conftest import EVERY_WAY

DATABASES = EVERY_WAY


@pytest.mark.empty_database
async def test_migrations_lead_to_the_tables(database_url: str) -> None:
    storage = open_storage(database_url)
    await storage.write(upgrade)

    def ours(thing: Any, name: str | None, *_: object) -> bool:
        """Neither the index of searches, which a database has or has not, nor months: see ``storage.months``."""
        return not (name or "").startswith(("lead_search", "ix_lead_search", "evidence_"))

    def differences(conn: sa.Connection) -> list[object]:
        context = MigrationContext.configure(conn, opts={"compare_type": True, "include_object": ours})
        return list(compare_metadata(context, t.metadata))

    assert await storage.read(differences) == []
    assert await storage.read(current_revision) == newest()
    await storage.write(upgrade)
    await storage.close()


@pytest.mark.empty_database
async def test_processes_that_start_together_migrate_once(database_url: str) -> None:
    storages = [open_storage(database_url) for _ in range(4)]
    await asyncio.gather(*(storage.write(upgrade) for storage in storages))
    assert await storages[0].read(current_revision) == newest()
    for storage in storages:
        await storage.close()


@pytest.mark.empty_database
@pytest.mark.databases("sqlite")
async def test_a_new_file_is_opened_once_whoever_writes_without_wal_has_ended(database_url: str) -> None:
    """Processes that begin together meet so, and SQLite refuses the later one at once, however long it may wait."""
    with contextlib.closing(sqlite3.connect(str(sa.make_url(database_url).database), isolation_level=None)) as first:
        first.executescript("CREATE TABLE gone (id); DROP TABLE gone; BEGIN IMMEDIATE")
        storage = open_storage(database_url)
        opening = asyncio.create_task(storage.write(upgrade))
        refused, _ = await asyncio.wait({opening}, timeout=0.5)
        assert not refused
        first.execute("COMMIT")
        await opening
    assert await storage.read(current_revision) == newest()
    await storage.close()


async def test_an_act_that_raises_is_undone(database_url: str) -> None:
    storage = open_storage(database_url)
    await storage.write(upgrade)

    def transaction(conn: sa.Connection) -> None:
        conn.execute(sa.insert(t.lease).values(id="a", until=1))
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await storage.write(transaction)
    assert await storage.read(lambda conn: conn.scalar(sa.select(sa.func.count()).select_from(t.lease))) == 0
    await storage.close()


@pytest.mark.databases("sqlite")
async def test_acts_that_wait_for_the_writer_share_a_commit_and_no_fault(database_url: str) -> None:
    """Of four that wait at once one breaks a rule and one is refused; the others are kept, in one transaction."""
    storage = open_storage(database_url)
    assert isinstance(storage, SQLite)
    commits: list[object] = []
    sa.event.listen(storage._writer, "commit", commits.append)
    busy, go = threading.Event(), threading.Event()

    def hold(_: sa.Connection) -> None:
        busy.set()
        go.wait(120)

    def refuse(conn: sa.Connection) -> None:
        add(conn, "refused")
        raise LookupError("not that one")

    def add(conn: sa.Connection, lease_id: str) -> None:
        conn.execute(sa.insert(t.lease).values(id=lease_id, until=1))

    def names(conn: sa.Connection) -> list[str]:
        return sorted(conn.scalars(sa.select(t.lease.c.id)))

    try:
        holding = asyncio.ensure_future(storage.write(hold))
        await asyncio.to_thread(busy.wait, 120)
        acts = [
            asyncio.ensure_future(storage.write(add, "first")),
            asyncio.ensure_future(storage.write(refuse)),
            asyncio.ensure_future(storage.write(add, "first")),
            asyncio.ensure_future(storage.write(add, "second")),
        ]
        await asyncio.sleep(0)  # all of them have been handed over
        go.set()
        await holding
        found = await asyncio.gather(*acts, return_exceptions=True)
        assert [type(each) for each in found] == [type(None), LookupError, sa.exc.IntegrityError, type(None)]
        assert await storage.read(names) == ["first", "second"]
        assert len(commits) == 2, "the one that was under way, and one for all that waited"
    finally:
        await storage.close()


@pytest.mark.databases("sqlite")
async def test_what_shares_a_commit_that_fails_is_told_so(database_url: str) -> None:
    """A full disk undoes the whole transaction: nobody hears that what they handed in is kept."""
    storage = open_storage(database_url)
    assert isinstance(storage, SQLite)
    busy, go = threading.Event(), threading.Event()

    def hold(conn: sa.Connection) -> None:
        pages = conn.exec_driver_sql("PRAGMA page_count").scalar()
        conn.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        busy.set()
        go.wait(120)

    def add(conn: sa.Connection, lease_id: str) -> None:
        conn.execute(sa.insert(t.lease).values(id=lease_id, until=1))

    def count(conn: sa.Connection) -> int:
        return conn.scalar(sa.select(sa.func.count()).select_from(t.lease)) or 0

    try:
        holding = asyncio.ensure_future(storage.write(hold))
        await asyncio.to_thread(busy.wait, 120)
        acts = [
            asyncio.ensure_future(storage.write(add, "small")),
            asyncio.ensure_future(storage.write(add, "large" * 100_000)),
        ]
        await asyncio.sleep(0)
        go.set()
        await holding
        found = await asyncio.gather(*acts, return_exceptions=True)
        kept = [each is None for each in found]
        assert isinstance(found[1], StorageAway)
        assert await storage.read(count) == sum(kept)
    finally:
        await storage.close()


async def test_a_caller_that_goes_away_leaves_a_whole_act(database_url: str) -> None:
    storage = open_storage(database_url)
    await storage.write(upgrade)
    loop, gone = asyncio.get_running_loop(), threading.Event()

    def go_away() -> None:
        task.cancel()
        gone.set()

    def transaction(conn: sa.Connection) -> None:
        conn.execute(sa.insert(t.lease).values(id="a", until=1))
        loop.call_soon_threadsafe(go_away)
        if conn.dialect.name == "sqlite":
            gone.wait(60)
        conn.execute(sa.insert(t.lease).values(id="b", until=1))

    task = asyncio.create_task(storage.write(transaction))
    with pytest.raises(asyncio.CancelledError):
        await task
    await storage.close()  # waits for what runs
    storage = open_storage(database_url)
    assert await storage.read(lambda conn: conn.scalar(sa.select(sa.func.count()).select_from(t.lease))) == 2
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
        await storage.read(current_revision)
    assert "secret" not in str(error.value)
    await storage.close()


async def test_a_group_shares_one_write_and_one_fate() -> None:
    groups: list[list[int]] = []

    async def write(group: Group[int, int]) -> list[int]:
        items = group.take()
        await asyncio.sleep(0.01)
        groups.append(items)
        if 13 in items:
            raise RuntimeError
        return [item * 2 for item in items]

    group = GroupCommit(write, limit=8)
    futures = [group.put(number) for number in range(12)]
    assert await asyncio.gather(*futures) == [number * 2 for number in range(12)]
    assert [len(g) for g in groups] == [8, 4]
    failed, spared = await asyncio.gather(group.put(13), group.put(14), return_exceptions=True)
    assert isinstance(failed, RuntimeError)
    assert spared == 28
    assert groups[2:] == [[13, 14], [13], [14]]
    await group.drained()
    assert len(group) == 0


async def test_what_need_not_be_written_at_once_waits_for_more_and_no_longer_than_the_pause() -> None:
    groups: list[list[int]] = []

    async def write(group: Group[int, None]) -> list[None]:
        groups.append(group.take())
        return [None] * len(groups[-1])

    group = GroupCommit(write, limit=4, pause=1.0)
    first = group.put(1, at_once=False)
    await asyncio.sleep(0)
    second = group.put(2, at_once=False)
    await asyncio.sleep(0.01)
    assert group.busy
    assert not groups
    await asyncio.wait_for(asyncio.gather(first, second), 60)
    assert groups == [[1, 2]]
    await asyncio.gather(group.put(3, at_once=False), group.put(4))
    assert groups[1:] == [[3, 4]], "what is urgent takes with it whatever waits"
    waiting = [group.put(number, at_once=False) for number in range(5, 9)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert groups[2:] == [[5, 6, 7, 8]], "as many as go into one wait no longer"
    waiting.append(group.put(9, at_once=False))
    await group.drained()
    assert groups[3:] == [[9]]
    assert not group.busy
    await asyncio.gather(*waiting)


class Turns:
    """Writes whose transaction and whose end are told when they come: as of a writer who takes one at a time."""

    def __init__(self) -> None:
        self.begun: asyncio.Queue[tuple[asyncio.Event, asyncio.Event]] = asyncio.Queue()
        self.taken: asyncio.Queue[list[int]] = asyncio.Queue()

    async def write(self, group: Group[int, None]) -> list[None]:
        turn, end = asyncio.Event(), asyncio.Event()
        self.begun.put_nowait((turn, end))
        await turn.wait()
        self.taken.put_nowait(items := group.take())
        await end.wait()
        return [None] * len(items)


async def test_a_group_that_is_slow_keeps_others_waiting_no_longer_than_they_have_patience() -> None:
    turns = Turns()
    group = GroupCommit(turns.write, limit=8, at_once=1, most=2)
    futures = [group.put(1)]
    turn, end = await turns.begun.get()
    turn.set()
    assert await turns.taken.get() == [1]
    futures += [group.put(2), group.put(3)]  # the first is being written, and does not end
    second_turn, second_end = await turns.begun.get()
    second_turn.set()
    assert await turns.taken.get() == [2, 3]
    futures.append(group.put(4))  # as many as may be are under way
    await asyncio.sleep(2 * PATIENCE)
    assert turns.begun.empty()
    second_end.set()
    third_turn, third_end = await turns.begun.get()
    for event in (third_turn, third_end, end):
        event.set()
    assert await asyncio.gather(*futures) == [None] * 4
    await group.drained()


async def test_what_comes_while_a_group_waits_for_its_turn_joins_it() -> None:
    turns = Turns()
    group = GroupCommit(turns.write, limit=8, at_once=2)
    futures = [group.put(1)]
    turn, end = await turns.begun.get()
    futures.append(group.put(2))
    turn.set()
    assert await turns.taken.get() == [1, 2]
    futures.append(group.put(3))  # the first is being written: this opens the second group
    second_turn, second_end = await turns.begun.get()
    futures += [group.put(4), group.put(5)]
    second_turn.set()
    assert await turns.taken.get() == [3, 4, 5]
    futures.append(group.put(6))  # two are being written: this waits until one of them has ended
    await asyncio.sleep(0)
    assert turns.begun.empty()
    end.set()
    last_turn, last_end = await turns.begun.get()
    for event in (last_turn, second_end, last_end):
        event.set()
    await asyncio.gather(*futures)
    assert await turns.taken.get() == [6]


async def test_a_group_that_never_got_its_turn_hears_that_the_database_is_away() -> None:
    async def write(group: Group[int, None]) -> list[None]:
        await asyncio.sleep(0)
        raise StorageAway("unreachable")

    group = GroupCommit(write, limit=8, at_once=2)
    answers = await asyncio.gather(*(group.put(number) for number in range(3)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [StorageAway] * 3
    await group.drained()
