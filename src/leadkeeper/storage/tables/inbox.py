"""What sales people note of leads: who follows them up, how far it came, what happened."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from leadkeeper.storage.tables.schema import Id, Name, State, metadata

follow_up: Final = sa.Table(
    "follow_up",
    metadata,
    # Only of leads that somebody touched: a lead without a row is new, and due as inbox.follow_up says.
    sa.Column("lead_id", Id, primary_key=True),
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
    sa.Column("id", Id, primary_key=True),
    sa.Column("lead_id", Id, nullable=False, index=True),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("kind", State, nullable=False),  # note, state, owner, again
    sa.Column("text", sa.Text, nullable=False),
)

list_columns: Final = sa.Table(
    "list_columns",
    metadata,
    # Which columns of the list of leads somebody sees, in which order; without a row all of them.
    sa.Column("who", sa.String(64), primary_key=True),  # as the audit writes them
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
