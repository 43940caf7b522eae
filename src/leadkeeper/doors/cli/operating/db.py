"""``leadkeeper db``: the database's tables and the encryption of secrets in it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import typer

from leadkeeper.doors.cli.failing import FOREIGN_DATABASE, NEWER_DATABASE
from leadkeeper.doors.cli.installation import quiet_settings, with_services
from leadkeeper.doors.cli.showing import AsJson, print_json, print_named, say
from leadkeeper.storage.away import DatabaseState
from leadkeeper.texts import lazy_gettext as _
from leadkeeper.texts import lazy_ngettext

if TYPE_CHECKING:
    from leadkeeper.settings import Settings
    from leadkeeper.storage.status import DatabaseStatus

commands = typer.Typer(name="db", help="The database's tables, and the secrets in it.", no_args_is_help=True)


_UPGRADE: Final = "leadkeeper db upgrade"

REMEDIES: Final[Mapping[DatabaseState, str]] = {
    DatabaseState.EMPTY: _UPGRADE,
    DatabaseState.OLDER: _UPGRADE,
    DatabaseState.NEWER: NEWER_DATABASE,
    DatabaseState.FOREIGN: FOREIGN_DATABASE,
}
"""What to do about a database that has not this version's tables: a command, or a whole sentence."""


def database_status(settings: Settings) -> DatabaseStatus:
    """Look without changing anything: not even an SQLite file is made. Raises ``StorageAway``."""
    from leadkeeper.storage.status import look_at

    return asyncio.run(look_at(settings.database_url))


def shown_tables(status: DatabaseStatus) -> str:
    """Which tables the database has, in words or by the name of the newest migration."""
    if status.state is DatabaseState.FOREIGN:
        return _("tables of another program")
    return status.current or _("no tables yet")


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
        print_json({**shown, "state": found.state, "upToDate": found.up_to_date})
    else:
        facts = (_("Database"), found.database), (_("It has"), shown_tables(found))
        print_named((*facts, (_("It needs"), str(found.newest))))
    if not found.up_to_date:
        remedy = REMEDIES[found.state]
        say(_("Bring it up to date: leadkeeper db upgrade.") if remedy == _UPGRADE else remedy)
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
