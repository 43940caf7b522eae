"""Statements that SQLAlchemy has compiled, run by asyncpg itself within SQLAlchemy's transaction.

asyncpg keeps what a connection has prepared, and prepares it anew where a table has changed meanwhile.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

import sqlalchemy as sa

R = TypeVar("R")


class PostgreSQLStatement:
    """One statement, which answers rows of ``columns``; see ``storage.hot``.

    With ``inserted`` it is an insert of one row, whose parameters are the columns of these names.
    """

    def __init__(
        self,
        conn: sa.Connection,
        statement: Any,
        columns: Sequence[sa.ColumnElement[Any]],
        inserted: Sequence[str] | None = None,
    ) -> None:
        compiled = statement.compile(dialect=conn.dialect, column_keys=inserted)
        self._sql: Final = str(compiled)
        own = compiled.params
        self._parameters: Final[Sequence[tuple[str, Any, Callable[[Any], Any] | None]]] = [
            (name, own[name], compiled.binds[name].type.dialect_impl(conn.dialect).bind_processor(conn.dialect))
            for name in compiled.positiontup or ()
        ]
        read = (column.type.dialect_impl(conn.dialect).result_processor(conn.dialect, None) for column in columns)
        self._read: Final = [(at, processor) for at, processor in enumerate(read) if processor is not None]

    def fetch(self, conn: sa.Connection, given: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
        """The values of the rows that it answers."""
        values = self._values(given)
        found: Sequence[Any] = _in_transaction(conn, self._sql, lambda driver: driver.fetch(self._sql, *values))
        return [self._processed(record) for record in found] if self._read else found

    def run(self, conn: sa.Connection, given: Mapping[str, Any]) -> int:
        """Run it; how many rows it changed."""
        values = self._values(given)
        status: str = _in_transaction(conn, self._sql, lambda driver: driver.execute(self._sql, *values))
        return int(status.rpartition(" ")[2])

    def _values(self, given: Mapping[str, Any]) -> list[Any]:
        return [
            value if processor is None else processor(value)
            for value, processor in ((given.get(name, own), processor) for name, own, processor in self._parameters)
        ]

    def _processed(self, record: Sequence[Any]) -> Sequence[Any]:
        values = list(record)
        for at, processor in self._read:
            values[at] = processor(values[at])
        return values


def _in_transaction(conn: sa.Connection, sql: str, run: Callable[[Any], Awaitable[R]]) -> R:
    """What asyncpg's connection answers, within the transaction of ``conn``, which SQLAlchemy begins with the first.

    Errors, and what becomes of a connection that broke, are SQLAlchemy's own.
    """
    adapter: Any = conn.connection.dbapi_connection

    async def do(driver: Any) -> R:
        try:
            if adapter._transaction is None:
                await adapter._start_transaction()
            return await run(driver)
        except Exception as error:
            adapter._handle_exception(error)
            raise

    try:
        found: R = adapter.run_async(do)
    except BaseException as error:
        of_driver = isinstance(error, conn.dialect.loaded_dbapi.Error)
        conn._handle_dbapi_exception(error, sql if of_driver else None, None, None, None)
    return found
