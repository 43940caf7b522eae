"""Taking work: which connections have leads due, and a fair share of them, under a lease. All SQL, all in one act."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Final, Protocol, TypeVar

import sqlalchemy as sa
from pydantic_core import from_json

from leadkeeper.clock import to_datetime
from leadkeeper.connections.health import health_of
from leadkeeper.delivery.breaker import OPEN_AFTER, TRIAL, on_trial
from leadkeeper.delivery.damaged import Damaged, set_aside_damaged
from leadkeeper.delivery.schedule import ALONE_AFTER, SECOND, SOLO_AFTER, State
from leadkeeper.destinations.destination import OutgoingLead
from leadkeeper.destinations.registry import BY_NAME
from leadkeeper.lead import Customer, lead_source_text
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import listed

T = TypeVar("T")


class _OfPublisher(Protocol):
    @property
    def publisher_id(self) -> str: ...


S = TypeVar("S", bound=_OfPublisher)

AT_ONCE: Final = 2_000
"""The most deliveries of one claim: others write too, and the lease must be renewed meanwhile."""
TRIALS_OF_ONE: Final = 8
TRIALS_OF_ALL: Final = 48
"""How many connections, of one publisher and of all, a worker tries with one lead each time that it looks."""
SUSPECTS: Final = 8
"""How many deliveries with which workers vanished twice are sent at once."""
TRIAL_REST: Final = 45 * SECOND
"""How long other workers keep off a connection while one worker tries it with one lead."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """One delivery that this worker holds, with the lead as its adapter takes it."""

    id: str
    lead: OutgoingLead
    attempts: int
    lost: int
    since: int = 0


@dataclass(frozen=True, slots=True)
class Work:
    """What was claimed for one connection. ``row`` is its row; ``trial`` says that it has yet to prove itself.

    ``alone``: workers kept vanishing with these, so nothing else goes over the connection with them.
    """

    row: sa.Row[Any]
    claimed: Sequence[Claimed]
    trial: bool
    alone: bool = False

    @property
    def connection_id(self) -> str:
        """The connection that the deliveries go over."""
        return str(self.row.id)


@dataclass(frozen=True, slots=True)
class Due:
    """A connection with a delivery that is due; ``trial`` says that only one lead at a time may be sent over it."""

    connection_id: str
    publisher_id: str
    trial: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether what was claimed for a connection may still be sent: under which epoch, and not while it is closed."""

    epoch: int
    closed: bool


def standings(conn: sa.Connection, connection_ids: Collection[str], now: int) -> dict[str, Standing]:
    """How these connections stand at ``now``."""
    rows = conn.execute(_standings(conn.dialect.name), {"connections": list(connection_ids), "now": now})
    return {row.id: Standing(row.epoch, bool(row.closed)) for row in rows}


# Statements are made once for each database: to make one anew costs several times what it costs to run it.


@functools.cache
def _standings(dialect: str) -> sa.Select[Any]:
    c = t.connection.c
    closed = c.paused | c.paused_by_person | c.removed_at.is_not(None) | (c.closed_until > _NOW)
    return sa.select(c.id, c.epoch, closed.label("closed")).where(listed(dialect, c.id, "connections"))


def connections_due(conn: sa.Connection, now: int, only: Collection[str] | None) -> list[Due]:
    """The connections, of ``only`` or of all, that are well and over which something may be sent now.

    Costs an index look-up for each connection that has leads waiting, none for those that have not.
    """
    rows = conn.execute(_due(conn.dialect.name, everywhere=only is None, trial=False), _among(now, only))
    return [Due(row.id, row.publisher_id) for row in rows]


def trials_due(conn: sa.Connection, now: int) -> list[Due]:
    """Those that have yet to prove themselves, with one lead at a time."""
    rows = conn.execute(_due(conn.dialect.name, everywhere=True, trial=True), _among(now, None))
    return [Due(row.id, row.publisher_id, trial=True) for row in rows]


def some_trials(due: Sequence[Due], start: int) -> list[Due]:
    """Some of ``due``: publishers take turns, and who begins differs by ``start``.

    However many connections fail, and however fast, trying them takes only so much of a worker.
    """
    counts: Counter[str] = Counter()
    some = []
    for one in in_turn(due, start):
        counts[one.publisher_id] += 1
        if counts[one.publisher_id] <= TRIALS_OF_ONE:
            some.append(one)
    return some[:TRIALS_OF_ALL]


