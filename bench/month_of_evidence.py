"""A month of attempts that failed, long enough ago, and how long PostgreSQL takes to drop what was said in them."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any, Final

import sqlalchemy as sa

from bench.children import ChildFailed
from leadkeeper.catalogue import diagnose
from leadkeeper.clock import made_at, now_ms
from leadkeeper.delivery.record import attempt_row
from leadkeeper.diagnosis import Evidence, Kind
from leadkeeper.privacy.evidence_months import month_step
from leadkeeper.privacy.expiry import MONTH
from leadkeeper.privacy.periods import DAY_MS, LONGEST_DAYS, USUAL
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage
from leadkeeper.storage.evidence import insert_attempts
from leadkeeper.storage.months import Month, make_months, months

_AGO_DAYS: Final = 130
"""In the month of that day every lead failed once: it is over by 90 days at least, and no lead of it expires here."""
_STEP: Final = 2_000
_STALL_SECONDS: Final = 300.0
_EVIDENCE: Final = Evidence(status=503, code="busy", request_id="0HMVD3H2J3J3J:00000001", text="Try again later. " * 20)


@dataclass(frozen=True, slots=True)
class Dropped:
    """Of how many attempts the evidence went, and between which moments (ms)."""

    attempts: int
    begun_ms: float
    end_ms: float

    @property
    def seconds(self) -> float:
        """How long it took."""
        return (self.end_ms - self.begun_ms) / 1_000


def _month() -> Month:
    return Month.at(now_ms() - _AGO_DAYS * DAY_MS)


async def fill(storage: Storage) -> None:
    """Each lead that came in the month failed once before it arrived."""
    await storage.write(make_months, _month().begin_ms)
    place = _month().bounds[0]
    while place:
        place = await storage.write(_fail, place)


def _fail(conn: sa.Connection, place: str) -> str:
    """Of the next leads behind ``place``; the last one, if there may be more."""
    c, d = t.lead.c, t.delivery.c
    query = sa.select(c.id, d.id.label("delivery_id")).join(t.delivery, d.lead_id == c.id)
    found = conn.execute(query.where(c.id > place, c.id < _month().bounds[1]).order_by(c.id).limit(_STEP)).all()
    answer = diagnose(Kind.NO_ANSWER, _EVIDENCE)
    # Leads and attempts have tables of their own: one id serves both.
    rows = [attempt_row(row.delivery_id, made_at(row.id), 40, answer, late=False, attempt_id=row.id) for row in found]
    insert_attempts(conn, rows)
    return found[-1].id if len(found) == _STEP else ""


async def drop(storage: Storage) -> Dropped:
    """Let retention take its steps until the month is gone."""
    days = (now_ms() - _month().after.begin_ms) // DAY_MS
    periods = replace(USUAL, personal_days=LONGEST_DAYS, evidence_days=days)
    removed, begun = 0, time.time() * 1_000
    while await storage.read(_is_there):
        if time.time() * 1_000 > begun + _STALL_SECONDS * 1_000:
            raise ChildFailed("the month of evidence is there still")
        removed += (await storage.write(_step, periods)).removed
    return Dropped(removed, begun, time.time() * 1_000)


def _is_there(conn: sa.Connection) -> bool:
    return _month() in (*months(conn, attached=True), *months(conn, attached=False))


def _step(conn: sa.Connection, periods: Any) -> Any:
    """Due at once, whatever the processes of the installation have put it off to."""
    conn.execute(sa.update(t.retention_walk).where(t.retention_walk.c.kind == MONTH).values(due_at=0))
    return month_step(conn, periods, now_ms())
