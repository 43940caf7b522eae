"""A lead is kept: the one durable write of a lead and its deliveries, many leads per commit."""

from __future__ import annotations

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from pydantic_core import to_json

from leadkeeper.access.quotas import Rate
from leadkeeper.access.rates import Rates
from leadkeeper.channels.subscriptions import NOBODY, Subscriptions
from leadkeeper.clock import Clock, new_id, now_ms
from leadkeeper.connections.deliveries import new_delivery, stopped
from leadkeeper.connections.outbox import lead_arrived, lead_withheld
from leadkeeper.delivery.claim import Claimed
from leadkeeper.delivery.direct import NOTHING, Grant, Handover
from leadkeeper.delivery.schedule import State
from leadkeeper.fault import where
from leadkeeper.intake.direct import Claiming
from leadkeeper.intake.new_lead import NewLead
from leadkeeper.intake.normal import normalised
from leadkeeper.intake.people import without_person
from leadkeeper.intake.routes import Route, RouteConnection, read_routes
from leadkeeper.intake.rows import Prepared, insert_keyed, keyless_rows, lead_row
from leadkeeper.intake.telling import telling
from leadkeeper.lead import MOST_HOPS
from leadkeeper.logs import LazyLog
from leadkeeper.offer import OfferRef
from leadkeeper.privacy.withholding import NOTHING_WITHHELD, Withholding
from leadkeeper.problem import FieldError, Problem, ProblemType, internal, publisher_suspended, unknown_offer
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage, StorageAway, announce, insert_rows, insert_with, share_routes
from leadkeeper.storage.evidence import insert_attempts
from leadkeeper.storage.group import Group, GroupCommit
from leadkeeper.texts import _, lazy_gettext

GROUP_LIMIT = 500
"""The most leads in one transaction: more would keep the first of them waiting."""
_BESIDE: Final = 4
"""How many transactions with leads one process has under way at once where writers need not take turns."""
_REMEMBERED: Final = 10_000
"""For how many offers it is remembered where their leads went."""
_LATER: Final = (0.005, 0.01, 0.02)
"""How many seconds a lead waits each time that its publisher's offers are just being changed."""
_PATIENT: Final = 4
"""For how many publishers leads wait within the database for such a change to end, after that."""

log: Final = LazyLog(__name__)


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """A delivery that keeping a lead began: over which connection, and in which state it starts."""

    id: str
    connection: str
    state: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """A lead is on disk. ``repeat`` says that it already was, under the same idempotency key."""

    id: str
    deliveries: tuple[NewDelivery, ...]
    repeat: bool = False


