"""Whether what was delivered is still there: runs by connection, and the records that are missing"""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"


def upgrade() -> None:
    """Apply."""
    op.add_column("connection", sa.Column("settings_since", sa.BigInteger(), server_default="0", nullable=False))
    # They may be older: nobody wrote it down.
    op.execute("UPDATE connection SET settings_since = changed_at")
    op.create_table(
        "reconciliation",
        sa.Column("connection_id", sa.String(36), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("by", sa.Text()),
        sa.Column("started_at", sa.BigInteger()),
        sa.Column("ended_at", sa.BigInteger()),
        sa.Column("first", sa.String(36), nullable=False),
        sa.Column("after", sa.String(36), nullable=False),
        sa.Column("looked", sa.Integer(), nullable=False),
        sa.Column("missing", sa.Integer(), nullable=False),
        sa.Column("unknown", sa.Integer(), nullable=False),
        sa.Column("diagnosis", sa.Text()),
        sa.PrimaryKeyConstraint("connection_id", name=op.f("pk_reconciliation")),
    )
    op.create_index(op.f("ix_reconciliation_due_at"), "reconciliation", ["due_at"])
    op.create_table(
        "missing_record",
        sa.Column("delivery_id", sa.String(36), nullable=False),
        sa.Column("connection_id", sa.String(36), nullable=False),
        sa.Column("lead_id", sa.String(36), nullable=False),
        sa.Column("delivered_at", sa.BigInteger(), nullable=False),
        sa.Column("found_at", sa.BigInteger(), nullable=False),
        sa.Column("accepted_at", sa.BigInteger()),
        sa.Column("accepted_by", sa.Text()),
        sa.PrimaryKeyConstraint("delivery_id", name=op.f("pk_missing_record")),
    )
    op.create_index("ix_missing_record_connection", "missing_record", ["connection_id", "lead_id"])
    open_ = sa.text("accepted_at IS NULL")
    op.create_index(
        "ix_missing_record_open",
        "missing_record",
        ["connection_id", "lead_id"],
        sqlite_where=open_,
        postgresql_where=open_,
    )
