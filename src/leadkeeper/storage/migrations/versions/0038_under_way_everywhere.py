"""Validations that are under way, and the pace of publishing, are known to every process"""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "validation",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("publisher_id", sa.String(128), nullable=False),
        sa.Column("offer_ref", sa.String(257), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("checks", sa.Text(), nullable=False),
        sa.Column("marker", sa.Text(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_validation")),
    )
    op.create_index("ix_validation_publisher_id", "validation", ["publisher_id"])
    op.create_table(
        "publishing_pace",
        sa.Column("publisher_id", sa.String(128), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("publisher_id", name=op.f("pk_publishing_pace")),
    )
