"""Figures by day are kept, and what needs attention is found by an index"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0022"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "day_figure",
        sa.Column("publisher_id", sa.String(128), nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("leads", sa.Integer(), nullable=False),
        sa.Column("delivered", sa.Integer(), nullable=False),
        sa.Column("unconfirmed", sa.Integer(), nullable=False),
        sa.Column("under_way", sa.Integer(), nullable=False),
        sa.Column("set_aside", sa.Integer(), nullable=False),
        sa.Column("withheld", sa.Integer(), nullable=False),
        sa.Column("within", sa.String(400), nullable=False),
        sa.Column("counted_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("publisher_id", "day", name="pk_day_figure"),
    )
    op.create_index("ix_day_figure_day", "day_figure", ["day"])
    for_a_person = sa.text("state = 'setAside' AND set_aside_for IS DISTINCT FROM 'outage'")
    op.create_index(
        "ix_delivery_for_a_person",
        "delivery",
        ["connection_id", "set_aside_for", "changed_at"],
        sqlite_where=sa.text("state = 'setAside' AND set_aside_for IS NOT 'outage'"),
        postgresql_where=for_a_person,
    )
    failed = sa.text("state = 'failed'")
    op.create_index("ix_operation_failed", "operation", ["id"], sqlite_where=failed, postgresql_where=failed)
