"""PostgreSQL behind the storage interface: a server that any number of processes share, over asyncpg."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

import asyncpg
import sqlalchemy as sa
import structlog
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.util import greenlet_spawn

from leadkeeper.gate import Gate
from leadkeeper.storage.announcing import Announcing
from leadkeeper.storage.away import DISK_FULL, ONLY_READS, UNREACHABLE, StorageAway
from leadkeeper.storage.channel import CHANNEL
from leadkeeper.storage.engine import ANNOUNCED, EACH_ALONE
from leadkeeper.storage.frozen import FROZEN_SECONDS, NAME
from leadkeeper.storage.hot import HotStatement
from leadkeeper.storage.turns import run_in_turn

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S")

POOL: Final = 16
"""How many connections a process opens at most, each when it is first wanted. They stay open: a new one costs a
handshake, a question for each type and a preparation of each statement, just when there is most to do."""
STATEMENTS: Final = 256
"""How many statements a connection keeps prepared: the pages and the work of a process have some two hundred."""
PLACES: Final = 12
"""How many of the 16 connections of a process publishers and strangers may have at once; one alone has 4, two have 3
each, and all visitors together are one of them."""
PLACES_RESERVED: Final = 4
BUILDERS: Final = 2
"""How many threads make something of what was read: more would keep the loop waiting for the processor."""
TRANSACTION_SECONDS: Final = 30
CONNECT_SECONDS: Final = 5
_READ_ONLY: Final = "25006"
_TAKEN_FOR_FROZEN: Final = "25P03"
_GIVEN_UP: Final = frozenset({"57014", "55P03"})
"""A statement that somebody cancelled or that took longer than the operator allows, and a lock not had in time."""
_REASONS: Final = {_READ_ONLY: ONLY_READS, "53100": DISK_FULL}
_DURABLE: Final = frozenset({"on", "remote_apply"})

log: Final = structlog.get_logger(__name__)


class PostgreSQL:
    """A server shared by any number of processes, reached directly or through a pooler such as PgBouncer.

    Every commit waits for the disk (and for a synchronous standby where the server has one), whatever the server's
    default is. Which of both it is, is found out with the first transaction: a pooler hides the server's process id.
    """

    RECONNECT_SECONDS = 0.5

    writers_take_turns = False

    def __init__(self, url: sa.URL, *, frozen_seconds: float = FROZEN_SECONDS) -> None:
        self.generation = 0
        self.refusals = 0
        self.damaged = False
        self._url = url
        self._bounds = _bounds(frozen_seconds)
        self._per_transaction = _per_transaction(self._bounds)
        self._running: set[asyncio.Task[Any]] = set()
        self._engine: AsyncEngine | None = None
        self._opening = asyncio.Lock()
        self._pooled = False
        self._places = Gate(PLACES, PLACES_RESERVED)
        self._builders = ThreadPoolExecutor(BUILDERS, "build")
        self._announcing = Announcing(self._announce)

    async def write(
        self, transaction: Callable[Concatenate[sa.Connection, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        return await self._run(lambda c: transaction(c, *args, **kwargs))

    async def migrate(self, transaction: Callable[[sa.Connection], R]) -> R:
        await self.read(lambda _: None)  # finds out what answers, and tells of it as every transaction does
        engine = (
            _pooled_engine(self._url, seconds=None)
            if self._pooled
            else _direct_engine(self._url, _MIGRATING, durable=False, seconds=None)
        )
        try:
            return await self._begin(transaction, engine)
        finally:
            await engine.dispose()

    async def read(
        self, transaction: Callable[Concatenate[sa.Connection, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        return await self._run(lambda c: transaction(c, *args, **kwargs), reads=True)

    async def read_and_build(self, transaction: Callable[[sa.Connection], S], build: Callable[[S], R]) -> R:
        async def run() -> R:
            found = await self._begin(transaction, reads=True)
            return await asyncio.get_running_loop().run_in_executor(self._builders, build, found)

        return await run_in_turn(self._places, TRANSACTION_SECONDS, lambda: asyncio.create_task(run(), name="build"))

    async def _run(self, transaction: Callable[[sa.Connection], R], *, reads: bool = False) -> R:
        return await run_in_turn(self._places, TRANSACTION_SECONDS, lambda: self._begin(transaction, reads=reads))

    def _begin(
        self, transaction: Callable[[sa.Connection], R], apart: AsyncEngine | None = None, *, reads: bool = False
    ) -> asyncio.Task[R]:
        async def run() -> R:
            result: R
            try:
                engine = apart or self._engine or await self._open()
                first = None if not self._pooled else _PER_MIGRATION if apart else self._per_transaction
                alone = reads and first is None
                result, announced = await greenlet_spawn(_transacted, engine.sync_engine, transaction, first, alone)
                for connections in announced:
                    self._announcing.tell(connections)
                return result
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                raise StorageAway(str(error)) from error
            except SQLAlchemyError as error:
                if not _is_away(error):
                    raise
                if _state(error) == _READ_ONLY:
                    await self._reconnect()
                reason = _REASONS.get(_state(error), UNREACHABLE)
                self.refusals += reason == DISK_FULL
                raise StorageAway(str(getattr(error, "orig", error)), reason) from error

        task = asyncio.create_task(run(), name="act")
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def _open(self) -> AsyncEngine:
        """Look at what answers, and make the pool of connections that suits it."""
        async with self._opening:
            if self._engine is None:
                self._pooled, durable = await self._look()
                self._engine = (
                    _pooled_engine(self._url)
                    if self._pooled
                    else _direct_engine(self._url, self._bounds, durable=durable)
                )
            return self._engine

    async def _look(self) -> tuple[bool, bool]:
        """Whether a pooler stands between, and whether the server's own default makes commits durable."""
        connection = await asyncpg.connect(_dsn(self._url), timeout=CONNECT_SECONDS, statement_cache_size=0)
        try:
            async with connection.transaction():
                row = await connection.fetchrow("SELECT pg_backend_pid(), current_setting('synchronous_commit')")
            return row[0] != connection.get_server_pid(), row[1] in _DURABLE
        finally:
            connection.terminate()

    async def _reconnect(self) -> None:
        """Let go of a server that has become a standby: the next connection may find the one that leads now."""
        if self._engine is not None:
            await self._engine.dispose()

    async def _announce(self, connections: Collection[str]) -> None:
        named = ",".join(sorted(connections)) if len(connections) <= _ANNOUNCED else ""
        await self._begin(lambda conn: _NOTIFY.rows(conn, {"named": named}), reads=True)

    async def hears(self) -> bool:
        await self._open()
        return not self._pooled

    async def listen(self, woken: Callable[[Collection[str]], None]) -> Callable[[], Awaitable[None]]:
        """LISTEN on a connection of its own, made again whenever it breaks; through a pooler it is left alone.

        In a pooler's transaction mode the server connection that listens is anybody's.
        """

        async def watch() -> None:
            while True:
                try:
                    await self._open()
                    if self._pooled:
                        log.info("a pooler stands before PostgreSQL: NOTIFY does not reach, work is looked for instead")
                        return
                    connection = await asyncpg.connect(_dsn(self._url), timeout=CONNECT_SECONDS)
                except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                    await asyncio.sleep(self.RECONNECT_SECONDS)
                    continue
                lost = asyncio.Event()
                connection.add_termination_listener(lambda *_, lost=lost: lost.set())
                try:
                    await connection.add_listener(CHANNEL, lambda *observed: woken(_named(observed[-1])))
                    woken(())
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
            await asyncio.wait(self._running, timeout=TRANSACTION_SECONDS)
        await asyncio.to_thread(self._builders.shutdown)
        await self._announcing.close()
        if self._engine is not None:
            await self._engine.dispose()


