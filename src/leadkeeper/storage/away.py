"""What every storage raises when its database cannot be used just now."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from leadkeeper.texts import _

UNREACHABLE: Final = _("the database cannot be reached just now")
REPLACED: Final = _(
    "the database file was removed or replaced while it was in use: put it back, or start again to make a new one"
)
ONLY_READS: Final = _("the database only reads just now: it is a standby, or may not be written")
DISK_FULL: Final = _("the disk of the database is full")
DAMAGED: Final = _("the database file is damaged: stop, keep a copy of it, and put a backup in its place")

BUSY: Final = _("too many wait for the database just now")


class DatabaseState(StrEnum):
    """Which tables a database has, compared with those that this version needs."""

    UP_TO_DATE = "upToDate"
    EMPTY = "empty"
    OLDER = "older"
    NEWER = "newer"
    FOREIGN = "foreign"


class StorageAway(Exception):
    """The database cannot be used just now; nothing of the transaction was acknowledged. Trying again later is safe.

    Its text is the driver's and for the operator alone. ``reason`` says why in words that hold no name, no address and
    no secret, for whoever asks.
    """

    def __init__(self, text: str = "", reason: str = UNREACHABLE) -> None:
        super().__init__(text)
        self.reason = reason

    @classmethod
    def because(cls, reason: str) -> StorageAway:
        """Where no driver said anything: the reason is the text, too."""
        return cls(reason, reason)


class UnusableFile(StorageAway):
    """The file of a SQLite database cannot be opened. ``summary`` names it, its folder, and what to do."""

    def __init__(self, summary: str) -> None:
        super().__init__(summary)
        self.summary = summary


class ForeignDatabase(Exception):
    """Another program's tables stand in a file that holds none of ours: nothing is added to it."""