class Intake:
    """Takes leads in. ``woken`` is told the connections that have new work after each commit.

    Of a customer whom ``withholding`` names nothing personal is kept: the lead counts, and goes nowhere. ``rates``
    bounds what publishers' hooks and keys hand in; without it nothing is refused. What the worker of this process has
    room for it takes over by ``handover``, and is not told of otherwise.
    ``subscriptions`` says who is told of each lead.
    """

    def __init__(
        self,
        storage: Storage,
        woken: Callable[[Collection[str]], None] = lambda _: None,
        clock: Clock = now_ms,
        withholding: Withholding = NOTHING_WITHHELD,
        rates: Rates | None = None,
        subscriptions: Subscriptions = NOBODY,
        handover: Handover | None = None,
    ) -> None:
        self._handover = handover or Handover()
        self._went_to: dict[OfferRef, tuple[str, ...]] = {}
        self._rates, self._subscriptions = rates, subscriptions
        self._storage = storage
        self._woken = woken
        self._clock = clock
        self._withholding = withholding
        at_once, most = (2, 2) if storage.writers_take_turns else (1, _BESIDE)
        self._group: GroupCommit[Prepared, _Answer] = GroupCommit(self._write, GROUP_LIMIT, at_once, most)
        self._grant = NOTHING
        """What may be claimed of the newest group, which others may still join."""
        self._patient: dict[str, GroupCommit[Prepared, _Answer]] = {}
        self._patience = asyncio.Semaphore(_PATIENT)

    async def keep(self, lead: NewLead, counted: Rate | None = None) -> Accepted:
        """Keep ``lead`` and one delivery for every connection of its offer; both are on disk when this returns.

        ``counted`` is the quota of its publisher that it uses; a customer's own uses none.
        Raises :class:`Problem` (unknown or not-live offer, suspended publisher, idempotency key used for another lead,
        quota used up) or ``StorageAway``; nothing of this lead is kept then.
        """
        if counted is not None and self._rates is not None:
            await self._rates.take(lead.offer.publisher_id, counted)
        answer = await self._put(self._prepared(lead))
        if isinstance(answer, Problem):
            raise answer
        return answer

    async def _put(self, item: Prepared) -> Accepted | Problem:
        """Write ``item`` with others; while its publisher changes something, it lets them go ahead."""
        for seconds in _LATER:
            if (answer := await self._hand_in(item)) is not None:
                return answer
            await asyncio.sleep(seconds)
        return await self._patiently(item)

    def _hand_in(self, item: Prepared) -> asyncio.Future[_Answer]:
        self._handover.extend(self._grant, self._connections_of([item]))
        return self._group.put(item)

    async def _patiently(self, item: Prepared) -> Accepted | Problem:
        """Write ``item`` with others of its publisher once what changes its offers has ended; nobody else waits."""
        who = item.lead.offer.publisher_id
        group = self._patient.setdefault(who, GroupCommit(self._write_patiently, GROUP_LIMIT))
        try:
            answer = await group.put(item)
        finally:
            if not group.busy and self._patient.get(who) is group:
                del self._patient[who]
        assert answer is not None
        return answer

    async def _write_patiently(self, group: _Group) -> Sequence[_Answer]:
        async with self._patience:
            return await self._write_granted(
                group, self._handover.grant(self._connections_of(group.ahead())), wait=True
            )

    async def keep_many(self, leads: Sequence[NewLead], counted: Rate | None = None) -> list[Accepted | Problem]:
        """Keep many leads; one answer per lead, in order. One that is refused does not spoil the others.

        They may come to lie in several transactions: a database that goes away is the problem of those it concerns.
        """
        refused: dict[int, Problem] = {}
        if counted is not None and self._rates is not None:
            for at, lead in enumerate(leads):
                if (problem := await self._rates.refusal(lead.offer.publisher_id, counted)) is not None:
                    refused[at] = problem
        prepared = {at: self._tried(lead) for at, lead in enumerate(leads) if at not in refused}
        refused |= {at: found for at, found in prepared.items() if isinstance(found, Problem)}
        items = [found for found in prepared.values() if isinstance(found, Prepared)]
        first = await asyncio.gather(*[self._hand_in(item) for item in items], return_exceptions=True)
        late = [item for item, answer in zip(items, first, strict=True) if answer is None]
        second = iter(await asyncio.gather(*[self._put(item) for item in late], return_exceptions=True))
        answers = iter([_summary(next(second) if answer is None else answer) for answer in first])
        return [refused.get(at) or next(answers) for at in range(len(leads))]

    async def drained(self) -> None:
        """Return when every lead that was handed in is written."""
        await self._group.drained()
        for group in list(self._patient.values()):
            await group.drained()

    def _tried(self, lead: NewLead) -> Prepared | Problem:
        try:
            return self._prepared(lead)
        except Exception as error:
            return _fault(error)

    def _prepared(self, lead: NewLead) -> Prepared:
        came, lead = lead, normalised(lead)
        withheld = self._withholding.withholds(came.customer.email) or self._withholding.withholds_any(lead.texts())
        if withheld:
            came = lead = without_person(lead)
        # Of what came in: what a lead is made into may change from one version to the next.
        fingerprint = None if lead.idempotency_key is None else _fingerprint(came)
        return Prepared(new_id(), lead, lead.body(), fingerprint, withheld)

    async def _write(self, group: _Group) -> Sequence[_Answer]:
        grant = self._grant = self._handover.grant(self._connections_of(group.ahead()))
        return await self._write_granted(group, grant)

    async def _write_granted(self, group: _Group, grant: Grant, *, wait: bool = False) -> Sequence[_Answer]:
        """``None`` for a lead whose publisher's offers are being changed right now; none if told to ``wait``."""
        keep = _keep_group if self._subscriptions.is_silent else telling(_keep_group, self._subscriptions)

        def transaction(conn: sa.Connection, now: int) -> list[_Written | Problem | None]:
            # Whoever came while it waited for its turn is kept too, and spared another commit.
            return keep(conn, items, now, grant, wait=wait) if (items := group.take()) else []

        try:
            answers = await self._storage.write(transaction, self._clock())
        except StorageAway:
            self._handover.doubt(grant)
            raise
        except BaseException:
            self._handover.take(grant, {})  # it was undone
            raise
        written = [answer for answer in answers if isinstance(answer, _Written)]
        claimed: dict[str, list[Claimed]] = defaultdict(list)
        for connection_id, one in (each for answer in written for each in answer.claimed):
            claimed[connection_id].append(one)
        self._handover.take(grant, claimed)
        if new := {connection_id for answer in written for connection_id in answer.waiting}:
            self._woken(new)
        self._remember(group.take(), answers)
        return [a.kept if isinstance(a, _Written) else a for a in answers]

    def _connections_of(self, group: Sequence[Prepared]) -> Collection[str]:
        """Where leads of these offers went last: asked for, not relied on."""
        return {id for item in group for id in self._went_to.get(item.lead.offer, ())}

    def _remember(self, group: Sequence[Prepared], answers: Sequence[_Written | Problem | None]) -> None:
        if len(self._went_to) > _REMEMBERED:
            self._went_to.clear()
        for item, answer in zip(group, answers, strict=True):
            if isinstance(answer, _Written) and answer.connections:
                self._went_to[item.lead.offer] = answer.connections


