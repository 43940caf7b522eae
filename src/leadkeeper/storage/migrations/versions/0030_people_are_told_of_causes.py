"""Mails with the fate of each, and what every address has been told of what needs somebody"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0027"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "mail",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("address", sa.String(320), nullable=False),
        sa.Column("publisher_id", sa.String(128), server_default="", nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("languages", sa.String(200), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("code", sa.Integer(), nullable=True),
        sa.Column("words", sa.Text(), nullable=True),
        sa.Column("tried_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail")),
    )
    op.create_index("ix_mail_publisher", "mail", ["publisher_id", "id"])
    waits = sa.text("ended_at IS NULL")
    op.create_index("ix_mail_due", "mail", ["due_at"], sqlite_where=waits, postgresql_where=waits)
    op.create_table(
        "notified_cause",
        sa.Column("address", sa.String(320), nullable=False),
        sa.Column("publisher_id", sa.String(128), nullable=False),
        sa.Column("cause", sa.String(32), nullable=False),
        sa.Column("since_at", sa.BigInteger(), nullable=True),
        sa.Column("notified_at", sa.BigInteger(), nullable=False),
        sa.Column("over_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("address", "publisher_id", "cause", name=op.f("pk_notified_cause")),
    )
    op.add_column("person", sa.Column("quiet", sa.Text(), nullable=True))
