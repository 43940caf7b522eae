"""A channel says why it is off, how many events may wait while it catches up; those that are off have an index"""

import sqlalchemy as sa
from alembic import op

revision = "0056"
down_revision = "0055"


def upgrade() -> None:
    """Apply."""
    op.add_column("channel", sa.Column("disabled_for", sa.String(16)))
    op.add_column("channel", sa.Column("may_wait", sa.BigInteger))
    off = sa.text("disabled_at IS NOT NULL")
    op.create_index("ix_channel_off", "channel", ["disabled_at"], sqlite_where=off, postgresql_where=off)
