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
    audit = sa.table("audit", *(sa.column(name, sa.String) for name in ("act", "subject", "publisher_id")))
    subject, act = audit.c.subject, audit.c.act
    if op.get_bind().dialect.name == "postgresql":
        first = sa.func.split_part(subject, ".", 1)
    else:
        first = sa.func.substr(subject, 1, sa.func.instr(subject.concat("."), ".") - 1)
    kinds = ("connection", "offer", "hook", "crossListing", "publisher")
    about_offers = sa.or_(*(act.startswith(f"{kind}.", autoescape=True) for kind in kinds))
    op.get_bind().execute(sa.update(audit).where(about_offers).values(publisher_id=first))
