"""A look into the hub's database from outside, for what no door shows."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import Any

import asyncpg


async def sql(database_url: str, statement: str) -> list[tuple[Any, ...]]:
    """Run one statement and commit; its rows."""
    if database_url.startswith("sqlite"):
        return await asyncio.to_thread(_sqlite, database_url.partition(":///")[2], statement)
    # A pooler may stand between: nothing is prepared for longer than the transaction.
    connection = await asyncpg.connect(database_url.replace("+asyncpg", ""), statement_cache_size=0)
    try:
        async with connection.transaction():
            return [tuple(row) for row in await connection.fetch(statement)]
    finally:
        await connection.close()


def _sqlite(path: str, statement: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(path, timeout=20)
    try:
        rows = connection.execute(statement).fetchall()
        connection.commit()
        return rows
    finally:
        connection.close()
