"""What sales people note of leads, and how many leads came on each day."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from leadkeeper.storage.tables.schema import Id, Name, State, Uuid, metadata

follow_up: Final = sa.Table(
    "follow_up",
    metadata,
    # Only of leads that somebody touched: a lead without a row is new, and due as inbox.follow_up says.
    sa.Column("lead_id", Uuid, primary_key=True),
    sa.Column("publisher_id", Name, nullable=False),
    sa.Column("state", State, nullable=False),  # new, active, won, lost, declined, expired
    sa.Column("reason", sa.Text, nullable=False, server_default=""),
    sa.Column("owner_id", Id),
    sa.Column("due_at", sa.BigInteger, nullable=False),
    # The first change of the state: from then on the customer's wait is over.
    sa.Column("touched_at", sa.BigInteger),
    sa.Column("changed_at", sa.BigInteger, nullable=False),
    sa.Index("ix_follow_up_state", "publisher_id", "state", "lead_id"),
    sa.Index("ix_follow_up_owner", "publisher_id", "owner_id", "lead_id"),
)

lead_event: Final = sa.Table(
    "lead_event",
    metadata,
    # What people did to a lead, and what they wrote on it. Never a part of the audit: it may name a customer.
    sa.Column("id", Uuid, primary_key=True),
    sa.Column("lead_id", Uuid, nullable=False, index=True),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    # note, state, owner, again, againMissing, acceptMissing, foundThere, confirmed
    sa.Column("kind", State, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
)

day_figure: Final = sa.Table(
    "day_figure",
    metadata,
    # Of the leads that came on a day (number of days since 1970, UTC): see inbox.figures. Empty: all publishers.
    sa.Column("publisher_id", Name, primary_key=True),
    sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("leads", sa.Integer, nullable=False),
    # Their deliveries, by where these stand.
    sa.Column("delivered", sa.Integer, nullable=False),
    sa.Column("unconfirmed", sa.Integer, nullable=False),
    sa.Column("under_way", sa.Integer, nullable=False),
    sa.Column("set_aside", sa.Integer, nullable=False),
    sa.Column("withheld", sa.Integer, nullable=False),
    # JSON list: how many of those that were taken were so within each of inbox.figures.BOUNDS, and how many later.
    sa.Column("within", sa.String(400), nullable=False),
    # When they were counted, or it was seen last that nothing has changed since.
    sa.Column("counted_at", sa.BigInteger, nullable=False),
    # Of all publishers' alone: what storage.counted_rows said as they were counted, and until when they hold
    # at most if it says the same, since leads become due and since not every change is noticed so.
    sa.Column("mark", sa.Text),
    sa.Column("holds_until", sa.BigInteger),
    # Leads that somebody turned to in time, and those that were due and to which nobody did in time.
    sa.Column("in_time", sa.Integer, nullable=False, server_default="0"),
    sa.Column("late", sa.Integer, nullable=False, server_default="0"),
    sa.Index("ix_day_figure_day", "day"),
)
WITH_WITHHELD: Final = day_figure.c.withheld > sa.literal_column("0")
"""A day on which leads were withheld. Literal, for the partial index."""
sa.Index(
    "ix_day_figure_withheld",
    day_figure.c.day,
    day_figure.c.publisher_id,
    sqlite_where=WITH_WITHHELD,
    postgresql_where=WITH_WITHHELD,
)

offer_figure: Final = sa.Table(
    "offer_figure",
    metadata,
    # The same of one offer ("publisher.offer"), of the days on which it had leads that were due.
    sa.Column("offer_ref", sa.String(257), primary_key=True),
    sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("in_time", sa.Integer, nullable=False),
    sa.Column("late", sa.Integer, nullable=False),
    sa.Index("ix_offer_figure_day", "day"),
)

list_columns: Final = sa.Table(
    "list_columns",
    metadata,
    # Which columns of the list of leads somebody sees, in which order; without a row all of them.
    # As the audit writes them; of who looks with a key, one name within each publisher.
    sa.Column("who", sa.String(64), primary_key=True),
    sa.Column("names", sa.Text, nullable=False),
)

saved_view: Final = sa.Table(
    "saved_view",
    metadata,
    # Filters of the list of leads that somebody keeps under a name; none of them names a customer.
    sa.Column("id", Id, primary_key=True),
    sa.Column("who", sa.String(64), nullable=False),
    # Within which publisher; empty for operators, who look at all.
    sa.Column("publisher_id", Name, nullable=False, server_default=""),
    sa.Column("name", sa.String(60), nullable=False),
    sa.Column("query", sa.Text, nullable=False),
    # Whether the publisher's other members see it, too.
    sa.Column("shared", sa.Boolean, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Index("ix_saved_view_publisher", "publisher_id", "shared", "who"),
)

bulk_run: Final = sa.Table(
    "bulk_run",
    metadata,
    # An act on all leads that filters choose: see inbox.lists.acting.
    sa.Column("id", Uuid, primary_key=True),
    # Whose run it is; none for operators, whose filters name a publisher or none.
    sa.Column("publisher_id", Name),
    sa.Column("by", sa.Text, nullable=False),
    # JSON; what they search for may name a customer, so they are forgotten at the end.
    sa.Column("filters", sa.Text, nullable=False),
    sa.Column("act", sa.Text, nullable=False),
    # When the next part of it begins, or when another process goes on; whoever works on it moves this on.
    sa.Column("due_at", sa.BigInteger, nullable=False),
    sa.Column("started_at", sa.BigInteger, nullable=False),
    sa.Column("ended_at", sa.BigInteger),
    sa.Column("stopped", sa.Boolean, nullable=False, server_default=sa.false()),
    # How many leads fitted at the start, if that was known, and whether that is an estimate.
    sa.Column("total", sa.Integer),
    sa.Column("about", sa.Boolean, nullable=False),
    # The last lead that was acted on; empty before the first.
    sa.Column("after", Id, nullable=False),
    sa.Column("looked", sa.Integer, nullable=False),
    sa.Column("changed", sa.Integer, nullable=False),
    sa.Column("deliveries", sa.Integer, nullable=False),
    # JSON: how many leads were left as they are, by the reason.
    sa.Column("left_over", sa.Text, nullable=False),
)
BULK_RUN_UNDER_WAY: Final = bulk_run.c.ended_at.is_(None)
sa.Index(
    "ix_bulk_run_due",
    bulk_run.c.due_at,
    sqlite_where=BULK_RUN_UNDER_WAY,
    postgresql_where=BULK_RUN_UNDER_WAY,
)
