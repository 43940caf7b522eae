"""What channels are told of leads that come in, in the transaction that keeps them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

import sqlalchemy as sa

from leadkeeper.channels.events import Event
from leadkeeper.channels.subscriptions import Occurrence, Subscriptions
from leadkeeper.delivery.direct import Grant
from leadkeeper.lead import Customer, is_test
from leadkeeper.offer import OfferRef


class _Delivery(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def connection(self) -> str: ...
    @property
    def state(self) -> str: ...


class _Kept(Protocol):
    @property
    def repeat(self) -> bool: ...
    @property
    def deliveries(self) -> Sequence[_Delivery]: ...


class _Lead(Protocol):
    @property
    def offer(self) -> OfferRef: ...
    @property
    def customer(self) -> Customer: ...
    @property
    def source(self) -> str: ...
    @property
    def action(self) -> str: ...


class _Item(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def lead(self) -> _Lead: ...
    @property
    def withheld(self) -> bool: ...


Item = TypeVar("Item", bound=_Item)
Answer = TypeVar("Answer")


def telling(keep: Callable[..., list[Answer]], subscriptions: Subscriptions) -> Callable[..., list[Answer]]:
    """``keep`` as a transaction that also tells of the leads that it keeps.

    It answers, for each lead that it was given, something with ``kept`` for those that were kept.
    """

    def transaction(
        conn: sa.Connection, group: Sequence[Item], now: int, grant: Grant, *, wait: bool = False
    ) -> list[Answer]:
        answers = keep(conn, group, now, grant, wait=wait)
        events = [
            event
            for item, answer in zip(group, answers, strict=True)
            if subscriptions.hears_any(item.lead.offer.publisher_id)
            and (kept := getattr(answer, "kept", None)) is not None
            for event in _events(item, kept)
        ]
        subscriptions.write(conn, events, now)
        return answers

    return transaction


def _events(item: _Item, kept: _Kept) -> Iterator[Occurrence]:
    if kept.repeat:
        return
    lead, offer = item.lead, item.lead.offer
    data: dict[str, Any] = {"leadId": item.id, "offerId": offer.offer_id, "source": lead.source, "action": lead.action}
    data["test"] = is_test(lead.customer, lead.source)
    yield Occurrence(Event.LEAD_WITHHELD if item.withheld else Event.LEAD_RECEIVED, offer.publisher_id, data)
    for delivery in kept.deliveries:
        event = {"held": Event.LEAD_HELD, "setAside": Event.LEAD_SET_ASIDE}.get(delivery.state)
        if event is not None:
            of_delivery = {"deliveryId": delivery.id, "connection": delivery.connection}
            cause = "connectionAtRest" if event is Event.LEAD_HELD else "refused"
            yield Occurrence(event, offer.publisher_id, data | of_delivery | {"cause": cause})
