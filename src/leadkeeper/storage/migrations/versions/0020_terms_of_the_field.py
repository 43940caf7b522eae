"""Columns are called by the field's terms: generation, crash_count, notified_at; their data stay"""

from alembic import op

revision = "0020"
down_revision = "0018"


def upgrade() -> None:
    """Apply."""
    op.alter_column("connection", "epoch", new_column_name="generation")
    op.alter_column("connection", "told_at", new_column_name="notified_at")
    op.alter_column("delivery", "lost", new_column_name="crash_count")
