"""A hook gets a new address while the one before still works for a while, and the keys of its last payloads are kept"""

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0045"


def upgrade() -> None:
    """Apply."""
    op.add_column("hook", sa.Column("old_token_hash", sa.String(64)))
    op.add_column("hook", sa.Column("old_until", sa.BigInteger()))
    op.add_column("hook", sa.Column("old_used_at", sa.BigInteger()))
    op.add_column("hook", sa.Column("payloads", sa.Text()))
    op.create_index("ix_hook_old_token_hash", "hook", ["old_token_hash"])
