"""What of a group of new leads goes straight to the worker of this process, decided within intake's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from leadkeeper.clock import to_datetime
from leadkeeper.delivery.claim import Claimed
from leadkeeper.delivery.direct import Grant
from leadkeeper.delivery.schedule import State
from leadkeeper.intake.new_lead import NewLead
from leadkeeper.intake.routes import Route, RouteConnection
from leadkeeper.intake.rows import Prepared
from leadkeeper.lead import OutgoingLead, is_test, lead_source_text


class Claiming:
    """Claims new deliveries as far as ``grant`` goes; made anew for each transaction, which may be tried twice."""

    def __init__(self, grant: Grant, now: int) -> None:
        self._grant = grant
        self._now = now
        spaces = grant.spaces.copy()  # in one step: the loop may add to it while this runs in a thread
        self._left = {connection_id: space.deliveries for connection_id, space in spaces.items()}
        self._lead: tuple[str, OutgoingLead] | None = None

    def claim_all(self, item: Prepared, route: Route, rows: Sequence[dict[str, Any]]) -> Sequence[tuple[str, Claimed]]:
        """What is claimed of one lead's deliveries, whose ``rows`` are in the order of the route's connections."""
        return [
            (connection.id, claimed)
            for connection, row in zip(route.connections, rows, strict=True)
            if (claimed := self._claim(item, route, connection, row)) is not None
        ]

    def _claim(self, item: Prepared, route: Route, connection: RouteConnection, row: dict[str, Any]) -> Claimed | None:
        """Claim the delivery in ``row``, which is about to be written, if that may be; else it waits as any other."""
        left = self._left.get(connection.id, 0)
        if not left or not connection.sends or row["state"] != State.PENDING.value:
            return None
        if connection.generation != self._grant.spaces[connection.id].generation:
            return None
        self._left[connection.id] = left - 1
        row["state"], row["lease_id"] = State.SENDING.value, self._grant.lease_id
        return Claimed(row["id"], self._outgoing(item, route), 0, 0, self._now)

    def _outgoing(self, item: Prepared, route: Route) -> OutgoingLead:
        """The lead as its adapters take it, as if read from its row."""
        if self._lead is None or self._lead[0] != item.id:
            self._lead = item.id, outgoing(item.lead, item.id, self._now, route.title, route.publisher_name)
        return self._lead[1]


def outgoing(lead: NewLead, lead_id: str, now: int, offer_title: str, publisher_name: str) -> OutgoingLead:
    """``lead`` as adapters get it when it is kept under that id at ``now`` (ms).

    The same as ``delivery.claim.outgoing_lead`` makes of the row in which it is kept.
    """
    offer = lead.offer
    return OutgoingLead(
        id=lead_id,
        created_at=to_datetime(now),
        source=lead.source,
        action=lead.action,
        lead_source=lead_source_text(lead.source, lead.action, offer.publisher_id, offer.offer_id, offer_title),
        publisher_id=offer.publisher_id,
        publisher_name=publisher_name,
        offer_id=offer.offer_id,
        offer_title=offer_title,
        customer=lead.customer,
        description=lead.description,
        campaign=lead.campaign,
        test=is_test(lead.customer, lead.source),
        hops=lead.hops,
    )
