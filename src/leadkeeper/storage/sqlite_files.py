"""Which files a SQLite database is kept in, and whether they still are those that this process has opened."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from pathlib import Path
from urllib.parse import quote

from leadkeeper.storage.away import REPLACED, StorageAway, UnusableFile
from leadkeeper.storage.migrate import newest
from leadkeeper.texts import lazy_gettext as _


class SQLiteFiles:
    """The database itself, and the log that commits are written to first. May be used by several threads."""

    def __init__(self, path: Path) -> None:
        self._names = (str(path), f"{path}-wal")
        self._known: tuple[tuple[int, int], ...] | None = None
        self._was_there = False
        self._proven = True
        self._proving = threading.Lock()

    def require(self) -> None:
        """Raise :class:`StorageAway` for a database that was there and is gone, or in whose place stands none of ours.

        No empty one must take its place, and nothing else must be written to.
        """
        if self._was_there and not os.path.exists(self._names[0]):
            raise StorageAway.because(REPLACED)
        if not self._proven:
            self._prove()

    def _prove(self) -> None:
        with self._proving:  # others may have looked while this one waited
            if not self._proven and not self._is_ours():
                raise StorageAway.because(REPLACED)
            self._proven = True

    def require_the_same(self) -> None:
        """Raise :class:`StorageAway` before a connection is opened on another file than the others have."""
        known = self._known
        if known is not None and (not known or known[0] != _identity(self._names[0])):
            raise StorageAway.because(REPLACED)

    def forget(self) -> None:
        """What stands there now is what counts from the next commit on, once it has been looked at."""
        self._known, self._proven = None, False

    def are_the_same(self) -> bool:
        """Whether they are those of the commit before. Called after every commit: two looks at the file system."""
        found = tuple(each for name in self._names if (each := _identity(name)) is not None)
        if len(found) < len(self._names):
            found = ()
        if self._known is None:
            self._known, self._was_there = found, True
        return found == self._known and found != ()

    def are_foreign(self) -> bool:
        """Whether another program's tables stand there, and none of ours. Changes nothing, makes nothing.

        A file belongs to one program, as a database of a server need not: there, extensions have tables beside ours.
        Tables whose names begin with ``_`` are those of tools that copy a database, such as Litestream.
        """
        address = f"file:{quote(self._names[0])}?mode=ro"
        try:
            with contextlib.closing(sqlite3.connect(address, uri=True)) as look:
                tables = {name for (name,) in look.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        except sqlite3.Error:
            return False  # whoever opens it hears why that cannot be done
        return "alembic_version" not in tables and any(not each.startswith(("sqlite_", "_")) for each in tables)

    def unusable(self) -> UnusableFile | None:
        """What keeps SQLite from opening the file, where its place says so."""
        path = Path(self._names[0]).absolute()
        where = {"file": path, "folder": path.parent}
        if not path.parent.is_dir():
            return UnusableFile(
                _(
                    "There is no folder %(folder)s for the database file %(file)s: make it, or name another file in "
                    "LEADKEEPER_DATABASE_URL.",
                    **where,
                )
            )
        if path.is_dir():
            return UnusableFile(
                _("%(file)s is a folder, no database file: name a file in LEADKEEPER_DATABASE_URL.", **where)
            )
        if not os.access(path.parent, os.W_OK | os.X_OK):
            return UnusableFile(
                _(
                    "The folder %(folder)s of the database file %(file)s may not be written: give this user that "
                    "right, or name a file elsewhere in LEADKEEPER_DATABASE_URL.",
                    **where,
                )
            )
        if path.exists() and not os.access(path, os.R_OK | os.W_OK):
            return UnusableFile(
                _("The database file %(file)s may not be read and written: give this user that right.", **where)
            )
        return None

    def _is_ours(self) -> bool:
        """Whether a database with this version's tables stands there. Changes nothing, makes nothing."""
        address = f"file:{quote(self._names[0])}?mode=rw"
        try:
            with contextlib.closing(sqlite3.connect(address, uri=True)) as look:
                return look.execute("SELECT version_num FROM alembic_version").fetchall() == [(newest(),)]
        except sqlite3.Error:
            return False


def _identity(name: str) -> tuple[int, int] | None:
    try:
        found = os.stat(name)
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def make_private(database: str) -> None:
    """Make the file, if it is missing, for its owner alone: SQLite would go by the umask.

    What SQLite makes beside it (WAL, shared memory) takes the file's own permissions. A file that is there is not
    opened: to close it again would let go of every lock that this process has on it, and with them of the log.
    """
    with contextlib.suppress(OSError):  # it is there; or SQLite's own error says more
        os.close(os.open(database, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
