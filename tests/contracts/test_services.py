"""The test services do what tests and bench rely on."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest
from sqlalchemy import Connection, text

from leadkeeper.storage.engine import open_storage
from tests.services.postgres import Postgres, PostgresFailed


@pytest.fixture(scope="module")
def own(postgres: Postgres) -> Iterator[Postgres]:
    """A server that may be stopped without harm to other tests (``postgres`` is asked for so that it skips alike)."""
    with Postgres({"max_connections": "20"}) as server:
        yield server


async def test_a_database_is_new_and_works(database_url: str) -> None:
    storage = open_storage(database_url)

    def transaction(conn: Connection) -> int:
        conn.execute(text("CREATE TABLE kept (id INTEGER PRIMARY KEY)"))
        conn.execute(text("INSERT INTO kept VALUES (1)"))
        return conn.scalar(text("SELECT count(*) FROM kept")) or 0

    assert await storage.write(transaction) == 1
    await storage.close()


def test_it_is_durable_and_takes_settings(own: Postgres) -> None:
    assert own.sql("SHOW fsync") == "on"
    assert own.sql("SHOW max_connections") == "20"


def test_what_was_committed_survives_every_way_to_stop(own: Postgres) -> None:
    own.sql("CREATE TABLE survivor (how text)")
    port = own.port
    for mode in ("smart", "fast", "immediate"):
        own.sql(f"INSERT INTO survivor VALUES ('{mode}')")
        own.restart(mode)
    own.sql("INSERT INTO survivor VALUES ('kill')")
    own.kill()
    assert not own.running
    own.start()
    assert own.sql("SELECT how FROM survivor").split() == ["smart", "fast", "immediate", "kill"]
    assert own.port == port


async def test_stopping_disconnects_clients_and_they_may_come_back(own: Postgres) -> None:
    address = own.url.replace("+asyncpg", "")
    client = await asyncpg.connect(address)
    await asyncio.to_thread(own.restart)
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await client.fetchval("SELECT 1")
    client = await asyncpg.connect(address)
    assert await client.fetchval("SELECT 1") == 1
    await client.close()


def test_databases_are_copied_from_a_template_and_dropped(own: Postgres) -> None:
    own.create_database("shape")
    own.sql("CREATE TABLE t (x int); INSERT INTO t VALUES (7)", "shape")
    copy = own.create_database(template="shape")
    name = copy.rpartition("/")[2]
    assert own.sql("SELECT x FROM t", name) == "7"
    own.drop_database(copy)
    with pytest.raises(PostgresFailed, match="does not exist"):
        own.sql("SELECT 1", name)


def test_it_never_runs_as_root_and_leaves_nothing(own: Postgres) -> None:
    server = Postgres()
    server.start()
    process = psutil.Process(server._process.pid)  # type: ignore[union-attr]
    folder = Path(process.cwd())
    assert process.uids().effective != 0
    assert process.uids().effective == os.geteuid() or os.geteuid() == 0
    server.close()
    server.close()
    assert not process.is_running()
    assert not folder.exists()
