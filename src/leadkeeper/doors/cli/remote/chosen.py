"""Where a command works: on this machine's database, or at the installation that ``--url`` names."""

from __future__ import annotations

import os
import stat
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from typer._click.globals import get_current_context

from leadkeeper.doors.cli.failing import Failed
from leadkeeper.doors.cli.showing import system_text
from leadkeeper.texts import lazy_gettext

if TYPE_CHECKING:
    from leadkeeper.doors.cli.remote.client import Remote
    from leadkeeper.offer import OfferRef

R = TypeVar("R")

URL: Final = "LEADKEEPER_URL"
KEY_FILE: Final = "LEADKEEPER_KEY_FILE"
CA_FILE: Final = "LEADKEEPER_CA_FILE"
LONGEST_KEY: Final = 500


@dataclass(frozen=True, slots=True)
class RemotePlace:
    """An installation elsewhere, and who asks it. Printing does not show the key."""

    url: str
    key_file: Path
    key: str = field(repr=False)
    ca_file: Path | None = None


def ask(here: Callable[[], R], there: Callable[[Remote], Awaitable[R]]) -> R:
    """What ``there`` answers where an installation was named, else ``here``: the one fork between the two.

    Raises :class:`Failed` for an address, a key file or an answer that cannot be used.
    """
    if not remote_url():
        return here()
    from leadkeeper.doors.cli.remote.client import asked

    return asked(_place(), there)


def require_here() -> None:
    """Raise :class:`Failed` for a command that has no way to a remote installation, where one is named."""
    if remote_url():
        raise Failed(
            lazy_gettext(
                "This command works only on the installation's own machine: run it there, without --url and "
                "LEADKEEPER_URL. --url '' does without the setting."
            )
        )


def offer_path(offer: OfferRef) -> str:
    """Where the API has an offer."""
    return f"/v1/publishers/{offer.publisher_id}/offers/{offer.offer_id}"


def remote_url() -> str:
    """The address of the installation that is meant; empty for this machine's own."""
    return _given("url") if _was_given("url") else written_setting(URL) or ""


def written_setting(name: str) -> str | None:
    """One setting by itself, since all of them take long to read: of the environment, else of ``.env``."""
    if (found := _named(name, os.environ)) is not None or not Path(".env").is_file():
        return found
    from dotenv import dotenv_values

    return _named(name, dotenv_values(".env"))


def _named(name: str, values: Mapping[str, str | None]) -> str | None:
    """The value of that name, in whatever case it is written, as in all settings."""
    if name in values:
        return values[name]
    return next((value for written, value in values.items() if written.upper() == name), None)


def _place() -> RemotePlace:
    named = (_given("key_file") if _was_given("key_file") else written_setting(KEY_FILE)) or ""
    if not named:
        raise Failed(
            lazy_gettext("Name the file that holds your key: --key-file, or LEADKEEPER_KEY_FILE. Only you may read it.")
        )
    path, authorities = Path(named), written_setting(CA_FILE)
    return RemotePlace(remote_url(), path, _read_key(path), Path(authorities) if authorities else None)


def _read_key(path: Path) -> str:
    """The key in a file that is its owner's alone. What is wrong with it is told without a word of what it holds."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if stat.S_ISREG(mode) and mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise Failed(
                    lazy_gettext("Others may read or change the key file %(path)s: chmod 600 %(path)s.", path=path)
                )
            content = file.read(LONGEST_KEY + 1)
    except OSError as error:
        raise Failed(
            lazy_gettext("The key file %(path)s cannot be read: %(why)s.", path=path, why=system_text(error))
        ) from None
    key = content.strip()
    if not (0 < len(key) <= LONGEST_KEY and all(33 <= byte < 127 for byte in key)):
        raise Failed(
            lazy_gettext(
                "The file %(path)s does not hold a key: it must hold the one line that keys create printed.", path=path
            )
        )
    return key.decode("ascii")


def _was_given(name: str) -> bool:
    context = get_current_context(silent=True)
    return context is not None and context.find_root().params.get(name) is not None


def _given(name: str) -> str:
    context = get_current_context()
    return str(context.find_root().params[name])
