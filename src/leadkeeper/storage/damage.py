"""The damaged records that the program met: remembered by kind and key, so that telling of them reads nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from leadkeeper.storage import tables as t
from leadkeeper.storage.conflicts import insert_into

MOST_COUNTED: Final = 10_000


class Record(StrEnum):
    """The kinds of records whose text can be damaged without stopping anything but themselves."""

    LEAD = "lead"
    CONNECTION = "connection"
    CHANGE = "change"
    ANSWER = "answer"
    NOTICE = "notice"
    OPERATION = "operation"
    CONTACT = "contact"
    OFFER_VERSION = "offerVersion"


@dataclass(frozen=True, slots=True)
class Damage:
    """One damaged record. ``key`` begins with its primary key; what follows names it for people."""

    record: Record
    key: tuple[str | int, ...]

    @property
    def stored(self) -> str:
        """The key as it is remembered."""
        return json.dumps(self.key)


def remember(conn: sa.Connection, damages: Iterable[Damage], now: int) -> None:
    """Remember these, those that are known already as they are."""
    rows = [{"record": each.record.value, "key": each.stored, "found_at": now} for each in damages]
    if not rows:
        return
    conn.execute(insert_into(conn, t.damaged_record).on_conflict_do_nothing(), rows)


class Remembered(NamedTuple):
    """What a row of ``damaged_record`` holds, whether it can be read or not."""

    record: str
    key: str


def forget(conn: sa.Connection, damages: Iterable[Remembered]) -> None:
    """These have been fixed, or are no more."""
    d = t.damaged_record.c
    for each in damages:
        conn.execute(sa.delete(t.damaged_record).where(d.record == each.record, d.key == each.key))


def damage_of(row: sa.Row[Any]) -> Damage | None:
    """What a row of ``damaged_record`` remembers; ``None`` for one that is itself damaged."""
    try:
        record, key = Record(row.record), json.loads(row.key)
    except ValueError:
        return None
    if not isinstance(key, list) or not key or not all(isinstance(part, str | int) for part in key):
        return None
    return Damage(record, tuple(key))


def damage_counts(conn: sa.Connection) -> Mapping[Record, int]:
    """How many damaged records are known, of every kind."""
    d = t.damaged_record.c
    found = {row[0]: int(row[1]) for row in conn.execute(sa.select(d.record, sa.func.count()).group_by(d.record))}
    return {record: found.get(record.value, 0) for record in Record}


def damage_count(conn: sa.Connection) -> int:
    """How many damaged records are known in all; no more than :data:`MOST_COUNTED` are counted."""
    return conn.scalar(counted_damage()) or 0


def counted_damage() -> sa.Select[Any]:
    """The statement of :func:`damage_count`, for whoever asks for more with it."""
    some = sa.select(t.damaged_record.c.key).limit(MOST_COUNTED).subquery()
    return sa.select(sa.func.count()).select_from(some)
