"""What needs attention besides connections and leads: publishing, records, mails. Each question is bounded."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.clock import least_id, to_text
from leadkeeper.connections.own import offers_of
from leadkeeper.diagnosis import Who
from leadkeeper.inbox.attention.causes import MOST, MOST_COUNTED, SUMMARIES, Cause
from leadkeeper.inbox.oversight.backlog import waiting_for_workers
from leadkeeper.inbox.oversight.figures import DAY_MS
from leadkeeper.inbox.withheld import withheld_counts
from leadkeeper.offer import OfferRef
from leadkeeper.publishing.operations import NEVER
from leadkeeper.publishing.steps import StepStatus
from leadkeeper.storage import tables as t
from leadkeeper.storage.damage import counted_damage
from leadkeeper.storage.hot import HotStatement
from leadkeeper.storage.presence import workers_away
from leadkeeper.storage.remembered import DISK_NEARLY_FULL, moment_of
from leadkeeper.texts import Language
from leadkeeper.views import AttentionEntry

MOST_FAILED: Final = 100
"""The most offers whose publishing failed that are named."""
FAILED_WITHIN_MS: Final = 90 * DAY_MS
"""What failed longer ago and was left so needs nobody."""
OVERDUE_MS: Final = 900_000
"""A mail that was due so long ago is not going out; the sender looks every few seconds."""


def of_everybody(conn: sa.Connection, now: int, language: Language) -> list[AttentionEntry]:
    """What concerns the whole installation, and an operator settles."""
    (seen,) = _COUNTED.rows(conn, {"overdue": now - OVERDUE_MS, "disk": DISK_NEARLY_FULL})
    damaged, mails, mails_since, offers, offers_since, nearly_full = seen
    found_at = conn.scalar(sa.select(sa.func.min(t.damaged_record.c.found_at))) if damaged else None
    entries = _of_processes(conn, now, nearly_full, language)
    counted = (
        (Cause.RECORDS_DAMAGED, damaged, found_at),
        (Cause.MAIL_NOT_SENT, mails, mails_since),
        (Cause.CERTIFICATION_WAITS, offers, offers_since),
    )
    entries += [
        _entry(cause, since, language, count=count, who=Who.OPERATOR) for cause, count, since in counted if count
    ]
    return entries


def _counted(_: str) -> sa.Select[Any]:
    """What is counted, and since when the disk is nearly full, in one statement: a page waits for each."""
    mails, offers = _stuck_mails().subquery(), _to_certify().subquery()
    disk = moment_of("disk").scalar_subquery()
    columns = (counted_damage().scalar_subquery(), *mails.c, *offers.c, disk.label("nearly_full"))
    return sa.select(*columns).select_from(mails.join(offers, sa.true()))


def _of_processes(conn: sa.Connection, now: int, nearly_full: int | None, language: Language) -> list[AttentionEntry]:
    """What the machines lack: a worker, room on the disk."""
    entries = []
    if (away := workers_away(conn, now)) is not None:
        leads = waiting_for_workers(conn, MOST_COUNTED)
        entries.append(_entry(Cause.WORKERS_AWAY, away, language, leads=leads, who=Who.OPERATOR))
    if nearly_full is not None:
        entries.append(_entry(Cause.DISK_NEARLY_FULL, nearly_full, language, who=Who.OPERATOR))
    return entries


def withheld(
    conn: sa.Connection, publisher_id: str | None, now: int, language: Language
) -> tuple[list[AttentionEntry], bool]:
    """The publishers of which leads were withheld and nobody has seen it yet, and whether these are all."""
    counts = withheld_counts(conn, publisher_id, now)
    cause, who = Cause.LEADS_WITHHELD, Who.NOBODY
    entries = [
        _entry(cause, since, language, count=count, leads=count, who=who, publisher_id=each)
        for each, (count, since) in counts.items()
    ]
    return entries[:MOST], len(entries) <= MOST


def failed(
    conn: sa.Connection, publisher_id: str | None, now: int, language: Language
) -> tuple[list[AttentionEntry], bool]:
    """The offers whose newest publishing failed, the newest first, and whether these are all."""
    given = {"least": least_id(now - FAILED_WITHIN_MS)}
    if publisher_id is None:
        rows = _FAILED.rows(conn, given)
    else:
        own = t.operation.c.offer_ref.in_(offers_of(conn, publisher_id))
        rows = conn.execute(_failed("", own), given).all()
    entries = [
        _entry(Cause.PUBLISHING_FAILED, row.changed_at, language, offer=OfferRef.parse(row.offer_ref))
        for row in rows[:MOST_FAILED]
    ]
    return entries, len(rows) <= MOST_FAILED


def _failed(_: str, *own: sa.ColumnElement[bool]) -> sa.Select[Any]:
    o, newer = t.operation.c, _NEWER.c
    least = sa.bindparam("least", type_=o.id.type)
    newest = ~sa.exists().where(newer.offer_ref == o.offer_ref, newer.id > o.id)
    query = sa.select(o.offer_ref, o.changed_at).where(t.FAILED, o.id >= least, *own, newest)
    return query.order_by(o.id.desc()).limit(MOST_FAILED + 1)


_NEWER: Final = t.operation.alias()
_FAILED: Final = HotStatement(_failed)


def _stuck_mails() -> sa.Select[Any]:
    """How many notices wait although they were tried, or are due and nobody tries them; and since when the first does.

    Those that wait for a contact's consent are not due, and were not tried.
    """
    n = t.notice.c
    columns = (n.created_at, n.tries, n.due_at)
    first = sa.select(*columns).where(t.WAITING_NOTICE).order_by(n.due_at).limit(MOST_COUNTED + 1).subquery()
    stuck = (first.c.tries > 0) | (first.c.due_at <= sa.bindparam("overdue", type_=sa.BigInteger))
    both: list[Any] = [sa.func.count().label("mails"), sa.func.min(first.c.created_at).label("mails_since")]
    return sa.select(*both).where(stuck)


def _to_certify() -> sa.Select[Any]:
    o = t.operation.c
    waiting = (t.RUNNING, o.due_at == NEVER, o.steps.contains(StepStatus.WAITING_FOR_APPROVAL.value))
    first = sa.select(o.changed_at).where(*waiting).limit(MOST_COUNTED + 1).subquery()
    both: list[Any] = [sa.func.count().label("offers"), sa.func.min(first.c.changed_at).label("offers_since")]
    return sa.select(*both)


_COUNTED: Final = HotStatement(_counted)


def _entry(cause: Cause, since: int | None, language: Language, **more: Any) -> AttentionEntry:
    offer: OfferRef | None = more.get("offer")
    return AttentionEntry(
        cause=cause.value,
        summary=language.gettext(SUMMARIES[cause]),
        since=None if since is None else to_text(since),
        publisher_id=more.get("publisher_id") if offer is None else offer.publisher_id,
        offer_id=None if offer is None else offer.offer_id,
        leads=more.get("leads", 0),
        count=more.get("count", 1),
        who=more.get("who", Who.PUBLISHER).value,
    )
