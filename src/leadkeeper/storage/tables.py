"""The tables, defined once for SQLite and PostgreSQL.

Times are whole milliseconds since 1970 UTC. Ids are UUIDv7 texts, so that ordering by id is ordering by time.
Rows that the hot paths write (lead, delivery, attempt) carry no foreign keys: the parents are read and locked in the
same transaction and never deleted while children exist, and a key check per row would cost more than the row.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

metadata: Final = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_Id = sa.String(36)
_Name = sa.String(128)
_State = sa.String(16)

publisher: Final = sa.Table(
    "publisher",
    metadata,
    sa.Column("id", _Name, primary_key=True),
    sa.Column("display_name", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("changed_at", sa.BigInteger, nullable=False),
    # Its display name in lower case, for the storefront's search.
    sa.Column("shelf_name", sa.Text, nullable=False, server_default=""),
    # JSON: quotas of its own, by name; see access.quotas.
    sa.Column("quotas", sa.Text),
)

quota_use: Final = sa.Table(
    "quota_use",
    metadata,
    # What each process counted of what a publisher may do by the day and by the minute: see access.rates. Each
    # process writes rows of its own, so that none waits for another.
    sa.Column("publisher_id", _Name, primary_key=True),
    sa.Column("rate", sa.String(32), primary_key=True),
    sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),  # since 1970, UTC
    sa.Column("process", _Id, primary_key=True),
    sa.Column("day_used", sa.BigInteger, nullable=False),
    sa.Column("minute", sa.BigInteger, nullable=False),  # the last one that was counted, since 1970
    sa.Column("minute_used", sa.BigInteger, nullable=False),
)

offer: Final = sa.Table(
    "offer",
    metadata,
    # "publisher.offer", the text that a lead source carries; publisher ids hold no dot, so it is unique.
    sa.Column("ref", sa.String(257), primary_key=True),
    sa.Column("publisher_id", _Name, sa.ForeignKey("publisher.id"), nullable=False),
    sa.Column("id", _Name, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("offer_type", _Name, nullable=False),
    sa.Column("live", sa.Boolean, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("changed_at", sa.BigInteger, nullable=False),
    # Which of its versions each slot holds; the storefront shows the production's.
    sa.Column("draft_version", sa.Integer, nullable=False, server_default="1"),
    sa.Column("preview_version", sa.Integer),
    sa.Column("production_version", sa.Integer),
    # Grows with every change of the draft; its ETag.
    sa.Column("revision", sa.Integer, nullable=False, server_default="1"),
    # Whoever has it sees the preview.
    sa.Column("preview_key", sa.String(64), nullable=False, server_default=""),
    # What the storefront sorts by and searches in, in lower case: the title; title, summary, publisher and type. Of
    # what is published; empty before.
    sa.Column("shelf_title", sa.String(200), nullable=False, server_default=""),
    sa.Column("shelf_text", sa.Text, nullable=False, server_default=""),
    sa.UniqueConstraint("publisher_id", "id"),
)
ON_SHELF: Final = offer.c.live & offer.c.production_version.is_not(None)
"""An offer that customers see."""
sa.Index(
    "ix_offer_shelf",
    offer.c.shelf_title,
    offer.c.ref,
    # As each database writes the condition in a query, so that its planner sees that the index serves it.
    sqlite_where=sa.text("live = 1 AND production_version IS NOT NULL"),
    postgresql_where=sa.text("live AND production_version IS NOT NULL"),
)

offer_version: Final = sa.Table(
    "offer_version",
    metadata,
    sa.Column("offer_ref", sa.String(257), sa.ForeignKey("offer.ref"), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    # What the publisher says of the offer, as JSON in Microsoft's names, without its lead configuration.
    sa.Column("definition", sa.Text, nullable=False),
    sa.Column("changed_at", sa.BigInteger, nullable=False),
)

operation: Final = sa.Table(
    "operation",
    metadata,
    sa.Column("id", _Id, primary_key=True),
    sa.Column("offer_ref", sa.String(257), sa.ForeignKey("offer.ref"), nullable=False, index=True),
    sa.Column("kind", _State, nullable=False),  # publish, goLive
    sa.Column("version", sa.Integer, nullable=False),  # of the offer
    sa.Column("state", _State, nullable=False),  # running, completed, failed, canceled
    sa.Column("steps", sa.Text, nullable=False),  # JSON; see publishing.steps
    sa.Column("emails", sa.Text, nullable=False),  # JSON list: who hears of its progress
    sa.Column("started_by", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("changed_at", sa.BigInteger, nullable=False),
    # When it is looked at next; whoever takes it moves this on, and comes back to it only if it still stands there.
    sa.Column("due_at", sa.BigInteger, nullable=False),
)
RUNNING: Final = operation.c.state == sa.literal_column("'running'")
sa.Index("ix_operation_due", operation.c.due_at, sqlite_where=RUNNING, postgresql_where=RUNNING)
sa.Index("uq_operation_running", operation.c.offer_ref, unique=True, sqlite_where=RUNNING, postgresql_where=RUNNING)
"""An offer has one running operation at most."""

cross_listing: Final = sa.Table(
    "cross_listing",
    metadata,
    # The pair in the order of its texts; each side has agreed or has not yet.
    sa.Column("first_ref", sa.String(257), sa.ForeignKey("offer.ref"), primary_key=True),
    sa.Column("second_ref", sa.String(257), sa.ForeignKey("offer.ref"), primary_key=True, index=True),
    sa.Column("first_agreed_at", sa.BigInteger),
    sa.Column("second_agreed_at", sa.BigInteger),
)

connection: Final = sa.Table(
    "connection",
    metadata,
    sa.Column("id", _Id, primary_key=True),
    sa.Column("offer_ref", sa.String(257), sa.ForeignKey("offer.ref"), nullable=False),
    sa.Column("name", sa.String(64), nullable=False),
    sa.Column("destination", sa.String(32), nullable=False),
    sa.Column("settings", sa.Text, nullable=False),
    sa.Column("secrets", sa.Text, nullable=False),
    # Grows with every change and every resume; answers to sends of an older epoch say nothing about this one.
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("changed_at", sa.BigInteger, nullable=False),
    sa.Column("removed_at", sa.BigInteger),
    # Whether the destination tells twice from once with these settings; copied here for whoever finds a lost delivery.
    sa.Column("repeatable", sa.Boolean, nullable=False, server_default=sa.false()),
    # When it is looked at next although nothing went wrong.
    sa.Column("check_at", sa.BigInteger, nullable=False, server_default="0"),
    # Whether each lead is announced to the contact e-mails: at once, once a day, or not.
    sa.Column("announces", sa.String(8), nullable=False, server_default="none"),
    # Whether a test lead arrived with just these settings.
    sa.Column("proven", sa.Boolean, nullable=False, server_default=sa.false()),
    # Health: see delivery.breaker.
    sa.Column("paused", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("paused_by_person", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
    sa.Column("refusals", sa.Integer, nullable=False, server_default="0"),
    sa.Column("refused_since", sa.BigInteger),
    sa.Column("throttles", sa.Integer, nullable=False, server_default="0"),
    sa.Column("closed_until", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("probes", sa.Integer, nullable=False, server_default="0"),
    sa.Column("probe_at", sa.BigInteger),
    sa.Column("diagnosis", sa.Text),
    sa.UniqueConstraint("offer_ref", "name"),
)
sa.Index(
    "ix_connection_probe",
    connection.c.probe_at,
    sqlite_where=connection.c.probe_at.is_not(None),
    postgresql_where=connection.c.probe_at.is_not(None),
)

connection_change: Final = sa.Table(
    "connection_change",
    metadata,
    # New settings of a published offer's connection: they take effect once a test lead arrives with them.
    sa.Column("connection_id", _Id, sa.ForeignKey("connection.id"), primary_key=True),
    sa.Column("destination", sa.String(32), nullable=False),
    sa.Column("settings", sa.Text, nullable=False),
    sa.Column("secrets", sa.Text, nullable=False),
    sa.Column("repeatable", sa.Boolean, nullable=False),
    sa.Column("announces", sa.String(8), nullable=False),
    sa.Column("changed_at", sa.BigInteger, nullable=False),
    # When a worker validates it although nobody asked.
    sa.Column("due_at", sa.BigInteger, nullable=False, index=True),
    # Why the last validation failed, as it is stored; none before the first.
    sa.Column("diagnosis", sa.Text),
)

hook: Final = sa.Table(
    "hook",
    metadata,
    sa.Column("id", _Id, primary_key=True),
    sa.Column("offer_ref", sa.String(257), sa.ForeignKey("offer.ref"), nullable=False, index=True),
    sa.Column("token_hash", sa.String(64), nullable=False, unique=True),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("removed_at", sa.BigInteger),
)

lead: Final = sa.Table(
    "lead",
    metadata,
    sa.Column("id", _Id, primary_key=True),
    sa.Column("publisher_id", _Name, nullable=False),
    sa.Column("offer_id", _Name, nullable=False),
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
    sa.Index("ix_lead_offer", "publisher_id", "offer_id", "id"),
    sa.Index("ix_lead_publisher", "publisher_id", "id"),
    sa.Index("ix_lead_email", "email", "id"),
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

delivery: Final = sa.Table(
    "delivery",
    metadata,
    sa.Column("id", _Id, primary_key=True),
    sa.Column("lead_id", _Id, nullable=False, index=True),
    sa.Column("connection_id", _Id, nullable=False),
    # pending, sending, waiting, delivered, unconfirmed, setAside, withheld; "held" is what a pending or waiting
    # delivery of a paused or removed connection is called, so that pausing and resuming touch no delivery.
    sa.Column("state", _State, nullable=False),
    sa.Column("due_at", sa.BigInteger, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("lost", sa.Integer, nullable=False),
    sa.Column("lease_id", _Id),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("changed_at", sa.BigInteger, nullable=False),
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

SHOWN_STATE: Final[sa.Case[Any]] = sa.case(
    (
        READY & (connection.c.paused | connection.c.paused_by_person | connection.c.removed_at.is_not(None)),
        "held",
    ),
    else_=delivery.c.state,
)
"""A delivery's state as it is shown; needs a join with ``connection``."""

