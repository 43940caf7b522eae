"""Lines of the audit about an offer, its connections and hooks name it, so that its history is found by an index"""

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0043"


def upgrade() -> None:
    """Apply."""
    op.add_column("audit", sa.Column("offer_ref", sa.String(257), nullable=True))
    if op.get_bind().dialect.name == "postgresql":
        offer = "split_part(subject, '/', 1)"
    else:
        offer = "CASE instr(subject, '/') WHEN 0 THEN subject ELSE substr(subject, 1, instr(subject, '/') - 1) END"
    about = " OR ".join(f"act LIKE '{each}.%'" for each in ("connection", "crossListing", "hook", "offer"))
    op.execute(sa.text(f"UPDATE audit SET offer_ref = {offer} WHERE {about}"))  # noqa: S608 - constants
    some = sa.text("offer_ref IS NOT NULL")
    op.create_index("ix_audit_offer", "audit", ["offer_ref", "id"], sqlite_where=some, postgresql_where=some)
