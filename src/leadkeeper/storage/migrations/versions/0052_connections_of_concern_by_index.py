"""Connections that need attention, and those at rest, are found by an index, however many connections there are"""

import sqlalchemy as sa
from alembic import op

revision = "0052"
down_revision = "0051"


def upgrade() -> None:
    """Apply."""
    op.create_index(
        "ix_connection_at_rest",
        "connection",
        ["id"],
        sqlite_where=sa.text("paused = 1 OR paused_by_person = 1 OR suspended = 1 OR removed_at IS NOT NULL"),
        postgresql_where=sa.text("paused OR paused_by_person OR suspended OR removed_at IS NOT NULL"),
    )
    op.create_index(
        "ix_connection_concerning",
        "connection",
        ["offer_ref", "name", "id"],
        sqlite_where=sa.text(
            "removed_at IS NULL AND (paused = 1 OR paused_by_person = 1 OR failures > 0 OR refusals > 0 "
            "OR test_diagnosis IS NOT NULL OR notified_at IS NOT NULL OR tried = 1 AND proven = 0)"
        ),
        postgresql_where=sa.text(
            "removed_at IS NULL AND (paused OR paused_by_person OR failures > 0 OR refusals > 0 "
            "OR test_diagnosis IS NOT NULL OR notified_at IS NOT NULL OR tried AND NOT proven)"
        ),
    )
