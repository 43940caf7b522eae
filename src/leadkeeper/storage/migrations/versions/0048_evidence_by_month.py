"""What destinations said in attempts gets a table of its own, on PostgreSQL one for each month; nothing is moved"""

import time

import sqlalchemy as sa
from alembic import op

from leadkeeper.clock import least_id

revision = "0048"
down_revision = "0047"

_DAY_MS = 86_400_000


def upgrade() -> None:
    """Apply."""
    if op.get_bind().dialect.name != "postgresql":
        op.execute(
            "CREATE TABLE evidence (attempt_id BLOB NOT NULL, content TEXT NOT NULL,"
            " CONSTRAINT pk_evidence PRIMARY KEY (attempt_id))"
        )
        return
    op.execute(
        "CREATE TABLE evidence (attempt_id uuid NOT NULL, content text NOT NULL,"
        " CONSTRAINT pk_evidence PRIMARY KEY (attempt_id)) PARTITION BY RANGE (attempt_id)"
    )
    op.execute("CREATE TABLE evidence_other PARTITION OF evidence DEFAULT")
    # Attempts of leads before this id may hold their evidence themselves: their walk goes on until all are emptied. A
    # day more, for clocks that differ.
    now = int(time.time() * 1_000)
    walks = sa.table("retention_walk", *map(sa.column, ("publisher_id", "kind", "place", "due_at", "removed")))
    same = {"publisher_id": "", "due_at": now, "removed": 0}
    op.execute(sa.insert(walks).values(same | {"kind": "evidence", "place": least_id(now + _DAY_MS)}))
    op.execute(sa.insert(walks).values(same | {"kind": "month", "place": ""}))