_Answer = Accepted | Problem | None
_Group = Group[Prepared, _Answer]


@dataclass(frozen=True, slots=True)
class _Written:
    """What came of a lead: over which connections it goes, and which of its deliveries are claimed already."""

    kept: Accepted
    connections: tuple[str, ...] = ()
    claimed: Sequence[tuple[str, Claimed]] = ()

    @property
    def waiting(self) -> Iterator[str]:
        """The connections whose workers have yet to claim it."""
        taken = {connection_id for connection_id, _ in self.claimed}
        return (each for each in self.connections if each not in taken)


def _summary(answer: Accepted | Problem | BaseException | None) -> Accepted | Problem:
    if isinstance(answer, StorageAway):
        return Problem(
            ProblemType.STORAGE_AWAY, lazy_gettext("The lead was not kept: the database is away. Try again soon.")
        )
    if isinstance(answer, Problem) or not isinstance(answer, BaseException):
        assert answer is not None
        return answer
    if isinstance(answer, Exception):
        return _fault(answer)
    raise answer


def _fault(error: Exception) -> Problem:
    log.error("a lead could not be kept", error=where(error))
    return internal()


def _keep_group(
    conn: sa.Connection, group: Sequence[Prepared], now: int, grant: Grant, *, wait: bool = False
) -> list[_Written | Problem | None]:
    changing = share_routes(conn, {item.lead.offer.publisher_id for item in group}, wait=wait)
    if not changing:
        return [*_keep(conn, group, now, grant)]
    kept = iter(_keep(conn, [item for item in group if item.lead.offer.publisher_id not in changing], now, grant))
    return [None if item.lead.offer.publisher_id in changing else next(kept) for item in group]


