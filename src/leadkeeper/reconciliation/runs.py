"""The runs of reconciliation: which are due, which leads one looks at next, and what it found. All SQL.

A run goes through the leads of its connection's offer once, in the order of their ids, which is the order in which they
came. It holds its row by the moment at which it would be due again: whoever finds another one there has lost it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.catalogue import from_stored
from leadkeeper.clock import least_id, to_datetime
from leadkeeper.delivery.claim import LEAD_COLUMNS, outgoing_lead
from leadkeeper.delivery.schedule import State
from leadkeeper.destinations.interface import LookedUp, Presence, SentRecord
from leadkeeper.diagnosis import Outcome, Receipt
from leadkeeper.inbox.attention.missing_records import TAKEN
from leadkeeper.reconciliation.confirmed import keep_found
from leadkeeper.reconciliation.missing import forget_settled
from leadkeeper.shares import Shares, pick
from leadkeeper.storage import tables as t
from leadkeeper.storage.conflicts import insert_into
from leadkeeper.storage.engine import one_of
from leadkeeper.storage.looks import any_until_now

DAY_MS: Final = 86_400_000
HOLD_MS: Final = 5 * 60_000
"""For how long a run is one process's; it writes down how far it came, and holds it anew, after each call."""
SETTLED_MS: Final = 60_000
"""What was delivered so soon after new settings may have gone out with those before."""
LOOKED: Final = 500
"""Of so many leads it is looked up at once whether they were delivered."""
NEW_ROWS: Final = 200


class RunState(StrEnum):
    """How far a connection's run is."""

    WAITING = "waiting"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Held:
    """A run that this process holds. ``until`` is what stands in its row.

    ``settings_since`` is since when (ms) leads go out with just these settings; ``is_first``: there were none before.
    """

    connection_id: str
    until: int
    settings_since: int
    is_first: bool

    @property
    def since(self) -> int:
        """What was delivered at this moment (ms) or later was so with just these settings."""
        return self.settings_since + (0 if self.is_first else SETTLED_MS)


@dataclass(frozen=True, slots=True)
class Delivered:
    """A lead that was delivered, by its delivery: when that was (ms), and what the destination knows it by.

    ``record`` is ``None`` where what is stored of it cannot be read; ``unconfirmed``: it was taken without a word.
    """

    delivery_id: str
    lead_id: str
    delivered_at: int
    record: SentRecord | None
    unconfirmed: bool = False


@dataclass(frozen=True, slots=True)
class RunPart:
    """The next part of a run: what was delivered, and up to which lead that is all. ``None`` at the end."""

    delivered: Sequence[Delivered]
    up_to: str | None


def any_due(conn: sa.Connection, now: int) -> bool:
    """Whether a run is to be begun or gone on with."""
    return bool(_ANY_DUE.scalar(conn, {"now": now}))


def any_new(conn: sa.Connection) -> bool:
    """Whether :func:`add_rows` would find a connection; looks at all that there are."""
    return bool(conn.scalar(sa.select(sa.exists().where(t.connection.c.removed_at.is_(None), sa.not_(_has_row())))))


_ANY_DUE: Final = any_until_now(t.reconciliation.c.due_at)


def _has_row() -> sa.Exists:
    return sa.exists().where(t.reconciliation.c.connection_id == t.connection.c.id).correlate(t.connection)


def add_rows(conn: sa.Connection, now: int, spread: Sequence[float]) -> int:
    """Put connections that have no row yet on the list, some at a time; ``spread`` (of 0 to 1) is when in the day."""
    c = t.connection.c
    query = sa.select(c.id).where(c.removed_at.is_(None), sa.not_(_has_row())).order_by(c.id).limit(NEW_ROWS)
    rows = [new_row(each, now + int(unit * DAY_MS)) for each, unit in zip(conn.scalars(query), spread, strict=False)]
    if rows:  # another process may add the same at this moment
        conn.execute(insert_into(conn, t.reconciliation).on_conflict_do_nothing(), rows)
    return len(rows)


def new_row(connection_id: str, due_at: int) -> dict[str, Any]:
    """The row of a connection that was never looked at."""
    counts = {"looked": 0, "missing": 0, "unknown": 0}
    row = {"connection_id": connection_id, "due_at": due_at, "state": RunState.WAITING.value}
    return row | {"first": "", "after": "", **counts}


def take_due(conn: sa.Connection, shares: Shares, now: int) -> list[sa.Row[Any]]:
    """The connections whose run is due, as many of each publisher as ``shares`` have room for.

    Each is a row of ``connection`` with its ``publisher_id`` and ``run_state``, held until ``now + HOLD_MS``.
    """
    r, c, o = t.reconciliation.c, t.connection.c, t.offer.c
    query = (
        sa.select(t.connection, o.publisher_id, r.state.label("run_state"))
        .join(t.reconciliation, r.connection_id == c.id)
        .join(t.offer, o.ref == c.offer_ref)
        .where(r.due_at <= now)
        .order_by(r.due_at)
        .with_for_update(of=t.reconciliation, skip_locked=True)
    )

    def offered(without: Collection[str], most: int) -> Sequence[sa.Row[Any]]:
        others = query.where(sa.not_(one_of(conn, o.publisher_id, without))) if without else query
        return conn.execute(others.limit(most)).all()

    rows = pick(shares, offered, lambda row: str(row.publisher_id), lambda row: str(row.id))
    for row in rows:
        conn.execute(sa.update(t.reconciliation).where(r.connection_id == row.id).values(due_at=now + HOLD_MS))
    return rows


