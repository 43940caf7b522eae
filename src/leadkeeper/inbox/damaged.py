"""Which records in the database cannot be read. The doctor goes through all; ``inspection`` a few at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from leadkeeper.catalogue import is_evidence, is_stored
from leadkeeper.connections.resource import read_settings
from leadkeeper.delivery.claim import LEAD_COLUMNS, outgoing_lead
from leadkeeper.mail.address import masked_address
from leadkeeper.notices.due import is_whole as is_whole_notice
from leadkeeper.publishing.operations import as_operation
from leadkeeper.publishing.versions import is_definition
from leadkeeper.storage import tables as t
from leadkeeper.storage.damage import Damage, Record, damage_of
from leadkeeper.storage.engine import Storage

MOST: Final = 2_000
"""How many records the doctor reads in one transaction."""
NOTIFIED_MS: Final = 86_400_000
"""How long is told of what was ended since it was damaged: nothing is left to fix, but somebody may want to know."""

Place = tuple[str | int, ...]
"""How far a look has come: the primary key of the last record."""


@dataclass(frozen=True, slots=True)
class DamagedRecord:
    """A damaged record, and how people are told of it: by ids and names, no personal data."""

    damage: Damage
    summary: str


@dataclass(frozen=True, slots=True)
class Looked:
    """What one step found, how many records it read, and where the next one begins; ``None`` after the last."""

    found: Sequence[DamagedRecord]
    records: int
    last: Place | None


@dataclass(frozen=True, slots=True)
class Walk:
    """How the records of one kind are gone through, by their primary key ``order``.

    ``key`` are the row's names of that and of what else names a record. ``which`` are those that matter while they are
    whole; ``is_over`` says that one of another kind was ended, damaged or not.
    """

    record: Record
    query: sa.Select[Any]
    order: tuple[sa.ColumnElement[Any], ...]
    key: tuple[str, ...]
    is_whole: Callable[[sa.Row[Any]], bool]
    called: Callable[..., str]
    which: sa.ColumnElement[bool] = sa.true()  # noqa: RUF009 - a constant of SQL
    is_over: Callable[[sa.Row[Any]], bool] = lambda _: False

    def step(self, conn: sa.Connection, after: Place | None, most: int) -> Looked:
        """Read up to ``most`` records behind ``after``."""
        query = self.query.where(self.which).order_by(*self.order).limit(most)
        rows = conn.execute(query if after is None else query.where(self._behind(after))).all()
        found = [self._found(row) for row in rows if not self.is_whole(row)]
        last = self._key(rows[-1])[: len(self.order)] if len(rows) == most else None
        return Looked(found, len(rows), last)

    def still(self, conn: sa.Connection, damage: Damage, found_at: int, now: int) -> DamagedRecord | None:
        """What is still to be told of a record that was found damaged, if anything."""
        if len(damage.key) != len(self.key):
            return None
        place = zip(self.order, damage.key, strict=False)
        row = conn.execute(self.query.where(*(column == value for column, value in place))).first()
        if row is None:
            return None
        if self.is_over(row):
            return DamagedRecord(damage, self.called(*damage.key)) if found_at > now - NOTIFIED_MS else None
        return None if self.is_whole(row) else self._found(row)

    def anywhere(self, conn: sa.Connection, share: float) -> Place | None:
        """The place behind about that ``share`` of the records (0 to 1); ``None`` is before the first.

        Where records have ids, which grow with time, it is found by its two ends alone.
        """
        if len(self.order) > 1:
            count = conn.scalar(sa.select(sa.func.count()).select_from(self.query.subquery())) or 0
            query = sa.select(*self.order).order_by(*self.order).offset(max(0, int(count * share) - 1)).limit(1)
            row = conn.execute(query).first() if share > 0 else None
            return None if row is None else tuple(row)
        id_ = self.order[0]
        first, last = (conn.scalar(sa.select(id_).order_by(end).limit(1)) for end in (id_, id_.desc()))
        try:
            begin, width = UUID(first).int, UUID(last).int - UUID(first).int
        except (TypeError, ValueError, AttributeError):
            return None  # there is none, or one that we did not make
        return (str(UUID(int=begin + (width * int(share * 2**32) >> 32) - 1)),) if share > 0 and begin else None

    def _behind(self, after: Place) -> sa.ColumnElement[bool]:
        values = (sa.literal(value, column.type) for value, column in zip(after, self.order, strict=True))
        return sa.tuple_(*self.order) > sa.tuple_(*values)

    def _key(self, row: sa.Row[Any]) -> Place:
        return tuple(getattr(row, name) for name in self.key)

    def _found(self, row: sa.Row[Any]) -> DamagedRecord:
        damage = Damage(self.record, self._key(row))
        return DamagedRecord(damage, self.called(*damage.key))


def _is_whole_lead(row: sa.Row[Any]) -> bool:
    try:
        outgoing_lead(row, "", "")
    except Exception:
        return False
    return True


def _is_whole_connection(row: sa.Row[Any]) -> bool:
    texts = (row.diagnosis, row.test_diagnosis)
    return read_settings(row.settings) is not None and all(text is None or is_stored(text) for text in texts)


def _is_whole_change(row: sa.Row[Any]) -> bool:
    return read_settings(row.settings) is not None and (row.diagnosis is None or is_stored(row.diagnosis))


_d, _a, _c, _x, _n, _o = (
    table.c for table in (t.delivery, t.attempt, t.connection, t.connection_change, t.notice, t.operation)
)
_v, _p, _e = t.offer_version.c, t.contact.c, t.evidence.c

WALKS: Final[Sequence[Walk]] = (
    Walk(
        Record.LEAD,
        # By its deliveries: so is seen, too, which lead's row is missing.
        sa.select(_d.id.label("delivery_id"), _d.lead_id, *LEAD_COLUMNS).outerjoin_from(
            t.delivery, t.lead, t.lead.c.id == _d.lead_id
        ),
        (_d.id,),
        ("delivery_id", "lead_id"),
        _is_whole_lead,
        lambda delivery_id, lead_id: f"lead {lead_id} (delivery {delivery_id})",
        which=_d.state != "withheld",
    ),
    Walk(
        Record.CONNECTION,
        sa.select(_c.id, _c.offer_ref, _c.name, _c.settings, _c.diagnosis, _c.test_diagnosis).where(
            _c.removed_at.is_(None)
        ),
        (_c.id,),
        ("id", "offer_ref", "name"),
        _is_whole_connection,
        lambda _, offer_ref, name: f"connection {offer_ref}/{name}",
    ),
    Walk(
        Record.CHANGE,
        sa.select(_c.id, _c.offer_ref, _c.name, _x.settings, _x.diagnosis).join_from(
            t.connection_change, t.connection, _c.id == _x.connection_id
        ),
        (_x.connection_id,),
        ("id", "offer_ref", "name"),
        _is_whole_change,
        lambda _, offer_ref, name: f"pending change of {offer_ref}/{name}",
    ),
    Walk(
        Record.ANSWER,
        sa.select(_a.id, _a.delivery_id, _a.answer, _e.content).outerjoin_from(
            t.attempt, t.evidence, _e.attempt_id == _a.id
        ),
        (_a.id,),
        ("id", "delivery_id"),
        lambda row: is_stored(row.answer) and (row.content is None or is_evidence(row.content)),
        lambda id_, delivery_id: f"answer {id_} (delivery {delivery_id})",
    ),
    Walk(
        Record.NOTICE,
        sa.select(_n.id, _n.kind, _n.body, _n.recipients, _n.ended_at),
        (_n.id,),
        ("id",),
        is_whole_notice,
        lambda id_: f"notice {id_}",
        which=t.WAITING_NOTICE,
        is_over=lambda row: row.ended_at is not None,
    ),
    Walk(
        Record.OPERATION,
        sa.select(t.operation),
        (_o.id,),
        ("id", "offer_ref"),
        lambda row: not as_operation(row).damaged,
        lambda id_, offer_ref: f"operation {id_} of {offer_ref}",
        which=t.RUNNING,
        is_over=lambda row: row.state != "running",
    ),
    Walk(
        Record.CONTACT,
        sa.select(_p.publisher_id, _p.address, _p.trouble),
        (_p.publisher_id, _p.address),
        ("publisher_id", "address"),
        lambda row: row.trouble is None or is_stored(row.trouble),
        lambda publisher_id, address: f"last answer for the contact {masked_address(address)} of {publisher_id}",
    ),
    Walk(
        Record.OFFER_VERSION,
        sa.select(_v.offer_ref, _v.version, _v.definition),
        (_v.offer_ref, _v.version),
        ("offer_ref", "version"),
        lambda row: is_definition(row.definition),
        lambda offer_ref, version: f"version {version} of the offer {offer_ref}",
    ),
)
"""Every kind of record that people or other systems fill."""
BY_RECORD: Final = {walk.record: walk for walk in WALKS}


async def all_damaged(storage: Storage, now: int, progress: Callable[[int], None]) -> AsyncIterator[DamagedRecord]:
    """Every damaged record there is, and what was ended for that lately; ``progress`` hears how many were read so far.

    Reads all of them, in transactions of :data:`MOST`: of many millions that takes minutes, and keeps nobody waiting.
    """
    records, known = 0, set[Damage]()
    for walk in WALKS:
        looked = Looked((), 0, ())
        while looked.last is not None:
            looked = await storage.read(walk.step, looked.last or None, MOST)
            records += looked.records
            progress(records)
            known |= {found.damage for found in looked.found}
            for found in looked.found:
                yield found
    for found in await storage.read(remembered, now):
        if found.damage not in known:
            yield found


def remembered(conn: sa.Connection, now: int) -> list[DamagedRecord]:
    """What was found damaged before and is still to be told."""
    rows = conn.execute(sa.select(t.damaged_record).limit(MOST)).all()
    return [found for row in rows if (found := still(conn, row, now)) is not None]


def still(conn: sa.Connection, row: sa.Row[Any], now: int) -> DamagedRecord | None:
    """What is still to be told of what a row of ``damaged_record`` remembers; nothing of one that cannot be read."""
    damage = damage_of(row)
    return None if damage is None else BY_RECORD[damage.record].still(conn, damage, row.found_at, now)
