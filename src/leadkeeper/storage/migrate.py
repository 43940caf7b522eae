"""Bringing a database to this version's tables."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from leadkeeper.storage.away import DatabaseState
from leadkeeper.storage.engine import Storage

if TYPE_CHECKING:
    from alembic.config import Config

_SCRIPTS = Path(__file__).with_name("migrations")
_LOCK = 0x1EAD0


class NewerDatabase(Exception):
    """A newer version of the program made the database: a migration was applied that this one does not know."""


def _config(conn: sa.Connection | None = None) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.attributes["connection"] = conn
    return config


async def bring_up_to_date(storage: Storage) -> None:
    """Apply every migration that the database lacks. One that lacks none is only looked at where processes share it.

    There migrations need a connection of their own, which a start has to wait for; SQLite's writer is one anyway, and
    finds out at once whether the file can be written.
    """
    if storage.writers_take_turns or await storage.read(current_revision) != newest():
        await storage.migrate(upgrade)


def upgrade(conn: sa.Connection) -> None:
    """Apply every migration that the database lacks, in this transaction; processes that start together take turns.

    Raises :class:`NewerDatabase`.
    """
    if conn.dialect.name == "postgresql":
        conn.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    current = current_revision(conn)
    state = database_state(current)
    if state is DatabaseState.NEWER:
        raise NewerDatabase(current)
    if state is not DatabaseState.UP_TO_DATE:
        from alembic import command  # only where something is to be applied: it is large

        command.upgrade(_config(conn), "head")


def current_revision(conn: sa.Connection) -> str | None:
    """The newest migration applied to the database, or ``None`` for an empty one."""
    if not sa.inspect(conn).has_table("alembic_version"):
        return None
    found: str | None = conn.scalar(sa.text("SELECT version_num FROM alembic_version"))
    return found


def database_state(current: str | None) -> DatabaseState:
    """How a database with ``current`` as its newest migration stands to this version."""
    if current is None:
        return DatabaseState.EMPTY
    if current not in _revisions():
        return DatabaseState.NEWER
    return DatabaseState.UP_TO_DATE if current == newest() else DatabaseState.OLDER


def newest() -> str | None:
    """The newest migration of this version of the program."""
    return max(_revisions(), default=None)


@functools.cache
def _revisions() -> frozenset[str]:
    """All migrations of this version: their files begin with their numbers, which grow."""
    return frozenset(path.name.partition("_")[0] for path in _SCRIPTS.glob("versions/[0-9]*_*.py"))
