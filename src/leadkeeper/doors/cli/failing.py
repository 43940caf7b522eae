"""What is expected to go wrong, in one line for the person at the keyboard."""

from __future__ import annotations


class Failed(Exception):
    """A command cannot do what it was asked; the message is one line that says why and what to do."""


class RemoteRefused(Failed):
    """An installation elsewhere answered, and not with success; ``status`` is the HTTP status."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.status = status


def explanation(error: BaseException) -> str | None:
    """The line for an error that is no bug of ours; ``None`` for one that is. Repeats no secrets."""
    from alembic.util import CommandError
    from sqlalchemy.exc import DatabaseError

    from leadkeeper.connections.vault import WrongKey
    from leadkeeper.problem import Problem
    from leadkeeper.settings import WrongSetting
    from leadkeeper.storage.away import DAMAGED
    from leadkeeper.storage.engine import StorageAway

    match error:
        case Problem():
            return error.detail
        case WrongSetting():
            return f"Wrong setting {error}"
        case WrongKey():
            return (
                f"{_sentence(str(error))} Set LEADKEEPER_SECRET_KEY (or _FILE) to the key that the database belongs to."
            )
        case StorageAway() if error.reason == DAMAGED:
            cause = _first_line(error)
            return f"The database is not one of Leadkeeper's, or is damaged ({cause}). Look at LEADKEEPER_DATABASE_URL."
        case StorageAway():
            return f"The database cannot be used: {_first_line(error)}. Look at LEADKEEPER_DATABASE_URL."
        case CommandError() if "locate revision" in str(error):
            return "The database was made by a newer version of Leadkeeper: install that version."
        case DatabaseError():
            found = error.orig or error
            cause = type(found.__cause__ or found).__name__  # the driver's own error, where the dialect wraps it
            return f"The database is not one of Leadkeeper's, or is damaged ({cause}). Look at LEADKEEPER_DATABASE_URL."
        case OSError() if error.strerror:
            return f"{error.filename}: {error.strerror}." if error.filename else f"{error.strerror}."
        case _:
            return None


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or "no answer").splitlines()[0].rstrip(".")


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".") + "."
