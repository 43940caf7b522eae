"""How much room the database takes, and giving room of removed rows back to the disk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

PAGES: Final = 100
"""How many pages of a SQLite file are given back in one step: 400 kB, while leads that come in wait."""
SPARE: Final = 100
"""So many empty pages stay in the file: the next leads take them."""


@dataclass(frozen=True, slots=True)
class Room:
    """``taken`` bytes in all, of them ``free`` in pages that hold nothing.

    ``shrinks``: whether :func:`give_back_pages` can give those back; PostgreSQL's server uses them again by itself.
    """

    taken: int
    free: int
    shrinks: bool


def room_taken(conn: sa.Connection) -> Room:
    """What the database takes now."""
    if conn.dialect.name == "postgresql":
        taken = conn.scalar(sa.select(sa.func.pg_database_size(sa.func.current_database())))
        return Room(int(taken or 0), 0, shrinks=False)
    size, pages, free, mode = (
        _pragma(conn, name) for name in ("page_size", "page_count", "freelist_count", "auto_vacuum")
    )
    return Room(size * pages, size * free, shrinks=mode == 2)


def give_back_pages(conn: sa.Connection) -> bool:
    """Give up to :data:`PAGES` empty pages of a SQLite file back; whether more are left that can be."""
    if not any_to_give_back(conn):
        return False
    # Of the driver itself, to the end: each step of the statement frees one page, and it has no row to tell.
    driver: Any = conn.connection.driver_connection
    driver.execute(f"PRAGMA incremental_vacuum({PAGES})").fetchall()
    return any_to_give_back(conn)


def any_to_give_back(conn: sa.Connection) -> bool:
    """Whether there are empty pages that can be given back, more of them than are soon used again."""
    if conn.dialect.name == "postgresql" or _pragma(conn, "auto_vacuum") != 2:
        return False
    return _pragma(conn, "freelist_count") > SPARE


def _pragma(conn: sa.Connection, name: str) -> int:
    return int(conn.exec_driver_sql(f"PRAGMA {name}").scalar() or 0)
