"""Inserts that say what is to become of a row that is there already: ``ON CONFLICT``, which both databases have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from sqlalchemy.dialects.postgresql import Insert as PostgreSQLInsert
    from sqlalchemy.dialects.sqlite import Insert as SQLiteInsert


def insert_into(conn: sa.Connection, table: sa.Table) -> PostgreSQLInsert | SQLiteInsert:
    """An insert of the connection's own database, with ``on_conflict_do_nothing`` and ``on_conflict_do_update``."""
    return insert_for(conn.dialect.name, table)


def insert_for(dialect: str, table: sa.Table) -> PostgreSQLInsert | SQLiteInsert:
    """The same for a statement that is made once for ``dialect``.

    The other database's part of SQLAlchemy is large and stays unread.
    """
    if dialect == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table)
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(table)
