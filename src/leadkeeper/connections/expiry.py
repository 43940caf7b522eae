"""When a connection's credentials end, and who is reminded when. SQL within others' transactions; the rest is pure.

A reminder is written down as a notice, and that notice is what keeps it from being told again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final, Self

import sqlalchemy as sa
from pydantic import ValidationError

from leadkeeper.clock import to_datetime
from leadkeeper.connections.outbox import CONNECTION_EXPIRES, DAY_MS, connection_expires
from leadkeeper.connections.resource import Stored, restored
from leadkeeper.storage import tables as t

REMIND_DAYS: Final = (1, 7, 30)
"""So many days before the end at most people are reminded, once each."""


@dataclass(frozen=True, slots=True)
class Ending:
    """A reminder: when the credentials end (ISO 8601, a date or a moment), and within how many days."""

    end: str
    days: int

    def to_text(self) -> str:
        """As a notice keeps it."""
        return json.dumps({"end": self.end, "days": self.days})

    @classmethod
    def of(cls, text: str) -> Self:
        """As a notice kept it. Raises ``ValueError`` or ``TypeError`` for what is none."""
        found = json.loads(text)
        made = cls(**found)
        end_of(made.end)
        if not isinstance(made.days, int):
            raise TypeError("days is no number")
        return made


def end_of(text: str) -> date:
    """The end in a reminder. Raises ``ValueError`` for what is none."""
    return datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)


def ends_at(stored: Stored) -> date | None:
    """When the credentials of these settings end: a moment (UTC) or a date, as far as it is known."""
    try:
        config = restored(stored)
    except ValidationError:
        return None
    return config.ends_at


def ends_ms(stored: Stored) -> int | None:
    """:func:`ends_at` in milliseconds since 1970, as a connection's row keeps it."""
    end = ends_at(stored)
    return None if end is None else int(_moment(end).timestamp() * 1000)


def _moment(end: date) -> datetime:
    """A date ends when its day begins (UTC), which is the safe side."""
    return end if isinstance(end, datetime) else datetime(end.year, end.month, end.day, tzinfo=UTC)


def days_left(end: date, now: int) -> float:
    """How many days are left at ``now`` (ms); a date ends when its day begins (UTC), which is the safe side."""
    return (_moment(end) - to_datetime(now)).total_seconds() * 1000 / DAY_MS


def reminder(end: date, now: int) -> Ending | None:
    """The reminder that is due; none long before the end, and none after it: then the check finds it broken."""
    left = days_left(end, now)
    if left <= 0:
        return None
    days = next((days for days in REMIND_DAYS if left <= days), None)
    return None if days is None else Ending(end.isoformat(), days)


def remind(conn: sa.Connection, connection_id: str, stored: Stored, now: int) -> bool:
    """Write down the reminder that is due, unless it was; whether one was. Its row learns when they end."""
    end, c = ends_at(stored), t.connection.c
    ends = ends_ms(stored)
    unknown = (c.id == connection_id, c.removed_at.is_(None), c.ends_at.is_distinct_from(ends))
    conn.execute(sa.update(t.connection).where(*unknown).values(ends_at=ends))
    due = None if end is None else reminder(end, now)
    if due is None:
        return False
    n = t.notice.c
    same = (n.connection_id == connection_id, n.kind == CONNECTION_EXPIRES, n.body == due.to_text())
    if conn.scalar(sa.select(sa.exists().where(*same))):
        return False
    conn.execute(sa.insert(t.notice).values(connection_expires(connection_id, due.to_text(), now)))
    return True
