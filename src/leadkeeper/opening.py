"""Opens the database of an installation: up to date, with its clock, and with the keys to the secrets in it."""

from __future__ import annotations

from collections.abc import Callable

from leadkeeper.connections.rotation import any_sealed
from leadkeeper.connections.vault import Vault, secret_keys_from_file
from leadkeeper.settings import Settings, WrongSetting, unusable_file
from leadkeeper.storage.database_clock import DatabaseClock
from leadkeeper.storage.engine import Storage, open_storage
from leadkeeper.storage.migrate import bring_up_to_date
from leadkeeper.texts import join_lazily
from leadkeeper.texts import lazy_gettext as _


async def open_database(
    settings: Settings, clock_of: Callable[[Storage], DatabaseClock] = DatabaseClock
) -> tuple[Storage, DatabaseClock, list[str]]:
    """The database, up to date, its clock, and the keys to the secrets in it."""
    settings.destinations  # noqa: B018 - a package that cannot be used stops the start before anything is opened
    storage = open_storage(settings.database_url)
    try:
        await bring_up_to_date(storage)
        clock = clock_of(storage)
        await clock.look()
        return storage, clock, await _secret_keys(settings, storage)
    except BaseException:
        await storage.close()
        raise


async def _secret_keys(settings: Settings, storage: Storage) -> list[str]:
    """The keys for secrets at rest, newest first; every one of them can be used.

    A new one is made only for an installation that has not sealed anything yet.
    """
    file = settings.secret_key_file
    if settings.secret_key is None and not file.exists() and await storage.read(any_sealed):
        raise WrongSetting(
            _(
                "LEADKEEPER_SECRET_KEY_FILE: %(file)s is missing, but connections hold secrets that were sealed with "
                "the key in it. Put it back, or set LEADKEEPER_SECRET_KEY. If it is lost for good, "
                "`leadkeeper db new-key > %(file)s` makes another: the connections are then broken until their secrets "
                "are entered again.",
                file=file,
            )
        )
    try:
        if settings.secret_key is not None:
            keys = settings.secret_key.get_secret_value().split(",")
        else:
            keys = secret_keys_from_file(settings.secret_key_file)
        Vault(keys)
        return keys
    except ValueError as error:
        name = "SECRET_KEY" if settings.secret_key is not None else "SECRET_KEY_FILE"
        raise WrongSetting(join_lazily((f"LEADKEEPER_{name}", *error.args), ": ")) from None
    except OSError as error:
        raise WrongSetting(join_lazily(("LEADKEEPER_SECRET_KEY_FILE", unusable_file(file, error)), ": ")) from None
