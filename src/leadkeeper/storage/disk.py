"""Looks how much room is left on the disk of a SQLite database; a PostgreSQL server does not say that of its own."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from typing import Final

import sqlalchemy as sa

from leadkeeper.clock import Clock
from leadkeeper.logs import LazyLog
from leadkeeper.storage.engine import Storage
from leadkeeper.storage.remembered import DISK_NEARLY_FULL, forget_now, remember_now, remembered_at

LOOK_SECONDS: Final = 30.0

log: Final = LazyLog(__name__)


def free_bytes(folder: str) -> int:
    """How many bytes a program may still write on the disk of this folder or file. Raises ``OSError``."""
    return shutil.disk_usage(folder).free


class DiskWatch:
    """Runs in every process: whoever is to be told reads since when fewer than ``spare`` bytes are free."""

    def __init__(self, storage: Storage, clock: Clock, *, spare: int, free: Callable[[str], int] = free_bytes) -> None:
        self._storage = storage
        self._clock = clock
        self._spare = spare
        self._free = free

    async def look(self) -> None:
        """Look once, and write down what is new. Raises ``StorageAway``."""
        path = await self._storage.read(_file)
        if path is None:
            return
        try:
            free = await asyncio.to_thread(self._free, path)
        except OSError:
            return  # a file that is gone is told of by whoever writes to it
        known = await self._storage.read(remembered_at, DISK_NEARLY_FULL) is not None
        if free < self._spare and not known:
            log.warning("the disk of the database is nearly full", free_bytes=free)
            await self._storage.write(_remember, free, self._clock())
        elif free >= self._spare and known:
            await self._storage.write(forget_now, DISK_NEARLY_FULL)


def _file(conn: sa.Connection) -> str | None:
    """The file of a SQLite database; ``None`` on PostgreSQL, and where it lives in memory."""
    if conn.dialect.name == "postgresql":
        return None
    rows = conn.exec_driver_sql("PRAGMA database_list").all()
    return next((str(row[2]) for row in rows if row[1] == "main" and row[2]), None)


def _remember(conn: sa.Connection, free: int, now: int) -> None:
    remember_now(conn, DISK_NEARLY_FULL, str(free), now, since=True)
