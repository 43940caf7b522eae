"""People of an identity provider, portals in frames, operators who look, and guesses counted over all processes"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Apply."""
    op.add_column("session", sa.Column("how", sa.String(16), server_default="", nullable=False))
    op.add_column("session", sa.Column("role", sa.String(16), nullable=True))
    op.add_column("session", sa.Column("looks_at", sa.String(128), nullable=True))
    op.add_column("person", sa.Column("operator_by_group", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("membership", sa.Column("by_group", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_table(
        "identity",
        sa.Column("issuer", sa.String(500), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("person_id", sa.String(36), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_identity_person_id")),
        sa.PrimaryKeyConstraint("issuer", "subject", name=op.f("pk_identity")),
    )
    op.create_index(op.f("ix_identity_person_id"), "identity", ["person_id"])
    op.create_table(
        "guess",
        sa.Column("whose", sa.String(64), nullable=False),
        sa.Column("begun_at", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("whose", name=op.f("pk_guess")),
    )
    op.create_index(op.f("ix_guess_until"), "guess", ["until"])
