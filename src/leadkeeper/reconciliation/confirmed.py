"""Leads that were sent, unconfirmed, and that reconciliation found: they are delivered, the connection is proven.

Publishing that waits to hear whether a test lead was found goes on then.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.access.audit import note
from leadkeeper.catalogue import to_stored
from leadkeeper.delivery.schedule import State
from leadkeeper.diagnosis import Outcome, Receipt
from leadkeeper.inbox.follow_up.follow_ups import record_event
from leadkeeper.offer import OfferRef
from leadkeeper.publishing.operations import look_again
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import announce, one_of

BY: Final = "reconciliation"
"""Who found them, in timelines and in the audit."""

Found = tuple[str, str, int, Receipt]
"""A delivery, its lead, when it was sent (ms), and the receipt from now on."""


def keep_found(conn: sa.Connection, connection_id: str, since: int, found: Sequence[Found], now: int) -> int:
    """Write down those that are unconfirmed still and were not sent again meanwhile; how many these are.

    The moment of their delivery stays. What was sent at ``since`` (ms) or later proves the settings in effect.
    """
    d = t.delivery.c
    columns = (d.id, d.changed_at)
    these = (one_of(conn, d.id, [each[0] for each in found]), d.state == State.UNCONFIRMED.value)
    sent_at = {row.id: row.changed_at for row in conn.execute(sa.select(*columns).where(*these).with_for_update())}
    stands = [each for each in found if sent_at.get(each[0]) == each[2]]
    if not stands:
        return 0
    ids = [each[0] for each in stands]
    conn.execute(sa.update(t.delivery).where(one_of(conn, d.id, ids)).values(state=State.DELIVERED.value))
    attempts = _last_attempts(conn, ids)
    for delivery_id, lead_id, _at, receipt in stands:
        values = {"outcome": Outcome.DELIVERED.value, "answer": to_stored(receipt)}
        conn.execute(sa.update(t.attempt).where(t.attempt.c.id == attempts.get(delivery_id)).values(values))
        record_event(conn, lead_id, now, BY, "confirmed")
    _prove(conn, connection_id, [each[1] for each in stands if each[2] >= since], now)
    announce(conn)
    return len(stands)


def _last_attempts(conn: sa.Connection, delivery_ids: Sequence[str]) -> dict[str, str]:
    """The attempt with which each was sent."""
    a = t.attempt.c
    query = sa.select(a.delivery_id, a.id).order_by(a.id)
    query = query.where(one_of(conn, a.delivery_id, delivery_ids), a.outcome == Outcome.UNCONFIRMED.value)
    return {row.delivery_id: row.id for row in conn.execute(query)}


def _prove(conn: sa.Connection, connection_id: str, lead_ids: Sequence[str], now: int) -> None:
    """The settings work; of the last test lead nobody needs to say any more whether it was found.

    Publishing that waits for that word goes on.
    """
    if not lead_ids:
        return
    c = t.connection.c
    this: tuple[Any, ...] = (c.id == connection_id,)
    unproven = (*this, sa.not_(c.proven))
    values = {"proven": True, "tried": True, "test_diagnosis": None}
    row = conn.execute(sa.select(c.offer_ref, c.name).where(*this)).one()
    if conn.execute(sa.update(t.connection).where(*unproven).values(values)).rowcount:
        note(conn, now, BY, "connection.confirmed", f"{row.offer_ref}/{row.name}", "a lead was found there")
    its_test = (*this, c.test_change.is_(None), one_of(conn, c.test_lead_id, lead_ids))
    conn.execute(sa.update(t.connection).where(*its_test).values(test_confirmed=True))
    look_again(conn, OfferRef.parse(row.offer_ref), now)
