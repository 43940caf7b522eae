"""What channels are told of deliveries, in the transaction that writes down what became of them.

A publisher without a channel costs a look into a set.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from leadkeeper.channels.events import Event
from leadkeeper.channels.subscriptions import Subscriptions
from leadkeeper.delivery.schedule import Aside, Next, State
from leadkeeper.delivery.sent import Sent
from leadkeeper.diagnosis import Diagnosis, Outcome


def tell_of_steps(
    conn: sa.Connection, subscriptions: Subscriptions, sends: Sequence[Sent], steps: Mapping[str, Next], now: int
) -> None:
    """Tell of the deliveries that were taken, are held from now on, or wait for a person."""
    if subscriptions.is_silent:
        return
    events = {
        sent.delivery_id: event
        for sent in sends
        if subscriptions.hears_any(sent.publisher_id) and (event := _event(steps[sent.delivery_id])) is not None
    }
    if events:
        subscriptions.write_of_deliveries(conn, events, now)


def tell_of_set_aside(
    conn: sa.Connection, subscriptions: Subscriptions, ids: Sequence[str], why: Aside, now: int
) -> None:
    """Tell of deliveries that were set aside without an answer."""
    if ids and not subscriptions.is_silent:
        subscriptions.write_of_deliveries(conn, dict.fromkeys(ids, (Event.LEAD_SET_ASIDE, why.value)), now)


def _event(step: Next) -> tuple[Event, str] | None:
    if step.state in (State.DELIVERED, State.UNCONFIRMED):
        return Event.LEAD_DELIVERED, "confirmed" if step.state is State.DELIVERED else "unconfirmed"
    if step.state is State.SET_ASIDE:
        return Event.LEAD_SET_ASIDE, (step.aside or Aside.REFUSED).value
    if isinstance(step.answer, Diagnosis) and step.answer.outcome is Outcome.BROKEN:
        return Event.LEAD_HELD, step.answer.kind.value
    return None
