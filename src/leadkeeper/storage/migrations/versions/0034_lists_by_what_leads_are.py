"""Leads of a source, an action or a country, and withheld ones, are found by an index

Of leads that are there nobody has looked at the country: ``*`` says that it stands in the body alone.
"""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0031"


def upgrade() -> None:
    """Apply."""
    op.add_column("lead", sa.Column("country", sa.Text(), server_default="*", nullable=False))
    op.create_index("ix_lead_source_action", "lead", ["publisher_id", "source", "action", "id"])
    some = sa.text("country <> ''")
    op.create_index(
        "ix_lead_country", "lead", ["publisher_id", "country", "id"], sqlite_where=some, postgresql_where=some
    )
    for name, columns in (("ix_lead_withheld", ["id"]), ("ix_lead_publisher_withheld", ["publisher_id", "id"])):
        op.create_index(
            name, "lead", columns, sqlite_where=sa.text("withheld = 1"), postgresql_where=sa.text("withheld")
        )
