"""Channels: webhooks and chats that are told of leads, connections and offers

Notices that were written before are not told over channels.
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "channel",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("publisher_id", sa.String(128), nullable=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("events", sa.Text(), nullable=False),
        sa.Column("language", sa.String(16), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("rotated_at", sa.BigInteger(), nullable=True),
        sa.Column("due_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failing_since", sa.BigInteger(), nullable=True),
        sa.Column("trouble", sa.Text(), nullable=True),
        sa.Column("taken_at", sa.BigInteger(), nullable=True),
        sa.Column("disabled_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["publisher_id"], ["publisher.id"], name=op.f("fk_channel_publisher_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channel")),
    )
    op.create_index(op.f("ix_channel_publisher_id"), "channel", ["publisher_id"])
    op.create_table(
        "channel_event",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("channel_id", sa.String(36), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("taken", sa.Boolean(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channel_event")),
    )
    op.create_index("ix_channel_event_newest", "channel_event", ["channel_id", "id"])
    waits, ended = sa.text("ended_at IS NULL"), sa.text("ended_at IS NOT NULL")
    due = ["channel_id", "due_at", "id"]
    op.create_index("ix_channel_event_due", "channel_event", due, sqlite_where=waits, postgresql_where=waits)
    op.create_index("ix_channel_event_ended", "channel_event", ["ended_at"], sqlite_where=ended, postgresql_where=ended)
    op.add_column("notice", sa.Column("relayed", sa.Boolean(), server_default=sa.true(), nullable=False))
    op.create_index(
        "ix_notice_unrelayed",
        "notice",
        ["id"],
        sqlite_where=sa.text("relayed = 0"),
        postgresql_where=sa.text("NOT relayed"),
    )
