"""Acts on all leads that filters choose are kept: how far they came, and what they did"""

import sqlalchemy as sa
from alembic import op

from leadkeeper.storage.ids import UuidText

revision = "0050"
down_revision = "0049"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "bulk_run",
        sa.Column("id", UuidText(), primary_key=True),
        sa.Column("publisher_id", sa.String(128)),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("filters", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger()),
        sa.Column("stopped", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("total", sa.Integer()),
        sa.Column("about", sa.Boolean(), nullable=False),
        sa.Column("after", sa.String(36), nullable=False),
        sa.Column("looked", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("deliveries", sa.Integer(), nullable=False),
        sa.Column("left_over", sa.Text(), nullable=False),
    )
    going = sa.text("ended_at IS NULL")
    op.create_index("ix_bulk_run_due", "bulk_run", ["due_at"], sqlite_where=going, postgresql_where=going)
