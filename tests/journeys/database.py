"""A look into the hub's database from outside, for what no door shows."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import Any
from uuid import UUID

import asyncpg

from leadkeeper.storage.ids import unpacked_id


async def sql(database_url: str, statement: str) -> list[tuple[Any, ...]]:
    """Run one statement and commit; its rows."""
    if database_url.startswith("sqlite"):
        return await asyncio.to_thread(_sqlite, database_url.partition(":///")[2], statement)
    # A pooler may stand between: nothing is prepared for longer than the transaction.
    connection = await asyncpg.connect(database_url.replace("+asyncpg", ""), statement_cache_size=0)
    try:
        async with connection.transaction():
            rows = await connection.fetch(statement)
            return [tuple(str(each) if isinstance(each, UUID) else each for each in row) for row in rows]
    finally:
        await connection.close()


def id_in(database_url: str, id_: str) -> str:
    """An id of a lead, delivery or connection as a statement for that database writes it."""
    return f"x'{id_.replace('-', '')}'" if database_url.startswith("sqlite") else f"'{id_}'"


def _sqlite(path: str, statement: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(path, timeout=60)
    try:
        rows = connection.execute(statement).fetchall()
        connection.commit()
        return [tuple(unpacked_id(each) if isinstance(each, bytes) else each for each in row) for row in rows]
    finally:
        connection.close()
