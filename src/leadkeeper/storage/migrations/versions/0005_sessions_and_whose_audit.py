"""Sessions of the portal are rows; the audit says whose part a line is"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "session",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("key_id", sa.String(36), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["key_id"], ["key.id"], name=op.f("fk_session_key_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_session_token_hash")),
    )
    op.create_index(op.f("ix_session_key_id"), "session", ["key_id"])
    op.create_index(op.f("ix_session_until"), "session", ["until"])
    op.add_column("audit", sa.Column("publisher_id", sa.String(128), nullable=True))
    _whose()
    op.create_index(op.f("ix_audit_publisher_id_id"), "audit", ["publisher_id", "id"])


def _whose() -> None:
    """Lines about an offer's things start with their publisher's id, which holds no dot."""
    columns: list[sa.ColumnClause[str]] = [sa.column(name) for name in ("id", "act", "subject", "publisher_id")]
    audit = sa.table("audit", *columns)
    first = {"connection", "offer", "hook", "crossListing"}
    for row in op.get_bind().execute(sa.select(audit.c.id, audit.c.act, audit.c.subject)).all():
        about = row.act.partition(".")[0]
        whose = row.subject if about == "publisher" else row.subject.partition(".")[0] if about in first else None
        if whose is not None:
            op.get_bind().execute(sa.update(audit).where(audit.c.id == row.id).values(publisher_id=whose[:128]))