def _transacted(
    engine: sa.Engine,
    transaction: Callable[[sa.Connection], R],
    first: sa.Select[Any] | None,
    alone: bool,
) -> tuple[R, Sequence[Collection[str]]]:
    """What ``transaction`` answers, and what it announces; it is committed, unless its statements stand ``alone``.

    The whole way, from the pool and back to it, in one greenlet: each step of it in one of its own, as SQLAlchemy's
    asynchronous engine would have it, costs as much as several statements.
    """
    with engine.connect() as conn, _autocommit(conn) if alone else contextlib.nullcontext(), conn.begin():
        conn.info.pop(ANNOUNCED, None)  # of a transaction that was undone
        if first is not None:
            conn.execute(first)
        result = transaction(conn.execution_options(**EACH_ALONE) if alone else conn)
        announced: Sequence[Collection[str]] = conn.info.pop(ANNOUNCED, ())
    return result, announced


@contextlib.contextmanager
def _autocommit(conn: sa.Connection) -> Iterator[None]:
    """No transaction is begun around what is read. SQLAlchemy's own option for it costs more than a statement."""
    driver: Any = conn.connection.dbapi_connection
    driver.autocommit = True
    try:
        yield
    finally:
        driver.autocommit = False


_ANNOUNCED: Final = 150
"""A message holds 8,000 bytes at most, an id 36."""
_NOTIFY: Final = HotStatement(
    lambda _: sa.select(
        sa.func.set_config("synchronous_commit", "off", True),  # nothing is written that must be kept
        sa.func.pg_notify(CHANNEL, sa.bindparam("named", type_=sa.String)),
    )
)


