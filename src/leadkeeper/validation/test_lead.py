"""The test lead of a validation: kept as every lead is, with one delivery that this process holds from the start."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from leadkeeper.clock import new_id
from leadkeeper.connections.connection import Connection
from leadkeeper.connections.deliveries import new_delivery
from leadkeeper.delivery.lease import open_lease
from leadkeeper.delivery.schedule import MINUTE, SENT_ONCE, State
from leadkeeper.intake.direct import outgoing
from leadkeeper.intake.keep import insert_lead
from leadkeeper.intake.new_lead import NewLead
from leadkeeper.lead import Action, OutgoingLead, test_customer
from leadkeeper.offer import OfferRef
from leadkeeper.storage import tables as t

LEASE: Final = 5 * MINUTE


def test_lead(offer: OfferRef, marker: str) -> NewLead:
    """The lead that Microsoft's portal sends to prove a connection; ``marker`` tells it from all others."""
    return NewLead(offer, marker, Action.INSTALL.value, test_customer(marker), description=marker)


def begin_test(conn: sa.Connection, connection: Connection, marker: str, now: int) -> tuple[OutgoingLead, str, str]:
    """Keep a test lead with one delivery, over ``connection`` alone; the lead, the delivery's id and its lease's."""
    new, lead_id = test_lead(connection.offer, marker), new_id()
    insert_lead(conn, lead_id, new, now)
    lease_id = open_lease(conn, now + LEASE, now)
    sent = {"state": State.SENDING.value, "due_at": SENT_ONCE, "lease_id": lease_id}
    row = new_delivery(lead_id, connection.id, now) | sent
    conn.execute(sa.insert(t.delivery).values(row))
    return outgoing_test_lead(conn, lead_id, new, now), row["id"], lease_id


def outgoing_test_lead(conn: sa.Connection, lead_id: str, new: NewLead, now: int) -> OutgoingLead:
    """``new`` as its adapter gets it when it is kept under that id at ``now``."""
    found = conn.execute(
        sa.select(t.offer.c.title, t.publisher.c.display_name)
        .join(t.publisher, t.publisher.c.id == t.offer.c.publisher_id)
        .where(t.offer.c.ref == str(new.offer))
    ).one()
    return outgoing(new, lead_id, now, found.title, found.display_name)
