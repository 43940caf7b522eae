"""``leadkeeper db``: the database's tables and the encryption of secrets in it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from leadkeeper.doors.cli.installation import quiet_settings, with_services
from leadkeeper.doors.cli.showing import AsJson, print_json, print_named, say
from leadkeeper.texts import lazy_gettext as _
from leadkeeper.texts import lazy_ngettext

if TYPE_CHECKING:
    from leadkeeper.settings import Settings

commands = typer.Typer(name="db", help="The database's tables, and the secrets in it.", no_args_is_help=True)


@dataclass(frozen=True, slots=True)
class DatabaseStatus:
    """Where the database is and which tables it has: migrations by their names, ``None`` for an empty one."""

    database: str
    current: str | None
    newest: str | None

    @property
    def up_to_date(self) -> bool:
        """Whether it has this version's tables."""
        return self.current == self.newest


def database_status(settings: Settings) -> DatabaseStatus:
    """Look without changing anything: not even an SQLite file is made. Raises ``StorageAway``."""
    import sqlalchemy as sa

    from leadkeeper.storage.engine import open_storage
    from leadkeeper.storage.migrate import current_revision, newest

    url = sa.make_url(settings.database_url)
    shown = url.render_as_string(hide_password=True)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
        return DatabaseStatus(shown, None, newest())

    async def look() -> DatabaseStatus:
        storage = open_storage(settings.database_url)
        try:
            return DatabaseStatus(shown, await storage.read(current_revision), newest())
        finally:
            await storage.close()

    return asyncio.run(look())


@commands.command()
def upgrade() -> None:
    """Make the database, or bring its tables to this version. Every other command does so too."""

    async def nothing_more(_: object) -> None:
        return None

    with_services(nothing_more)
    say(_("The database has this version's tables."))


@commands.command()
def status(json: AsJson = False) -> None:
    """Show which tables the database has, without changing it. Exit code 1 if they are not this version's."""
    found = database_status(quiet_settings())
    if json:
        shown = {"database": found.database, "current": found.current, "newest": found.newest}
        print_json({**shown, "upToDate": found.up_to_date})
    else:
        facts = (_("Database"), found.database), (_("It has"), found.current or _("no tables yet"))
        print_named((*facts, (_("It needs"), str(found.newest))))
    if not found.up_to_date:
        say(_("Bring it up to date: leadkeeper db upgrade."))
        raise typer.Exit(1)


@commands.command()
def new_key() -> None:
    """Print a new key for LEADKEEPER_SECRET_KEY or the file of LEADKEEPER_SECRET_KEY_FILE."""
    from leadkeeper.connections.vault import new_secret_key

    print(new_secret_key())


@commands.command()
def rotate_secrets() -> None:
    """Encrypt every connection's secrets with the newest key.

    Before: make a key (leadkeeper db new-key), put it first (a line of its own in the key file, or before a comma in
    LEADKEEPER_SECRET_KEY), keep the old one behind it, and restart every process. After: remove the old key.
    """
    count = with_services(lambda services: services.connections.rotate_secrets())
    say(
        lazy_ngettext(
            "The secrets of %(count)s connection are encrypted with the newest key.",
            "The secrets of %(count)s connections are encrypted with the newest key.",
            count,
        )
    )
