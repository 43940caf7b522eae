"""What was kept long enough is removed: a bounded number of rows in each transaction, each found by an index.

The leads of each publisher are gone through once, in the order of their ids, which is the order in which they came.
What is old enough and not at its end (a lead that waits, a mail that was not sent) is written down by itself and looked
at again every day. So nothing is read twice but what waits, and no index serves this alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.clock import least_id, made_at
from leadkeeper.connections.outbox import CONNECTION_EXPIRES
from leadkeeper.delivery.schedule import State
from leadkeeper.diagnosis import Outcome
from leadkeeper.privacy.periods import DAY_MS, DataKind, Own, Periods
from leadkeeper.privacy.skeleton import SKELETON, without_evidence, without_traces
from leadkeeper.storage import tables as t
from leadkeeper.storage.conflicts import insert_into
from leadkeeper.storage.engine import Storage, one_of, share_routes
from leadkeeper.storage.evidence import forget_evidence
from leadkeeper.storage.search_index import take_out

ROWS: Final = 200
"""The most leads or mails in one transaction."""
ROWS_IN_TURN: Final = 25
"""The same where one transaction that writes comes after another: a lead that comes in waits for this one."""
WALKS: Final = 50
"""Of so many publishers at most."""
EVERY_MS: Final = DAY_MS // 4
"""When a walk that has come to its end goes on."""
AGAIN_MS: Final = DAY_MS
"""When what waited is looked at again."""
MONTH: Final = "month"
"""The walk, of no publisher, that drops evidence by the month: see ``privacy.evidence_months``."""
_ENDED: Final = frozenset({State.DELIVERED, State.UNCONFIRMED, State.WITHHELD})
_TAKEN: Final = frozenset({Outcome.DELIVERED, Outcome.UNCONFIRMED})
"""Outcomes of attempts that were answered with a receipt."""


@dataclass(frozen=True, slots=True)
class ExpiryStep:
    """What one step did: how many rows (and ends of walks) it looked at, and how many it removed data of."""

    looked: int = 0
    removed: int = 0


def add_walks(conn: sa.Connection, now: int) -> int:
    """Begin the walks of publishers that have none yet, some at a time; how many were begun."""
    w, p = t.retention_walk.c, t.publisher.c
    known = sa.exists().where(w.publisher_id == p.id, w.kind == DataKind.PERSONAL.value)
    new = [*conn.scalars(sa.select(p.id).where(sa.not_(known)).order_by(p.id).limit(ROWS))]
    pairs = [(who, kind) for who in new for kind in (DataKind.PERSONAL, DataKind.EVIDENCE)]
    if not conn.scalar(sa.select(sa.exists().where(w.publisher_id == "", w.kind == DataKind.MAILS.value))):
        pairs.append(("", DataKind.MAILS))
    rows = [{"publisher_id": who, "kind": kind.value, "place": "", "due_at": now, "removed": 0} for who, kind in pairs]
    if rows:
        conn.execute(insert_into(conn, t.retention_walk).on_conflict_do_nothing(), rows)
    return len(rows)


def rows_at_once(storage: Storage) -> int:
    """The most leads or mails of one step."""
    return min(ROWS, ROWS_IN_TURN) if storage.writers_take_turns else ROWS


def walk(conn: sa.Connection, usual: Periods, now: int, most: int) -> ExpiryStep:
    """Go on with the walks that are due, for ``most`` rows; another process that does so meanwhile takes others."""
    w = t.retention_walk.c
    due = sa.select(t.retention_walk).where(w.due_at <= now, w.kind != MONTH).order_by(w.due_at).limit(WALKS)
    rows = conn.execute(due.with_for_update(skip_locked=True)).all()
    periods = _periods(conn, {row.publisher_id for row in rows}, usual)
    by_month = _by_month(conn, usual)
    # Whoever sends many leads again holds the publisher's offers; its turn comes later.
    changing = share_routes(conn, {row.publisher_id for row in rows if row.publisher_id})
    looked = removed = 0
    for row in rows:
        if looked >= most:
            break
        if row.publisher_id not in changing:
            step = _walk_one(conn, row, periods[row.publisher_id], by_month, most - looked, now)
            looked, removed = looked + step.looked, removed + step.removed
    return ExpiryStep(looked, removed)


def look_at_left(conn: sa.Connection, usual: Periods, now: int, most: int) -> ExpiryStep:
    """Look at ``most`` of what was left since it waited, and whose day is over."""
    left = t.retention_left.c
    due = sa.select(t.retention_left).where(left.look_at <= now).order_by(left.look_at).limit(most)
    rows = conn.execute(due.with_for_update(skip_locked=True)).all()
    periods = _periods(conn, {row.publisher_id for row in rows}, usual)
    changing = share_routes(conn, {row.publisher_id for row in rows if row.publisher_id})
    by_walk: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in rows:
        by_walk[row.publisher_id, row.kind].append(row.id)
    removed = 0
    for (publisher_id, kind), ids in by_walk.items():
        conn.execute(
            sa.update(t.retention_left)
            .where(left.kind == kind, one_of(conn, left.id, ids))
            .values(look_at=now + AGAIN_MS)
        )
        if publisher_id in changing:
            continue
        over = _remove(conn, DataKind(kind), ids, now - periods[publisher_id].milliseconds(DataKind(kind)), now)
        conn.execute(sa.delete(t.retention_left).where(left.kind == kind, one_of(conn, left.id, over)))
        w = t.retention_walk.c
        mine = (w.publisher_id == publisher_id, w.kind == kind)
        conn.execute(sa.update(t.retention_walk).where(*mine).values(removed=w.removed + len(over)))
        removed += len(over)
    return ExpiryStep(len(rows), removed)


def _periods(conn: sa.Connection, publishers: Collection[str], usual: Periods) -> Mapping[str, Periods]:
    p = t.publisher.c
    rows = conn.execute(sa.select(p.id, p.retention).where(one_of(conn, p.id, publishers)))
    return {"": usual} | {row.id: usual.of(Own.read(row.retention)) for row in rows}


@dataclass(frozen=True, slots=True)
class _ByMonth:
    """Evidence kept for ``days`` goes by the month, but that of leads before ``end``: their attempts may hold it."""

    days: int
    end: str


def _by_month(conn: sa.Connection, usual: Periods) -> _ByMonth | None:
    """``None`` where all of it goes lead by lead."""
    w = t.retention_walk.c
    end = conn.scalar(sa.select(w.place).where(w.publisher_id == "", w.kind == DataKind.EVIDENCE.value))
    return None if end is None else _ByMonth(usual.of(Own()).evidence_days, end)


def _walk_one(
    conn: sa.Connection, row: sa.Row[Any], periods: Periods, by_month: _ByMonth | None, most: int, now: int
) -> ExpiryStep:
    """The next rows of one walk."""
    kind = DataKind(row.kind)
    before = now - periods.milliseconds(kind)
    # What a publisher keeps for a shorter time than all others does not wait for the end of a month.
    whole = by_month is not None and kind is DataKind.EVIDENCE and periods.evidence_days >= by_month.days
    end = by_month.end if by_month is not None and whole else None
    query = _behind(kind, row.publisher_id, row.place, end)
    ids = conn.scalars(query.where(query.selected_columns[0] < least_id(before)).limit(most)).all()
    over = _remove(conn, kind, ids, before, now)
    leave(conn, kind, row.publisher_id, [each for each in ids if each not in over], now)
    values: dict[str, Any] = {"removed": row.removed + len(over), "place": ids[-1] if ids else row.place}
    at_end = len(ids) < most
    if at_end:
        first = conn.scalar(_behind(kind, row.publisher_id, values["place"], end).limit(1))
        values |= {"due_at": now + EVERY_MS, "passed_at": now, "oldest_at": None if first is None else made_at(first)}
    w = t.retention_walk.c
    conn.execute(sa.update(t.retention_walk).where(w.publisher_id == row.publisher_id, w.kind == kind).values(values))
    return ExpiryStep(len(ids) + at_end, len(over))


def _behind(kind: DataKind, publisher_id: str, place: str, end: str | None) -> sa.Select[Any]:
    """The ids behind ``place`` and before ``end``, if there is one, the oldest first."""
    table = t.notice if kind is DataKind.MAILS else t.lead
    query = sa.select(table.c.id).where(table.c.id > place).order_by(table.c.id)
    if kind is not DataKind.MAILS:
        query = query.where(t.lead.c.publisher_id == publisher_id)
    return query if end is None else query.where(table.c.id < end)


def _remove(conn: sa.Connection, kind: DataKind, ids: Sequence[str], before: int, now: int) -> set[str]:
    """Those of ``ids`` that are at their end since ``before``: their data of that kind are removed."""
    if not ids:
        return set()
    if kind is DataKind.MAILS:
        return _remove_mails(conn, ids, before)
    over, deliveries = _over(conn, ids, before)
    if kind is DataKind.EVIDENCE:
        _rewrite(conn, deliveries, expired=False)
    else:
        _rewrite(conn, deliveries, expired=True)
        _remove_personal(conn, over, now)
    return over


def not_over(lead_id: sa.ColumnElement[str], before: int) -> sa.ColumnElement[bool]:
    """Whether a delivery of that lead waits, or ended at ``before`` or later."""
    d = sa.alias(t.delivery).c
    return sa.exists().where(d.lead_id == lead_id, d.state.not_in(_ENDED) | (d.changed_at >= before))


def _over(conn: sa.Connection, ids: Sequence[str], before: int) -> tuple[set[str], list[str]]:
    """The leads of which nothing waits, and nothing ended after ``before``; and their deliveries.

    They are locked: whoever sends one of them again comes first, or finds it without data.
    """
    c, d = t.lead.c, t.delivery.c
    found = sa.select(d.id, d.lead_id, d.state, d.changed_at).where(one_of(conn, d.lead_id, ids)).order_by(d.id)
    rows = conn.execute(found.with_for_update()).all()
    live = {row.lead_id for row in rows if row.state not in _ENDED or row.changed_at >= before}
    # No connection was there to take them: the first one that comes gets them.
    live |= {*conn.scalars(sa.select(c.id).where(one_of(conn, c.id, ids), c.unrouted))}
    return {*ids} - live, [row.id for row in rows if row.lead_id not in live]


def _rewrite(conn: sa.Connection, delivery_ids: Sequence[str], *, expired: bool) -> None:
    """What destinations said in the attempts of these deliveries is removed, and of expired leads also the receipts."""
    a = t.attempt.c
    rows = conn.execute(sa.select(a.id, a.answer, a.outcome).where(one_of(conn, a.delivery_id, delivery_ids))).all()
    forget_evidence(conn, [row.id for row in rows if row.outcome not in _TAKEN])
    rule = without_traces if expired else without_evidence
    new = [(row.id, rule(row.answer), row.answer) for row in rows]
    changed = [{"which": id_, "becomes": answer} for id_, answer, before in new if answer != before]
    if changed:
        statement = sa.update(t.attempt).where(a.id == sa.bindparam("which")).values(answer=sa.bindparam("becomes"))
        conn.execute(statement, changed)


def _remove_personal(conn: sa.Connection, lead_ids: Iterable[str], now: int) -> None:
    ids = [*lead_ids]
    if not ids:
        return
    c, e, f = t.lead.c, t.lead_event.c, t.follow_up.c
    # In the order of their ids, as whoever follows up several of them does: so none waits in a ring.
    conn.execute(sa.select(c.id).where(one_of(conn, c.id, ids)).order_by(c.id).with_for_update(key_share=True))
    take_out(conn, ids)
    conn.execute(sa.update(t.lead).where(one_of(conn, c.id, ids)).values(SKELETON | {"expired_at": now}))
    # What confirmed it to the customer is a mail of the lead's id.
    conn.execute(sa.delete(t.mail).where(one_of(conn, t.mail.c.id, ids)))
    # Notes and reasons may tell of the customer; the state, by which is counted, stays.
    conn.execute(sa.delete(t.lead_event).where(one_of(conn, e.lead_id, ids)))
    conn.execute(sa.update(t.follow_up).where(one_of(conn, f.lead_id, ids)).values(reason=""))


def _remove_mails(conn: sa.Connection, ids: Sequence[str], before: int) -> set[str]:
    n = t.notice.c
    query = sa.select(n.id).where(one_of(conn, n.id, ids), n.ended_at.is_not(None), n.ended_at < before)
    over = {*conn.scalars(query.with_for_update())}
    # A reminder's body is by what it is known that people were reminded: it is a date.
    texts = (one_of(conn, n.id, over), n.kind != CONNECTION_EXPIRES)
    conn.execute(sa.update(t.notice).where(*texts).values(body="{}", recipients=None))
    return over


def leave(conn: sa.Connection, kind: DataKind, publisher_id: str, ids: Collection[str], now: int) -> None:
    """These were old enough and wait for their own end: they are looked at again every day."""
    same = {"kind": kind.value, "publisher_id": publisher_id, "look_at": now + AGAIN_MS}
    if ids:
        conn.execute(insert_into(conn, t.retention_left).on_conflict_do_nothing(), [same | {"id": id_} for id_ in ids])
