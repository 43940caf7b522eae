"""Whose fault it is that a delivery is given up: its own, or that of a connection over which nothing gets through."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import sqlalchemy as sa

from leadkeeper.connections.health import health_of, health_selected
from leadkeeper.delivery.breaker import ObservedResult, after_answers
from leadkeeper.delivery.recall import long_failing
from leadkeeper.delivery.schedule import Aside, Next
from leadkeeper.delivery.sent import Sent
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import one_of


def observed(sent: Sent, known: Collection[str]) -> ObservedResult:
    """What a send tells of its connection; ``known`` are the deliveries that were refused before."""
    return ObservedResult(sent.answer, sent.half_open, sent.delivery_id in known, sent.took_ms)


def blamed(
    conn: sa.Connection,
    sends: Sequence[Sent],
    steps: dict[str, Next],
    half_opens: Collection[str],
    known: Collection[str],
    now: int,
    random_unit: float,
) -> None:
    """Change ``steps``: those that are given up while nothing gets through are their connection's fault.

    Each is judged by its connection's health once its own failure is counted, after all answers of ``sends`` that came
    before it and before any that came later. So are ``half_opens`` their connection's fault, which were given up for
    that before and tried again for its sake.
    """
    given_up = {
        sent.delivery_id: sent.connection_id for sent in sends if steps[sent.delivery_id].aside is Aside.GAVE_UP
    }
    if not given_up:
        return
    c = t.connection.c
    rows = conn.execute(
        sa.select(c.id, c.generation, *health_selected()).where(one_of(conn, c.id, set(given_up.values())))
    )
    for row in rows:
        health = health_of(row)
        for sent in sends:
            if sent.connection_id != row.id:
                continue
            if sent.generation == row.generation:
                health = after_answers(health, [observed(sent, known)], now, random_unit).health
            if sent.delivery_id in given_up and (sent.delivery_id in half_opens or long_failing(health, now)):
                steps[sent.delivery_id] = replace(steps[sent.delivery_id], aside=Aside.OUTAGE)
