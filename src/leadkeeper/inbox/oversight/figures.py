"""How many leads came on each day, where their deliveries stand, how long they took: kept, so pages only read rows.

A lead counts on the day (UTC) on which it was kept; test leads and previews do not count. Its deliveries count there,
too, one for each connection: a lead that waits for its first connection counts as one that is under way.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.storage import tables as t
from leadkeeper.storage.hot import HotStatement

DAY_MS: Final = 86_400_000
DAYS: Final = 30
"""How many days are shown, today among them."""
WEEK: Final = 7
EVERYBODY: Final = ""
"""Whose figures are those of all publishers."""
BOUNDS: Final = (1, 2, 5, 10, 30, 60, 300, 900, 3_600, 21_600, 86_400)
"""Seconds: a delivery counts with the first of these within which it was taken."""
_COUNTS: Final = ("leads", "delivered", "unconfirmed", "under_way", "set_aside", "withheld", "in_time", "late")
_FIELDS: Final[Mapping[str, str]] = {"delivered": "delivered", "unconfirmed": "unconfirmed", "setAside": "set_aside"}


@dataclass(frozen=True, slots=True)
class Touched:
    """Of the leads that were to be turned to by now: to how many somebody did in time, and to how many not."""

    in_time: int = 0
    late: int = 0

    @property
    def due(self) -> int:
        """How many were to be turned to by now, or were already."""
        return self.in_time + self.late

    @property
    def share(self) -> float | None:
        """The share of those touched in time, 0 to 1; ``None`` where none was due."""
        return self.in_time / self.due if self.due else None


@dataclass(slots=True)
class Figures:
    """What is known of a day, or of several."""

    leads: int = 0
    delivered: int = 0
    unconfirmed: int = 0
    under_way: int = 0
    set_aside: int = 0
    withheld: int = 0
    in_time: int = 0
    late: int = 0
    within: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))

    @property
    def deliveries(self) -> int:
        """How many there are to be carried: those withheld for privacy are none."""
        return self.delivered + self.unconfirmed + self.under_way + self.set_aside

    @property
    def touched(self) -> Touched:
        """How many leads somebody turned to in time."""
        return Touched(self.in_time, self.late)

    def touch(self, in_time: bool | None) -> None:
        """Count whether a lead was touched in time; ``None`` counts nowhere."""
        if in_time is not None:
            self.in_time += in_time
            self.late += not in_time

    @property
    def share_delivered(self) -> float | None:
        """The share of deliveries that are known to have arrived, 0 to 1; ``None`` where there are none."""
        return self.delivered / self.deliveries if self.deliveries else None

    def within_seconds(self, share: float) -> int | None:
        """Within how many seconds that share (0 to 1) of what was taken was taken; 0 for longer than any bound.

        ``None`` where nothing was taken yet.
        """
        total = sum(self.within)
        if not total:
            return None
        reached = 0
        for bound, count in zip(BOUNDS, self.within, strict=False):
            reached += count
            if reached >= share * total:
                return bound
        return 0

    def count(self, state: str | None, took_ms: int) -> None:
        """Count one delivery; ``None`` is a lead that waits for its first connection."""
        if state == "withheld":
            self.withheld += 1
            return
        name = _FIELDS.get(state or "", "under_way")
        setattr(self, name, getattr(self, name) + 1)
        if name in ("delivered", "unconfirmed"):
            place = next((at for at, bound in enumerate(BOUNDS) if took_ms <= bound * 1_000), len(BOUNDS))
            self.within[place] += 1


def total(days: Iterable[Figures]) -> Figures:
    """All of them together."""
    found = Figures()
    for each in days:
        for name in _COUNTS:
            setattr(found, name, getattr(found, name) + getattr(each, name))
        found.within = [one + other for one, other in zip(found.within, each.within, strict=True)]
    return found


def as_columns(figures: Figures) -> dict[str, Any]:
    """As a row of ``day_figure`` holds them."""
    return {**{name: getattr(figures, name) for name in _COUNTS}, "within": json.dumps(figures.within)}


def _of_row(row: sa.Row[Any]) -> Figures:
    try:
        within = json.loads(row.within)
    except ValueError:
        within = None
    if not isinstance(within, list) or len(within) != len(BOUNDS) + 1 or not all(type(n) is int for n in within):
        within = [0] * (len(BOUNDS) + 1)  # damaged, or of another version: it is counted anew soon
    return Figures(**{name: getattr(row, name) for name in _COUNTS}, within=within)


@dataclass(frozen=True, slots=True)
class Overview:
    """The figures of the last days, today's last. ``counted_at`` (ms) is when today was counted, if it was."""

    first_day: int
    days: Sequence[Figures]
    counted_at: int | None

    def last(self, days: int) -> Figures:
        """Today and the days before it, so many in all."""
        return total(self.days[-days:])


def _days_of(_: str) -> sa.Select[Any]:
    f = t.day_figure.c
    first, last = (sa.bindparam(name, type_=sa.BigInteger) for name in ("first", "last"))
    whose = sa.bindparam("whose", type_=sa.String)
    return sa.select(t.day_figure).where(f.publisher_id == whose, f.day.between(first, last))


_DAYS_OF: Final = HotStatement(_days_of)


def overview(conn: sa.Connection, publisher_id: str | None, now: int) -> Overview:
    """The last :data:`DAYS` days of one publisher, or of all: at most that many rows are read."""
    today = now // DAY_MS
    first = today - DAYS + 1
    rows = _DAYS_OF.rows(conn, {"whose": publisher_id or EVERYBODY, "first": first, "last": today})
    found = {row.day: _of_row(row) for row in rows}
    of_today = (
        rows if publisher_id is None else _DAYS_OF.rows(conn, {"whose": EVERYBODY, "first": today, "last": today})
    )
    counted = next((row.counted_at for row in of_today if row.day == today), None)
    return Overview(first, [found.get(day) or Figures() for day in range(first, today + 1)], counted)
