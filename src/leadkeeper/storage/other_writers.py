"""Who hears that an SQLite file has new work: of what this process announces, and of all that another one wrote.

The connection that writes is asked whether anybody else wrote (``PRAGMA data_version``): as each of its transactions
begins, and many times a second while there is none. What it wrote itself is no news: whoever brings work announces it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Collection
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.storage.away import StorageAway
from leadkeeper.storage.sqlite_driver import run_on_sqlite

AWAY_SECONDS: Final = 0.2
"""A file that cannot be asked is asked again after so long."""

Woken = Callable[[Collection[str]], None]


class OtherWriters:
    """Its listeners are called in their own loops; all else is called in the thread that writes.

    ``open_connection`` answers the connection that writes, also before the first transaction.
    """

    def __init__(self, open_connection: Callable[[], sa.Connection]) -> None:
        self._open_connection = open_connection
        self._listeners: dict[object, tuple[asyncio.AbstractEventLoop, Woken]] = {}
        self._asked: object = None
        self._version: int | None = None
        self._again_at = 0.0

    def listen(self, woken: Woken) -> Callable[[], bool]:
        """Call ``woken`` in the running loop from now on, with connections that have work or with none for any.

        It is called at once, since nobody knows what came before. Returns what ends it, which answers whether others
        still listen.
        """
        loop, key = asyncio.get_running_loop(), object()
        self._listeners = {**self._listeners, key: (loop, woken)}  # the thread may be going through them
        loop.call_soon(woken, ())

        def end() -> bool:
            self._listeners = {other: each for other, each in self._listeners.items() if other is not key}
            return bool(self._listeners)

        return end

    def tell(self, connections: Collection[str]) -> None:
        """Whoever listens hears of work for these connections, or for any where none is named."""
        for loop, woken in self._listeners.values():
            with contextlib.suppress(RuntimeError):  # its loop is closed
                loop.call_soon_threadsafe(woken, connections)

    def look(self) -> None:
        """Ask while nothing is written here. That a file is away is told by whoever writes."""
        if not self._listeners or time.monotonic() < self._again_at:
            return
        try:
            self.ask(self._open_connection())
        except (sa.exc.SQLAlchemyError, StorageAway):
            self._again_at = time.monotonic() + AWAY_SECONDS

    def ask(self, conn: sa.Connection) -> None:
        """Whether others wrote since it was asked last; of a connection that was opened since, nobody knows."""
        if not self._listeners:
            return
        driver: Any = conn.connection.dbapi_connection
        ((version,),), _ = run_on_sqlite(conn, "PRAGMA data_version", ())
        news = driver is not self._asked or version != self._version
        self._asked, self._version = driver, version
        if news:
            self.tell(())
