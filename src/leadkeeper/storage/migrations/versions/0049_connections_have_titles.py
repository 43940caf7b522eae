"""A connection has a title that people read beside its name, and a place among its offer's connections"""

import sqlalchemy as sa
from alembic import op

revision = "0049"
down_revision = "0048"


def upgrade() -> None:
    """Apply."""
    op.add_column("connection", sa.Column("title", sa.String(64), nullable=False, server_default=""))
    op.add_column("connection", sa.Column("position", sa.Integer(), nullable=False, server_default="0"))
