"""What storage promises when its database is not what it should be: nothing is acknowledged that is not kept."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest
import sqlalchemy as sa

from leadkeeper.storage import tables as t
from leadkeeper.storage.announcing import Announcing
from leadkeeper.storage.durability import Durability, durability
from leadkeeper.storage.engine import Storage, StorageAway, announce, open_storage
from leadkeeper.storage.migrate import upgrade
from leadkeeper.storage.postgresql import POOL, PostgreSQL
from tests.contracts.installation import furnished
from tests.contracts.stopped import Stopped
from tests.services.pgbouncer import PgBouncer, PoolMode
from tests.services.postgres import Postgres


def add_lease(conn: sa.Connection, lease_id: str) -> None:
    """Something small that is written."""
    conn.execute(sa.insert(t.lease).values(id=lease_id, until=1))


def leases(conn: sa.Connection) -> set[str]:
    """What was written so."""
    return set(conn.scalars(sa.select(t.lease.c.id)))


def move(path: Path, to: Path) -> None:
    """As a person would."""
    path.rename(to)


def remove(path: Path) -> None:
    """As a person would."""
    path.unlink()


def is_there(path: Path) -> bool:
    """Whether there is such a file."""
    return path.exists()


def back_up(path: Path, to: Path) -> None:
    """A copy with everything that was committed."""
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(to)) as copy:
        source.backup(copy)


def replace(path: Path, other: Path) -> None:
    """Put another database in the place of one, as who restores a backup does."""
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    other.rename(path)


@pytest.fixture
def sqlite_file(tmp_path: Path) -> Path:
    """Where a SQLite database is to be."""
    return tmp_path / "leadkeeper.db"


@pytest.fixture
async def on_file(sqlite_file: Path) -> AsyncIterator[Storage]:
    """A database in that file, with something in it."""
    storage = open_storage(f"sqlite+aiosqlite:///{sqlite_file}")
    await storage.write(upgrade)
    await storage.write(add_lease, "before")
    yield storage
    await storage.close()


async def test_nothing_is_acknowledged_into_a_file_that_is_gone(on_file: Storage, sqlite_file: Path) -> None:
    move(sqlite_file, sqlite_file.with_name("moved.db"))
    for number in range(3):
        with pytest.raises(StorageAway, match="removed or replaced"):
            await on_file.write(add_lease, f"lost-{number}")
    assert not is_there(sqlite_file), "an empty database must not take the place of the one that is gone"


async def test_no_reader_makes_an_empty_file_in_place_of_the_one_that_is_gone(
    on_file: Storage, sqlite_file: Path
) -> None:
    remove(sqlite_file)
    with pytest.raises(StorageAway):
        await on_file.write(add_lease, "lost")
    with pytest.raises(StorageAway):
        await on_file.read(leases)
    assert not is_there(sqlite_file)


async def test_a_file_that_was_replaced_gets_what_comes_next(on_file: Storage, sqlite_file: Path) -> None:
    other = sqlite_file.with_name("other.db")
    back_up(sqlite_file, other)
    replace(sqlite_file, other)

    with pytest.raises(StorageAway, match="removed or replaced"):
        await on_file.write(add_lease, "into the old one")
    await on_file.write(add_lease, "after")
    assert await on_file.read(leases) == {"before", "after"}
    with sqlite3.connect(sqlite_file) as look:
        assert {row[0] for row in look.execute("SELECT id FROM lease")} == {"before", "after"}
    look.close()


def content(path: Path) -> bytes:
    """All of it."""
    return path.read_bytes()


def empty(path: Path) -> None:
    path.touch()


def text(path: Path) -> None:
    path.write_text("no database\n" * 1_000)


def of_another_program(path: Path) -> None:
    with closing(sqlite3.connect(path)) as made:
        made.execute("CREATE TABLE theirs (id)")
        made.commit()


def of_another_version(path: Path) -> None:
    with closing(sqlite3.connect(path)) as made:
        made.execute("CREATE TABLE alembic_version (version_num)")
        made.execute("INSERT INTO alembic_version VALUES ('0001')")
        made.commit()


OTHERS: Final = [empty, text, of_another_program, of_another_version]


@pytest.mark.parametrize("make", OTHERS)
async def test_what_is_none_of_our_databases_takes_no_lead(
    on_file: Storage, sqlite_file: Path, make: Callable[[Path], None]
) -> None:
    other = sqlite_file.with_name("other")
    make(other)
    given = content(other)
    kept = sqlite_file.with_name("kept")
    back_up(sqlite_file, kept)
    replace(sqlite_file, other)

    for number in range(3):
        with pytest.raises(StorageAway, match="removed or replaced"):
            await on_file.write(add_lease, f"lost-{number}")
        with pytest.raises(StorageAway, match="removed or replaced"):
            await on_file.read(leases)
    assert content(sqlite_file) == given, "it is somebody else's"

    replace(sqlite_file, kept)
    await on_file.write(add_lease, "after")
    assert await on_file.read(leases) == {"before", "after"}


async def test_a_reader_that_comes_first_leaves_what_stands_there_alone(on_file: Storage, sqlite_file: Path) -> None:
    """No reader had a connection of its own yet; the first opens what stands there now."""
    other = sqlite_file.with_name("other")
    of_another_program(other)
    given = content(other)
    replace(sqlite_file, other)
    with pytest.raises(StorageAway, match="removed or replaced"):
        await on_file.read(leases)
    assert content(sqlite_file) == given


async def test_a_log_that_was_removed_takes_no_more_commits(on_file: Storage, sqlite_file: Path) -> None:
    remove(sqlite_file.with_name(sqlite_file.name + "-wal"))
    with pytest.raises(StorageAway, match="removed or replaced"):
        await on_file.write(add_lease, "into nothing")


async def test_a_listener_hears_of_writes_to_the_file_that_took_the_place(on_file: Storage, sqlite_file: Path) -> None:
    observed = asyncio.Event()
    end = await on_file.listen(lambda _: observed.set())
    other = sqlite_file.with_name("copy.db")
    back_up(sqlite_file, other)
    replace(sqlite_file, other)
    with pytest.raises(StorageAway):
        await on_file.write(add_lease, "lost")
    await asyncio.wait_for(observed.wait(), 60)
    await asyncio.sleep(0.1)
    observed.clear()
    with sqlite3.connect(sqlite_file) as another:
        another.execute("CREATE TABLE somebody_wrote (id)")
    another.close()
    await asyncio.wait_for(observed.wait(), 60)
    await end()


async def test_other_processes_hear_of_work(database_url: str) -> None:
    storage, other = open_storage(database_url), open_storage(database_url)
    await storage.write(upgrade)
    observed = asyncio.Event()
    end = await storage.listen(lambda _: observed.set())

    def transaction(conn: sa.Connection, lease_id: str) -> None:
        add_lease(conn, lease_id)
        announce(conn)

    async def until_observed(name: str) -> None:
        """Nobody says when the listener has begun to listen, so the first may go unheard."""
        for number in range(100):
            await other.write(transaction, f"{name}-{number}")
            for _ in range(6):
                if observed.is_set():
                    return
                await asyncio.sleep(0.05)
        raise AssertionError("nothing was heard")

    await until_observed("first")
    await asyncio.sleep(0.3)
    observed.clear()
    await until_observed("second")
    await end()
    await storage.close()
    await other.close()


async def test_many_commits_are_announced_together(postgres_url: str) -> None:
    storage, other = PostgreSQL(sa.make_url(postgres_url)), open_storage(postgres_url)
    await storage.write(upgrade)
    messages: asyncio.Queue[set[str]] = asyncio.Queue()
    all_committed = asyncio.Event()

    async def pause(_: float) -> None:
        await all_committed.wait()

    end = await other.listen(lambda named: messages.put_nowait({*named}))
    assert await asyncio.wait_for(messages.get(), 60) == set()  # it listens
    storage._announcing = Announcing(storage._announce, pause)

    def transaction(conn: sa.Connection, name: str, *, fails: bool = False) -> None:
        announce(conn, [name])
        if fails:
            raise ValueError("undone")

    await storage.write(transaction, "first")
    assert await asyncio.wait_for(messages.get(), 60) == {"first"}
    with pytest.raises(ValueError, match="undone"):
        await storage.write(transaction, "undone", fails=True)
    await asyncio.gather(*(storage.write(transaction, f"{number}") for number in range(20)))
    assert messages.empty()
    all_committed.set()
    assert await asyncio.wait_for(messages.get(), 60) == {f"{number}" for number in range(20)}
    await storage.write(transaction, "last")
    assert await asyncio.wait_for(messages.get(), 60) == {"last"}
    await end()
    await storage.close()
    await other.close()


def commit_setting(conn: sa.Connection) -> str:
    """How durable a commit of this transaction is."""
    return str(conn.scalar(sa.select(sa.func.current_setting("synchronous_commit"))))


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    """A new database on the server."""
    url = postgres.create_database()
    yield url
    postgres.drop_database(url)


@pytest.fixture
async def on_server(postgres_url: str) -> AsyncIterator[Storage]:
    """Its storage."""
    storage = open_storage(postgres_url)
    await storage.write(upgrade)
    yield storage
    await storage.close()


@pytest.mark.parametrize(
    ("default", "ours"),
    [("off", "on"), ("local", "on"), ("remote_write", "on"), ("on", "on"), ("remote_apply", "remote_apply")],
)
@pytest.mark.parametrize("mode", [None, "session", "transaction"])
async def test_a_commit_waits_for_the_disk_whatever_the_servers_default(
    postgres: Postgres, postgres_url: str, default: str, ours: str, mode: PoolMode | None
) -> None:
    name = postgres_url.rpartition("/")[2]
    postgres.sql(f"ALTER DATABASE \"{name}\" SET synchronous_commit = '{default}'")
    if mode is None:
        await check_commits(postgres_url, ours)
        return
    with PgBouncer(postgres, mode, pool_size=16 if mode == "session" else 4) as pooler:
        await check_commits(pooler.url(postgres_url), ours)


async def check_commits(url: str, ours: str) -> None:
    """Every transaction commits so, several at once too."""
    storage = open_storage(url)
    found = await asyncio.gather(*(storage.write(commit_setting) for _ in range(12)))
    assert set(found) == {ours}
    await storage.close()


async def test_a_server_that_only_reads_is_away_until_it_writes_again(
    postgres: Postgres, postgres_url: str, on_server: Storage
) -> None:
    name = postgres_url.rpartition("/")[2]
    await asyncio.gather(*(on_server.write(add_lease, f"before-{n}") for n in range(6)))
    postgres.sql(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    postgres.sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    for number in range(8):
        with pytest.raises(StorageAway):
            await on_server.write(add_lease, f"lost-{number}")
    assert len(await on_server.read(leases)) == 6
    postgres.sql(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
    with pytest.raises(StorageAway):
        await on_server.write(add_lease, "the connection still only reads")
    await on_server.write(add_lease, "after")
    assert "after" in await on_server.read(leases)


async def test_a_process_keeps_the_connections_that_it_opened(on_server: Storage) -> None:
    """Sixteen at once: none is closed while nobody uses it, to be made anew when there is much to do."""

    def servers(conn: sa.Connection) -> object:
        return conn.scalar(sa.text("SELECT pg_backend_pid() FROM pg_sleep(0.2)"))

    first = {*await asyncio.gather(*(on_server.write(servers) for _ in range(POOL)))}
    assert (len(first), first) == (POOL, {*await asyncio.gather(*(on_server.read(servers) for _ in range(POOL)))})


async def test_reading_begins_no_transaction(on_server: Storage) -> None:
    def begun(conn: sa.Connection) -> set[object]:
        return {conn.execute(sa.text("SELECT now() FROM pg_sleep(0.001)")).scalar_one() for _ in range(3)}

    assert len(await on_server.read(begun)) == 3
    assert len(await on_server.write(begun)) == 1


@pytest.mark.parametrize("mode", [None, "transaction"])
async def test_what_a_commit_is_worth_is_read_from_the_server(
    postgres: Postgres, postgres_url: str, mode: PoolMode | None
) -> None:
    async def found(url: str) -> Durability | None:
        storage = open_storage(url)
        try:
            return await storage.read(durability)
        finally:
            await storage.close()

    expected = Durability(True, True, "on", "", 0, 0)
    if mode is None:
        assert await found(postgres_url) == expected
        return
    with PgBouncer(postgres, mode) as pooler:
        assert await found(pooler.url(postgres_url)) == expected


async def test_sqlite_waits_for_the_disk_by_itself(on_file: Storage) -> None:
    assert await on_file.read(durability) is None


async def test_another_process_that_comes_and_goes_takes_nothing_away(on_file: Storage, sqlite_file: Path) -> None:
    """Its last connection would remove the log, were ours not seen: who closes a file lets go of SQLite's locks."""
    await asyncio.gather(*(on_file.read(leases) for _ in range(8)))
    look = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT * FROM lease').fetchall(); c.close()"
    )
    for number in range(3):
        visitor = await asyncio.create_subprocess_exec(sys.executable, "-c", look, str(sqlite_file))
        assert await visitor.wait() == 0
        await on_file.write(add_lease, f"after-{number}")
    assert await on_file.read(leases) == {"before", "after-0", "after-1", "after-2"}


async def test_closing_waits_for_what_runs(database_url: str) -> None:
    async with furnished(database_url) as installation, Stopped(database_url) as stopped:
        storage = open_storage(database_url)

        def transaction(conn: sa.Connection) -> None:
            stopped.act(conn)
            conn.execute(sa.insert(t.lease).values(id="a", until=1))

        task = asyncio.create_task(storage.write(transaction))
        await stopped.until(1)
        task.cancel()
        closing = asyncio.create_task(storage.close())
        await asyncio.sleep(0)
        assert not closing.done()
        await stopped.__aexit__()
        await closing
        assert await installation.count(t.lease) == 1
