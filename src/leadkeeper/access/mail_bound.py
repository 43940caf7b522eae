"""How many mails a publisher may cause in any hour: counted here, in the transaction that sends them. All SQL."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from leadkeeper.mail.address import MailRules
from leadkeeper.storage import tables as t

SLOT_MS: Final = 300_000
SLOTS: Final = 13
"""Five minutes each: together never less than an hour, whatever minute it is."""


def spend(
    conn: sa.Connection, publisher_id: str, mails: int, rules: MailRules, now: int, *, whole: bool = False
) -> int:
    """Count up to ``mails`` for the publisher and answer how many may go out now; with ``whole`` all of them or none.

    What a mail server then does not take stays counted: a publisher of wrong addresses uses up its hour too.
    """
    # Whoever counts for this publisher waits here for the other to have counted; nobody else does.
    p, m = t.publisher.c, t.mail_count.c
    conn.execute(sa.select(p.id).where(p.id == publisher_id).with_for_update(key_share=True))
    slot, mine = now // SLOT_MS, m.publisher_id == publisher_id
    used = conn.scalar(sa.select(sa.func.sum(m.mails)).where(mine, _within_the_hour(slot))) or 0
    granted = max(0, min(mails, rules.mails - used))
    if granted == 0 or (whole and granted < mails):
        return 0
    this = sa.update(t.mail_count).where(mine, m.slot == slot)
    if not conn.execute(this.values(mails=m.mails + granted)).rowcount:
        conn.execute(sa.delete(t.mail_count).where(mine, sa.not_(_within_the_hour(slot))))
        conn.execute(sa.insert(t.mail_count).values(publisher_id=publisher_id, slot=slot, mails=granted))
    return granted


def free_at(conn: sa.Connection, publisher_id: str, now: int) -> int:
    """When the publisher, whose bound is reached, may send more."""
    m = t.mail_count.c
    oldest = sa.select(sa.func.min(m.slot)).where(m.publisher_id == publisher_id, _within_the_hour(now // SLOT_MS))
    found = conn.scalar(oldest)
    return now + SLOT_MS if found is None else (found + SLOTS) * SLOT_MS


def _within_the_hour(slot: int) -> sa.ColumnElement[bool]:
    """Until ``slot``, or the one after it, should another process be there already. What is counted in hours to come
    was counted by a clock that was ahead: whoever waited for it would wait for the size of its error."""
    return t.mail_count.c.slot.between(slot - SLOTS + 1, slot + 1)
