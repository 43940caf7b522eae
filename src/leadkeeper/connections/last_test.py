"""The last test lead that was sent over a connection, and what somebody said of it: columns of its row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.connections.state import Known


@dataclass(frozen=True, slots=True)
class Word:
    """What somebody said of a test lead: whether it was found, who, and when (ms). ``marker`` names the test lead."""

    found: bool
    marker: str
    by: str
    at: int

    def columns(self) -> dict[str, Any]:
        """As it is stored."""
        return {"found": self.found, "found_marker": self.marker, "found_by": self.by, "found_at": self.at}


@dataclass(frozen=True, slots=True)
class LastTest:
    """A test lead that the destination took; ``confirmed`` where that says that it is there.

    ``change`` is the sealed text of the settings that it was sent with, where these wait to be proven; ``word`` may be
    on an earlier test lead with the same settings, as its marker tells.
    """

    lead_id: str
    marker: str
    sent_at: int
    confirmed: bool
    change: str | None = None
    word: Word | None = None

    @property
    def answered(self) -> bool:
        """Whether somebody said what became of this very test lead."""
        return self.word is not None and self.word.marker == self.marker

    def columns(self) -> dict[str, Any]:
        """As it is stored, without the word."""
        return {
            "test_lead_id": self.lead_id,
            "test_marker": self.marker,
            "test_sent_at": self.sent_at,
            "test_confirmed": self.confirmed,
            "test_change": self.change,
        }


NO_WORD: Final[dict[str, Any]] = dict.fromkeys(Word(False, "", "", 0).columns())
NO_TEST: Final[dict[str, Any]] = dict.fromkeys(LastTest("", "", 0, False).columns()) | NO_WORD
NOTHING_KNOWN: Final[dict[str, Any]] = {"tried": False, "proven": False, "test_diagnosis": None, **NO_TEST}
"""The columns of settings that nobody has tried."""


def last_test_of(row: sa.Row[Any]) -> LastTest | None:
    """The last test lead in a connection's row."""
    if row.test_lead_id is None:
        return None
    word = None if row.found is None else Word(row.found, row.found_marker or "", row.found_by or "", row.found_at or 0)
    confirmed = bool(row.test_confirmed)
    marker, sent_at = row.test_marker or "", row.test_sent_at or 0
    return LastTest(row.test_lead_id, marker, sent_at, confirmed, row.test_change, word)


def known_of(row: sa.Row[Any]) -> Known:
    """What is known of the settings in a connection's row."""
    return Known(row.tried, row.proven, row.test_diagnosis)
