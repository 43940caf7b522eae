"""Data are kept for as long as wanted: how far old ones were removed, when, and for how long by publisher"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0020"


def upgrade() -> None:
    """Apply."""
    op.add_column("lead", sa.Column("expired_at", sa.BigInteger(), nullable=True))
    op.add_column("publisher", sa.Column("retention", sa.Text(), nullable=True))
    op.create_table(
        "retention_walk",
        sa.Column("publisher_id", sa.String(128), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("place", sa.String(36), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("passed_at", sa.BigInteger(), nullable=True),
        sa.Column("oldest_at", sa.BigInteger(), nullable=True),
        sa.Column("removed", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("publisher_id", "kind", name=op.f("pk_retention_walk")),
    )
    op.create_index(op.f("ix_retention_walk_due_at"), "retention_walk", ["due_at"])
    op.create_table(
        "retention_left",
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("publisher_id", sa.String(128), nullable=False),
        sa.Column("look_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "id", name=op.f("pk_retention_left")),
    )
    op.create_index(op.f("ix_retention_left_look_at"), "retention_left", ["look_at"])
