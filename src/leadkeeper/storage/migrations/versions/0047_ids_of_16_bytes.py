"""Ids of leads, deliveries and connections take 16 bytes, wherever they stand"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import sqlalchemy as sa
import structlog
from alembic import op

revision = "0047"
down_revision = "0046"

_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "connection": ("id",),
    "connection_change": ("connection_id",),
    "notice": ("connection_id",),
    "reconciliation": ("connection_id",),
    "missing_record": ("delivery_id", "connection_id", "lead_id"),
    "follow_up": ("lead_id",),
    "lead_event": ("id", "lead_id"),
    "attempt": ("id", "delivery_id"),
    "delivery": ("id", "lead_id", "connection_id"),
    "lead": ("id",),
}
_ROWS: Final = 200_000
"""So many are copied at once on SQLite; then the log says how far it is."""
_BYTES: Final = 100_000_000
"""Of so large a table PostgreSQL's upgrade says when it comes to it."""
_IS_NONE: Final = {
    "sqlite": "length({0}) <> 36 OR {0} GLOB '*[^0-9a-f-]*'",
    "postgresql": "{0} !~ '^[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}$'",
}

log: Final = structlog.get_logger(__name__)


def upgrade() -> None:
    """Apply."""
    conn = op.get_bind()
    for table, columns in _COLUMNS.items():
        for column in columns:
            _require_uuids(conn, table, column)
    if conn.dialect.name == "postgresql":
        _on_postgresql(conn)
    else:
        _on_sqlite(conn)


def _require_uuids(conn: sa.Connection, table: str, column: str) -> None:
    none = _IS_NONE[conn.dialect.name].format(column)
    query = f"SELECT {column} FROM {table} WHERE {none} LIMIT 1"  # noqa: S608 - our own names
    found = conn.scalar(sa.text(query))
    if found is not None:
        raise RuntimeError(
            f"{table}.{column} holds {found!r}, which is not a UUID and was not written by Leadkeeper. Nothing was "
            "changed. Remove what has this id, or give it a UUID wherever it stands, and start again."
        )


def _on_postgresql(conn: sa.Connection) -> None:
    """Each table is written anew with its indexes, and locked until all of them are."""
    with _without_foreign_keys(conn):
        for table, columns in _COLUMNS.items():
            if (size := conn.scalar(sa.text(f"SELECT pg_table_size('{table}')"))) and size > _BYTES:
                log.info("the ids of a table are made shorter", table=table, bytes=size)
            changes = ", ".join(f"ALTER COLUMN {each} TYPE uuid USING {each}::uuid" for each in columns)
            conn.execute(sa.text(f"ALTER TABLE {table} {changes}"))
    for table in _COLUMNS:
        conn.execute(sa.text(f"ANALYZE {table}"))  # what the planner knew of these columns is gone


@contextmanager
def _without_foreign_keys(conn: sa.Connection) -> Iterator[None]:
    """Meanwhile no foreign key leads to a connection: both ends of one change by turns."""
    keys = [
        (table, key)
        for table in _COLUMNS
        for key in sa.inspect(conn).get_foreign_keys(table)
        if key["referred_table"] == "connection"
    ]
    for table, key in keys:
        op.drop_constraint(str(key["name"]), table, type_="foreignkey")
    yield
    for table, key in keys:
        op.create_foreign_key(
            str(key["name"]), table, "connection", key["constrained_columns"], key["referred_columns"]
        )


def _on_sqlite(conn: sa.Connection) -> None:
    """Each table is copied into a new one, whose rows keep their numbers: the index of searches knows leads by these.

    A table is dropped once none of the old ones refers to it, and the new ones are called as they were only then, so
    that they refer to one another.
    """
    driver: Any = conn.connection.dbapi_connection
    driver.create_function("id_0047", 1, _packed, deterministic=True)
    indexes = [each for table in _COLUMNS for each in _indexes(conn, table)]
    for table, columns in _COLUMNS.items():
        conn.exec_driver_sql(_definition(conn, table, columns))
        _copy(conn, table, columns)
    for table in [*_COLUMNS][::-1]:
        conn.exec_driver_sql(f"DROP TABLE {table}")
    for table in _COLUMNS:
        conn.exec_driver_sql(f"ALTER TABLE {table}_0047 RENAME TO {table}")
    for each in indexes:
        conn.exec_driver_sql(each)


def _packed(text: str | None) -> bytes | None:
    return None if text is None else bytes.fromhex(text.replace("-", ""))


def _indexes(conn: sa.Connection, table: str) -> list[str]:
    query = "SELECT sql FROM sqlite_master WHERE tbl_name = ? AND type IN ('index', 'trigger') AND sql IS NOT NULL"
    return [*conn.exec_driver_sql(query, (table,)).scalars()]


def _definition(conn: sa.Connection, table: str, columns: tuple[str, ...]) -> str:
    """The statement that made the table, with other types of ``columns``, for the new one.

    SQLite would take texts all the same, of a process of an older version that still runs: nobody would find its leads.
    """
    query = "SELECT sql FROM sqlite_master WHERE name = ? AND type = 'table'"
    found = str(conn.exec_driver_sql(query, (table,)).scalar_one())
    changes = [(rf'(?i)\A(CREATE TABLE ["`]?{table})\b', r"\1_0047")]
    for column in columns:
        kind = "BLOB CHECK (typeof(id) = 'blob')" if column == "id" else "BLOB"
        changes.append((rf'(?i)([\s,(]["`]?{column}["`]?\s+)VARCHAR\s?\(36\)', rf"\1{kind}"))
    for pattern, becomes in changes:
        found, count = re.subn(pattern, becomes, found)
        if count != 1:
            raise RuntimeError(f"the table {table} is not as Leadkeeper made it: {pattern}")
    return re.sub(r'(?i)(REFERENCES ["`]?connection)\b', r"\1_0047", found)


def _copy(conn: sa.Connection, table: str, columns: tuple[str, ...]) -> None:
    names = [row[1] for row in conn.exec_driver_sql(f"PRAGMA table_info({table})")]
    values = ", ".join(f'id_0047("{name}")' if name in columns else f'"{name}"' for name in names)
    into = ", ".join(f'"{name}"' for name in names)
    some = f"SELECT rowid, {values} FROM {table} WHERE rowid > ? AND rowid <= ? ORDER BY rowid"  # noqa: S608 - our names
    last = conn.exec_driver_sql(f"SELECT max(rowid) FROM {table}").scalar() or 0  # noqa: S608 - our own names
    for first in range(0, last, _ROWS):
        if last > _ROWS:
            log.info("the ids of a table are made shorter", table=table, rows=first, of=last)
        conn.exec_driver_sql(f"INSERT INTO {table}_0047 (rowid, {into}) {some}", (first, first + _ROWS))
