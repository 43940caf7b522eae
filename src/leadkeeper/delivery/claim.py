"""Taking work: which connections have leads due, and a fair share of them, under a lease. SQL in one transaction."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from leadkeeper.channels.subscriptions import NOBODY, Subscriptions
from leadkeeper.clock import to_datetime
from leadkeeper.connections.health import health_of
from leadkeeper.delivery.breaker import HALF_OPEN, is_half_open
from leadkeeper.delivery.damaged import Damaged, set_aside_damaged
from leadkeeper.delivery.due import FROM_THE_BEGINNING, SINCE, among, in_turn, with_work
from leadkeeper.delivery.schedule import ALONE_AFTER, SECOND, SOLO_AFTER, Aside, State
from leadkeeper.delivery.telling import tell_of_set_aside
from leadkeeper.destinations.registry import OURS
from leadkeeper.lead import Customer, OutgoingLead, lead_source_text
from leadkeeper.lead_body import from_body
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import listed
from leadkeeper.storage.hot import HotStatement
from leadkeeper.storage.looks import NOW

AT_ONCE: Final = 2_000
"""The most deliveries of one claim: others write too, and the lease must be renewed meanwhile."""
SUSPECTS: Final = 8
"""How many deliveries with which workers vanished twice are sent at once."""
HALF_OPEN_REST: Final = 45 * SECOND
"""How long other workers keep off a connection while one worker tries it with one lead."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """One delivery that this worker holds, with the lead as its adapter takes it."""

    id: str
    lead: OutgoingLead
    attempts: int
    crash_count: int
    since: int = 0


@dataclass(frozen=True, slots=True)
class Work:
    """What was claimed for one connection. ``row`` is its row; ``half_open`` says that it has yet to prove itself.

    ``alone``: workers kept vanishing with these, so nothing else goes over the connection with them. ``up_to``: all of
    the connection that was due before that moment (ms) is claimed; 0 where that is not so.
    """

    row: sa.Row[Any]
    claimed: Sequence[Claimed]
    half_open: bool
    alone: bool = False
    up_to: int = 0

    @property
    def connection_id(self) -> str:
        """The connection that the deliveries go over."""
        return str(self.row.id)


@dataclass(frozen=True, slots=True)
class Claimability:
    """Whether what was claimed for a connection may still be sent: in which generation, not while it is closed."""

    generation: int
    closed: bool


def standings(conn: sa.Connection, connection_ids: Collection[str], now: int) -> dict[str, Claimability]:
    """How these connections stand at ``now``."""
    rows = _STANDINGS.rows(conn, {"connections": list(connection_ids), "now": now})
    return {row.id: Claimability(row.generation, bool(row.closed)) for row in rows}


# Statements are made once for each database: to make one anew costs several times what it costs to run it.


def _standings(dialect: str) -> sa.Select[Any]:
    c = t.connection.c
    closed = t.AT_REST | (c.closed_until > NOW)
    return sa.select(c.id, c.generation, closed.label("closed")).where(listed(dialect, c.id, "connections"))


_STANDINGS: Final = HotStatement(_standings)


def claim(
    conn: sa.Connection,
    lease_id: str,
    wanted: Mapping[str, int],
    first_share: Callable[[sa.Row[Any]], int],
    now: int,
    only: Collection[str] | None,
    busy: Collection[str] = (),
    destinations: Sequence[str] = OURS.names,
    subscriptions: Subscriptions = NOBODY,
    since: Mapping[str, int] = FROM_THE_BEGINNING,
) -> list[Work]:
    """Claim due deliveries: at most ``wanted[connection]`` of each (``first_share`` of its row if it is not named).

    Looks only at the connections ``only``, or at all, and to ``destinations`` alone; of a connection that is named
    in ``since`` at what was not due before that moment (ms). A connection that is paused, removed or closed gives
    nothing; a half-open one gives one delivery, to one worker. A claimed delivery is ``sending`` under ``lease_id``.
    Those with which workers kept vanishing are claimed apart from all others, and not for a connection that is ``busy``
    in this worker. After :data:`AT_ONCE` deliveries it ends; publishers take turns, and which connections come first
    differs each time. It waits for no lock.
    """
    left = AT_ONCE
    shares: list[_Share] = []
    claimable = _CLAIMABLE if only is None else _CLAIMABLE_AMONG
    found = claimable.rows(conn, {"lease": lease_id, **among(now, only, destinations, since)})
    for row in in_turn(found, now):
        most = min(left, wanted[row.id] if row.id in wanted else first_share(row))
        half_open = is_half_open(health_of(row))
        if most < 1 or (half_open and not _take_half_open(conn, row.id, now)):
            continue
        given = {"connection": row.id, "lease": lease_id, "now": now, "since": since.get(row.id, 0)}
        given["share"] = HALF_OPEN if half_open else most
        share = _take(conn, row, given, half_open=half_open, idle=half_open or row.id not in busy)
        left -= len(share.taken)
        shares.append(share)
    leads = _leads_of(conn, [each.lead_id for share in shares for each in share.taken])
    works = []
    for share in shares:
        claimed = _with_leads(conn, share, leads, lease_id, now, subscriptions)
        if claimed:
            alone = claimed[0].crash_count >= SOLO_AFTER
            works.append(Work(share.row, claimed, share.half_open, alone=alone, up_to=share.up_to))
        elif share.half_open:
            _NOT_TRIED.run(conn, {"connection": share.row.id, "now": now})
    return works


class _Share(NamedTuple):
    """What is taken for one connection in this claim."""

    row: sa.Row[Any]
    taken: Sequence[sa.Row[Any]]
    half_open: bool
    up_to: int


def _take(conn: sa.Connection, row: sa.Row[Any], given: Mapping[str, Any], *, half_open: bool, idle: bool) -> _Share:
    """What the connection of ``row`` gives of what was due since then, the oldest first."""
    taken = _TAKE.rows(conn, given)
    kept = _set_apart(conn, given["lease"], taken, given["now"], idle=idle)
    if half_open or len(kept) < len(taken):
        up_to = 0
    else:  # all that was due, or the first of it
        up_to = given["now"] if len(taken) < given["share"] else max(each.due_at for each in taken)
    return _Share(row, kept, half_open, up_to)


def _claimable(dialect: str, *, everywhere: bool) -> sa.Select[Any]:
    # A lease that is forgotten would hold what is claimed under it for ever.
    known = sa.exists().where(t.lease.c.id == sa.bindparam("lease"))
    return with_work(dialect, everywhere=everywhere).where(known)


_CLAIMABLE: Final = HotStatement(functools.partial(_claimable, everywhere=True))
_CLAIMABLE_AMONG: Final = HotStatement(functools.partial(_claimable, everywhere=False))


def _take_half_open(conn: sa.Connection, connection_id: str, now: int) -> bool:
    given = {"connection": connection_id, "now": now, "until": now + HALF_OPEN_REST}
    return bool(_TAKE_HALF_OPEN.run(conn, given))


def _take_half_open_statement(_: str) -> sa.Update:
    c = t.connection.c
    mine = (c.id == sa.bindparam("connection"), c.closed_until <= NOW)
    free = sa.select(c.id).where(*mine).with_for_update(skip_locked=True)
    return sa.update(t.connection).where(c.id.in_(free)).values(closed_until=sa.bindparam("until"))


_TAKE_HALF_OPEN: Final = HotStatement(_take_half_open_statement)
_NOT_TRIED: Final = HotStatement(
    lambda _: sa.update(t.connection).where(t.connection.c.id == sa.bindparam("connection")).values(closed_until=NOW)
)


def _take_statement(_: str) -> sa.UpdateBase:
    d = t.delivery.c
    due = (
        sa.select(d.id)
        .where(d.connection_id == sa.bindparam("connection"), t.READY, d.due_at >= SINCE, d.due_at <= NOW)
        .order_by(d.due_at, d.id)
        .limit(sa.bindparam("share", type_=sa.Integer))
        .with_for_update(skip_locked=True)
    )
    return (
        sa.update(t.delivery)
        .where(d.id.in_(due))
        .values(state=State.SENDING.value, lease_id=sa.bindparam("lease"), changed_at=NOW)
        .returning(d.id, d.lead_id, d.attempts, d.crash_count, d.due_at, d.created_at)
    )


_TAKE: Final = HotStatement(_take_statement)


def _set_apart(
    conn: sa.Connection, lease_id: str, taken: Sequence[sa.Row[Any]], now: int, *, idle: bool
) -> Sequence[sa.Row[Any]]:
    """What may be sent together of ``taken``; the rest is given back and keeps its place.

    The oldest decides whose turn it is: when workers kept vanishing with it, it waits until the connection is idle and
    goes with a few of its kind, later by itself, so that one that kills its worker takes ever fewer with it.
    """
    if all(row.crash_count < SOLO_AFTER for row in taken):
        return taken
    in_order = sorted(taken, key=lambda row: (row.due_at, row.id))
    first = in_order[0].crash_count
    if first < SOLO_AFTER:
        kept = [row for row in in_order if row.crash_count < SOLO_AFTER]
    elif not idle:
        kept = []
    elif first >= ALONE_AFTER:
        kept = in_order[:1]
    else:
        kept = [row for row in in_order if SOLO_AFTER <= row.crash_count < ALONE_AFTER][:SUSPECTS]
    ids = {row.id for row in kept}
    give_back(conn, lease_id, [row.id for row in taken if row.id not in ids], now)
    return kept


def _leads_of(conn: sa.Connection, lead_ids: Sequence[str]) -> Mapping[str, sa.Row[Any]]:
    """The rows of these leads, as far as they are there."""
    if not lead_ids:
        return {}
    return {lead.id: lead for lead in _LEADS.rows(conn, {"leads": lead_ids})}


def _with_leads(
    conn: sa.Connection,
    share: _Share,
    leads: Mapping[str, sa.Row[Any]],
    lease_id: str,
    now: int,
    subscriptions: Subscriptions,
) -> list[Claimed]:
    """What was taken, with its leads; a delivery whose lead cannot be read is set aside at once."""
    claimed, damaged = [], []
    for x in share.taken:
        try:
            lead = outgoing_lead(leads[x.lead_id], share.row.title, share.row.display_name)
        except Exception as error:  # whatever one row holds, the others go on
            damaged.append(Damaged(x.id, x.lead_id, type(error).__name__))
        else:
            claimed.append(Claimed(x.id, lead, x.attempts, x.crash_count, x.created_at))
    if damaged:
        set_aside_damaged(conn, damaged, lease_id, now)
        tell_of_set_aside(conn, subscriptions, [each.delivery_id for each in damaged], Aside.DAMAGED, now)
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


def _leads(dialect: str) -> sa.Select[Any]:
    return sa.select(*LEAD_COLUMNS).where(listed(dialect, t.lead.c.id, "leads"))


_LEADS: Final = HotStatement(_leads)


def outgoing_lead(row: sa.Row[Any], offer_title: str, publisher_name: str) -> OutgoingLead:
    """The lead in a row of its table, as adapters take it. Raises for a row that does not hold one."""
    body = from_body(row.body)
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
    solo = [[c] for c in claimed if c.crash_count >= SOLO_AFTER]
    rest = [c for c in claimed if c.crash_count < SOLO_AFTER]
    return [rest[i : i + batch] for i in range(0, len(rest), batch)] + solo


def give_back(conn: sa.Connection, lease_id: str, delivery_ids: Collection[str], now: int) -> None:
    """Return deliveries that were claimed but not sent: they are due as they were, nothing is counted."""
    _GIVE_BACK.run(conn, {"deliveries": list(delivery_ids), "lease": lease_id, "now": now})


def _give_back(dialect: str) -> sa.Update:
    d = t.delivery.c
    return (
        sa.update(t.delivery)
        .where(listed(dialect, d.id, "deliveries"), d.lease_id == sa.bindparam("lease"), t.SENDING)
        .values(state=State.WAITING.value, lease_id=None, changed_at=NOW)
    )


_GIVE_BACK: Final = HotStatement(_give_back)