def _named(payload: object) -> Collection[str]:
    return payload.split(",") if isinstance(payload, str) and payload else ()


_COMMON: Final[dict[str, Any]] = {
    "pool_size": POOL,
    "max_overflow": 0,
    "pool_use_lifo": True,  # what a connection has prepared is found again, where few are in use
    "hide_parameters": True,
}


def _bounds(seconds: float) -> Mapping[str, str]:
    """A process that freezes within a transaction must not hold its locks for ever: see ``storage.frozen``.

    Each statement reads a bounded number of rows. To compile it, or to start other processes for it, takes longer than
    it does: PostgreSQL does both where it takes the rows for many.
    """
    frozen = {"idle_in_transaction_session_timeout": f"{int(seconds * 1000)}ms"}
    return frozen | {"jit": "off", "max_parallel_workers_per_gather": "0"}


def _per_transaction(bounds: Mapping[str, str]) -> sa.Select[Any]:
    """What a session would be told once; each transaction through a pooler may be in another session."""
    return sa.select(
        *(sa.func.set_config(name, value, True) for name, value in bounds.items()),
        sa.case(
            (sa.func.current_setting("synchronous_commit").in_(sorted(_DURABLE)), ""),
            else_=sa.func.set_config("synchronous_commit", "on", True),
        ),
    )


_MIGRATING: Final = _bounds(TRANSACTION_SECONDS)
"""Migrations may compute for a while."""
_PER_MIGRATION: Final = _per_transaction(_MIGRATING)


def _direct_engine(
    url: sa.URL, bounds: Mapping[str, str], *, durable: bool, seconds: int | None = TRANSACTION_SECONDS
) -> AsyncEngine:
    settings = {"application_name": NAME, **bounds}
    if not durable:
        settings["synchronous_commit"] = "on"
    return create_async_engine(
        url,
        connect_args={
            "timeout": CONNECT_SECONDS,
            "command_timeout": seconds,
            "server_settings": settings,
            "prepared_statement_cache_size": STATEMENTS,
            "statement_cache_size": STATEMENTS,
            "max_cached_statement_lifetime": 0,  # what is asked for every lead is prepared once
        },
        **_COMMON,
    )


def _pooled_engine(url: sa.URL, *, seconds: int | None = TRANSACTION_SECONDS) -> AsyncEngine:
    """Nothing outlives a transaction: no settings of the session, no prepared statements."""
    engine = create_async_engine(
        url,
        connect_args={
            "timeout": CONNECT_SECONDS,
            "command_timeout": seconds,
            "server_settings": {"application_name": NAME},
            "statement_cache_size": 0,
            "prepared_statement_cache_size": 0,
            "prepared_statement_name_func": str,  # the unnamed one, which lasts until the next
        },
        **_COMMON,
    )

    async def no_codec(_: object) -> None:
        """We keep no JSON columns; to ask for their codec takes two messages, which may reach two servers."""

    dialect: Any = engine.sync_engine.dialect
    dialect.setup_asyncpg_json_codec = dialect.setup_asyncpg_jsonb_codec = no_codec
    return engine


def _dsn(url: sa.URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def _state(error: SQLAlchemyError) -> str:
    return getattr(getattr(error, "orig", None), "sqlstate", None) or ""


def _is_away(error: SQLAlchemyError) -> bool:
    """Whether ``error`` says that the server went away, is starting, or gave up the transaction: all safe to repeat."""
    if isinstance(error, (OperationalError, InterfaceError)):
        return True
    if isinstance(error, sa.exc.TimeoutError):
        return True
    if isinstance(error, DBAPIError):
        state = _state(error)
        # 08 connection, 53 resources, 57P server shutting down, 40 deadlock or serialization failure, a server that
        # only reads (a standby, or one whose disk is full), one that took us for frozen, and what it gave up.
        return (
            error.connection_invalidated
            or state[:2] in {"08", "53", "40"}
            or state[:3] == "57P"
            or state in {_READ_ONLY, _TAKEN_FOR_FROZEN, *_GIVEN_UP}
        )
    return False
