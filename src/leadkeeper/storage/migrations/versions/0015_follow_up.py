"""Leads are followed up: state, owner, due time, notes"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0013"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "follow_up",
        sa.Column("lead_id", sa.String(36), nullable=False),
        sa.Column("publisher_id", sa.String(128), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("owner_id", sa.String(36), nullable=True),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("touched_at", sa.BigInteger(), nullable=True),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("lead_id", name=op.f("pk_follow_up")),
    )
    op.create_index("ix_follow_up_state", "follow_up", ["publisher_id", "state", "lead_id"])
    op.create_index("ix_follow_up_owner", "follow_up", ["publisher_id", "owner_id", "lead_id"])
    op.create_table(
        "lead_event",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("lead_id", sa.String(36), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lead_event")),
    )
    op.create_index(op.f("ix_lead_event_lead_id"), "lead_event", ["lead_id"])
