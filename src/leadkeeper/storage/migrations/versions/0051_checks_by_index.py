"""Connections whose check is due are found by an index, however many connections there are"""

import sqlalchemy as sa
from alembic import op

revision = "0051"
down_revision = "0050"


def upgrade() -> None:
    """Apply."""
    op.create_index(
        "ix_connection_check",
        "connection",
        ["check_at"],
        sqlite_where=sa.text("removed_at IS NULL AND paused = 0 AND paused_by_person = 0"),
        postgresql_where=sa.text("removed_at IS NULL AND NOT paused AND NOT paused_by_person"),
    )
