"""Leads, their deliveries and attempts, and what workers hold."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.storage.tables.offers import AT_REST
from leadkeeper.storage.tables.schema import Id, Name, State, Uuid, metadata

lead: Final = sa.Table(
    "lead",
    metadata,
    sa.Column("id", Uuid, primary_key=True),
    sa.Column("publisher_id", Name, nullable=False),
    sa.Column("offer_id", Name, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("email", sa.Text, nullable=False),
    sa.Column("test", sa.Boolean, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("idempotency_key", sa.String(255)),
    sa.Column("fingerprint", sa.String(64)),
    # True while no connection was there to take the lead; the first one that comes gets it.
    sa.Column("unrouted", sa.Boolean, nullable=False),
    # Made by somebody who looked at the offer's preview.
    sa.Column("preview", sa.Boolean, nullable=False, server_default=sa.false()),
    # The customer's data were neither stored nor passed on; see privacy.
    sa.Column("withheld", sa.Boolean, nullable=False, server_default=sa.false()),
    # How often installations like this one passed it on before it came here; see lead.MOST_HOPS.
    sa.Column("hops", sa.Integer, nullable=False, server_default="0"),
    # What the customer agreed to in the storefront, and when, as JSON; see intake.keep.Consent.
    sa.Column("consent", sa.Text),
    # When all that may be personal was removed, since it was kept long enough; see privacy.expiry.
    sa.Column("expired_at", sa.BigInteger),
    # Of the customer, in small letters and cut; "*" of leads that were there before it was: then the body knows.
    sa.Column("country", sa.Text, nullable=False, server_default="*"),
    # What is searched of it, on PostgreSQL alone, which has an index of it; see lead_words and storage.search_index.
    sa.Column("words", sa.Text),
    sa.Index("ix_lead_offer", "publisher_id", "offer_id", "id"),
    sa.Index("ix_lead_publisher", "publisher_id", "id"),
    sa.Index("ix_lead_email", "email", "id"),
    sa.Index("ix_lead_source_action", "publisher_id", "source", "action", "id"),
)
sa.Index(
    "uq_lead_idempotency_key",
    lead.c.publisher_id,
    lead.c.idempotency_key,
    unique=True,
    sqlite_where=lead.c.idempotency_key.is_not(None),
    postgresql_where=lead.c.idempotency_key.is_not(None),
)
sa.Index(
    "ix_lead_unrouted",
    lead.c.publisher_id,
    lead.c.offer_id,
    # As each database writes the condition in a query, so that its planner sees that the index serves it.
    sqlite_where=sa.text("unrouted = 1"),
    postgresql_where=sa.text("unrouted"),
)
# As each database writes the condition in a query, so that its planner sees that the index serves it.
for _name in ("test", "withheld"):
    for _index, _columns in (
        (f"ix_lead_{_name}", (lead.c.id,)),
        (f"ix_lead_publisher_{_name}", (lead.c.publisher_id, lead.c.id)),
    ):
        sa.Index(_index, *_columns, sqlite_where=sa.text(f"{_name} = 1"), postgresql_where=sa.text(_name))
IN_A_COUNTRY: Final = lead.c.country != sa.literal_column("''")
"""A lead whose customer named a country, or of which nobody looked at it yet. Literal, for the partial index."""
sa.Index(
    "ix_lead_country",
    lead.c.publisher_id,
    lead.c.country,
    lead.c.id,
    sqlite_where=IN_A_COUNTRY,
    postgresql_where=IN_A_COUNTRY,
)

delivery: Final = sa.Table(
    "delivery",
    metadata,
    sa.Column("id", Uuid, primary_key=True),
    sa.Column("lead_id", Uuid, nullable=False, index=True),
    sa.Column("connection_id", Uuid, nullable=False),
    # pending, sending, waiting, delivered, unconfirmed, setAside, withheld; "held" is what a pending or waiting
    # delivery of a paused or removed connection is called, so that pausing and resuming touch no delivery.
    sa.Column("state", State, nullable=False),
    sa.Column("due_at", sa.BigInteger, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("crash_count", sa.Integer, nullable=False),
    sa.Column("lease_id", Id),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("changed_at", sa.BigInteger, nullable=False),
    # Why it was set aside, where that was us; see delivery.schedule.Aside.
    sa.Column("set_aside_for", State),
    postgresql_with={"fillfactor": "80", "autovacuum_vacuum_scale_factor": "0.02", "autovacuum_vacuum_cost_delay": "0"},
)
READY: Final = delivery.c.state.in_([sa.literal_column("'pending'"), sa.literal_column("'waiting'")])
"""A delivery that may be claimed once it is due. Literal, so that both databases use the partial index."""
sa.Index(
    "ix_delivery_ready",
    delivery.c.connection_id,
    delivery.c.due_at,
    delivery.c.id,
    sqlite_where=READY,
    postgresql_where=READY,
)
SENDING: Final = delivery.c.state == sa.literal_column("'sending'")
sa.Index("ix_delivery_lease", delivery.c.lease_id, sqlite_where=SENDING, postgresql_where=SENDING)
SET_ASIDE: Final = delivery.c.state == sa.literal_column("'setAside'")
BY_OUTAGE: Final = SET_ASIDE & (delivery.c.set_aside_for == sa.literal_column("'outage'"))
"""Set aside because its connection failed for long, and through no fault of its own."""
FOR_A_PERSON: Final = SET_ASIDE & delivery.c.set_aside_for.is_distinct_from(sa.literal_column("'outage'"))
"""Set aside for any other reason: it does not go out by itself."""
sa.Index(
    "ix_delivery_outage", delivery.c.connection_id, delivery.c.id, sqlite_where=BY_OUTAGE, postgresql_where=BY_OUTAGE
)
sa.Index(
    "ix_delivery_for_a_person",
    delivery.c.connection_id,
    delivery.c.set_aside_for,
    delivery.c.changed_at,
    sqlite_where=FOR_A_PERSON,
    postgresql_where=FOR_A_PERSON,
)
UNCONFIRMED: Final = delivery.c.state == sa.literal_column("'unconfirmed'")
sa.Index(
    "ix_delivery_unconfirmed",
    delivery.c.connection_id,
    delivery.c.changed_at,
    sqlite_where=UNCONFIRMED,
    postgresql_where=UNCONFIRMED,
)
sa.Index(
    "ix_delivery_set_aside",
    delivery.c.connection_id,
    delivery.c.changed_at,
    sqlite_where=SET_ASIDE,
    postgresql_where=SET_ASIDE,
)
# In the order in which leads came, for lists: however many were set aside, and however long ago.
for _name, _which in (("aside", SET_ASIDE), ("for_a_person", FOR_A_PERSON)):
    sa.Index(
        f"ix_delivery_{_name}_lead",
        delivery.c.connection_id,
        delivery.c.lead_id,
        sqlite_where=_which,
        postgresql_where=_which,
    )
WITHHELD: Final = delivery.c.state == sa.literal_column("'withheld'")
sa.Index(
    "ix_delivery_withheld",
    delivery.c.connection_id,
    delivery.c.lead_id,
    sqlite_where=WITHHELD,
    postgresql_where=WITHHELD,
)

SHOWN_STATE: Final[sa.Case[Any]] = sa.case(
    (READY & AT_REST, "held"),
    else_=delivery.c.state,
)
"""A delivery's state as it is shown; needs a join with ``connection``."""

