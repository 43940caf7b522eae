"""Sending again: one delivery, or all of a connection by time and state."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.access.audit import note
from leadkeeper.clock import Clock, now_ms, to_text
from leadkeeper.connections.deliveries import BACKFILL, new_delivery
from leadkeeper.delivery.schedule import Aside, State
from leadkeeper.inbox.follow_up.follow_ups import record_event
from leadkeeper.inbox.inbox import delivery_view, offer_of_delivery
from leadkeeper.inbox.lists.period import within
from leadkeeper.lead import MOST_HOPS
from leadkeeper.offer import OfferRef
from leadkeeper.problem import FieldError, Problem, ProblemType, unknown_connection
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage, announce, change_routes, one_of
from leadkeeper.storage.known import require_offer
from leadkeeper.texts import ENGLISH, Language, lazy_gettext
from leadkeeper.views import DeliveryView, Replayed

REPLAYABLE: Final = (State.DELIVERED, State.UNCONFIRMED, State.SET_ASIDE, State.WAITING)
"""The states that may be sent again; what is pending or being sent goes out anyway, what is withheld never does."""


_SENT: Final = t.delivery.c.state.in_([State.DELIVERED.value, State.UNCONFIRMED.value])
"""What was sent since a replay began is no part of it: it would go out twice."""


class Redelivery:
    """Sends deliveries again because a person asked. ``woken`` is told the connections that have work."""

    def __init__(
        self, storage: Storage, woken: Callable[[Collection[str]], None] = lambda _: None, clock: Clock = now_ms
    ) -> None:
        self._storage = storage
        self._woken = woken
        self._clock = clock

    async def offer_of(self, delivery_id: str) -> OfferRef | None:
        """Whose delivery it is, or ``None`` if there is none of that id."""
        return await self._storage.read(offer_of_delivery, delivery_id)

    async def retry(self, delivery_id: str, *, by: str, language: Language = ENGLISH) -> DeliveryView:
        """Make one delivery due now, with its attempts counted anew; what is pending stays as it is.

        Raises :class:`Problem` if there is none, while it is being sent or withheld, and once its lead has expired.
        """
        connection_id, view = await self._storage.write(_retry, delivery_id, self._clock(), by, language)
        self._woken([connection_id])
        return view

    async def found_there(self, delivery_id: str, *, by: str, language: Language = ENGLISH) -> DeliveryView:
        """Somebody looked at the destination and found a lead there that may have arrived: it is delivered.

        Raises :class:`Problem` if there is no such delivery, or nobody has to look for it.
        """
        return await self._storage.write(_found_there, delivery_id, self._clock(), by, language)

    async def replay(
        self,
        offer: OfferRef,
        name: str,
        *,
        since_ms: int | None,
        until_ms: int | None,
        states: Collection[State],
        missing: bool,
        dry_run: bool,
        by: str,
        uncertain: bool = True,
    ) -> Replayed:
        """Make the connection's deliveries in ``states`` due now whose leads came in that time, oldest first.

        ``missing`` adds the offer's leads that never had a delivery over this connection (they came before it).
        Without ``uncertain``, what was set aside since it may have arrived is left out.
        A dry run only counts. Raises :class:`Problem` for an unknown offer, connection or a state that cannot be.
        Many leads are taken in several transactions, since leads that come in must wait for each of them.
        """
        _require_replayable(states)
        leads = _leads_of(offer, since_ms, until_ms)
        if dry_run:
            count = await self._storage.read(_count, offer, name, leads, states, missing=missing, uncertain=uncertain)
            return Replayed(deliveries=count, dry_run=True)
        # Leads that come meanwhile are no part of it. Ids do not tell: they are of the clocks of several machines.
        began, count = self._clock(), 0
        leads = leads.where(t.lead.c.created_at <= began)
        after: str | None = ""
        while after is not None:
            some = leads.where(t.lead.c.id > after)
            connection_id, done, after = await self._storage.write(
                _replay_some, offer, name, some, states, began, self._clock(), by, missing=missing, uncertain=uncertain
            )
            count += done
            self._woken([connection_id])
        return Replayed(deliveries=count, dry_run=False)


def _require_replayable(states: Collection[State]) -> None:
    if not set(states) <= set(REPLAYABLE):
        rule = lazy_gettext("only %(replayable)s can be replayed", replayable=", ".join(REPLAYABLE))
        raise Problem(
            ProblemType.INVALID_REQUEST, lazy_gettext("states: %(rule)s.", rule=rule), (FieldError("states", rule),)
        )


def _held_row(conn: sa.Connection, delivery_id: str) -> sa.Row[Any]:
    """The delivery, its row held for this transaction. Raises :class:`Problem` if there is none."""
    d = t.delivery.c
    columns = (d.connection_id, d.state, d.lead_id, d.set_aside_for)
    query: sa.Select[Any] = sa.select(*columns).where(d.id == delivery_id)
    row = conn.execute(query.with_for_update()).first()
    if row is None:
        detail = lazy_gettext("There is no delivery %(delivery_id)s.", delivery_id=repr(delivery_id))
        raise Problem(ProblemType.UNKNOWN_DELIVERY, detail, (FieldError("id", lazy_gettext("unknown delivery")),))
    return row


def _found_there(conn: sa.Connection, delivery_id: str, now: int, by: str, language: Language) -> DeliveryView:
    row = _held_row(conn, delivery_id)
    if row.state != State.SET_ASIDE or row.set_aside_for != Aside.MAY_HAVE_ARRIVED.value:
        raise Problem(ProblemType.NOT_REPEATABLE_NOW, lazy_gettext("Nobody has to look for this delivery."))
    values = {"state": State.DELIVERED.value, "set_aside_for": None, "changed_at": now}
    conn.execute(sa.update(t.delivery).where(t.delivery.c.id == delivery_id).values(values))
    announce(conn)
    offer = offer_of_delivery(conn, delivery_id)
    record_event(conn, row.lead_id, now, by, "foundThere")
    whose = None if offer is None else offer.publisher_id
    note(conn, now, by, "delivery.found", delivery_id, f"lead {row.lead_id}", publisher_id=whose)
    view = delivery_view(conn, delivery_id, language)
    assert view is not None
    return view


def _retry(conn: sa.Connection, delivery_id: str, now: int, by: str, language: Language) -> tuple[str, DeliveryView]:
    d, row = t.delivery.c, _held_row(conn, delivery_id)
    if row.state in (State.SENDING, State.WITHHELD):
        detail = (
            lazy_gettext("This delivery is being sent just now.")
            if row.state == State.SENDING
            else lazy_gettext("This lead is withheld.")
        )
        raise Problem(ProblemType.NOT_REPEATABLE_NOW, detail)
    expired_at = conn.scalar(sa.select(t.lead.c.expired_at).where(t.lead.c.id == row.lead_id))
    if expired_at is not None:
        detail = lazy_gettext(
            "The personal data of this lead were removed on %(day)s, so that there is nothing to send again.",
            day=to_text(expired_at)[:10],
        )
        raise Problem(ProblemType.LEAD_EXPIRED, detail)
    conn.execute(sa.update(t.delivery).where(d.id == delivery_id).values(due_now(now)))
    announce(conn)
    record_retry(conn, delivery_id, row.lead_id, row.state, now, by)
    view = delivery_view(conn, delivery_id, language)
    assert view is not None
    return row.connection_id, view


def record_retry(conn: sa.Connection, delivery_id: str, lead_id: str, was: str, now: int, by: str) -> None:
    """Write down, in the transaction of the act itself, that somebody sent a delivery again."""
    offer = offer_of_delivery(conn, delivery_id)
    whose = None if offer is None else offer.publisher_id
    record_event(conn, lead_id, now, by, "again")
    note(conn, now, by, "delivery.retry", delivery_id, f"was {was}; lead {lead_id}", publisher_id=whose)


def due_now(now: int) -> dict[str, Any]:
    """The columns of a delivery that goes out at once, its attempts counted anew."""
    due = {"state": State.WAITING.value, "due_at": now, "attempts": 0, "crash_count": 0}
    return due | {"changed_at": now, "set_aside_for": None}


def _connection_id(conn: sa.Connection, offer: OfferRef, name: str) -> str:
    require_offer(conn, offer)
    c = t.connection.c
    connection_id: str | None = conn.scalar(
        sa.select(c.id).where(c.offer_ref == str(offer), c.name == name, c.removed_at.is_(None))
    )
    if connection_id is None:
        raise unknown_connection(offer, name)
    return connection_id


def _leads_of(offer: OfferRef, since_ms: int | None, until_ms: int | None) -> sa.Select[Any]:
    c = t.lead.c
    leads = sa.select(c.id).where(c.publisher_id == offer.publisher_id, c.offer_id == offer.offer_id)
    leads = leads.where(c.expired_at.is_(None))  # of the others nothing is left to send
    return leads.where(*within(since_ms, until_ms))


def _in_states(
    connection_id: str, states: Collection[State], conn: sa.Connection, *, uncertain: bool
) -> sa.ColumnElement[bool]:
    d = t.delivery.c
    those = (d.connection_id == connection_id) & one_of(conn, d.state, [state.value for state in states])
    return those if uncertain else those & d.set_aside_for.is_distinct_from(Aside.MAY_HAVE_ARRIVED.value)


def _count(
    conn: sa.Connection,
    offer: OfferRef,
    name: str,
    leads: sa.Select[Any],
    states: Collection[State],
    *,
    missing: bool,
    uncertain: bool,
) -> int:
    connection_id = _connection_id(conn, offer, name)
    those = (_in_states(connection_id, states, conn, uncertain=uncertain), t.delivery.c.lead_id.in_(leads))
    count = conn.scalar(sa.select(sa.func.count()).select_from(t.delivery).where(*those)) or 0
    if missing:
        lacking = leads.where(_is_missing(connection_id)).subquery()
        count += conn.scalar(sa.select(sa.func.count()).select_from(lacking)) or 0
    return count


def _is_missing(connection_id: str) -> sa.ColumnElement[bool]:
    """A lead that went out otherwise and never over this connection.

    None goes out that is a test, is withheld, or was passed on too often. One that no connection has taken yet is taken
    by the offer's first.
    """
    c, d = t.lead.c, t.delivery.c
    has = sa.exists().where(d.lead_id == c.id, d.connection_id == connection_id)
    return sa.not_(has) & sa.not_(c.test) & sa.not_(c.withheld) & sa.not_(c.unrouted) & (c.hops <= MOST_HOPS)


def _add_missing(conn: sa.Connection, connection_id: str, lead_ids: Sequence[str], now: int) -> int:
    those = (one_of(conn, t.lead.c.id, lead_ids), _is_missing(connection_id))
    missing = conn.scalars(sa.select(t.lead.c.id).where(*those).order_by(t.lead.c.id))
    rows = [new_delivery(lead_id, connection_id, now) for lead_id in missing]
    if rows:
        conn.execute(sa.insert(t.delivery), rows)
    return len(rows)


def _replay_some(
    conn: sa.Connection,
    offer: OfferRef,
    name: str,
    leads: sa.Select[Any],
    states: Collection[State],
    began: int,
    now: int,
    by: str,
    *,
    missing: bool,
    uncertain: bool,
) -> tuple[str, int, str | None]:
    """The connection, how many deliveries of the first :data:`BACKFILL` leads are due again, and where to go on."""
    change_routes(conn, offer.publisher_id)
    connection_id = _connection_id(conn, offer, name)
    ids = conn.scalars(leads.order_by(t.lead.c.id).limit(BACKFILL)).all()
    those = (
        _in_states(connection_id, states, conn, uncertain=uncertain),
        one_of(conn, t.delivery.c.lead_id, ids),
        sa.not_(_SENT & (t.delivery.c.changed_at > began)),
    )
    count = conn.execute(sa.update(t.delivery).where(*those).values(due_now(now))).rowcount
    if missing:
        count += _add_missing(conn, connection_id, ids, now)
    announce(conn)
    note(conn, now, by, "connection.replay", f"{offer}/{name}", f"{count} deliveries; {', '.join(states)}")
    return connection_id, count, ids[-1] if len(ids) == BACKFILL else None
