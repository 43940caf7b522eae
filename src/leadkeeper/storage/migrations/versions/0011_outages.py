"""Outages are told of, what they set aside goes out by itself, and every process shows its clock

What was set aside before has no reason written beside it: it stays until a person sends it again.
"""

import time

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Apply."""
    for name in ("failing_since", "works_since", "told_at", "tell_at", "recall_at"):
        op.add_column("connection", sa.Column(name, sa.BigInteger(), nullable=True))
    for name in ("tell_at", "recall_at"):
        some = sa.text(f"{name} IS NOT NULL")
        op.create_index(f"ix_connection_{name}", "connection", [name], sqlite_where=some, postgresql_where=some)
    _outages_under_way(op.get_bind())
    op.add_column("delivery", sa.Column("set_aside_for", sa.String(16), nullable=True))
    outage = sa.text("state = 'setAside' AND set_aside_for = 'outage'")
    op.create_index(
        "ix_delivery_outage", "delivery", ["connection_id", "id"], sqlite_where=outage, postgresql_where=outage
    )
    op.create_table(
        "process",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("ahead_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_process")),
    )


def _outages_under_way(conn: sa.Connection) -> None:
    """People were told that a connection is paused, and hear daily from now on; of one that fails they hear soon."""
    now, minute = time.time_ns() // 1_000_000, 60_000
    names = ["id", "paused", "paused_by_person", "failures", "removed_at", "failing_since", "told_at", "tell_at"]
    connection = sa.table("connection", *(sa.column(name) for name in names))
    c = connection.c
    there = (c.removed_at.is_(None), sa.not_(c.paused_by_person))
    told = {"failing_since": now, "told_at": now, "tell_at": now + 24 * 60 * minute}
    conn.execute(sa.update(connection).where(c.paused, *there).values(told))
    soon = {"failing_since": now, "tell_at": now + 15 * minute}
    conn.execute(sa.update(connection).where(sa.not_(c.paused), c.failures >= 5, *there).values(soon))
