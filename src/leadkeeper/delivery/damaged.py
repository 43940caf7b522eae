"""Deliveries whose lead cannot be read: set aside for the operator, each by its id, so that all others go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
import structlog

from leadkeeper.catalogue import diagnose
from leadkeeper.delivery.record import attempt_row
from leadkeeper.delivery.schedule import Aside, State
from leadkeeper.diagnosis import Evidence, Kind
from leadkeeper.storage import tables as t
from leadkeeper.storage.damage import Damage, Record, remember
from leadkeeper.storage.engine import one_of
from leadkeeper.storage.evidence import insert_attempts
from leadkeeper.texts import lazy_gettext

log: Final = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Damaged:
    """A delivery of a lead that cannot be read. ``reason`` is the error's class: its text may hold personal data."""

    delivery_id: str
    lead_id: str
    reason: str


def set_aside_damaged(conn: sa.Connection, damaged: Sequence[Damaged], lease_id: str, now: int) -> None:
    """Set these aside, which ``lease_id`` has just claimed; one attempt each says why, and the log names them."""
    d = t.delivery.c
    ids = [each.delivery_id for each in damaged]
    conn.execute(
        sa.update(t.delivery)
        .where(one_of(conn, d.id, ids), d.lease_id == lease_id, t.SENDING)
        .values(state=State.SET_ASIDE.value, set_aside_for=Aside.DAMAGED.value, lease_id=None, changed_at=now)
    )
    insert_attempts(conn, [_attempt(each, now) for each in damaged])
    remember(conn, [Damage(Record.LEAD, (each.delivery_id, each.lead_id)) for each in damaged], now)
    for each in damaged:
        log.error("lead cannot be read", delivery=each.delivery_id, lead=each.lead_id, reason=each.reason)


def _attempt(damaged: Damaged, now: int) -> dict[str, object]:
    missing = damaged.reason == KeyError.__name__
    lead, reason = damaged.lead_id, damaged.reason
    text = lazy_gettext("The row of the lead %(lead)s could not be read (%(reason)s).", lead=lead, reason=reason)
    if missing:
        text = lazy_gettext("The row of the lead %(lead)s is missing, or lacks a part.", lead=lead)
    return attempt_row(damaged.delivery_id, now, 0, diagnose(Kind.RECORD_DAMAGED, Evidence(text=text)), late=False)
