"""What is news to those who wait for work: what is announced, and on SQLite whatever another process wrote."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa

from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import announce, open_storage
from leadkeeper.storage.migrate import upgrade


def add_lease(conn: sa.Connection, lease_id: str) -> None:
    conn.execute(sa.insert(t.lease).values(id=lease_id, until=1))


class Undone(Exception):
    """What a transaction raises that is undone."""


async def test_of_a_processs_own_commits_those_alone_are_news_that_announce_work(database_url: str) -> None:
    """Whoever looked for work after each commit of its own would do so as often as it writes down what came of one."""
    storage, other = open_storage(database_url), open_storage(database_url)
    await storage.write(upgrade)
    heard: asyncio.Queue[set[str]] = asyncio.Queue()
    end = await storage.listen(lambda named: heard.put_nowait({*named}))

    def announced(conn: sa.Connection, lease_id: str) -> None:
        add_lease(conn, lease_id)
        announce(conn, ["mine"])

    def undone(conn: sa.Connection) -> None:
        announced(conn, "undone")
        raise Undone

    assert await asyncio.wait_for(heard.get(), 60) == set()  # it listens
    await asyncio.sleep(0.2)
    while not heard.empty():
        assert heard.get_nowait() == set()  # nobody knows what came before it asked for the first time
    with pytest.raises(Undone):
        await storage.write(undone)
    for number in range(5):
        await storage.write(add_lease, f"own-{number}")
        await asyncio.sleep(0.03)
    assert heard.empty()
    await storage.write(announced, "own")
    assert await asyncio.wait_for(heard.get(), 60) == {"mine"}
    await other.write(announced, "another's")
    await storage.write(add_lease, "at the same time")
    assert await asyncio.wait_for(heard.get(), 60) in (set(), {"mine"})
    await end()
    await storage.close()
    await other.close()
