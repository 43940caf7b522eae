"""SQLite behind the storage interface: one writer and a few readers, each in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import sqlite3
import time
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import DatabaseError, OperationalError

from leadkeeper.gate import NOBODY, Gate, acting_for
from leadkeeper.storage.away import DAMAGED, DISK_FULL, ONLY_READS, REPLACED, UNREACHABLE, ForeignDatabase, StorageAway
from leadkeeper.storage.engine import ANNOUNCED
from leadkeeper.storage.hot import takes_hot_statements
from leadkeeper.storage.ids import add_functions
from leadkeeper.storage.other_writers import OtherWriters
from leadkeeper.storage.sqlite_driver import run_on_sqlite
from leadkeeper.storage.sqlite_files import SQLiteFiles, make_private
from leadkeeper.storage.turns import run_in_turn
from leadkeeper.storage.writer_thread import TransactionResult, WriterThread

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S")

READERS: Final = 4
"""Threads that read, of which publishers and strangers have all but one; all visitors together have one at once, as
each publisher has. More would only take the interpreter from one another."""
WRITERS: Final = 3
"""How many transactions on behalf of publishers line up for the one writer: one of each, so none waits for many."""
BUSY_SECONDS: Final = 30
SWITCH_SECONDS: Final = 0.01
_REASONS: Final = {
    sqlite3.SQLITE_FULL: DISK_FULL,
    sqlite3.SQLITE_READONLY: ONLY_READS,
    sqlite3.SQLITE_CORRUPT: DAMAGED,
    sqlite3.SQLITE_NOTADB: DAMAGED,
}
_REFUSALS: Final = frozenset({DISK_FULL, DAMAGED})


def _code(error: DatabaseError) -> int:
    """The driver's number of what went wrong, without what it adds to some."""
    return (getattr(error.orig, "sqlite_errorcode", None) or 0) & 0xFF


def _is_no_text(error: DatabaseError) -> bool:
    """Whether the driver met bytes in a text column that are not UTF-8; it tells so by its words alone."""
    return str(error.orig).startswith("Could not decode to UTF-8")


def _away(error: DatabaseError) -> StorageAway | None:
    """That the database is away, or ``None`` for a wrong statement, or one that breaks a rule."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    reason = _REASONS.get(_code(error))
    if reason is None and (code == sqlite3.SQLITE_ERROR or not isinstance(error, OperationalError)):
        return None
    return StorageAway(str(error.orig), reason or UNREACHABLE)


@contextlib.contextmanager
def _any_bytes(conn: sa.Connection) -> Iterator[None]:
    """Meanwhile bytes that are no text are read as lone surrogates, which no text and no JSON holds."""
    driver: Any = conn.connection.dbapi_connection
    driver.text_factory = functools.partial(str, encoding="utf-8", errors="surrogateescape")
    try:
        yield
    finally:
        driver.text_factory = str


def _undoable(conn: sa.Connection, transaction: Callable[[sa.Connection], Any]) -> TransactionResult:
    """Do one ``transaction`` of several that share a commit; if it fails, what it did is undone, and nothing else.

    Raises its error when SQLite has undone the whole transaction with it, as on a full disk.
    """
    _control(conn, "SAVEPOINT act")
    try:
        result = transaction(conn)
    except BaseException as error:
        if not conn.connection.dbapi_connection.in_transaction:  # type: ignore[union-attr]
            raise
        _control(conn, "ROLLBACK TO act")
        _control(conn, "RELEASE act")
        return TransactionResult(error=error)
    _control(conn, "RELEASE act")
    return TransactionResult(result)


def _control(conn: sa.Connection, sql: str) -> None:
    """Begin or end something: by the driver itself, unless somebody listens to SQLAlchemy for it."""
    if takes_hot_statements(conn):
        run_on_sqlite(conn, sql, ())
    else:
        conn.exec_driver_sql(sql)


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Wait until whoever writes without WAL has ended, which SQLite itself does not: it refuses the switch at once.

    Processes that begin on a new file together meet so.
    """
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL").close()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(SWITCH_SECONDS)
        else:
            return


def _answer(loop: asyncio.AbstractEventLoop, future: asyncio.Future[Any], outcome: TransactionResult) -> None:
    """Tell the loop, from the thread that writes, what came of a transaction."""
    with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
        loop.call_soon_threadsafe(_end, future, outcome)