def drop(conn: sa.Connection, connection_id: str) -> None:
    """Nothing is known any more of a connection that was removed."""
    for table in (t.reconciliation, t.missing_record):
        conn.execute(sa.delete(table).where(table.c.connection_id == connection_id))


def begin_run(conn: sa.Connection, held: Held, days: int, now: int) -> None:
    """Begin the run, over the leads of the last ``days``, unless it only goes on. What was settled is forgotten."""
    r = t.reconciliation.c
    forget_settled(conn, held.connection_id)
    values = {"state": RunState.RUNNING.value, "started_at": now, "ended_at": None, "diagnosis": None}
    values |= {"first": least_id(now - days * DAY_MS), "after": "", "looked": 0, "missing": 0, "unknown": 0}
    mine = (*_this(held), r.state != RunState.RUNNING.value)
    conn.execute(sa.update(t.reconciliation).where(*mine).values(values))


def _this(held: Held) -> tuple[sa.ColumnElement[bool], ...]:
    r = t.reconciliation.c
    return (r.connection_id == held.connection_id, r.due_at == held.until)


def next_part(conn: sa.Connection, held: Held, confirms: bool = False) -> RunPart | None:
    """What the run looks at next; ``None`` where the run is another's by now.

    First what was missing before the window: it may be there again. Then the leads within it. Where the destination
    ``confirms``, what is unconfirmed is looked at, too, whatever the settings were when it was sent.
    """
    r, m = t.reconciliation.c, t.missing_record.c
    run = conn.execute(sa.select(r.first, r.after).where(*_this(held))).first()
    if run is None:
        return None
    if run.after < run.first:
        known = sa.select(m.lead_id).where(m.connection_id == held.connection_id, t.NOT_ACCEPTED)
        known = known.where(m.lead_id > run.after, m.lead_id < run.first).order_by(m.lead_id).limit(LOOKED)
        if ids := conn.scalars(known).all():
            return RunPart(_delivered(conn, held, ids, confirms), ids[-1])
    after = max(run.after, run.first)
    c, o, x = t.lead.c, t.offer.c, t.connection.c
    whose = sa.select(o.publisher_id, o.id).join(t.connection, x.offer_ref == o.ref).where(x.id == held.connection_id)
    offer = conn.execute(whose).one()
    ids = conn.scalars(
        sa.select(c.id)
        .where(c.publisher_id == offer.publisher_id, c.offer_id == offer.id, c.id > after)
        .order_by(c.id)
        .limit(LOOKED)
    ).all()
    return RunPart(_delivered(conn, held, ids, confirms), ids[-1] if ids else None)


def _delivered(conn: sa.Connection, held: Held, lead_ids: Sequence[str], confirms: bool) -> list[Delivered]:
    """Those of the leads that were delivered over the connection with just these settings, in the order of the ids."""
    d, c, x, o, p = t.delivery.c, t.lead.c, t.connection.c, t.offer.c, t.publisher.c
    wanted = (d.state == State.DELIVERED.value) & (d.changed_at >= held.since) & sa.not_(c.test)
    query: sa.Select[Any] = (
        sa.select(*LEAD_COLUMNS, d.id.label("delivery_id"), d.changed_at, d.state, o.title, p.display_name)
        .join(t.delivery, d.lead_id == c.id)
        .join(t.connection, x.id == d.connection_id)
        .join(t.offer, o.ref == x.offer_ref)
        .join(t.publisher, p.id == o.publisher_id)
        .where(one_of(conn, d.lead_id, lead_ids), d.connection_id == held.connection_id)
        .where(wanted | t.UNCONFIRMED if confirms else wanted, c.expired_at.is_(None))
        .order_by(c.id)
    )
    rows = conn.execute(query).all()
    receipts = _receipts(conn, [row.delivery_id for row in rows])
    return [_one_delivered(row, receipts.get(row.delivery_id)) for row in rows]


def _one_delivered(row: sa.Row[Any], receipt: Receipt | None) -> Delivered:
    record = None
    if receipt is not None:
        with contextlib.suppress(Exception):  # whatever one row holds, the others are looked at
            lead = outgoing_lead(row, row.title, row.display_name)
            record = SentRecord(lead, receipt, to_datetime(row.changed_at))
    return Delivered(row.delivery_id, row.id, row.changed_at, record, row.state == State.UNCONFIRMED)


