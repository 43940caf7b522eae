"""Statements that SQLAlchemy has compiled, run by SQLite's driver itself within SQLAlchemy's transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.storage.ids import are_packed, is_packed, packed_id, unpacked_id


class SQLiteStatement:
    """One statement, which answers rows of ``columns``; see ``storage.hot``."""

    def __init__(self, conn: sa.Connection, statement: Any, columns: Sequence[sa.ColumnElement[Any]]) -> None:
        compiled = statement.compile(dialect=conn.dialect)
        self._sql: Final = str(compiled)
        own = compiled.params
        names = compiled.positiontup or ()
        self._parameters: Final = [(name, own[name], is_packed(compiled.binds[name])) for name in names]
        self._truths: Final = [at for at, column in enumerate(columns) if isinstance(column.type, sa.Boolean)]
        self._ids: Final = are_packed(columns)

    def fetch(self, conn: sa.Connection, given: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
        """The values of the rows that it answers."""
        found, _ = run_on_sqlite(conn, self._sql, self._values(given))
        return [self._read(values) for values in found] if self._truths or self._ids else found

    def run(self, conn: sa.Connection, given: Mapping[str, Any]) -> int:
        """Run it; how many rows it changed."""
        return run_on_sqlite(conn, self._sql, self._values(given))[1]

    def _values(self, given: Mapping[str, Any]) -> list[Any]:
        return [_bound(given.get(name, own), packed=packed) for name, own, packed in self._parameters]

    def _read(self, values: Sequence[Any]) -> Sequence[Any]:
        read = list(values)
        for at in self._ids:
            read[at] = unpacked_id(read[at])
        for at in self._truths:
            read[at] = None if read[at] is None else bool(read[at])
        return read


def _bound(value: Any, *, packed: bool) -> Any:
    if isinstance(value, list):
        return json.dumps(value)
    return packed_id(value) if packed else value


def run_on_sqlite(
    conn: sa.Connection, sql: str, values: Sequence[Any], *, many: bool = False
) -> tuple[Sequence[tuple[Any, ...]], int]:
    """Have SQLite's driver run ``sql`` within the transaction of ``conn``, with ``many`` for each one of ``values``.

    Answers the rows, and how many were changed. Errors are those that SQLAlchemy raises; what was to be stored stands
    in none of them.
    """
    driver: Any = conn.connection.dbapi_connection
    try:
        cursor = driver.executemany(sql, values) if many else driver.execute(sql, values)
        return cursor.fetchall(), cursor.rowcount
    except sqlite3.Error as error:
        raise sa.exc.DBAPIError.instance(
            sql, None, error, sqlite3.Error, hide_parameters=True, dialect=conn.dialect
        ) from error
