"""What operators see to: publishers that are suspended, what was used last, which program each process runs"""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0027"


def upgrade() -> None:
    """Apply."""
    op.add_column("publisher", sa.Column("contact", sa.Text(), server_default="", nullable=False))
    op.add_column("publisher", sa.Column("suspended_at", sa.BigInteger()))
    op.add_column("publisher", sa.Column("suspended_for", sa.Text(), server_default="", nullable=False))
    op.add_column("connection", sa.Column("suspended", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("hook", sa.Column("used_at", sa.BigInteger()))
    op.add_column("key", sa.Column("used_at", sa.BigInteger()))
    op.create_index("ix_key_publisher", "key", ["publisher_id", "id"])
    op.add_column("process", sa.Column("version", sa.String(32), server_default="", nullable=False))
