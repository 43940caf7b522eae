"""The database behind one small interface: a transaction is a plain function that is given a connection.

``await storage.write(transaction, ...)`` calls ``transaction(connection, ...)`` and commits what it did, whole and
durably, before it returns. Because the function is not a coroutine, no transaction can be open across a network call.
On SQLite it runs in a thread of its own (one writer, a few readers), on PostgreSQL over asyncpg; see
``docs/decisions/0001-acts-not-sessions.md``.
"""

from __future__ import annotations

import functools
import zlib
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from operator import itemgetter
from typing import Any, Concatenate, Final, ParamSpec, Protocol, TypeVar

import sqlalchemy as sa

from leadkeeper.storage.away import StorageAway
from leadkeeper.storage.hot import HotStatement, takes_hot_statements
from leadkeeper.storage.ids import PACKED, UNPACKED, are_packed, is_packed, packed_id
from leadkeeper.storage.postgresql_driver import PostgreSQLStatement
from leadkeeper.storage.sqlite_driver import run_on_sqlite
from leadkeeper.texts import lazy_gettext

__all__ = ["Storage", "StorageAway", "has_peers", "open_storage", "parsed_address"]

DEFAULT_DATABASE: Final = "sqlite+aiosqlite:///leadkeeper.db"
"""Where leads are kept where no setting says otherwise: a file in the folder of the process."""

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S")
Transaction = Callable[Concatenate[sa.Connection, P], R]


