"""A day's figures say of what they were counted, so that a day of which nothing changed is not counted again"""

import sqlalchemy as sa
from alembic import op

revision = "0053"
down_revision = "0052"


def upgrade() -> None:
    """Apply."""
    op.add_column("day_figure", sa.Column("mark", sa.Text))
    op.add_column("day_figure", sa.Column("holds_until", sa.BigInteger))