def _end(future: asyncio.Future[Any], outcome: TransactionResult) -> None:
    if future.done():
        return  # whoever asked has gone
    if outcome.error is None:
        future.set_result(outcome.result)
    else:
        future.set_exception(outcome.error)


class SQLite:
    """One file in WAL mode with ``synchronous=FULL``: a commit is on disk before it is answered.

    A file that is removed, moved away or replaced under the process takes no more leads: what is committed into it
    would be seen by nobody, so the transaction that notices raises :class:`StorageAway`. Those after it go to the file
    that stands there then, if it is a database of this version: a backup that was put back. None is made, and nothing
    else is touched.
    """

    POLL_SECONDS = 0.02

    writers_take_turns = True

    def __init__(self, url: sa.URL) -> None:
        assert url.database is not None
        self._files = SQLiteFiles(Path(url.database))
        self._writer = self._engine(url, 1, "BEGIN IMMEDIATE")
        self._reader = self._engine(url, READERS, "BEGIN")
        self._writing: sa.Connection | None = None
        self.generation = 0
        self.refusals = 0
        self.damaged = False
        self._writers = Gate(WRITERS, 1)
        self._readers = Gate(READERS - 1, 1)
        self._others = OtherWriters(self._opened)
        self._write_thread = WriterThread("sqlite-write", self._write_together, self._others.look)
        self._read_threads = ThreadPoolExecutor(READERS, "sqlite-read")

    def _engine(self, url: sa.URL, size: int, begin: str) -> sa.Engine:
        engine = sa.create_engine(
            url,
            poolclass=sa.QueuePool,
            pool_size=size,
            max_overflow=0,
            # What leads hold must not come to stand in an error's text.
            hide_parameters=True,
            connect_args={"check_same_thread": False, "timeout": BUSY_SECONDS},
        )

        @event.listens_for(engine, "do_connect")
        def _make(*_: object) -> None:
            self._files.require()
            self._files.require_the_same()
            make_private(url.database or "")

        @event.listens_for(engine, "connect")
        def _connect(connection: Any, _record: object) -> None:
            # The driver's own transaction control begins too late (at the first write) for a fair write lock.
            connection.isolation_level = None
            add_functions(connection)
            # First: a file that has no table yet gives the room of removed rows back, step by step (see storage.room).
            connection.execute("PRAGMA auto_vacuum=INCREMENTAL").close()
            _switch_to_wal(connection)
            for pragma in ("synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY"):
                connection.execute(f"PRAGMA {pragma}").close()

        @event.listens_for(engine, "begin")
        def _begin(connection: sa.Connection) -> None:
            _control(connection, begin)

        return engine

    async def write(
        self, transaction: Callable[Concatenate[sa.Connection, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        def begin() -> asyncio.Future[R]:
            loop = asyncio.get_running_loop()
            future: asyncio.Future[R] = loop.create_future()
            self._write_thread.submit(
                lambda conn: transaction(conn, *args, **kwargs), functools.partial(_answer, loop, future)
            )
            return future

        # The thread does what it was given, also when whoever waits here goes away.
        return await (begin() if acting_for() == NOBODY else run_in_turn(self._writers, BUSY_SECONDS, begin))

    async def migrate(self, transaction: Callable[[sa.Connection], R]) -> R:
        if await asyncio.get_running_loop().run_in_executor(self._read_threads, self._files.are_foreign):
            raise ForeignDatabase
        return await self.write(transaction)

    async def read(
        self, transaction: Callable[Concatenate[sa.Connection, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        return await run_in_turn(
            self._readers,
            BUSY_SECONDS,
            lambda: asyncio.get_running_loop().run_in_executor(
                self._read_threads, lambda: self._do(self._begin_reading, lambda c: transaction(c, *args, **kwargs))
            ),
        )

    async def read_and_build(self, transaction: Callable[[sa.Connection], S], build: Callable[[S], R]) -> R:
        return await run_in_turn(
            self._readers,
            BUSY_SECONDS,
            lambda: asyncio.get_running_loop().run_in_executor(
                self._read_threads, lambda: build(self._do(self._begin_reading, transaction))
            ),
        )

    @contextlib.contextmanager
    def _begin_reading(self) -> Iterator[sa.Connection]:
        self._files.require()
        with self._reader.begin() as conn:
            yield conn

    @contextlib.contextmanager
    def _begin_writing(self) -> Iterator[sa.Connection]:
        """A transaction on the one connection that writes. It stays open: to fetch it costs as much as a small one."""
        conn = self._opened()
        conn.info.pop(ANNOUNCED, None)  # of a transaction that was undone
        try:
            with conn.begin():
                self._others.ask(conn)
                yield conn
        except DatabaseError as error:
            # Nothing is committed into a damaged file, so it is looked here whether another stands there by now.
            if _REASONS.get(_code(error)) == DAMAGED and not self._files.are_the_same():
                self._let_go()
            raise
        if not self._files.are_the_same():
            self._let_go()
            raise StorageAway.because(REPLACED)
        for connections in conn.info.pop(ANNOUNCED, ()):
            self._others.tell(connections)

    def _opened(self) -> sa.Connection:
        if self._writing is None:
            self._files.require()
            self._writing = self._writer.connect()
        return self._writing

    def _let_go(self) -> None:
        """Close what was opened on the old file; whatever stands there now is opened anew."""
        self._files.forget()
        self.generation += 1
        self.damaged = False
        if self._writing is not None:
            self._writing.close()
            self._writing = None
        self._writer.dispose()
        self._reader.dispose()

    def _write_together(self, transactions: Sequence[Callable[[sa.Connection], Any]]) -> Sequence[TransactionResult]:
        """One outcome for each of ``transactions``, which share one of the database where there are several.

        One that fails is undone by itself and its caller gets the error; where the database is away, all get that:
        nothing of them was kept.
        """
        if len(transactions) == 1:
            return [self._write_alone(transactions[0])]
        generation = self.generation
        try:
            with self._begin_writing() as conn:
                outcomes = [_undoable(conn, transaction) for transaction in transactions]
        except BaseException as error:
            return [TransactionResult(error=self._summary(error, generation)) for _ in transactions]
        # Alone it is found out whether the transaction is wrong, a row is damaged, or the database is away.
        return [
            self._write_alone(transaction) if isinstance(outcome.error, DatabaseError) else outcome
            for transaction, outcome in zip(transactions, outcomes, strict=True)
        ]

    def _write_alone(self, transaction: Callable[[sa.Connection], Any]) -> TransactionResult:
        try:
            return TransactionResult(self._do(self._begin_writing, transaction))
        except BaseException as error:
            return TransactionResult(error=error)

    def _do(
        self, begin: Callable[[], AbstractContextManager[sa.Connection]], transaction: Callable[[sa.Connection], R]
    ) -> R:
        """Do ``transaction`` alone."""
        generation = self.generation
        try:
            with begin() as conn:
                return transaction(conn)
        except DatabaseError as error:
            if not _is_no_text(error):
                summary = self._summary(error, generation)
                raise summary from summary.__cause__
        # A row holds bytes that are no text: once more, with those bytes kept apart from all text, so that
        # whoever reads that row finds it damaged, and every other row reads as ever.
        try:
            with begin() as conn, _any_bytes(conn):
                return transaction(conn)
        except DatabaseError as error:
            summary = self._summary(error, generation)
            raise summary from summary.__cause__

    def _summary(self, error: BaseException, generation: int) -> BaseException:
        """The error itself if it is a wrong statement's or not the database's; else that the database is away.

        ``generation`` is that of the file in which the transaction began: damage of an old one says nothing of the new.
        """
        away = _away(error) if isinstance(error, DatabaseError) else None
        if away is None:
            return error
        if isinstance(error, DatabaseError) and _code(error) == sqlite3.SQLITE_CANTOPEN:
            away = self._files.unusable() or away
        self.refusals += away.reason in _REFUSALS
        if away.reason == DAMAGED and generation == self.generation:
            self.damaged = True
        away.__cause__ = error
        return away

    async def hears(self) -> bool:
        return True

    async def listen(self, woken: Callable[[Collection[str]], None]) -> Callable[[], Awaitable[None]]:
        """Call ``woken`` for what this process announces, and for whatever another one wrote; see ``other_writers``."""
        end_telling = self._others.listen(woken)
        self._write_thread.idle_seconds = self.POLL_SECONDS

        async def end() -> None:
            if not end_telling():
                self._write_thread.idle_seconds = None

        return end

    async def close(self) -> None:
        for threads in (self._write_thread, self._read_threads):
            await asyncio.to_thread(threads.shutdown)
        if self._writing is not None:
            self._writing.close()
        self._writer.dispose()
        self._reader.dispose()
