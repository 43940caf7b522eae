"""How far the index is by which leads are searched: see storage.search_index."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from leadkeeper.storage.tables.schema import Id, metadata

search_state: Final = sa.Table(
    "search_state",
    metadata,
    # One row.
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    # By which rules the leads are in it; of others, all are put into it anew.
    sa.Column("version", sa.Integer, nullable=False),
    # SQLite: the number of the last row of `lead` that is in it. PostgreSQL does not need it.
    sa.Column("place", sa.BigInteger, nullable=False),
    # The lead of that row (SQLite); up to which lead those that were there before the index are in it (PostgreSQL).
    sa.Column("lead_id", Id, nullable=False),
    # PostgreSQL: all that were there before the index are in it.
    sa.Column("complete", sa.Boolean, nullable=False),
)
