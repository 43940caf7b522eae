"""How many leads somebody turned to in time is kept by day, of publishers and of offers"""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"


def upgrade() -> None:
    """Apply."""
    for name in ("in_time", "late"):
        op.add_column("day_figure", sa.Column(name, sa.Integer(), server_default="0", nullable=False))
    op.create_table(
        "offer_figure",
        sa.Column("offer_ref", sa.String(257), nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("in_time", sa.Integer(), nullable=False),
        sa.Column("late", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("offer_ref", "day", name=op.f("pk_offer_figure")),
    )
    op.create_index("ix_offer_figure_day", "offer_figure", ["day"])
