"""Acting on many leads at once: send them again, give them an owner, set how far their follow-up came.

A dry run says what would come of it. Each lead is a transaction of its own: incoming leads wait for none of them long,
and what one lead cannot have keeps no other from it. To do the same again does no harm: what is done already is left.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.clock import Clock, now_ms
from leadkeeper.inbox.follow_up.follow_ups import Change, change_follow_up, plan_follow_up
from leadkeeper.inbox.follow_up.state import NEEDS_REASON, STATES
from leadkeeper.inbox.lists.sendable import ShownDelivery, to_send
from leadkeeper.inbox.redelivery import due_now, record_retry
from leadkeeper.problem import FieldError, Problem, ProblemType
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage, announce
from leadkeeper.texts import ENGLISH, Language
from leadkeeper.texts import lazy_gettext as _
from leadkeeper.views import BulkOutcome, BulkResult

MOST: Final = 200
"""The most leads that one call acts on."""


class BulkAct(StrEnum):
    """What is done to them."""

    AGAIN = "again"
    OWNER = "owner"
    STATE = "state"


REASONS: Final[Mapping[str, str]] = {
    "unknown": _("There is no such lead."),
    "notFollowed": _("Nobody follows this lead up: there is no customer to turn to."),
    "ownerMayNot": _("This person may not work on leads of its publisher."),
    "unchanged": _("It is so already."),
    "held": _("Its connection does not work or is paused. It goes out by itself once that is fixed."),
    "mayHaveArrived": _("It may have arrived. Look for it there first."),
    "damaged": _("What is stored of it cannot be read, so it cannot be sent."),
    "withheld": _("It is withheld for privacy, and never sent."),
    "noConnection": _("Its offer has no connection. It goes out when one is made."),
    "nothingToSend": _("It has arrived, or is on its way."),
}
"""Why nothing was done to a lead, or a part of it was left."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done: with :attr:`BulkAct.OWNER` to whom (empty: nobody), with :attr:`BulkAct.STATE` which and why.

    ``uncertain`` sends again what may have arrived, too.
    """

    act: BulkAct
    owner_id: str = ""
    state: str = ""
    reason: str = ""
    uncertain: bool = False


class Selection:
    """Acts on many leads. ``woken`` is told the connections that have work; ``by`` is who acts, as the audit says."""

    def __init__(
        self, storage: Storage, woken: Callable[[Collection[str]], None] = lambda _: None, clock: Clock = now_ms
    ) -> None:
        self._storage = storage
        self._woken = woken
        self._clock = clock

    async def carry_out(
        self,
        lead_ids: Sequence[str],
        order: Order,
        *,
        by: str,
        publisher_id: str | None,
        dry_run: bool,
        language: Language = ENGLISH,
    ) -> BulkResult:
        """Do it, or on a dry run only say what would be done, to those leads that are ``publisher_id``'s, if named.

        Another's leads are answered as those that are not there. Raises :class:`Problem`, with nothing done, for more
        than :data:`MOST` leads and for an order that fits no lead.
        """
        require_order(order)
        if len(lead_ids) > MOST:
            message = _("Choose at most %(most)s leads at once.", most=MOST)
            raise Problem(ProblemType.INVALID_REQUEST, message, (FieldError("leadIds", message),))
        ids, now = list(dict.fromkeys(lead_ids)), self._clock()
        if dry_run:
            found = await self._storage.read(_plan, ids, order, now, publisher_id)
        else:
            found = []
            for lead_id in ids:
                outcome, woken = await self._storage.write(act_on_lead, lead_id, order, self._clock(), by, publisher_id)
                found.append(outcome)
                self._woken(woken)
        return BulkResult(dry_run=dry_run, outcomes=tuple(_explained(each, language) for each in found))


def require_order(order: Order) -> None:
    """Raise :class:`Problem` for an order that fits no lead."""
    if order.act is not BulkAct.STATE:
        return
    if order.state not in STATES:
        raise Problem(
            ProblemType.INVALID_REQUEST, _("Choose one of these."), (FieldError("state", _("Choose one of these.")),)
        )
    if order.state in NEEDS_REASON and not order.reason.strip():
        message = _("Say why: others learn from it.")
        raise Problem(ProblemType.INVALID_REQUEST, message, (FieldError("reason", message),))


def _explained(outcome: BulkOutcome, language: Language) -> BulkOutcome:
    if outcome.reason is None:
        return outcome
    return outcome.model_copy(update={"detail": language.tell(REASONS[outcome.reason])})


def _plan(
    conn: sa.Connection, lead_ids: Sequence[str], order: Order, now: int, publisher_id: str | None
) -> list[BulkOutcome]:
    if order.act is BulkAct.AGAIN:
        return [_sent(lead_id, *_sendable(conn, lead_id, order, publisher_id)) for lead_id in lead_ids]
    return [_followed(conn, lead_id, order, now, None, publisher_id) for lead_id in lead_ids]


def act_on_lead(
    conn: sa.Connection, lead_id: str, order: Order, now: int, by: str, publisher_id: str | None
) -> tuple[BulkOutcome, set[str]]:
    """Carry ``order`` out on one lead: what was done, and the connections that have work of it.

    Nothing is done to a lead that is not ``publisher_id``'s, if one is named.
    """
    if order.act is not BulkAct.AGAIN:
        return _followed(conn, lead_id, order, now, by, publisher_id), set()
    d, sent, woken = t.delivery.c, list[str](), set[str]()
    # What was refused a moment ago may have arrived since, and is not sent blindly: nobody changes it meanwhile.
    ids, reason = _sendable(conn, lead_id, order, publisher_id, held=True)
    for delivery_id in ids:
        row = conn.execute(sa.select(d.connection_id, d.state).where(d.id == delivery_id)).one()
        conn.execute(sa.update(t.delivery).where(d.id == delivery_id).values(due_now(now)))
        record_retry(conn, delivery_id, lead_id, row.state, now, by)
        sent.append(delivery_id)
        woken.add(row.connection_id)
    if sent:
        announce(conn)
    return _sent(lead_id, sent, reason), woken


def _sent(lead_id: str, ids: Collection[str], reason: Any) -> BulkOutcome:
    return BulkOutcome(lead_id=lead_id, done=bool(ids), deliveries=len(ids), reason=reason)


def _sendable(
    conn: sa.Connection, lead_id: str, order: Order, publisher_id: str | None, *, held: bool = False
) -> tuple[list[str], str | None]:
    """The deliveries to send, and why another is left; ``held``: all of them stay so until the transaction ends."""
    c, d = t.lead.c, t.delivery.c
    lead = conn.execute(sa.select(c.publisher_id, c.withheld).where(c.id == lead_id)).first()
    if lead is None or publisher_id not in (None, lead.publisher_id):
        return [], "unknown"
    query = sa.select(d.id, t.SHOWN_STATE.label("shown"), d.set_aside_for)
    query = query.join(t.connection, t.connection.c.id == d.connection_id).where(d.lead_id == lead_id).order_by(d.id)
    if held:
        query = query.with_for_update(of=t.delivery)
    ways = [ShownDelivery(row.id, row.shown, row.set_aside_for) for row in conn.execute(query)]
    return to_send(ways, withheld=lead.withheld, uncertain=order.uncertain)


def _followed(
    conn: sa.Connection, lead_id: str, order: Order, now: int, by: str | None, publisher_id: str | None
) -> BulkOutcome:
    """What follow-up becomes; ``by`` is ``None`` on a dry run."""
    change = (
        Change(order.state, order.reason or None) if order.act is BulkAct.STATE else Change(owner_id=order.owner_id)
    )
    try:
        if by is None:
            planned = plan_follow_up(conn, lead_id, change, now, publisher_id)
            done = planned.after != planned.before
        else:
            done = change_follow_up(conn, lead_id, change, now, by, publisher_id)
    except Problem as problem:
        return BulkOutcome.model_validate({"lead_id": lead_id, "done": False, "reason": _refusal(problem)})
    return BulkOutcome(lead_id=lead_id, done=done, reason=None if done else "unchanged")


def _refusal(problem: Problem) -> str:
    if problem.type is ProblemType.NOT_FOUND:
        return "unknown"
    return "ownerMayNot" if problem.errors else "notFollowed"
