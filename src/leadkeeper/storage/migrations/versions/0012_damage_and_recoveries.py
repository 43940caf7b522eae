"""Damaged records are remembered, recoveries go in steps, and what delivers reads as tried

A connection that was never validated, but took leads with the settings that it has, read as untried until its next one.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Apply."""
    # Looked for first: what follows locks a table that every process reads, and must not last.
    taken = _taken(op.get_bind())
    op.create_table(
        "damaged_record",
        sa.Column("record", sa.String(16), nullable=False),
        sa.Column("key", sa.String(1_000), nullable=False),
        sa.Column("found_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("record", "key", name=op.f("pk_damaged_record")),
    )
    op.add_column("connection", sa.Column("recovered_at", sa.BigInteger(), nullable=True))
    some = sa.text("recovered_at IS NOT NULL")
    op.create_index(
        "ix_connection_recovered_at", "connection", ["recovered_at"], sqlite_where=some, postgresql_where=some
    )
    for connection_id, found in taken.items():
        values: dict[str, Any] = {"tried": True, "proven": "delivered" in found}
        op.execute(sa.update(connection).where(connection.c.id == connection_id).values(values))


connection = sa.table("connection", *map(sa.column, ("id", "changed_at", "removed_at", "tried", "proven")))


def _taken(conn: sa.Connection) -> Mapping[str, set[str]]:
    """How leads of untried connections ended since their settings were last changed. One look at all deliveries."""
    delivery = sa.table("delivery", *(sa.column(name) for name in ("connection_id", "state", "changed_at")))
    c, d = connection.c, delivery.c
    untried = (sa.not_(c.tried), c.removed_at.is_(None))
    if conn.execute(sa.select(c.id).where(*untried).limit(1)).first() is None:
        return {}
    taken = d.state.in_(["delivered", "unconfirmed"]) & (d.changed_at >= c.changed_at)
    query = sa.select(c.id, d.state).join_from(connection, delivery, d.connection_id == c.id).where(*untried, taken)
    states: dict[str, set[str]] = defaultdict(set)
    for row in conn.execute(query.distinct()):
        states[row.id].add(row.state)
    return states