class Storage(Protocol):
    """One database. All errors of being away come as :class:`StorageAway`; others as SQLAlchemy raises them.

    ``generation`` is another number once another database (a backup, say) was found in the place of the one before.
    ``refusals`` is another number once a transaction was refused for what no smaller one need meet: there was no room
    for what it wrote, or it came by a damaged part of the file. ``damaged`` says that some transaction did, of the file
    in use: that does not heal by itself. ``writers_take_turns``: one transaction that writes comes after another.
    """

    writers_take_turns: bool
    generation: int
    refusals: int
    damaged: bool

    async def write(self, transaction: Transaction[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Call ``transaction``; what it did is on disk when this returns, and undone when ``transaction`` raises."""
        ...

    async def read(self, transaction: Transaction[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Call ``transaction``, which writes nothing."""
        ...

    async def read_and_build(self, transaction: Transaction[[], S], build: Callable[[S], R]) -> R:
        """Call ``transaction``, then ``build`` with what it read, in a thread of its own after the transaction.

        For what is made of many rows: neither the loop nor the database waits for it.
        """
        ...

    async def migrate(self, transaction: Transaction[[], R]) -> R:
        """The same as :meth:`write`, however long it takes: it may go through all that there is."""
        ...

    async def listen(self, woken: Callable[[Collection[str]], None]) -> Callable[[], Awaitable[None]]:
        """Call ``woken`` whenever another process announced new work, with its connections or with none for any.

        Returns what ends the listening.
        """
        ...

    async def hears(self) -> bool:
        """Whether what other processes announce is heard at all: behind a pooler it is not. Raises ``StorageAway``."""
        ...

    async def close(self) -> None:
        """Wait for what runs and close every connection."""
        ...


def open_storage(url: str) -> Storage:
    """The storage for ``sqlite[+aiosqlite]:///path`` or ``postgresql[+asyncpg]://...``.

    Raises ``ValueError`` with a one-line message for any other address. Does not touch the database yet.
    """
    parsed = parsed_address(url)
    if parsed.get_backend_name() == "sqlite":
        from leadkeeper.storage.sqlite import SQLite  # either is large, and one of them is enough

        return SQLite(parsed.set(drivername="sqlite"))
    from leadkeeper.storage.postgresql import PostgreSQL

    return PostgreSQL(parsed.set(drivername="postgresql+asyncpg"))


def parsed_address(url: str) -> sa.URL:
    """The address of a database that can be opened: see :func:`open_storage`, which raises the same ``ValueError``."""
    try:
        parsed = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):  # the latter names what stands where a port should: part of a password
        raise ValueError(
            lazy_gettext(
                "not a database address; use sqlite+aiosqlite:///file or postgresql+asyncpg://user:password@host/name "
                "(in user and password # is written %%23, ? %%3F, / %%2F, @ %%40 and : %%3A)"
            )
        ) from None
    backend = parsed.get_backend_name()
    if backend == "sqlite" and (not parsed.database or parsed.database == ":memory:"):
        raise ValueError(lazy_gettext("SQLite needs a file: sqlite+aiosqlite:///leadkeeper.db"))
    if backend not in ("sqlite", "postgresql"):
        raise ValueError(
            lazy_gettext(
                "%(backend)s is not supported; use sqlite+aiosqlite:///file or postgresql+asyncpg://...",
                backend=backend,
            )
        )
    return parsed


def has_peers(url: str) -> bool:
    """Whether many processes may use the database of this address alike; else one of them writes at a time."""
    return sa.make_url(url).get_backend_name() == "postgresql"


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
        kind = column.type if is_packed(column) else sa.String()
        return column == sa.any_(sa.bindparam(name, values, type_=sa.ARRAY(kind)))
    each = sa.func.json_each(sa.bindparam(name, values, type_=sa.JSON)).table_valued("value")
    return column.in_(sa.select(_function(PACKED, each.c.value, column) if is_packed(column) else each.c.value))


def nulls_first(dialect: str, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """The order that begins with rows without ``column``, as each database's index of it has them at one end."""
    return column if dialect == "sqlite" else column.desc().nulls_first()


def by_index(dialect: str, condition: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """``condition`` as one that SQLite asks an index for, whatever it believes of its rows.

    Where nearly all rows were of one connection when its statistics were gathered, it would go through all of them to
    find those of another.
    """
    if dialect != "sqlite":
        return condition
    return sa.func.likelihood(condition, sa.literal_column("0.0001"))


def _function(name: str, of: sa.ColumnElement[Any], column: sa.ColumnElement[Any] | None = None) -> sa.Function[Any]:
    """A function of SQLite's that packs or unpacks ids; see ``storage.ids``."""
    return sa.Function(name, of, type_=sa.Text() if column is None else column.type)


def rows_as_json(dialect: str, *columns: sa.ColumnElement[Any]) -> sa.ColumnElement[str]:
    """The ``columns`` of the rows of a group as one JSON text, a list of lists in no order.

    A row costs the database's driver more than its values cost JSON: so many come as one.
    """
    if dialect == "postgresql":
        return sa.cast(sa.func.json_agg(sa.func.json_build_array(*columns)), sa.Text)
    values = (_function(UNPACKED, column) if is_packed(column) else column for column in columns)
    return sa.func.json_group_array(sa.func.json_array(*values), type_=sa.Text)


def least_of(column: sa.ColumnElement[Any], *where: sa.ColumnElement[bool]) -> sa.ScalarSelect[Any]:
    """The least value of ``column`` there, by one step in an index; PostgreSQL knows no least of UUIDs."""
    return sa.select(column).where(*where).order_by(column).limit(1).scalar_subquery()


def insert_rows(conn: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert ``rows``, which all name the same columns, in one statement where the database gains by that.

    PostgreSQL takes a list for each column: it plans and runs one insert instead of one for each row. SQLite's driver
    is given the values as they are, beside ids: its columns hold texts, numbers and truth values.
    """
    if not rows:
        return
    names = tuple(rows[0])
    if conn.dialect.name == "sqlite":
        values = _values(table, names, rows)
        if takes_hot_statements(conn):
            run_on_sqlite(conn, _insert_of_values(table, names), values, many=True)
        else:
            conn.exec_driver_sql(_insert_of_values(table, names), values)
        return
    if len(rows) > 1:
        _insert_of_lists(table, names).run(conn, {name: [row[name] for row in rows] for name in names})
    elif takes_hot_statements(conn):
        _insert_of_one(conn, table, names).run(conn, rows[0])
    else:
        conn.execute(sa.insert(table), rows)


def insert_with(
    conn: sa.Connection, first: tuple[sa.Table, Sequence[Mapping[str, Any]]], then: tuple[sa.Table, Sequence[Any]]
) -> None:
    """Insert rows as :func:`insert_rows` does, and those of another table that may name them.

    On PostgreSQL all of it is one statement: one message to the server and back instead of two.
    """
    if conn.dialect.name == "sqlite" or not (first[1] and then[1]):
        insert_rows(conn, *first)
        insert_rows(conn, *then)
        return
    named = tuple((table, tuple(rows[0])) for table, rows in (first, then))
    given = {f"{table.name}_{name}": [row[name] for row in rows] for table, rows in (first, then) for name in rows[0]}
    _insert_of_both(*named).run(conn, given)


def _values(table: sa.Table, names: tuple[str, ...], rows: Sequence[Mapping[str, Any]]) -> Sequence[Sequence[Any]]:
    """As SQLite's driver takes them."""
    found = map(itemgetter(*names), rows)
    packed = _packed_places(table, names)
    return [_packed(values, packed) for values in found] if packed else [*found]


@functools.cache
def _packed_places(table: sa.Table, names: tuple[str, ...]) -> tuple[int, ...]:
    return are_packed([table.c[name] for name in names])


def _packed(values: Sequence[Any], places: Sequence[int]) -> Sequence[Any]:
    changed = list(values)
    for at in places:
        changed[at] = packed_id(changed[at])
    return tuple(changed)


@functools.cache
def _insert_of_values(table: sa.Table, names: tuple[str, ...]) -> str:
    columns = ", ".join(table.c[name].name for name in names)
    return f"INSERT INTO {table.name} ({columns}) VALUES ({', '.join('?' * len(names))})"  # noqa: S608 - our own names


_ONES: Final[dict[tuple[str, tuple[str, ...]], PostgreSQLStatement]] = {}


def _insert_of_one(conn: sa.Connection, table: sa.Table, names: tuple[str, ...]) -> PostgreSQLStatement:
    key = table.name, names
    if key not in _ONES:
        _ONES[key] = PostgreSQLStatement(conn, sa.insert(table), (), names)
    return _ONES[key]


@functools.cache
def _insert_of_lists(table: sa.Table, names: tuple[str, ...]) -> HotStatement:
    insert = _from_lists(table, names, "")
    return HotStatement(lambda _: insert)


@functools.cache
def _insert_of_both(first: tuple[sa.Table, tuple[str, ...]], then: tuple[sa.Table, tuple[str, ...]]) -> HotStatement:
    before = _from_lists(*first, f"{first[0].name}_").cte("before")
    insert = _from_lists(*then, f"{then[0].name}_").add_cte(before)
    return HotStatement(lambda _: insert)


def _from_lists(table: sa.Table, names: tuple[str, ...], prefix: str) -> sa.Insert:
    """An insert of rows whose columns are given as lists, each named as the column after ``prefix``."""
    lists = [sa.bindparam(prefix + name, type_=sa.ARRAY(table.c[name].type)) for name in names]
    columns = [sa.column(name, table.c[name].type) for name in names]
    rows = sa.func.unnest(*lists).table_valued(*columns).render_derived()
    return sa.insert(table).from_select(names, sa.select(*(rows.c[name] for name in names)))


ROUTES_LOCK: Final = 0x1EAD
"""Of PostgreSQL: who takes leads in holds it shared, who changes where they go alone."""
TURN_LOCK: Final = 0x1EAE
"""Of PostgreSQL: who changes what belongs to a publisher holds it."""
_ROUTES_LOCKS: Final = 256
"""So many locks of each kind stand for all publishers: a server has room for a few thousand, a group names hundreds."""


def share_routes(conn: sa.Connection, publishers: Collection[str], *, wait: bool = False) -> Collection[str]:
    """Hold offers and connections of ``publishers`` as they are until this transaction ends; others may hold them too.

    Answers those that somebody changes at this moment, which are not held, unless told to ``wait`` for them: what one
    publisher changes keeps nobody else waiting. SQLite has one writer at a time, so there all are held already.
    """
    if conn.dialect.name != "postgresql":
        return ()
    locks = _share_routes(wait=wait)
    found = locks.rows(conn, {"numbers": sorted({_routes_lock(who) for who in publishers})})
    taken = {number for number, held in found if not held}
    return {who for who in publishers if _routes_lock(who) in taken} if taken else ()


def take_turn(conn: sa.Connection, *publishers: str) -> None:
    """Wait for whoever changes what belongs to ``publishers``, and keep others from it till this transaction ends.

    Leads come in meanwhile: what they need to know is changed after :func:`change_routes` alone. A transaction names
    all publishers that it needs at once: then no two wait for each other.
    """
    _wait_for(conn, (TURN_LOCK,), {_routes_lock(who) for who in publishers})


def change_routes(conn: sa.Connection, *publishers: str) -> None:
    """Take the turn of ``publishers``, wait until nobody holds their offers and connections, and keep leads out.

    It holds till this transaction ends, and leads of these publishers wait: whoever has much to look at before takes
    the turn first, and calls this when it begins to write.
    """
    _wait_for(conn, (TURN_LOCK, ROUTES_LOCK), {_routes_lock(who) for who in publishers})


def change_all_routes(conn: sa.Connection) -> None:
    """The same for every publisher: whoever takes leads in waits meanwhile."""
    _wait_for(conn, (TURN_LOCK, ROUTES_LOCK), range(_ROUTES_LOCKS))


def _wait_for(conn: sa.Connection, kinds: Sequence[int], numbers: Collection[int]) -> None:
    """Hold these locks. All turns come before all routes, and each in the order of its numbers."""
    if conn.dialect.name == "postgresql":
        both = [(kind, number) for kind in kinds for number in sorted(numbers)]
        _WAIT_FOR.rows(conn, {"kinds": [kind for kind, _ in both], "numbers": [number for _, number in both]})


def _routes_lock(publisher_id: str) -> int:
    return zlib.crc32(publisher_id.encode()) % _ROUTES_LOCKS


def _locks(function: Callable[..., Any]) -> sa.Select[Any]:
    given = sa.func.unnest(sa.bindparam("numbers", type_=sa.ARRAY(sa.Integer)))
    numbers = given.table_valued(sa.column("number", sa.Integer)).render_derived()
    return sa.select(numbers.c.number, function(ROUTES_LOCK, numbers.c.number))


@functools.cache
def _share_routes(*, wait: bool) -> HotStatement:
    if not wait:
        return HotStatement(lambda _: _locks(sa.func.pg_try_advisory_xact_lock_shared))
    return HotStatement(lambda _: _locks(lambda *lock: sa.func.pg_advisory_xact_lock_shared(*lock).is_not(None)))


def _exclusive_locks(_: str) -> sa.Select[Any]:
    lists = [sa.bindparam(name, type_=sa.ARRAY(sa.Integer)) for name in ("kinds", "numbers")]
    columns = [sa.column(name, sa.Integer) for name in ("kind", "number")]
    given = sa.func.unnest(*lists).table_valued(*columns).render_derived()
    return sa.select(sa.func.pg_advisory_xact_lock(given.c.kind, given.c.number))


_WAIT_FOR: Final = HotStatement(_exclusive_locks)


def announce(conn: sa.Connection, connections: Collection[str] = ()) -> None:
    """Wake workers soon after this transaction commits, and tell which connections have work.

    With none named they look at all, as SQLite's workers of other processes always do.
    """
    conn.info.setdefault(ANNOUNCED, []).append(frozenset(connections))


EACH_ALONE: Final[Mapping[str, Any]] = {"leadkeeper_each_alone": True}
"""The option of a connection that says how PostgreSQL reads: each statement sees what is committed when it begins,
within a transaction or without one, so that none is begun and ended around them, which would be two more messages to
the server and back."""
ANNOUNCED: Final = "leadkeeper.announced"
"""Where a transaction notes what it announces, for whoever commits it."""
