"""Notices are sent, connections are looked at now and then"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Apply."""
    op.add_column("connection", sa.Column("announces", sa.String(8), nullable=False, server_default="none"))
    op.add_column("connection", sa.Column("repeatable", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("connection", sa.Column("check_at", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("notice", sa.Column("due_at", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("notice", sa.Column("tries", sa.Integer, nullable=False, server_default="0"))
    op.add_column("notice", sa.Column("ended_at", sa.BigInteger))
    unconfirmed = sa.text("state = 'unconfirmed'")
    op.create_index(
        "ix_delivery_unconfirmed",
        "delivery",
        ["connection_id", "changed_at"],
        sqlite_where=unconfirmed,
        postgresql_where=unconfirmed,
    )
    waiting = sa.text("ended_at IS NULL")
    op.create_index("ix_notice_due", "notice", ["due_at"], sqlite_where=waiting, postgresql_where=waiting)