def _receipts(conn: sa.Connection, delivery_ids: Sequence[str]) -> Mapping[str, Receipt]:
    """What was answered last when each was delivered."""
    a = t.attempt.c
    query = sa.select(a.delivery_id, a.answer).order_by(a.id)
    taken = (Outcome.DELIVERED.value, Outcome.UNCONFIRMED.value)
    query = query.where(one_of(conn, a.delivery_id, delivery_ids), a.outcome.in_(taken))
    found = {row.delivery_id: from_stored(row.answer) for row in conn.execute(query)}
    return {delivery_id: answer for delivery_id, answer in found.items() if isinstance(answer, Receipt)}


def record_part(
    conn: sa.Connection, held: Held, looked: Sequence[tuple[Delivered, LookedUp]], up_to: str | None, now: int
) -> Held | None:
    """Write down what became of each and, if ``up_to`` is given, how far the run came.

    Answers the run as it is held from now on. ``None``: it is another's, or the settings are others by now (it begins
    anew then); nothing was written down.
    """
    c, r = t.connection.c, t.reconciliation.c
    unchanged = sa.select(c.id).where(
        c.id == held.connection_id, c.removed_at.is_(None), c.settings_since == held.settings_since
    )
    if not conn.scalar(unchanged):
        anew = {"state": RunState.WAITING.value, "due_at": now}
        conn.execute(sa.update(t.reconciliation).where(*_this(held)).values(anew))
        return None
    # Another moment in any case: two processes never hold the same.
    until = max(now + HOLD_MS, held.until + 1)
    values: dict[str, Any] = {"due_at": until} | ({} if up_to is None else {"after": up_to})
    if not conn.execute(sa.update(t.reconciliation).where(*_this(held)).values(values)).rowcount:
        return None
    found = [
        (each.delivery_id, each.lead_id, each.delivered_at, answer.receipt)
        for each, answer in looked
        if each.unconfirmed and answer.receipt is not None
    ]
    if found:
        keep_found(conn, held.connection_id, held.since, found, now)
    looked = [(each, answer) for each, answer in looked if each.record is None or not each.record.lead.test]
    presences = [(each, _proven(held, each, answer.presence, now)) for each, answer in looked]
    missing = _keep_missing(conn, held, [each for each, presence in presences if presence is Presence.MISSING], now)
    there = [each.delivery_id for each, presence in presences if presence not in (Presence.MISSING, Presence.UNKNOWN)]
    conn.execute(sa.delete(t.missing_record).where(one_of(conn, t.missing_record.c.delivery_id, there)))
    unknown = sum(presence is Presence.UNKNOWN for _, presence in presences)
    counts = {"looked": r.looked + len(looked), "missing": r.missing + missing, "unknown": r.unknown + unknown}
    conn.execute(sa.update(t.reconciliation).where(r.connection_id == held.connection_id).values(counts))
    return replace(held, until=until)


def _proven(held: Held, each: Delivered, presence: Presence, now: int) -> Presence:
    """What was taken without a word may come a day later, and what other settings sent may lie elsewhere."""
    early = each.delivered_at < held.since or each.delivered_at > now - DAY_MS
    return Presence.UNKNOWN if each.unconfirmed and early and presence is Presence.MISSING else presence


def _keep_missing(conn: sa.Connection, held: Held, missing: Sequence[Delivered], now: int) -> int:
    """Put those on the list of what is missing that were not sent again meanwhile; how many are open."""
    d, m = t.delivery.c, t.missing_record.c
    ids = [each.delivery_id for each in missing]
    query = sa.select(d.id, d.changed_at).where(one_of(conn, d.id, ids), d.state.in_(TAKEN))
    delivered_at = {row.id: row.changed_at for row in conn.execute(query.with_for_update())}
    stands = [each for each in missing if delivered_at.get(each.delivery_id) == each.delivered_at]
    columns = (m.delivery_id, m.delivered_at, m.accepted_at)
    known = {row.delivery_id: row for row in conn.execute(sa.select(*columns).where(one_of(conn, m.delivery_id, ids)))}
    old = [each for each in stands if each.delivery_id in known]
    outdated = [each.delivery_id for each in old if known[each.delivery_id].delivered_at != each.delivered_at]
    conn.execute(sa.delete(t.missing_record).where(one_of(conn, m.delivery_id, outdated)))
    rows = [
        {
            "delivery_id": each.delivery_id,
            "connection_id": held.connection_id,
            "lead_id": each.lead_id,
            "delivered_at": each.delivered_at,
            "found_at": now,
        }
        for each in stands
        if each.delivery_id not in known or each.delivery_id in outdated
    ]
    if rows:
        conn.execute(sa.insert(t.missing_record), rows)
    accepted = {row.delivery_id for row in known.values() if row.accepted_at is not None} - set(outdated)
    return sum(each.delivery_id not in accepted for each in stands)


def end_run(conn: sa.Connection, held: Held, state: RunState, diagnosis: str | None, now: int) -> bool:
    """The run is over; the next one is in a day. False where it is another's by now."""
    values = {"state": state.value, "ended_at": now, "diagnosis": diagnosis, "due_at": now + DAY_MS, "by": None}
    if state is RunState.WAITING:  # it cannot be read back: nothing was begun
        values["ended_at"] = None
    return bool(conn.execute(sa.update(t.reconciliation).where(*_this(held)).values(values)).rowcount)