attempt: Final = sa.Table(
    "attempt",
    metadata,
    sa.Column("id", _Id, primary_key=True),
    sa.Column("delivery_id", _Id, nullable=False, index=True),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("took_ms", sa.Integer, nullable=False),
    sa.Column("outcome", _State, nullable=False),
    # An answer that came after its lease was lost: shown, but it moved nothing.
    sa.Column("late", sa.Boolean, nullable=False),
    sa.Column("answer", sa.Text, nullable=False),
)

lease: Final = sa.Table(
    "lease",
    metadata,
    sa.Column("id", _Id, primary_key=True),
    sa.Column("until", sa.BigInteger, nullable=False),
)

clock: Final = sa.Table(
    "clock",
    metadata,
    # One row: the latest time that any process saw, so that a clock set back is noticed, and dealt with once.
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("seen_at", sa.BigInteger, nullable=False),
)

notice: Final = sa.Table(
    "notice",
    metadata,
    sa.Column("id", _Id, primary_key=True),
    # To a connection's contact e-mails, or to those of an operation.
    sa.Column("connection_id", _Id, sa.ForeignKey("connection.id"), index=True),
    sa.Column("operation_id", _Id, sa.ForeignKey("operation.id")),
    # See connections.outbox: what each kind says, and what its body holds.
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("due_at", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
    sa.Column("ended_at", sa.BigInteger),
    # JSON list: who is still to be told; all of them while it is empty.
    sa.Column("recipients", sa.Text),
)
WAITING_NOTICE: Final = notice.c.ended_at.is_(None)
sa.Index("ix_notice_due", notice.c.due_at, sqlite_where=WAITING_NOTICE, postgresql_where=WAITING_NOTICE)

contact: Final = sa.Table(
    "contact",
    metadata,
    sa.Column("publisher_id", _Name, sa.ForeignKey("publisher.id"), primary_key=True),
    # The same text for every way to write the address, and for every address of one mailbox: see MailAddress.
    sa.Column("address", sa.String(320), primary_key=True),
    sa.Column("mailbox", sa.String(320), nullable=False, index=True),
    sa.Column("state", _State, nullable=False),  # waiting, asked, confirmed, declined
    # Of the link in the question.
    sa.Column("token_hash", sa.String(64), unique=True),
    sa.Column("asks", sa.Integer, nullable=False, server_default="0"),
    # When the question is due; none when it is not to be asked.
    sa.Column("ask_at", sa.BigInteger, index=True),
    sa.Column("asked_at", sa.BigInteger),
    sa.Column("answered_at", sa.BigInteger),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    # Why the mail server refused the last mail, as diagnoses are stored.
    sa.Column("trouble", sa.Text),
)

declined_mailbox: Final = sa.Table(
    "declined_mailbox",
    metadata,
    # Whoever reads it wants no mail from this installation, whichever publisher enters it.
    sa.Column("mailbox", sa.String(320), primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False),
)

mail_count: Final = sa.Table(
    "mail_count",
    metadata,
    # How many mails went out for a publisher in five minutes (numbered since 1970), each recipient counted.
    sa.Column("publisher_id", _Name, sa.ForeignKey("publisher.id"), primary_key=True),
    sa.Column("slot", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("mails", sa.Integer, nullable=False),
)

key: Final = sa.Table(
    "key",
    metadata,
    sa.Column("id", _Id, primary_key=True),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("publisher_id", _Name),
    sa.Column("hash", sa.String(64), nullable=False, unique=True),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("revoked_at", sa.BigInteger),
)

session: Final = sa.Table(
    "session",
    metadata,
    sa.Column("id", _Id, primary_key=True),
    sa.Column("token_hash", sa.String(64), nullable=False, unique=True),
    # Who is signed in: a session ends with its key.
    sa.Column("key_id", _Id, sa.ForeignKey("key.id"), nullable=False, index=True),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("seen_at", sa.BigInteger, nullable=False),
    sa.Column("until", sa.BigInteger, nullable=False, index=True),
    sa.Column("ended_at", sa.BigInteger),
)

audit: Final = sa.Table(
    "audit",
    metadata,
    sa.Column("id", _Id, primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("act", sa.String(64), nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    # Whose things it is about, where they are one publisher's: it may read these lines.
    sa.Column("publisher_id", _Name),
    sa.Index(None, "publisher_id", "id"),
)
