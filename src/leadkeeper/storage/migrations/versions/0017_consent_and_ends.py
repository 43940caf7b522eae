"""What a customer agreed to stands with the lead

Columns say when a connection's credentials end, and in which category an offer is shown. Rows that are there learn the
first when they are checked, which is within hours, and the second when the offer is published again.
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Apply."""
    op.add_column("lead", sa.Column("consent", sa.Text(), nullable=True))
    op.add_column("connection", sa.Column("ends_at", sa.BigInteger(), nullable=True))
    there = sa.text("ends_at IS NOT NULL")
    op.create_index("ix_connection_ends_at", "connection", ["ends_at"], sqlite_where=there, postgresql_where=there)
    op.add_column("offer", sa.Column("shelf_category", sa.String(100), server_default="", nullable=False))
    op.create_index(
        "ix_offer_category",
        "offer",
        ["shelf_category"],
        sqlite_where=sa.text("live = 1 AND production_version IS NOT NULL"),
        postgresql_where=sa.text("live AND production_version IS NOT NULL"),
    )