def _keep(conn: sa.Connection, group: Sequence[Prepared], now: int, grant: Grant) -> list[_Written | Problem]:
    routes = read_routes(conn, {str(item.lead.offer) for item in group}, grant.lease_id, now)
    claiming = Claiming(grant, now)
    refused = {item.id: problem for item in group if (problem := _refusal(item.lead, routes))}
    taken = [item for item in group if item.id not in refused]
    kept_before = insert_keyed(conn, taken, routes, now)
    rows: list[dict[str, Any]] = []
    notices: list[dict[str, Any]] = []
    reasons: list[Mapping[str, Any]] = []
    written: dict[str, _Written | Problem] = {}
    for item in taken:
        if item.id in kept_before:
            continue
        route = routes[str(item.lead.offer)]
        connections = route.connections
        new = [_delivery(item, connection, now) for connection in connections]
        if item.lead.hops > MOST_HOPS and not item.withheld:
            reasons += stopped(new, now, item.lead.hops)
        rows += new
        notices += _notices(item, connections, now)
        deliveries = tuple(
            NewDelivery(row["id"], connection.name, _shown(row["state"], connection))
            for row, connection in zip(new, connections, strict=True)
        )
        claimed = claiming.claim_all(item, route, new) if grant.spaces else ()
        goes = () if item.withheld else tuple(connection.id for connection in connections)
        written[item.id] = _Written(Accepted(item.id, deliveries), goes, claimed)
    insert_with(conn, (t.lead, keyless_rows(conn, taken, routes, now)), (t.delivery, rows))
    if rows:
        if reasons:
            insert_attempts(conn, reasons)
        if notices:
            conn.execute(sa.insert(t.notice), notices)
        if waiting := {row["connection_id"] for row in rows if row["state"] == State.PENDING.value}:
            announce(conn, waiting)
    # Last, since they may repeat what this very group brought.
    written |= {item.id: _repeat(conn, item, *kept_before[item.id]) for item in taken if item.id in kept_before}
    return [refused.get(item.id) or written[item.id] for item in group]


def _delivery(item: Prepared, connection: RouteConnection, now: int) -> dict[str, Any]:
    row = new_delivery(item.id, connection.id, now)
    return row | {"state": State.WITHHELD.value} if item.withheld else row


def _shown(state: str, connection: RouteConnection) -> str:
    return "held" if connection.paused and state == State.PENDING else state


def _notices(item: Prepared, connections: Sequence[RouteConnection], now: int) -> list[dict[str, Any]]:
    if item.withheld:
        return [lead_withheld(connection.id, item.id, now) for connection in connections]
    return [
        lead_arrived(connection.id, item.id, now, daily=connection.announces == "daily")
        for connection in connections
        if connection.announces != "none"
    ]


def _refusal(lead: NewLead, routes: Mapping[str, Route]) -> Problem | None:
    route = routes.get(str(lead.offer))
    if route is None:
        return unknown_offer(lead.offer)
    if route.suspended:
        return publisher_suspended(lead.offer.publisher_id)
    if not route.live and not (lead.preview and route.previewed):
        message = _("The offer %(offer)s is not live, so it takes no leads. Set live to true first.")
        error = FieldError("offerId", lazy_gettext("the offer is not live"))
        return Problem(ProblemType.OFFER_NOT_LIVE, lazy_gettext(message, offer=lead.offer), (error,))
    return None


def insert_lead(conn: sa.Connection, lead_id: str, lead: NewLead, now: int) -> None:
    """Keep ``lead`` under that id within another transaction; whoever calls writes its deliveries."""
    insert_rows(conn, t.lead, [lead_row(conn, Prepared(lead_id, lead, lead.body()), now, unrouted=False)])


def _fingerprint(lead: NewLead) -> str:
    """By what repeats under one key are told from another lead."""
    content, whole = lead.content(), [str(lead.offer).encode()]
    if lead.names_message:
        del content["extra"]
    else:
        whole += [lead.source.encode(), lead.action.encode()]
    return hashlib.sha256(b"\0".join([*whole, to_json(content)])).hexdigest()


def _repeat(conn: sa.Connection, item: Prepared, lead_id: str, fingerprint: str) -> _Written | Problem:
    if fingerprint != item.fingerprint:
        detail = lazy_gettext("This Idempotency-Key was used for another lead. Use a new key for every lead.")
        error = FieldError("Idempotency-Key", lazy_gettext("used for another lead"))
        return Problem(ProblemType.IDEMPOTENCY_KEY_REUSED, detail, (error,))
    rows = conn.execute(
        sa.select(t.delivery.c.id, t.connection.c.name, t.SHOWN_STATE)
        .join(t.connection, t.connection.c.id == t.delivery.c.connection_id)
        .where(t.delivery.c.lead_id == lead_id)
        .order_by(t.delivery.c.id)
    )
    return _Written(Accepted(lead_id, tuple(NewDelivery(*row) for row in rows), repeat=True))
