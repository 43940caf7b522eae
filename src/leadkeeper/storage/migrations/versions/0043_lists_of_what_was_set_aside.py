"""Leads that were set aside are found by an index in the order in which they came"""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"


def upgrade() -> None:
    """Apply."""
    aside = "state = 'setAside'"
    for name, on_sqlite, on_postgresql in (
        ("aside", aside, aside),
        (
            "for_a_person",
            f"{aside} AND set_aside_for IS NOT 'outage'",
            f"{aside} AND set_aside_for IS DISTINCT FROM 'outage'",
        ),
    ):
        op.create_index(
            f"ix_delivery_{name}_lead",
            "delivery",
            ["connection_id", "lead_id"],
            sqlite_where=sa.text(on_sqlite),
            postgresql_where=sa.text(on_postgresql),
        )
