"""Writing down what came of sends: attempts, states, and the connections' health, in one transaction for many sends."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.catalogue import diagnose, to_parts, to_stored
from leadkeeper.channels.subscriptions import NOBODY, Subscriptions
from leadkeeper.clock import new_id
from leadkeeper.connections.health import Health, health_of, health_selected
from leadkeeper.connections.outage import recalls
from leadkeeper.connections.outbox import connection_paused
from leadkeeper.delivery.blame import blamed, observed
from leadkeeper.delivery.breaker import HealthChange, ObservedResult, after_answers
from leadkeeper.delivery.hasten import recovered
from leadkeeper.delivery.recall import mark
from leadkeeper.delivery.schedule import Aside, Next, State, next_step, stored
from leadkeeper.delivery.sent import Sent
from leadkeeper.delivery.take_back import take_back
from leadkeeper.delivery.telling import tell_of_steps
from leadkeeper.diagnosis import Answer, Kind, Outcome, Receipt
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import listed, one_of
from leadkeeper.storage.evidence import EVIDENCE, insert_attempts
from leadkeeper.storage.hot import HotStatement


@dataclass(frozen=True, slots=True)
class Recorded:
    """What recording a group of sends changed: the health of each connection that has any, and whom to tell."""

    health: Mapping[str, Health]
    paused_now: Collection[str]


def record_answers(
    conn: sa.Connection,
    sends: Sequence[Sent],
    now: int,
    random_unit: float,
    subscriptions: Subscriptions = NOBODY,
    *,
    again: bool = True,
) -> Recorded:
    """Write down ``sends``: one attempt each, the delivery's next state, the connection's health.

    A send whose lease was lost in the meantime leaves only its attempt, marked late: whatever happened to the delivery
    since is newer. What was written before (its commit's answer was lost) is left out, unless this is not tried
    ``again``: then nothing was. A send of an older generation of its connection says nothing about the connection's
    health. Who is told what became of leads (``subscriptions``) is told in the same transaction.
    """
    if again:
        sends = _unwritten(conn, sends)
    if not sends:
        return Recorded({}, ())
    held = _still_held(conn, sends)
    # By lease: a late answer may be written down together with the newer one of the same delivery.
    on_time = [sent for sent in sends if (sent.delivery_id, sent.lease_id) in held]
    half_opens = {delivery_id for (delivery_id, _), aside in held.items() if aside == Aside.OUTAGE}
    known = _refused_before(conn, on_time)
    steps = {sent.delivery_id: _next(sent, now, random_unit) for sent in on_time}
    blamed(conn, on_time, steps, half_opens, known, now, random_unit)
    changes = _health(conn, on_time, known, now, random_unit)
    stranded = {sent.connection_id for sent in on_time if steps[sent.delivery_id].aside is Aside.OUTAGE}
    if stranded:
        mark(conn, stranded, now, random_unit)
    _write_states(conn, steps, now)
    _write_attempts(conn, sends, {sent.attempt_id: steps[sent.delivery_id].answer for sent in on_time})
    for connection_id, change in changes.items():
        _apply(conn, connection_id, change, now)
    tell_of_steps(conn, subscriptions, on_time, steps, now)
    paused = [connection_id for connection_id, change in changes.items() if change.paused_now]
    return Recorded({connection_id: change.health for connection_id, change in changes.items()}, paused)


def _write_attempts(conn: sa.Connection, sends: Sequence[Sent], counted: Mapping[str, Answer]) -> None:
    """Write down one attempt for each of ``sends``: with its answer of ``counted``, or late where it has none there."""
    rows = [
        attempt_row(
            sent.delivery_id,
            sent.at,
            sent.took_ms,
            counted.get(sent.attempt_id, sent.answer),
            late=sent.attempt_id not in counted,
            attempt_id=sent.attempt_id,
        )
        for sent in sends
    ]
    insert_attempts(conn, rows)


def _next(sent: Sent, now: int, random_unit: float) -> Next:
    return next_step(
        sent.answer, sent.attempts, sent.crash_count, now, random_unit, repeatable=sent.repeatable, since=sent.since
    )


def _unwritten(conn: sa.Connection, sends: Sequence[Sent]) -> Sequence[Sent]:
    written = {row.id for row in _WRITTEN.rows(conn, {"attempts": [sent.attempt_id for sent in sends]})}
    return [sent for sent in sends if sent.attempt_id not in written] if written else sends


# Statements are made once for each database: to make one anew costs several times what it costs to run it.


def _written(dialect: str) -> sa.Select[Any]:
    return sa.select(t.attempt.c.id).where(listed(dialect, t.attempt.c.id, "attempts"))


_WRITTEN: Final = HotStatement(_written)


def _held(dialect: str) -> sa.Select[Any]:
    d = t.delivery.c
    query = sa.select(d.id, d.lease_id, d.set_aside_for)
    return query.where(listed(dialect, d.id, "deliveries"), t.SENDING).with_for_update()


_HELD: Final = HotStatement(_held)


def _still_held(conn: sa.Connection, sends: Sequence[Sent]) -> Mapping[tuple[str, str], str | None]:
    """Those of the deliveries that are still ours, each with its lease, and for what it was set aside before, if so."""
    rows = _HELD.rows(conn, {"deliveries": [sent.delivery_id for sent in sends]})
    found = {row.id: row for row in rows}
    held = [row for sent in sends if (row := found.get(sent.delivery_id)) is not None and row.lease_id == sent.lease_id]
    return {(row.id, row.lease_id): row.set_aside_for for row in held}


def _write_states(conn: sa.Connection, steps: Mapping[str, Next], now: int) -> None:
    """One statement for all that were simply delivered, which is nearly all, and one or two for those that were not."""
    by_end: dict[tuple[str, int], list[str]] = defaultdict(list)
    tried: list[dict[str, Any]] = []
    later: list[dict[str, Any]] = []
    for delivery_id, step in steps.items():
        if step.state in (State.DELIVERED, State.UNCONFIRMED):
            by_end[step.state.value, step.attempts].append(delivery_id)
        else:
            values: dict[str, Any] = {"of": delivery_id, "now": now, "end": step.state.value, "tries": step.attempts}
            values |= {"times": step.crash_count, "aside": stored(step.aside)}
            if step.due_at > now:
                later.append({**values, "due": step.due_at})
            else:  # what is due at once keeps its place in the queue
                tried.append(values)
    if tried:
        conn.execute(_TRIED, tried)
    if later:
        conn.execute(_LATER, later)
    for (state, attempts), ids in by_end.items():
        given = {"deliveries": ids, "now": now, "end": state, "tries": attempts}
        _ENDED.run(conn, given)


_NEXT: Final[Mapping[str, Any]] = {
    "state": sa.bindparam("end"),
    "attempts": sa.bindparam("tries", type_=sa.Integer),
    "lease_id": None,
    "changed_at": sa.bindparam("now", type_=sa.BigInteger),
}
_TRIED: Final = (
    sa.update(t.delivery)
    .where(t.delivery.c.id == sa.bindparam("of"))
    .values(crash_count=sa.bindparam("times", type_=sa.Integer), set_aside_for=sa.bindparam("aside"), **_NEXT)
)
_LATER: Final = _TRIED.values(due_at=sa.bindparam("due", type_=sa.BigInteger))


def _ended(dialect: str) -> sa.Update:
    return (
        sa.update(t.delivery)
        .where(listed(dialect, t.delivery.c.id, "deliveries"))
        .values(crash_count=0, set_aside_for=None, **_NEXT)
    )


_ENDED: Final = HotStatement(_ended)


def _refused_before(conn: sa.Connection, sends: Sequence[Sent]) -> set[str]:
    refused = [sent.delivery_id for sent in sends if sent.answer.outcome is Outcome.REFUSED]
    if not refused:
        return set()
    return {row.delivery_id for row in _REFUSED.rows(conn, {"deliveries": refused})}


def _refused(dialect: str) -> sa.Select[Any]:
    a = t.attempt.c
    return sa.select(a.delivery_id).where(
        listed(dialect, a.delivery_id, "deliveries"), a.outcome == Outcome.REFUSED.value
    )


_REFUSED: Final = HotStatement(_refused)


def _health(
    conn: sa.Connection, sends: Sequence[Sent], known: Collection[str], now: int, random_unit: float
) -> dict[str, HealthChange]:
    """What the sends change about their connections' health; in the usual case nothing, and then no row is locked.

    ``known`` are the deliveries that were refused before.
    """
    by_connection: dict[str, list[tuple[int, ObservedResult]]] = defaultdict(list)
    for sent in sends:
        by_connection[sent.connection_id].append((sent.generation, observed(sent, known)))
    found = _changes(conn, [*by_connection], by_connection, now, random_unit)
    if not found:
        return {}
    changes = _changes(conn, [*found], by_connection, now, random_unit, locked=True)
    rows: dict[frozenset[str], list[dict[str, Any]]] = defaultdict(list)
    for connection_id, change in changes.items():
        rows[frozenset(change.learned)].append({"of": connection_id, **change.health.columns(), **change.learned})
    for alike in rows.values():
        conn.execute(_SET, alike)
    again = [connection_id for connection_id, change in changes.items() if change.works_again]
    if again:
        conn.execute(sa.update(t.connection).where(one_of(conn, t.connection.c.id, again)).values(recalls(now)))
    return {connection_id: change for connection_id, change in changes.items() if not change.calm}


_SET: Final = sa.update(t.connection).where(t.connection.c.id == sa.bindparam("of"))
"""Of each connection, the columns of its health and what was learned of it."""


def _healths(dialect: str, *, locked: bool) -> sa.Select[Any]:
    c = t.connection.c
    learned = (c.tried, c.proven, c.test_diagnosis.is_not(None).label("failed"))
    selected = sa.select(c.id, c.generation, *learned, *health_selected())
    query = selected.where(listed(dialect, c.id, "connections")).order_by(c.id)
    return query.with_for_update() if locked else query


_HEALTHS: Final = HotStatement(functools.partial(_healths, locked=False))
_HEALTHS_LOCKED: Final = HotStatement(functools.partial(_healths, locked=True))


def _changes(
    conn: sa.Connection,
    connections: Sequence[str],
    answers: Mapping[str, Sequence[tuple[int, ObservedResult]]],
    now: int,
    random_unit: float,
    *,
    locked: bool = False,
) -> dict[str, HealthChange]:
    changes = {}
    for row in (_HEALTHS_LOCKED if locked else _HEALTHS).rows(conn, {"connections": connections}):
        summary = [one for generation, one in answers[row.id] if generation == row.generation]
        before = health_of(row)
        change = after_answers(before, summary, now, random_unit)
        news = _learned(row, summary)
        if change.health != before or news:
            changes[row.id] = replace(change, learned=news, calm=change.health == before)
    return changes


def _learned(row: sa.Row[Any], summary: Sequence[ObservedResult]) -> dict[str, Any]:
    """What a customer's lead tells of settings of which less was known: in the usual case nothing."""
    taken = [one.answer for one in summary if isinstance(one.answer, Receipt)]
    if not taken or (row.proven and row.tried and not row.failed):
        return {}
    news: dict[str, Any] = {} if row.tried else {"tried": True}
    if not row.proven and any(receipt.confirmed for receipt in taken):
        news["proven"] = True
    return {**news, "test_diagnosis": None} if row.failed else news


def _apply(conn: sa.Connection, connection_id: str, change: HealthChange, now: int) -> None:
    if change.recovered:
        recovered(conn, connection_id, now)
    if change.take_back_since is not None:
        take_back(conn, connection_id, change.take_back_since, now)
    if change.paused_now:
        summary = change.health.diagnosis or to_stored(diagnose(Kind.SETTINGS_INVALID))
        conn.execute(sa.insert(t.notice).values(connection_paused(connection_id, summary, now)))


def attempt_row(
    delivery_id: str, at: int, took_ms: int, answer: Answer, *, late: bool, attempt_id: str | None = None
) -> dict[str, Any]:
    """The row of one attempt, for ``storage.evidence.insert_attempts``."""
    stored_answer, evidence = to_parts(answer)
    return {
        "id": attempt_id or new_id(),
        "delivery_id": delivery_id,
        "at": at,
        "took_ms": took_ms,
        "outcome": answer.outcome.value,
        "late": late,
        "answer": stored_answer,
        EVIDENCE: evidence,
    }
