"""What is expected to go wrong, in one line for the person at the keyboard."""

from __future__ import annotations

from typing import Final

from leadkeeper.doors.cli.showing import system_text
from leadkeeper.texts import LazyText, join_lazily
from leadkeeper.texts import lazy_gettext as _

NEWER_DATABASE: Final = _("The database was made by a newer version of Leadkeeper: install that version.")
FOREIGN_DATABASE: Final = _(
    "The database file holds tables of another program, and nothing was added to it: name a file of Leadkeeper's own "
    "in LEADKEEPER_DATABASE_URL."
)


class Failed(Exception):
    """A command cannot do what it was asked; the message is one line that says why and what to do."""


class RemoteRefused(Failed):
    """An installation elsewhere answered, and not with success: the HTTP status, and the type of its problem."""

    def __init__(self, text: str, status: int, problem: str = "") -> None:
        super().__init__(text)
        self.status = status
        self.problem = problem


def explanation(error: BaseException) -> str | None:
    """The line for an error that is no bug of ours; ``None`` for one that is. Repeats no secrets."""
    from leadkeeper.connections.vault import WrongKey
    from leadkeeper.doors.pages import StaticMissing
    from leadkeeper.problem import Problem
    from leadkeeper.settings import WrongSetting

    match error:
        case Problem():
            return error.whole_detail
        case WrongSetting():
            return _("Wrong setting %(setting)s", setting=error.args[0])
        case WrongKey():
            return _(
                "%(why)s Set LEADKEEPER_SECRET_KEY (or _FILE) to the key that the database belongs to.",
                why=_sentence(str(error)),
            )
        case StaticMissing():
            return _(
                "The style sheets of the pages are missing from this installation: run `make setup`, or install the "
                "program anew."
            )
        case OSError() if error.strerror:
            summary = system_text(error)
            where = (f"{error.filename}: ",) if error.filename else ()
            return join_lazily((*where, summary, "."), "")
        case _:
            return _of_the_database(error)


def _of_the_database(error: BaseException) -> str | None:
    from sqlalchemy.exc import DatabaseError

    from leadkeeper.storage.away import DAMAGED, ForeignDatabase, UnusableFile
    from leadkeeper.storage.engine import StorageAway
    from leadkeeper.storage.migrate import NewerDatabase

    match error:
        case UnusableFile():
            return error.summary
        case StorageAway() if error.reason == DAMAGED:
            return _not_ours(_first_line(error))
        case StorageAway():
            why = _(error.reason) if str(error) == error.reason else _first_line(error)  # else the driver's own words
            return _("The database cannot be used: %(why)s. Look at LEADKEEPER_DATABASE_URL.", why=why)
        case NewerDatabase():
            return NEWER_DATABASE
        case ForeignDatabase():
            return FOREIGN_DATABASE
        case DatabaseError():
            found = error.orig or error
            return _not_ours(type(found.__cause__ or found).__name__)  # the driver's, where the dialect wraps it
        case _:
            return None


def _not_ours(cause: str) -> LazyText:
    return _(
        "The database is not one of Leadkeeper's, or is damaged (%(cause)s). Look at LEADKEEPER_DATABASE_URL.",
        cause=cause,
    )


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or "no answer").splitlines()[0].rstrip(".")


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".") + "."
