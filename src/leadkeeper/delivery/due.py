"""Over which connections something may be sent now. Nothing is taken here: see ``delivery.claim``."""

from __future__ import annotations

import functools
import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Final, Protocol, TypeVar

import sqlalchemy as sa

from leadkeeper.connections.health import OPEN_AFTER
from leadkeeper.destinations.registry import OURS
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import listed, rows_as_json
from leadkeeper.storage.hot import HotStatement
from leadkeeper.storage.looks import NOW

T = TypeVar("T")


class _OfPublisher(Protocol):
    @property
    def publisher_id(self) -> str: ...


S = TypeVar("S", bound=_OfPublisher)

HALF_OPEN_OF_ONE: Final = 8
HALF_OPEN_OF_ALL: Final = 48
"""How many connections, of one publisher and of all, a worker tries with one lead each time that it looks."""


@dataclass(frozen=True, slots=True)
class Due:
    """A connection with a delivery that is due; ``half_open`` says that only one lead at a time may be sent over it."""

    connection_id: str
    publisher_id: str
    half_open: bool = False


@dataclass(frozen=True, slots=True)
class FullPublishers:
    """Publishers that have no place for another connection, and the connections of theirs that have places already."""

    publishers: Collection[str]
    connections: Collection[str]


def connections_due(
    conn: sa.Connection,
    now: int,
    only: Collection[str] | None,
    crowd: FullPublishers | None = None,
    destinations: Sequence[str] = OURS.names,
) -> list[Due]:
    """The connections, of ``only`` or of all, that are well and over which something may be sent now.

    Costs an index look-up for each connection that has leads waiting, none for those that have not. Other connections
    of the ``crowd`` are left out, and those to others than ``destinations``.
    """
    query = _due_statement(everywhere=only is None, half_open=False, crowded=crowd is not None)
    given = among(now, only, destinations)
    if crowd is not None:
        given |= {"crowd": list(crowd.publishers), "queues": list(crowd.connections)}
    return _read(conn, query, given, half_open=False)


def half_open_due(conn: sa.Connection, now: int, destinations: Sequence[str] = OURS.names) -> list[Due]:
    """Those that have yet to prove themselves, with one lead at a time."""
    query = _due_statement(everywhere=True, half_open=True, crowded=False)
    return _read(conn, query, among(now, None, destinations), half_open=True)


def _read(conn: sa.Connection, query: HotStatement, given: Mapping[str, Any], *, half_open: bool) -> list[Due]:
    found = query.scalar(conn, given)
    return [Due(connection_id, publisher_id, half_open) for connection_id, publisher_id in json.loads(found or "[]")]


def some_half_open(due: Sequence[Due], start: int) -> list[Due]:
    """Some of ``due``: publishers take turns, and who begins differs by ``start``.

    However many connections fail, and however fast, trying them takes only so much of a worker.
    """
    counts: Counter[str] = Counter()
    some = []
    for one in in_turn(due, start):
        counts[one.publisher_id] += 1
        if counts[one.publisher_id] <= HALF_OPEN_OF_ONE:
            some.append(one)
    return some[:HALF_OPEN_OF_ALL]


def in_turn(rows: Sequence[S], start: int) -> list[S]:
    """One of each publisher, then the next of each; ``start`` says who begins, among publishers and within each."""
    by_publisher: dict[str, list[S]] = {}
    for row in rows:
        by_publisher.setdefault(row.publisher_id, []).append(row)
    groups = [_turned(group, start) for group in _turned(list(by_publisher.values()), start)]
    return [row for round_ in zip_longest(*groups) for row in round_ if row is not None]


def _turned(all_of: list[T], start: int) -> list[T]:
    first = start % len(all_of) if all_of else 0
    return [*all_of[first:], *all_of[:first]]


OPEN: Final[Sequence[sa.ColumnElement[bool]]] = (
    t.connection.c.removed_at.is_(None),
    sa.not_(t.connection.c.paused),
    sa.not_(t.connection.c.paused_by_person),
    sa.not_(t.connection.c.suspended),
    t.connection.c.closed_until <= NOW,
)
"""Something may be sent over a connection at :data:`NOW`."""
UNPROVEN: Final = (t.connection.c.failures >= OPEN_AFTER) | (t.connection.c.probes > 0)
"""One lead at a time alone, as ``breaker.is_half_open`` says."""


SINCE: Final = sa.bindparam("since", type_=sa.BigInteger)
"""The due time (ms) from which on deliveries are looked for."""
FROM_THE_BEGINNING: Final[Mapping[str, int]] = {}


def among(
    now: int,
    only: Collection[str] | None,
    destinations: Sequence[str],
    since: Mapping[str, int] = FROM_THE_BEGINNING,
) -> dict[str, Any]:
    """What :func:`with_work` is to be run with; ``since`` is from when on to look for each connection of ``only``."""
    earliest = min((since.get(each, 0) for each in only or ()), default=0)
    given: dict[str, Any] = {"now": now, "since": earliest, "destinations": list(destinations)}
    return given if only is None else given | {"connections": list(only)}


@functools.cache
def _due_statement(*, everywhere: bool, half_open: bool, crowded: bool) -> HotStatement:
    return HotStatement(functools.partial(_due, everywhere=everywhere, half_open=half_open, crowded=crowded))


def _due(dialect: str, *, everywhere: bool, half_open: bool, crowded: bool) -> sa.Select[Any]:
    c, p = t.connection.c, t.publisher.c
    query = with_work(dialect, everywhere=everywhere).where(UNPROVEN if half_open else sa.not_(UNPROVEN))
    if crowded:
        query = query.where(sa.not_(listed(dialect, p.id, "crowd") & sa.not_(listed(dialect, c.id, "queues"))))
    # One row, however many connections: each row costs the driver more than what stands in it.
    return query.with_only_columns(rows_as_json(dialect, c.id, p.id), maintain_column_froms=True)


def with_work(dialect: str, *, everywhere: bool) -> sa.Select[Any]:
    """The rows of connections that are open and have something due, of all or of those named ``connections``.

    What was due before :data:`SINCE` is not looked at.
    """
    c = t.connection.c
    # The first that is due, by a step in an index for each connection. Of an EXISTS PostgreSQL makes a join, for which
    # it goes through all that wait, and through what waited before.
    d = t.delivery.c
    first = sa.select(d.due_at).where(d.connection_id == c.id, t.READY, d.due_at >= SINCE).order_by(d.due_at).limit(1)
    due = first.correlate(t.connection).scalar_subquery() <= NOW
    query = (
        sa.select(t.connection, t.offer.c.title, t.publisher.c.display_name, t.publisher.c.id.label("publisher_id"))
        .join(t.offer, t.offer.c.ref == c.offer_ref)
        .join(t.publisher, t.publisher.c.id == t.offer.c.publisher_id)
        .where(
            *OPEN,
            listed(dialect, c.destination, "destinations"),  # another process may have more of them
            due,
        )
    )
    return query.where(
        c.id.in_(sa.select(ready_connections().c.id)) if everywhere else listed(dialect, c.id, "connections")
    )


def ready_connections() -> sa.CTE:
    """The connections with leads waiting, by leaps over the index: what has none is not looked at."""
    d = t.delivery.c
    next_one = sa.select(d.connection_id).where(t.READY).order_by(d.connection_id).limit(1)
    first = sa.select(next_one.scalar_subquery().label("id")).cte("ready", recursive=True)
    after = next_one.where(d.connection_id > first.c.id).correlate(first).scalar_subquery()
    return first.union_all(sa.select(after).where(first.c.id.is_not(None)))
