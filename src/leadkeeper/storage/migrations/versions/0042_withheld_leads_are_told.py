"""That leads were withheld is told of until somebody has seen it; days with any are found by an index"""

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"


def upgrade() -> None:
    """Apply."""
    op.add_column("publisher", sa.Column("withheld_seen", sa.String(36)))
    some = sa.text("withheld > 0")
    op.create_index(
        "ix_day_figure_withheld", "day_figure", ["day", "publisher_id"], sqlite_where=some, postgresql_where=some
    )
