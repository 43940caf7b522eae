"""The records that are missing: which there are, sending them again, and that they were removed on purpose. All SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.access.audit import note
from leadkeeper.inbox.attention.missing_records import open_records, still_missing
from leadkeeper.inbox.follow_up.follow_ups import record_event
from leadkeeper.inbox.redelivery import due_now
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import announce, one_of

AT_ONCE: Final = 200
"""How many are sent again, or accepted, in one transaction: incoming leads wait for it."""


def forget_settled(conn: sa.Connection, connection_id: str) -> None:
    """Forget what was delivered anew since, or has expired."""
    m, d, c = t.missing_record.c, t.delivery.c, t.lead.c
    holds = sa.select(d.id).join(t.lead, c.id == d.lead_id).where(d.id == m.delivery_id, still_missing()).exists()
    conn.execute(sa.delete(t.missing_record).where(m.connection_id == connection_id, sa.not_(holds)))


def send_again(
    conn: sa.Connection, connection_id: str, subject: str, after: str, lead_ids: Sequence[str] | None, now: int, by: str
) -> tuple[int, str | None]:
    """Make those due now: of the next :data:`AT_ONCE` after that lead, or of those named. How many, and where to go on.

    A record that is sent again is missing no longer; should it be missing still, the next run finds that.
    """
    m, d = t.missing_record.c, t.delivery.c
    rows = _some(conn, connection_id, after, lead_ids)
    ids = [row.delivery_id for row in rows]
    conn.execute(sa.update(t.delivery).where(one_of(conn, d.id, ids)).values(due_now(now)))
    conn.execute(sa.delete(t.missing_record).where(one_of(conn, m.delivery_id, ids)))
    for row in rows:
        record_event(conn, row.lead_id, now, by, "againMissing")
    if rows:
        announce(conn)
        note(conn, now, by, "connection.sendMissing", subject, f"{len(rows)} deliveries")
    return len(rows), rows[-1].lead_id if len(rows) == AT_ONCE else None


def accept(
    conn: sa.Connection, connection_id: str, subject: str, after: str, lead_ids: Sequence[str] | None, now: int, by: str
) -> tuple[int, str | None]:
    """Write down that these were removed on purpose: they are listed no more. As :func:`send_again`."""
    m = t.missing_record.c
    rows = _some(conn, connection_id, after, lead_ids)
    values = {"accepted_at": now, "accepted_by": by}
    those = one_of(conn, m.delivery_id, [row.delivery_id for row in rows])
    conn.execute(sa.update(t.missing_record).where(those).values(values))
    for row in rows:
        record_event(conn, row.lead_id, now, by, "acceptMissing")
    if rows:
        note(conn, now, by, "connection.acceptMissing", subject, f"{len(rows)} records")
    return len(rows), rows[-1].lead_id if len(rows) == AT_ONCE else None


def _some(conn: sa.Connection, connection_id: str, after: str, lead_ids: Sequence[str] | None) -> Sequence[sa.Row[Any]]:
    m = t.missing_record.c
    query = open_records(connection_id).where(m.lead_id > after).limit(AT_ONCE)
    if lead_ids is not None:
        query = query.where(one_of(conn, m.lead_id, lead_ids))
    return conn.execute(query.with_for_update(of=t.delivery)).all()
