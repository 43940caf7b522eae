"""The statements of every lead and of every page: made and compiled once, and run by the database's driver itself.

SQLAlchemy takes several times as long to get a small statement to the driver, and its rows back, as the driver does.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.storage.postgresql_driver import PostgreSQLStatement
from leadkeeper.storage.sqlite_driver import SQLiteStatement


class HotStatement:
    """A statement that ``make`` makes for a dialect, by name; its parameters are texts, numbers, truth values, lists.

    Every parameter that has no value of its own is given with each run. A list is one for ``engine.listed``.
    """

    def __init__(self, make: Callable[[str], sa.Select[Any] | sa.UpdateBase]) -> None:
        self._make = make
        self._statements: dict[str, sa.Select[Any] | sa.UpdateBase] = {}
        self._on_driver: dict[str, _OnDriver] = {}

    def rows(self, conn: sa.Connection, given: Mapping[str, Any]) -> Sequence[Any]:
        """Run it within the transaction of ``conn``; the rows that it answers, with their columns as attributes.

        Errors are those that SQLAlchemy raises.
        """
        if not takes_hot_statements(conn):
            return conn.execute(self._statement(conn.dialect.name), given).all()
        return self._driven(conn).rows(conn, given)

    def scalar(self, conn: sa.Connection, given: Mapping[str, Any]) -> Any:
        """The first value of the first row, or ``None`` where there is no row."""
        rows = self.rows(conn, given)
        return rows[0][0] if rows else None

    def run(self, conn: sa.Connection, given: Mapping[str, Any]) -> int:
        """The same for one that answers no rows; how many rows it changed."""
        if not takes_hot_statements(conn):
            return conn.execute(self._statement(conn.dialect.name), given).rowcount
        return self._driven(conn).statement.run(conn, given)

    def _driven(self, conn: sa.Connection) -> _OnDriver:
        name = conn.dialect.name
        if name not in self._on_driver:
            self._on_driver[name] = _OnDriver(conn, self._statement(name))
        return self._on_driver[name]

    def _statement(self, dialect: str) -> sa.Select[Any] | sa.UpdateBase:
        if dialect not in self._statements:
            self._statements[dialect] = self._make(dialect)
        return self._statements[dialect]


class _OnDriver:
    """A statement as the driver of one database takes it."""

    def __init__(self, conn: sa.Connection, statement: sa.Select[Any] | sa.UpdateBase) -> None:
        answers = statement.selected_columns if isinstance(statement, sa.Select) else statement.exported_columns
        columns = [*answers]
        self.statement: Final[PostgreSQLStatement | SQLiteStatement] = (
            SQLiteStatement(conn, statement, columns)
            if conn.dialect.name == "sqlite"
            else PostgreSQLStatement(conn, statement, columns)
        )
        self._row: Final = _row_of([str(column.key) for column in columns])

    def rows(self, conn: sa.Connection, given: Mapping[str, Any]) -> Sequence[Any]:
        return [*map(self._row._make, self.statement.fetch(conn, given))]


def _row_of(names: Sequence[str]) -> Any:
    """A class of rows with these attributes; a column without a name has its place alone."""
    return namedtuple("HotRow", names, rename=True)


def takes_hot_statements(conn: sa.Connection) -> bool:
    """Whether the driver is asked itself: unless somebody (a tracer, say) listens to SQLAlchemy for it."""
    return not conn.dispatch.before_cursor_execute
