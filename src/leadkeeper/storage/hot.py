"""The few statements that run for every lead: made and compiled once, and on SQLite run by the driver itself.

SQLAlchemy takes several times as long to get a small statement to SQLite as SQLite takes to run it. On PostgreSQL the
way to the server costs more than that, so there they run as any other.
"""

from __future__ import annotations

import json
import sqlite3
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.storage.ids import are_packed, is_packed, packed_id, unpacked_id


class HotStatement:
    """A statement that ``make`` makes for a dialect, by name; its parameters are texts, numbers, truth values, lists.

    Every parameter that has no value of its own is given with each run. A list is one for ``engine.listed``.
    """

    def __init__(self, make: Callable[[str], sa.Select[Any] | sa.Update]) -> None:
        self._make = make
        self._statements: dict[str, sa.Select[Any] | sa.Update] = {}
        self._on_sqlite: _OnSQLite | None = None

    def rows(self, conn: sa.Connection, given: Mapping[str, Any]) -> Sequence[Any]:
        """Run it within the transaction of ``conn``; the rows that it answers, with their columns as attributes.

        Errors are those that SQLAlchemy raises.
        """
        if not takes_hot_statements(conn):
            return conn.execute(self._statement(conn.dialect.name), given).all()
        if self._on_sqlite is None:
            self._on_sqlite = _OnSQLite(conn, self._statement("sqlite"))
        return self._on_sqlite.rows(conn, given)

    def run(self, conn: sa.Connection, given: Mapping[str, Any]) -> None:
        """The same for one that answers no rows."""
        if not takes_hot_statements(conn):
            conn.execute(self._statement(conn.dialect.name), given)
        else:
            self.rows(conn, given)

    def _statement(self, dialect: str) -> sa.Select[Any] | sa.Update:
        if dialect not in self._statements:
            self._statements[dialect] = self._make(dialect)
        return self._statements[dialect]


class _OnSQLite:
    """A statement as SQLite's driver takes it."""

    def __init__(self, conn: sa.Connection, statement: sa.Select[Any] | sa.Update) -> None:
        compiled = statement.compile(dialect=conn.dialect)
        self._sql: Final = str(compiled)
        own = compiled.params
        names = compiled.positiontup or ()
        self._parameters: Final = [(name, own[name], is_packed(compiled.binds[name])) for name in names]
        columns = list(statement.selected_columns) if isinstance(statement, sa.Select) else []
        self._row: Final = _row_of([str(column.key) for column in columns])
        self._truths: Final = [at for at, column in enumerate(columns) if isinstance(column.type, sa.Boolean)]
        self._ids: Final = are_packed(columns)

    def rows(self, conn: sa.Connection, given: Mapping[str, Any]) -> Sequence[Any]:
        values = [_bound(given.get(name, own), packed=packed) for name, own, packed in self._parameters]
        found = on_driver(conn, self._sql, values)
        return [self._row._make(self._read(values)) for values in found]

    def _read(self, values: Sequence[Any]) -> Sequence[Any]:
        if not self._truths and not self._ids:
            return values
        read = list(values)
        for at in self._ids:
            read[at] = unpacked_id(read[at])
        for at in self._truths:
            read[at] = None if read[at] is None else bool(read[at])
        return read


def _row_of(names: Sequence[str]) -> Any:
    """A class of rows with these attributes; a column without a name has its place alone."""
    return namedtuple("HotRow", names, rename=True)


def takes_hot_statements(conn: sa.Connection) -> bool:
    """Whether the driver is asked itself: on SQLite, unless somebody (a tracer, say) listens to SQLAlchemy for it."""
    return conn.dialect.name == "sqlite" and not conn.dispatch.before_cursor_execute


def _bound(value: Any, *, packed: bool) -> Any:
    if isinstance(value, list):
        return json.dumps(value)
    return packed_id(value) if packed else value


def on_driver(conn: sa.Connection, sql: str, values: Sequence[Any], *, many: bool = False) -> Sequence[tuple[Any, ...]]:
    """Have SQLite's driver run ``sql`` within the transaction of ``conn``, with ``many`` for each one of ``values``.

    Errors are those that SQLAlchemy raises; what was to be stored stands in none of them.
    """
    driver: Any = conn.connection.dbapi_connection
    try:
        cursor = driver.executemany(sql, values) if many else driver.execute(sql, values)
        found: Sequence[tuple[Any, ...]] = cursor.fetchall()
    except sqlite3.Error as error:
        raise sa.exc.DBAPIError.instance(
            sql, None, error, sqlite3.Error, hide_parameters=True, dialect=conn.dialect
        ) from error
    return found
