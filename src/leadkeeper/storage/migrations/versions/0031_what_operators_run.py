"""What operators see to: publishers that are suspended, what was used last, which program each process runs"""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    """Apply."""
    op.add_column("publisher", sa.Column("contact", sa.Text(), server_default="", nullable=False))
    op.add_column("publisher", sa.Column("suspended_at", sa.BigInteger()))
    op.add_column("publisher", sa.Column("suspended_for", sa.Text(), server_default="", nullable=False))
    op.add_column("connection", sa.Column("suspended", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("hook", sa.Column("used_at", sa.BigInteger()))
    op.add_column("key", sa.Column("used_at", sa.BigInteger()))
    op.create_index("ix_key_publisher", "key", ["publisher_id", "id"])
    op.create_index(
        "ix_connection_unwell",
        "connection",
        ["offer_ref", "name"],
        sqlite_where=sa.text(
            "removed_at IS NULL AND (paused = 1 OR paused_by_person = 1 OR failures >= 5 OR test_diagnosis IS NOT NULL "
            "OR notified_at IS NOT NULL)"
        ),
        postgresql_where=sa.text(
            "removed_at IS NULL AND (paused OR paused_by_person OR failures >= 5 OR test_diagnosis IS NOT NULL "
            "OR notified_at IS NOT NULL)"
        ),
    )
    op.add_column("process", sa.Column("version", sa.String(32), server_default="", nullable=False))
