"""The database behind one small interface: a transaction is a plain function that is given a connection.

``await storage.write(act, ...)`` runs ``act(connection, ...)`` in one transaction and commits it durably before it
returns. Because an act is not a coroutine, no transaction can be open across a network call. On SQLite an act runs in
a thread of its own (one writer, a few readers), on PostgreSQL over asyncpg; see decision 0002.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import sqlite3
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

import asyncpg
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine

P = ParamSpec("P")
R = TypeVar("R")
Act = Callable[Concatenate[sa.Connection, P], R]

READERS = 4
BUSY_SECONDS = 30
POSTGRES_POOL = 8
POSTGRES_ACT_SECONDS = 30


class StorageAway(Exception):
    """The database cannot be reached just now; nothing of the act was kept. Trying again later is safe."""


class Storage(Protocol):
    """One database. All errors of being away come as :class:`StorageAway`; others as SQLAlchemy raises them."""

    async def write(self, act: Act[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run ``act`` in one transaction; it is on disk when this returns, and undone when ``act`` raises."""
        ...

    async def read(self, act: Act[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run ``act`` in one transaction that writes nothing."""
        ...

    async def listen(self, woken: Callable[[], None]) -> Callable[[], Awaitable[None]]:
        """Call ``woken`` whenever another process announced new work; returns what ends the listening."""
        ...

    async def close(self) -> None:
        """Wait for what runs and close every connection."""
        ...


def open_storage(url: str) -> Storage:
    """The storage for ``sqlite[+aiosqlite]:///path`` or ``postgresql[+asyncpg]://...``.

    Raises ``ValueError`` with a one-line message for any other address. Does not touch the database yet.
    """
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError:
        raise ValueError("not a database address; use sqlite+aiosqlite:///file or postgresql+asyncpg://...") from None
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        if not parsed.database or parsed.database == ":memory:":
            raise ValueError("SQLite needs a file: sqlite+aiosqlite:///leadkeeper.db")
        return _SQLite(parsed.set(drivername="sqlite"))
    if backend == "postgresql":
        return _PostgreSQL(parsed.set(drivername="postgresql+asyncpg"))
    raise ValueError(f"{backend} is not supported; use sqlite+aiosqlite:///file or postgresql+asyncpg://...")


def one_of(conn: sa.Connection, column: sa.ColumnElement[str], values: Collection[str]) -> sa.ColumnElement[bool]:
    """``column IN values`` as a statement whose text does not depend on how many values there are.

    Both databases keep one prepared statement for it, which a list of placeholders would not allow.
    """
    return _listed(conn.dialect.name, column, None, list(values))


def listed(dialect: str, column: sa.ColumnElement[str], name: str) -> sa.ColumnElement[bool]:
    """The same for a statement that is made once for ``dialect`` and given a list as its parameter ``name``."""
    return _listed(dialect, column, name, [])


def _listed(dialect: str, column: sa.ColumnElement[str], name: str | None, values: list[str]) -> sa.ColumnElement[bool]:
    if dialect == "postgresql":
        return column == sa.any_(sa.bindparam(name, values, type_=ARRAY(sa.String)))
    each = sa.func.json_each(sa.bindparam(name, values, type_=sa.JSON)).table_valued("value")
    return column.in_(sa.select(each.c.value))


def insert_rows(conn: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert ``rows``, which all name the same columns, in one statement where the database gains by that.

    PostgreSQL takes a list for each column: it plans and runs one insert instead of one for each row.
    """
    if conn.dialect.name != "postgresql" or len(rows) < 2:
        conn.execute(sa.insert(table), rows)
        return
    names = tuple(rows[0])
    conn.execute(_insert_of_lists(table, names), {name: [row[name] for row in rows] for name in names})


@functools.cache
def _insert_of_lists(table: sa.Table, names: tuple[str, ...]) -> sa.Insert:
    lists = [sa.bindparam(name, type_=ARRAY(table.c[name].type)) for name in names]
    columns = [sa.column(name, table.c[name].type) for name in names]
    rows = sa.func.unnest(*lists).table_valued(*columns).render_derived()
    return sa.insert(table).from_select(names, sa.select(*(rows.c[name] for name in names)))


_ROUTES_LOCK = 0x1EAD


def share_routes(conn: sa.Connection) -> None:
    """Hold offers and connections as they are until this transaction ends (others may hold them too).

    SQLite has one writer at a time, so there it is already so.
    """
    if conn.dialect.name == "postgresql":
        conn.execute(sa.select(sa.func.pg_advisory_xact_lock_shared(_ROUTES_LOCK)))


def change_routes(conn: sa.Connection) -> None:
    """Wait until nobody holds offers and connections, and keep all others out until this transaction ends."""
    if conn.dialect.name == "postgresql":
        conn.execute(sa.select(sa.func.pg_advisory_xact_lock(_ROUTES_LOCK)))


_CHANNEL = "leadkeeper_work"


def announce(conn: sa.Connection) -> None:
    """Wake the workers of other processes when this transaction commits."""
    if conn.dialect.name == "postgresql":
        conn.execute(sa.select(sa.func.pg_notify(_CHANNEL, "")))


class _SQLite:
    """One file in WAL mode with ``synchronous=FULL``: a commit is on disk before it is answered."""

    POLL_SECONDS = 0.02

    def __init__(self, url: sa.URL) -> None:
        self._writer = self._engine(url, 1, "BEGIN IMMEDIATE")
        self._reader = self._engine(url, READERS + 1, "BEGIN")  # one is for listening
        self._writing: sa.Connection | None = None
        self._write_thread = ThreadPoolExecutor(1, "sqlite-write")
        self._read_threads = ThreadPoolExecutor(READERS, "sqlite-read")

    @staticmethod
    def _engine(url: sa.URL, size: int, begin: str) -> sa.Engine:
        engine = sa.create_engine(
            url,
            poolclass=sa.QueuePool,
            pool_size=size,
            max_overflow=0,
            # What leads hold must not come to stand in an error's text.
            hide_parameters=True,
            connect_args={"check_same_thread": False, "timeout": BUSY_SECONDS},
        )

        @event.listens_for(engine, "connect")
        def _connect(connection: Any, _record: object) -> None:
            # The driver's own transaction control begins too late (at the first write) for a fair write lock.
            connection.isolation_level = None
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY"):
                connection.execute(f"PRAGMA {pragma}").close()

        @event.listens_for(engine, "begin")
        def _begin(connection: sa.Connection) -> None:
            connection.exec_driver_sql(begin)

        return engine

    async def write(self, act: Act[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        return await self._run(self._write_thread, self._begin_writing, lambda c: act(c, *args, **kwargs))

    async def read(self, act: Act[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        return await self._run(self._read_threads, self._reader.begin, lambda c: act(c, *args, **kwargs))

    @contextlib.contextmanager
    def _begin_writing(self) -> Iterator[sa.Connection]:
        """A transaction on the one connection that writes. It stays open: to fetch it costs as much as a small act."""
        if self._writing is None:
            self._writing = self._writer.connect()
        with self._writing.begin():
            yield self._writing

    @staticmethod
    async def _run(
        threads: ThreadPoolExecutor,
        begin: Callable[[], AbstractContextManager[sa.Connection]],
        act: Callable[[sa.Connection], R],
    ) -> R:
        def run() -> R:
            try:
                with begin() as conn:
                    return act(conn)
            except OperationalError as error:
                if getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR:
                    raise  # a wrong statement, not a database that is away
                raise StorageAway(str(error.orig)) from error

        # Shielded: a caller that goes away must not leave a transaction whose end nobody knows.
        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(threads, run))

    async def listen(self, woken: Callable[[], None]) -> Callable[[], Awaitable[None]]:
        """Look at ``PRAGMA data_version`` (it changes when another connection wrote) many times a second."""
        connection = self._reader.raw_connection()
        cursor = connection.cursor()

        async def watch() -> None:
            seen = None
            while True:
                version = cursor.execute("PRAGMA data_version").fetchone()
                if seen is not None and version != seen:
                    woken()
                seen = version
                await asyncio.sleep(self.POLL_SECONDS)

        task = asyncio.create_task(watch(), name="sqlite-watch")

        async def end() -> None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            connection.close()

        return end

    async def close(self) -> None:
        for threads in (self._write_thread, self._read_threads):
            await asyncio.to_thread(threads.shutdown)
        if self._writing is not None:
            self._writing.close()
        self._writer.dispose()
        self._reader.dispose()


class _PostgreSQL:
    """A server shared by any number of processes."""

    RECONNECT_SECONDS = 0.5

    def __init__(self, url: sa.URL) -> None:
        self._url = url
        self._running: set[asyncio.Task[Any]] = set()
        self._engine = create_async_engine(
            url,
            pool_size=POSTGRES_POOL,
            max_overflow=POSTGRES_POOL,
            hide_parameters=True,
            connect_args={
                "timeout": 5,
                "command_timeout": POSTGRES_ACT_SECONDS,
                # A process that freezes within an act must not hold its locks for ever: all others wait for them.
                "server_settings": {"idle_in_transaction_session_timeout": f"{POSTGRES_ACT_SECONDS}s"},
            },
        )

    async def write(self, act: Act[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        return await self._run(lambda c: act(c, *args, **kwargs))

    async def read(self, act: Act[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        return await self._run(lambda c: act(c, *args, **kwargs))

    async def _run(self, act: Callable[[sa.Connection], R]) -> R:
        async def run() -> R:
            try:
                async with self._engine.begin() as conn:
                    return await conn.run_sync(act)
            except (OSError, TimeoutError) as error:
                raise StorageAway(str(error)) from error
            except SQLAlchemyError as error:
                if _is_away(error):
                    raise StorageAway(str(getattr(error, "orig", error))) from error
                raise

        task = asyncio.create_task(run(), name="act")
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def listen(self, woken: Callable[[], None]) -> Callable[[], Awaitable[None]]:
        """LISTEN on a connection of its own, made again whenever it breaks."""
        dsn = self._url.set(drivername="postgresql").render_as_string(hide_password=False)

        async def watch() -> None:
            while True:
                try:
                    connection = await asyncpg.connect(dsn, timeout=5)
                except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                    await asyncio.sleep(self.RECONNECT_SECONDS)
                    continue
                lost = asyncio.Event()
                connection.add_termination_listener(lambda *_, lost=lost: lost.set())
                try:
                    await connection.add_listener(_CHANNEL, lambda *_: woken())
                    woken()
                    await lost.wait()
                except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                    await asyncio.sleep(self.RECONNECT_SECONDS)
                finally:
                    connection.terminate()

        task = asyncio.create_task(watch(), name="postgresql-listen")

        async def end() -> None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        return end

    async def close(self) -> None:
        if self._running:
            await asyncio.wait(self._running, timeout=POSTGRES_ACT_SECONDS)
        await self._engine.dispose()


def _is_away(error: SQLAlchemyError) -> bool:
    """Whether ``error`` says that the server went away, is starting, or gave up the transaction: all safe to repeat."""
    if isinstance(error, (OperationalError, InterfaceError)):
        return True
    if isinstance(error, sa.exc.TimeoutError):
        return True
    if isinstance(error, DBAPIError):
        state = getattr(error.orig, "sqlstate", None) or ""
        # 08 connection, 53 resources, 57P server shutting down, 40 deadlock or serialization failure.
        return error.connection_invalidated or state[:2] in {"08", "53", "40"} or state[:3] == "57P"
    return False