attempt: Final = sa.Table(
    "attempt",
    metadata,
    sa.Column("id", Uuid, primary_key=True),
    sa.Column("delivery_id", Uuid, nullable=False, index=True),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("took_ms", sa.Integer, nullable=False),
    sa.Column("outcome", State, nullable=False),
    # An answer that came after its lease was lost: shown, but it moved nothing.
    sa.Column("late", sa.Boolean, nullable=False),
    # A receipt, or a diagnosis without its evidence; rows that older versions wrote hold that, too.
    sa.Column("answer", sa.Text, nullable=False),
)

evidence: Final = sa.Table(
    "evidence",
    metadata,
    # What the destination said in an attempt that failed, if anything. PostgreSQL keeps a table for each month of the
    # attempt's id and drops it whole: see storage.months.
    sa.Column("attempt_id", Uuid, primary_key=True),
    sa.Column("content", sa.Text, nullable=False),
    postgresql_partition_by="RANGE (attempt_id)",
)

lease: Final = sa.Table(
    "lease",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("until", sa.BigInteger, nullable=False),
)

process: Final = sa.Table(
    "process",
    metadata,
    # The processes of this installation that run, and how wrong their machines' clocks are; see storage.presence.
    sa.Column("id", Id, primary_key=True),
    sa.Column("role", State, nullable=False),  # serve, api, worker
    sa.Column("host", sa.String(255), nullable=False),
    sa.Column("started_at", sa.BigInteger, nullable=False),
    sa.Column("seen_at", sa.BigInteger, nullable=False),
    # How many milliseconds its machine's clock is ahead of the database's.
    sa.Column("ahead_ms", sa.BigInteger, nullable=False),
    # Of the program that it runs.
    sa.Column("version", sa.String(32), nullable=False, server_default=""),
)

clock: Final = sa.Table(
    "clock",
    metadata,
    # One row: the latest time that any process saw, so that a clock set back is noticed, and dealt with once.
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("seen_at", sa.BigInteger, nullable=False),
)
