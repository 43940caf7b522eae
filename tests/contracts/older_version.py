"""A database as an older version left it: opened without an upgrade, and filled by the names of its columns."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import sqlalchemy as sa

from leadkeeper.storage.engine import Storage, open_storage


@pytest.fixture
async def storage(database_url: str) -> AsyncIterator[Storage]:
    """A database that nothing was made in."""
    opened = open_storage(database_url)
    yield opened
    await opened.close()


def insert_row(conn: sa.Connection, name: str, /, **values: Any) -> None:
    """A row of a table that may have other columns today."""
    conn.execute(sa.insert(sa.table(name, *(sa.column(each) for each in values))).values(**values))
