"""Whether what was delivered is still there: see the room ``reconciliation``."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from leadkeeper.storage.tables.schema import Id, State, Uuid, metadata

reconciliation: Final = sa.Table(
    "reconciliation",
    metadata,
    # One row for each connection: its next run, the one that is under way, or the last.
    sa.Column("connection_id", Uuid, primary_key=True),
    # When its next run begins, or when another process goes on with this one; whoever works on it moves this on.
    sa.Column("due_at", sa.BigInteger, nullable=False, index=True),
    sa.Column("state", State, nullable=False),  # waiting, running, completed, failed
    # Who asked for the next run or for this one; none for what is done every day.
    sa.Column("by", sa.Text),
    sa.Column("started_at", sa.BigInteger),
    sa.Column("ended_at", sa.BigInteger),
    # Where the window begins, and the lead up to which it was looked.
    sa.Column("first", Id, nullable=False),
    sa.Column("after", Id, nullable=False),
    # How many records it looked at, found missing (unless that was accepted), and could not tell.
    sa.Column("looked", sa.Integer, nullable=False),
    sa.Column("missing", sa.Integer, nullable=False),
    sa.Column("unknown", sa.Integer, nullable=False),
    # Why it failed, as a diagnosis is stored.
    sa.Column("diagnosis", sa.Text),
)

missing_record: Final = sa.Table(
    "missing_record",
    metadata,
    # A lead that was delivered and is not there. It holds for as long as its delivery is the one of `delivered_at`.
    sa.Column("delivery_id", Uuid, primary_key=True),
    sa.Column("connection_id", Uuid, nullable=False),
    sa.Column("lead_id", Uuid, nullable=False),
    sa.Column("delivered_at", sa.BigInteger, nullable=False),
    sa.Column("found_at", sa.BigInteger, nullable=False),
    # That it was removed there on purpose: since when somebody says so, and who.
    sa.Column("accepted_at", sa.BigInteger),
    sa.Column("accepted_by", sa.Text),
    sa.Index("ix_missing_record_connection", "connection_id", "lead_id"),
)
NOT_ACCEPTED: Final = missing_record.c.accepted_at.is_(None)
sa.Index(
    "ix_missing_record_open",
    missing_record.c.connection_id,
    missing_record.c.lead_id,
    sqlite_where=NOT_ACCEPTED,
    postgresql_where=NOT_ACCEPTED,
)