def claim(
    conn: sa.Connection,
    lease_id: str,
    wanted: Mapping[str, int],
    first_share: Callable[[sa.Row[Any]], int],
    now: int,
    only: Collection[str] | None,
    busy: Collection[str] = (),
) -> list[Work]:
    """Claim due deliveries: at most ``wanted[connection]`` of each (``first_share`` of its row if it is not named).

    Looks only at the connections ``only``, or at all. A connection that is paused, removed or closed gives nothing; one
    on trial gives one delivery, to one worker. A claimed delivery is ``sending`` under ``lease_id``. Those with which
    workers kept vanishing are claimed apart from all others, and not for a connection that is ``busy`` in this worker.
    After :data:`AT_ONCE` deliveries it ends; publishers take turns, and which connections come first differs each
    time. It waits for no lock.
    """
    works = []
    left = AT_ONCE
    found = conn.execute(
        _claimable(conn.dialect.name, everywhere=only is None), {"lease": lease_id, **_among(now, only)}
    )
    for row in in_turn(found.all(), now):
        share = min(left, wanted[row.id] if row.id in wanted else first_share(row))
        health = health_of(row)
        trial = on_trial(health)
        if share < 1 or (trial and not _take_trial(conn, row.id, now)):
            continue
        taken = _take(conn, row.id, lease_id, TRIAL if trial else share, now)
        left -= len(taken)
        taken = _set_apart(conn, lease_id, taken, now, idle=trial or row.id not in busy)
        claimed = _with_leads(conn, row, taken, lease_id, now) if taken else []
        if claimed:
            works.append(Work(row, claimed, trial, alone=claimed[0].lost >= SOLO_AFTER))
        elif taken and trial:
            conn.execute(sa.update(t.connection).where(t.connection.c.id == row.id).values(closed_until=now))
    return works


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


_NOW: Final = sa.bindparam("now", type_=sa.BigInteger)


def _among(now: int, only: Collection[str] | None) -> dict[str, Any]:
    return {"now": now} if only is None else {"now": now, "connections": list(only)}


@functools.cache
def _due(dialect: str, *, everywhere: bool, trial: bool) -> sa.Select[Any]:
    c = t.connection.c
    tried = (c.failures >= OPEN_AFTER) | (c.probes > 0)  # as on_trial says
    query = _with_work(dialect, everywhere=everywhere).where(tried if trial else sa.not_(tried))
    return query.with_only_columns(c.id, t.publisher.c.id.label("publisher_id"), maintain_column_froms=True)


@functools.cache
def _claimable(dialect: str, *, everywhere: bool) -> sa.Select[Any]:
    # A lease that is forgotten would hold what is claimed under it for ever.
    known = sa.exists().where(t.lease.c.id == sa.bindparam("lease"))
    return _with_work(dialect, everywhere=everywhere).where(known)


def _with_work(dialect: str, *, everywhere: bool) -> sa.Select[Any]:
    c = t.connection.c
    due: sa.Select[Any] = (
        sa.select(sa.literal_column("1"))
        .select_from(t.delivery)
        .where(t.delivery.c.connection_id == c.id, t.READY, t.delivery.c.due_at <= _NOW)
        .correlate(t.connection)
    )
    query = (
        sa.select(t.connection, t.offer.c.title, t.publisher.c.display_name, t.publisher.c.id.label("publisher_id"))
        .join(t.offer, t.offer.c.ref == c.offer_ref)
        .join(t.publisher, t.publisher.c.id == t.offer.c.publisher_id)
        .where(
            c.removed_at.is_(None),
            sa.not_(c.paused),
            sa.not_(c.paused_by_person),
            c.closed_until <= _NOW,
            c.destination.in_(BY_NAME),  # a newer version may know more
            sa.exists(due),
        )
    )
    return query.where(c.id.in_(sa.select(_ready().c.id)) if everywhere else listed(dialect, c.id, "connections"))


def _ready() -> sa.CTE:
    """The connections with leads waiting, by leaps over the index: what has none is not looked at."""
    d = t.delivery.c
    next_one = sa.select(d.connection_id).where(t.READY).order_by(d.connection_id).limit(1)
    first = sa.select(next_one.scalar_subquery().label("id")).cte("ready", recursive=True)
    after = next_one.where(d.connection_id > first.c.id).correlate(first).scalar_subquery()
    return first.union_all(sa.select(after).where(first.c.id.is_not(None)))


def _take_trial(conn: sa.Connection, connection_id: str, now: int) -> bool:
    given = {"connection": connection_id, "now": now, "until": now + TRIAL_REST}
    return bool(conn.execute(_TAKE_TRIAL, given).rowcount)


def _take_trial_statement() -> sa.Update:
    c = t.connection.c
    mine = (c.id == sa.bindparam("connection"), c.closed_until <= _NOW)
    free = sa.select(c.id).where(*mine).with_for_update(skip_locked=True)
    return sa.update(t.connection).where(c.id.in_(free)).values(closed_until=sa.bindparam("until"))


_TAKE_TRIAL: Final = _take_trial_statement()


def _take(conn: sa.Connection, connection_id: str, lease_id: str, share: int, now: int) -> Sequence[sa.Row[Any]]:
    given = {"connection": connection_id, "now": now, "share": share, "lease": lease_id}
    return conn.execute(_TAKE, given).all()


def _take_statement() -> Any:
    d = t.delivery.c
    due = (
        sa.select(d.id)
        .where(d.connection_id == sa.bindparam("connection"), t.READY, d.due_at <= _NOW)
        .order_by(d.due_at, d.id)
        .limit(sa.bindparam("share", type_=sa.Integer))
        .with_for_update(skip_locked=True)
    )
    return (
        sa.update(t.delivery)
        .where(d.id.in_(due))
        .values(state=State.SENDING.value, lease_id=sa.bindparam("lease"), changed_at=_NOW)
        .returning(d.id, d.lead_id, d.attempts, d.lost, d.due_at, d.created_at)
    )


