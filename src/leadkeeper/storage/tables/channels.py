"""Channels over which people and programs are told, and the events that wait for them."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from leadkeeper.storage.tables.schema import Id, Name, State, metadata

channel: Final = sa.Table(
    "channel",
    metadata,
    sa.Column("id", Id, primary_key=True),
    # Whose events it is told; those of all where it is the operator's.
    sa.Column("publisher_id", Name, sa.ForeignKey("publisher.id"), index=True),
    sa.Column("kind", State, nullable=False),  # webhook, teams, slack
    sa.Column("name", Name, nullable=False),
    # JSON list of the events that it is told.
    sa.Column("events", sa.Text, nullable=False),
    # The language of a chat's messages.
    sa.Column("language", State, nullable=False),
    # Its host, which alone is shown; the address and the signing secrets, sealed and bound to the row.
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("sealed", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("rotated_at", sa.BigInteger),
    # When it is looked at next: whoever takes it moves this on.
    sa.Column("due_at", sa.BigInteger, nullable=False, server_default="0"),
    # Failures in a row, since when, and the last one as diagnoses are stored; when something was taken last.
    sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
    sa.Column("failing_since", sa.BigInteger),
    sa.Column("trouble", sa.Text),
    sa.Column("taken_at", sa.BigInteger),
    # Nothing is sent until somebody switches it on: since when, and why (older versions did not say).
    sa.Column("disabled_at", sa.BigInteger),
    sa.Column("disabled_for", State),  # gone, failed, tooManyWait
    # It was switched on while more events waited than usually may: so many may until it has caught up.
    sa.Column("may_wait", sa.BigInteger),
)
CHANNEL_OFF: Final = channel.c.disabled_at.is_not(None)
sa.Index(
    "ix_channel_off",
    channel.c.disabled_at,
    sqlite_where=CHANNEL_OFF,
    postgresql_where=CHANNEL_OFF,
)

channel_event: Final = sa.Table(
    "channel_event",
    metadata,
    sa.Column("id", Id, primary_key=True),
    # No foreign key: intake writes them, and whoever removes a channel removes what waits for it.
    sa.Column("channel_id", Id, nullable=False),
    sa.Column("kind", sa.String(32), nullable=False),
    # The JSON of its data; nothing personal.
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("due_at", sa.BigInteger, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
    # HTTP status of the last answer, if one came.
    sa.Column("status", sa.Integer),
    sa.Column("ended_at", sa.BigInteger),
    sa.Column("taken", sa.Boolean),
    sa.Index("ix_channel_event_newest", "channel_id", "id"),
)
WAITING_EVENT: Final = channel_event.c.ended_at.is_(None)
sa.Index(
    "ix_channel_event_due",
    channel_event.c.channel_id,
    channel_event.c.due_at,
    channel_event.c.id,
    sqlite_where=WAITING_EVENT,
    postgresql_where=WAITING_EVENT,
)
sa.Index(
    "ix_channel_event_ended",
    channel_event.c.ended_at,
    sqlite_where=channel_event.c.ended_at.is_not(None),
    postgresql_where=channel_event.c.ended_at.is_not(None),
)
