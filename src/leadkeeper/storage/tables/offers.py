"""Publishers, their offers, and the connections and hooks of these."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.storage.tables.schema import Id, Name, State, Uuid, metadata

publisher: Final = sa.Table(
    "publisher",
    metadata,
    sa.Column("id", Name, primary_key=True),
    sa.Column("display_name", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("changed_at", sa.BigInteger, nullable=False),
    # Its display name in lower case, for the storefront's search.
    sa.Column("shelf_name", sa.Text, nullable=False, server_default=""),
    # JSON: quotas of its own, by name; see access.quotas.
    sa.Column("quotas", sa.Text),
    # JSON: for how long its data are kept, where that is shorter than usual; see privacy.periods.
    sa.Column("retention", sa.Text),
    # Whom an operator asks about it: a name, an address, a number, as it was entered.
    sa.Column("contact", sa.Text, nullable=False, server_default=""),
    # Since when an operator lets it do nothing but read, and why; see publishing.suspension.
    sa.Column("suspended_at", sa.BigInteger),
    sa.Column("suspended_for", sa.Text, nullable=False, server_default=""),
    # The last of its withheld leads of which somebody said that they have seen it; see inbox.withheld.
    sa.Column("withheld_seen", sa.String(36)),
)

quota_use: Final = sa.Table(
    "quota_use",
    metadata,
    # What each process counted of what a publisher may do by the day and by the minute: see access.rates. Each
    # process writes rows of its own, so that none waits for another.
    sa.Column("publisher_id", Name, primary_key=True),
    sa.Column("rate", sa.String(32), primary_key=True),
    sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),  # since 1970, UTC
    sa.Column("process", Id, primary_key=True),
    sa.Column("day_used", sa.BigInteger, nullable=False),
    sa.Column("minute", sa.BigInteger, nullable=False),  # the last one that was counted, since 1970
    sa.Column("minute_used", sa.BigInteger, nullable=False),
)

offer: Final = sa.Table(
    "offer",
    metadata,
    # "publisher.offer", the text that a lead source carries; publisher ids hold no dot, so it is unique.
    sa.Column("ref", sa.String(257), primary_key=True),
    sa.Column("publisher_id", Name, sa.ForeignKey("publisher.id"), nullable=False),
    sa.Column("id", Name, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("offer_type", Name, nullable=False),
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
    sa.Column("shelf_category", sa.String(100), nullable=False, server_default=""),
    # What the storefront's list shows of it beside its title, as the publisher wrote it: no definition is read for it.
    sa.Column("shelf_summary", sa.Text, nullable=False, server_default=""),
    sa.Column("shelf_price", sa.String(100), nullable=False, server_default=""),
    sa.Column("shelf_logo", sa.String(64), nullable=False, server_default=""),
    sa.UniqueConstraint("publisher_id", "id"),
)
sa.Index("ix_offer_id", offer.c.id)
ON_SHELF: Final = offer.c.live & offer.c.production_version.is_not(None)
"""An offer that customers see."""
_ON_SHELF: Final[Mapping[str, Any]] = {
    # As each database writes the condition in a query, so that its planner sees that the index serves it.
    "sqlite_where": sa.text("live = 1 AND production_version IS NOT NULL"),
    "postgresql_where": sa.text("live AND production_version IS NOT NULL"),
}
sa.Index("ix_offer_shelf", offer.c.shelf_title, offer.c.ref, **_ON_SHELF)
sa.Index("ix_offer_category", offer.c.shelf_category, **_ON_SHELF)

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
    sa.Column("id", Id, primary_key=True),
    sa.Column("offer_ref", sa.String(257), sa.ForeignKey("offer.ref"), nullable=False, index=True),
    sa.Column("kind", State, nullable=False),  # publish, goLive
    sa.Column("version", sa.Integer, nullable=False),  # of the offer
    sa.Column("state", State, nullable=False),  # running, completed, failed, canceled
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

FAILED: Final = operation.c.state == sa.literal_column("'failed'")
sa.Index("ix_operation_failed", operation.c.id, sqlite_where=FAILED, postgresql_where=FAILED)

cross_listing: Final = sa.Table(
    "cross_listing",
    metadata,
    # The pair in the order of its texts; each side has agreed or has not yet.
    sa.Column("first_ref", sa.String(257), sa.ForeignKey("offer.ref"), primary_key=True),
    sa.Column("second_ref", sa.String(257), sa.ForeignKey("offer.ref"), primary_key=True, index=True),
    sa.Column("first_agreed_at", sa.BigInteger),
    sa.Column("second_agreed_at", sa.BigInteger),
)

offer_logo: Final = sa.Table(
    "offer_logo",
    metadata,
    # The pictures that an offer's versions name by the SHA-256 of their bytes: PNGs that we drew; see publishing.logos.
    sa.Column("offer_ref", sa.String(257), sa.ForeignKey("offer.ref"), primary_key=True),
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
)

connection: Final = sa.Table(
    "connection",
    metadata,
    sa.Column("id", Uuid, primary_key=True),
    sa.Column("offer_ref", sa.String(257), sa.ForeignKey("offer.ref"), nullable=False),
    sa.Column("name", sa.String(64), nullable=False),
    sa.Column("destination", sa.String(32), nullable=False),
    sa.Column("settings", sa.Text, nullable=False),
    sa.Column("secrets", sa.Text, nullable=False),
    # Grows with every change and every resume; answers to sends of an older generation say nothing about this one.
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("changed_at", sa.BigInteger, nullable=False),
    sa.Column("removed_at", sa.BigInteger),
    # Whether the destination tells twice from once with these settings; copied here for whoever finds a lost delivery.
    sa.Column("repeatable", sa.Boolean, nullable=False, server_default=sa.false()),
    # When it is looked at next although nothing went wrong.
    sa.Column("check_at", sa.BigInteger, nullable=False, server_default="0"),
    # Whether each lead is announced to the contact e-mails: at once, once a day, or not.
    sa.Column("announces", sa.String(8), nullable=False, server_default="none"),
    # What is known of just these settings: whether one lead is known to be there, and whether any was taken.
    sa.Column("proven", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("tried", sa.Boolean, nullable=False, server_default=sa.false()),
    # The last test lead that was taken, the settings that it was sent with where these wait (as connection_change has
    # their secrets), and why the last validation failed: see connections.last_test.
    sa.Column("test_lead_id", Id),
    sa.Column("test_marker", sa.String(64)),
    sa.Column("test_sent_at", sa.BigInteger),
    sa.Column("test_confirmed", sa.Boolean),
    sa.Column("test_change", sa.Text),
    sa.Column("test_diagnosis", sa.Text),
    # What somebody said of a test lead: whether it was found, which, who, when.
    sa.Column("found", sa.Boolean),
    sa.Column("found_marker", sa.String(64)),
    sa.Column("found_by", sa.Text),
    sa.Column("found_at", sa.BigInteger),
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
    # An outage: since when nothing gets through, and since when something does again (while people have yet to hear of
    # it); when they were told last, and when to see whether they are to be told. See connections.outage.
    sa.Column("failing_since", sa.BigInteger),
    sa.Column("works_since", sa.BigInteger),
    sa.Column("notified_at", sa.BigInteger),
    sa.Column("tell_at", sa.BigInteger),
    # When to look at what its outages set aside; none when there is nothing. See delivery.recall.
    sa.Column("recall_at", sa.BigInteger),
    # When it recovered, while more of its deliveries wait than became due at that moment. See delivery.hasten.
    sa.Column("recovered_at", sa.BigInteger),
    # When the credentials in these settings end, as far as that is known; see connections.expiry.
    sa.Column("ends_at", sa.BigInteger),
    # Since when leads go out with just these settings; whom they tell does not matter.
    sa.Column("settings_since", sa.BigInteger, nullable=False, server_default="0"),
    # Its publisher is suspended: copied here, so that whoever claims deliveries looks at one row.
    sa.Column("suspended", sa.Boolean, nullable=False, server_default=sa.false()),
    # What people call it, empty where that is its name; and its place among the offer's connections, from 1, 0 where
    # nobody put them in order: see connections.titles.
    sa.Column("title", sa.String(64), nullable=False, server_default=""),
    sa.Column("position", sa.Integer, nullable=False, server_default="0"),
    sa.UniqueConstraint("offer_ref", "name"),
)
CONNECTION_TITLE: Final[sa.ColumnElement[str]] = sa.func.coalesce(
    sa.func.nullif(connection.c.title, ""), connection.c.name
).label("connection_title")
"""What people call a connection: its title, or its name where it has none."""
IN_ORDER: Final = (connection.c.position, connection.c.name)
"""The order of an offer's connections: as somebody put them, else by name."""
PAUSED: Final[sa.ColumnElement[bool]] = connection.c.paused | connection.c.paused_by_person
"""We or a person paused the connection."""
AT_REST: Final[sa.ColumnElement[bool]] = PAUSED | connection.c.suspended | connection.c.removed_at.is_not(None)
"""Nothing is sent over the connection until somebody does something: its deliveries are held."""
sa.Index(
    "ix_connection_at_rest",
    connection.c.id,
    # As each database writes the condition in a query, so that its planner sees that the index serves it.
    sqlite_where=sa.text("paused = 1 OR paused_by_person = 1 OR suspended = 1 OR removed_at IS NOT NULL"),
    postgresql_where=sa.text("paused OR paused_by_person OR suspended OR removed_at IS NOT NULL"),
)
CHECKED: Final[sa.ColumnElement[bool]] = (
    connection.c.removed_at.is_(None) & sa.not_(connection.c.paused) & sa.not_(connection.c.paused_by_person)
)
"""A working connection: it is looked at now and then although nothing went wrong."""
sa.Index(
    "ix_connection_check",
    connection.c.check_at,
    # As each database writes the condition in a query, so that its planner sees that the index serves it.
    sqlite_where=sa.text("removed_at IS NULL AND paused = 0 AND paused_by_person = 0"),
    postgresql_where=sa.text("removed_at IS NULL AND NOT paused AND NOT paused_by_person"),
)
UNWELL: Final[sa.ColumnElement[bool]] = sa.and_(
    connection.c.removed_at.is_(None),
    PAUSED
    | (connection.c.failures >= sa.literal_column("5"))
    | connection.c.test_diagnosis.is_not(None)
    | connection.c.notified_at.is_not(None),
)
"""All connections that are broken or that a person paused, and few others: see connections.by_state."""
sa.Index(
    "ix_connection_unwell",
    connection.c.offer_ref,
    connection.c.name,
    # As each database writes the condition in a query, so that its planner sees that the index serves it.
    sqlite_where=sa.text(
        "removed_at IS NULL AND (paused = 1 OR paused_by_person = 1 OR failures >= 5 OR test_diagnosis IS NOT NULL "
        "OR notified_at IS NOT NULL)"
    ),
    postgresql_where=sa.text(
        "removed_at IS NULL AND (paused OR paused_by_person OR failures >= 5 OR test_diagnosis IS NOT NULL "
        "OR notified_at IS NOT NULL)"
    ),
)
CONCERNING: Final[sa.ColumnElement[bool]] = sa.and_(
    connection.c.removed_at.is_(None),
    PAUSED
    | (connection.c.failures > sa.literal_column("0"))
    | (connection.c.refusals > sa.literal_column("0"))
    | connection.c.test_diagnosis.is_not(None)
    | connection.c.notified_at.is_not(None)
    | (connection.c.tried & sa.not_(connection.c.proven)),
)
"""All connections that somebody may have to look at for how they are doing: see inbox.attention."""
sa.Index(
    "ix_connection_concerning",
    connection.c.offer_ref,
    connection.c.name,
    connection.c.id,
    # As each database writes the condition in a query, so that its planner sees that the index serves it.
    sqlite_where=sa.text(
        "removed_at IS NULL AND (paused = 1 OR paused_by_person = 1 OR failures > 0 OR refusals > 0 "
        "OR test_diagnosis IS NOT NULL OR notified_at IS NOT NULL OR tried = 1 AND proven = 0)"
    ),
    postgresql_where=sa.text(
        "removed_at IS NULL AND (paused OR paused_by_person OR failures > 0 OR refusals > 0 "
        "OR test_diagnosis IS NOT NULL OR notified_at IS NOT NULL OR tried AND NOT proven)"
    ),
)
for _moment in (connection.c.tell_at, connection.c.recall_at, connection.c.recovered_at, connection.c.ends_at):
    sa.Index(
        f"ix_connection_{_moment.name}",
        _moment,
        sqlite_where=_moment.is_not(None),
        postgresql_where=_moment.is_not(None),
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
    sa.Column("connection_id", Uuid, sa.ForeignKey("connection.id"), primary_key=True),
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
    sa.Column("id", Id, primary_key=True),
    sa.Column("offer_ref", sa.String(257), sa.ForeignKey("offer.ref"), nullable=False, index=True),
    sa.Column("token_hash", sa.String(64), nullable=False, unique=True),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("removed_at", sa.BigInteger),
    # When a lead was posted to it last, to the minute; see access.uses.
    sa.Column("used_at", sa.BigInteger),
    # The address that it had before, until when that still takes leads, and when it took one last.
    sa.Column("old_token_hash", sa.String(64), index=True),
    sa.Column("old_until", sa.BigInteger),
    sa.Column("old_used_at", sa.BigInteger),
    # The keys of the last payloads, without values; see access.payloads.
    sa.Column("payloads", sa.Text),
)