_TAKE: Final = _take_statement()


def _set_apart(
    conn: sa.Connection, lease_id: str, taken: Sequence[sa.Row[Any]], now: int, *, idle: bool
) -> Sequence[sa.Row[Any]]:
    """What may be sent together of ``taken``; the rest is given back and keeps its place.

    The oldest decides whose turn it is: when workers kept vanishing with it, it waits until the connection is idle and
    goes with a few of its kind, later by itself, so that one that kills its worker takes ever fewer with it.
    """
    if all(row.lost < SOLO_AFTER for row in taken):
        return taken
    in_order = sorted(taken, key=lambda row: (row.due_at, row.id))
    first = in_order[0].lost
    if first < SOLO_AFTER:
        kept = [row for row in in_order if row.lost < SOLO_AFTER]
    elif not idle:
        kept = []
    elif first >= ALONE_AFTER:
        kept = in_order[:1]
    else:
        kept = [row for row in in_order if SOLO_AFTER <= row.lost < ALONE_AFTER][:SUSPECTS]
    ids = {row.id for row in kept}
    give_back(conn, lease_id, [row.id for row in taken if row.id not in ids], now)
    return kept


def _with_leads(
    conn: sa.Connection, row: sa.Row[Any], taken: Sequence[sa.Row[Any]], lease_id: str, now: int
) -> list[Claimed]:
    """What was taken, with its leads; a delivery whose lead cannot be read is set aside at once."""
    found = conn.execute(_leads(conn.dialect.name), {"leads": [x.lead_id for x in taken]})
    by_lead = {lead.id: lead for lead in found}
    claimed, damaged = [], []
    for x in taken:
        try:
            lead = outgoing_lead(by_lead[x.lead_id], row.title, row.display_name)
        except Exception as error:  # whatever one row holds, the others go on
            damaged.append(Damaged(x.id, x.lead_id, type(error).__name__))
        else:
            claimed.append(Claimed(x.id, lead, x.attempts, x.lost, x.created_at))
    if damaged:
        set_aside_damaged(conn, damaged, lease_id, now)
    # RETURNING promises no order; ids are in the order in which the leads came.
    return sorted(claimed, key=lambda c: c.id)


LEAD_COLUMNS: Final[Sequence[sa.Column[Any]]] = (
    t.lead.c.id,
    t.lead.c.publisher_id,
    t.lead.c.offer_id,
    t.lead.c.source,
    t.lead.c.action,
    t.lead.c.test,
    t.lead.c.created_at,
    t.lead.c.body,
    t.lead.c.hops,
)
"""What :func:`outgoing_lead` reads."""


@functools.cache
def _leads(dialect: str) -> sa.Select[Any]:
    return sa.select(*LEAD_COLUMNS).where(listed(dialect, t.lead.c.id, "leads"))


def outgoing_lead(row: sa.Row[Any], offer_title: str, publisher_name: str) -> OutgoingLead:
    """The lead in a row of its table, as adapters take it. Raises for a row that does not hold one."""
    body = from_json(row.body)
    customer = body["customer"]
    "".join((*customer.values(), body["description"], body["campaign"]))  # raises unless all of them are texts
    return OutgoingLead(
        id=row.id,
        created_at=to_datetime(row.created_at),
        source=row.source,
        action=row.action,
        lead_source=lead_source_text(row.source, row.action, row.publisher_id, row.offer_id, offer_title),
        publisher_id=row.publisher_id,
        publisher_name=publisher_name,
        offer_id=row.offer_id,
        offer_title=offer_title,
        customer=Customer(
            first_name=customer["firstName"],
            last_name=customer["lastName"],
            email=customer["email"],
            phone=customer["phone"],
            country=customer["country"],
            company=customer["company"],
            title=customer["title"],
        ),
        description=body["description"],
        campaign=body["campaign"],
        test=row.test,
        hops=row.hops,
    )


def in_calls(claimed: Sequence[Claimed], batch: int) -> list[list[Claimed]]:
    """The deliveries in calls of at most ``batch``; one whose workers kept vanishing goes alone."""
    solo = [[c] for c in claimed if c.lost >= SOLO_AFTER]
    rest = [c for c in claimed if c.lost < SOLO_AFTER]
    return [rest[i : i + batch] for i in range(0, len(rest), batch)] + solo


def give_back(conn: sa.Connection, lease_id: str, delivery_ids: Collection[str], now: int) -> None:
    """Return deliveries that were claimed but not sent: they are due as they were, nothing is counted."""
    conn.execute(_give_back(conn.dialect.name), {"deliveries": list(delivery_ids), "lease": lease_id, "now": now})


@functools.cache
def _give_back(dialect: str) -> sa.Update:
    d = t.delivery.c
    return (
        sa.update(t.delivery)
        .where(listed(dialect, d.id, "deliveries"), d.lease_id == sa.bindparam("lease"), t.SENDING)
        .values(state=State.WAITING.value, lease_id=None, changed_at=_NOW)
    )
