"""Test leads, withheld deliveries, and offers by their own id are found by an index"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Apply."""
    for name, columns in (("ix_lead_test", ["id"]), ("ix_lead_publisher_test", ["publisher_id", "id"])):
        op.create_index(name, "lead", columns, sqlite_where=sa.text("test = 1"), postgresql_where=sa.text("test"))
    withheld = sa.text("state = 'withheld'")
    op.create_index(
        "ix_delivery_withheld",
        "delivery",
        ["connection_id", "lead_id"],
        sqlite_where=withheld,
        postgresql_where=withheld,
    )
    op.create_index("ix_offer_id", "offer", ["id"])
