"""Who is told of what, as each process knows it, and the rows of events that are written in others' transactions.

A lead's events are written with what they tell of: neither is there without the other. Who wants them is remembered,
so that a publisher without a channel costs a look into a set and no statement; a channel that was made in another
process is told from :data:`REFRESH_SECONDS` later on.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from pydantic_core import from_json

from leadkeeper.channels.events import TEST, Event
from leadkeeper.clock import new_id
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import insert_rows, one_of
from leadkeeper.storage.hot import HotStatement

REFRESH_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One event of one publisher, as a transaction tells it; ``data`` holds nothing personal."""

    event: Event
    publisher_id: str
    data: Mapping[str, Any]


class Subscriptions:
    """Which channels are told of which events of which publisher."""

    def __init__(self) -> None:
        self._own: Mapping[str, Mapping[str, Sequence[str]]] = {}
        self._all: Mapping[str, Sequence[str]] = {}

    def learn(self, rows: Iterable[tuple[str, str | None, str]]) -> None:
        """Know these channels, and no others: their id, their publisher (none: the operator's), their events."""
        own: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        everybody: dict[str, list[str]] = defaultdict(list)
        for channel_id, publisher_id, events in rows:
            for event in read_events(events):
                (everybody if publisher_id is None else own[publisher_id])[event].append(channel_id)
        self._own, self._all = own, everybody

    def hears(self, event: Event, publisher_id: str) -> bool:
        """Whether anybody is told of it."""
        return event in self._all or event in self._own.get(publisher_id, ())

    def hears_any(self, publisher_id: str) -> bool:
        """Whether anybody is told of anything of this publisher."""
        return bool(self._all) or publisher_id in self._own

    @property
    def is_silent(self) -> bool:
        """Whether there is no channel at all."""
        return not self._all and not self._own

    def channels(self, event: Event, publisher_id: str) -> list[str]:
        """The ids of those that are told."""
        return [*self._own.get(publisher_id, {}).get(event, ()), *self._all.get(event, ())]

    def write(self, conn: sa.Connection, occurrences: Iterable[Occurrence], now: int) -> None:
        """Write down, in the transaction of what they tell of, one row for each event and channel."""
        rows = [
            event_row(channel_id, each.event, {"publisherId": each.publisher_id, **each.data}, now)
            for each in occurrences
            for channel_id in self.channels(each.event, each.publisher_id)
        ]
        insert_rows(conn, t.channel_event, rows)

    def write_of_deliveries(self, conn: sa.Connection, events: Mapping[str, tuple[Event, str]], now: int) -> None:
        """The same for deliveries: each one's event, and its cause or whether it is confirmed, as ``data`` says it."""
        d, c, lead = t.delivery.c, t.connection.c, t.lead.c
        about = (c.name, t.CONNECTION_TITLE, c.destination, lead.publisher_id, lead.offer_id, lead.test)
        query = sa.select(d.id, d.lead_id, *about).join(t.connection, c.id == d.connection_id)
        query = query.join(t.lead, lead.id == d.lead_id).where(one_of(conn, d.id, list(events)))
        occurrences = []
        for row in conn.execute(query):
            event, detail = events[row.id]
            if self.hears(event, row.publisher_id):
                data = {"leadId": row.lead_id, "offerId": row.offer_id, "test": bool(row.test), "deliveryId": row.id}
                data |= {
                    "connection": row.name,
                    "connectionTitle": row.connection_title,
                    "destination": row.destination,
                }
                key = "receipt" if event is Event.LEAD_DELIVERED else "cause"
                occurrences.append(Occurrence(event, row.publisher_id, data | {key: detail}))
        self.write(conn, occurrences, now)


NOBODY: Final = Subscriptions()
"""Nobody is told of anything."""


def event_row(channel_id: str, kind: str, data: Mapping[str, Any], now: int) -> dict[str, Any]:
    """The row of an event that waits for its channel."""
    body = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    row = {"id": new_id(), "channel_id": channel_id, "kind": str(kind), "body": body}
    return row | {"created_at": now, "due_at": now, "tries": 0}


def test_row(channel_id: str, publisher_id: str | None, now: int) -> dict[str, Any]:
    """The row of the event that somebody asked for to see whether it comes."""
    return event_row(channel_id, TEST, {"publisherId": publisher_id}, now)


def read_subscriptions(conn: sa.Connection) -> list[tuple[str, str | None, str]]:
    """What :meth:`Subscriptions.learn` wants to know."""
    return [(row.id, row.publisher_id, row.events) for row in _SUBSCRIPTIONS.rows(conn, {})]


_SUBSCRIPTIONS: Final = HotStatement(
    lambda _: sa.select(t.channel.c.id, t.channel.c.publisher_id, t.channel.c.events).where(
        t.channel.c.disabled_at.is_(None)
    )
)


def read_events(stored: str) -> list[str]:
    """The events in a row; a damaged one has none."""
    try:
        found = from_json(stored)
    except ValueError:
        return []
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []
