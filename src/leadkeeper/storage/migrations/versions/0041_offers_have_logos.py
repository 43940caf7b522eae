"""Offers have logos"""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0038"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "offer_logo",
        sa.Column("offer_ref", sa.String(257), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["offer_ref"], ["offer.ref"], name=op.f("fk_offer_logo_offer_ref_offer")),
        sa.PrimaryKeyConstraint("offer_ref", "digest", name=op.f("pk_offer_logo")),
    )
