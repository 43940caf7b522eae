"""Bringing a database to this version's tables."""

from __future__ import annotations

import functools
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

_SCRIPTS = Path(__file__).with_name("migrations")
_LOCK = 0x1EAD0


def _config(conn: sa.Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.attributes["connection"] = conn
    return config


def upgrade(conn: sa.Connection) -> None:
    """Apply every migration that the database lacks, in this transaction; processes that start together take turns."""
    if conn.dialect.name == "postgresql":
        conn.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    if current(conn) != newest():
        command.upgrade(_config(conn), "head")


def current(conn: sa.Connection) -> str | None:
    """The newest migration applied to the database, or ``None`` for an empty one."""
    return MigrationContext.configure(conn).get_current_revision()


@functools.cache
def newest() -> str | None:
    """The newest migration of this version of the program."""
    return ScriptDirectory.from_config(_config()).get_current_head()
