"""Damaged records that the program met, until they are fixed; see storage.damage."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from leadkeeper.storage.tables.schema import State, metadata

damaged_record: Final = sa.Table(
    "damaged_record",
    metadata,
    sa.Column("record", State, primary_key=True),
    # JSON list: the record's primary key, and what else names it.
    sa.Column("key", sa.String(1_000), primary_key=True),
    sa.Column("found_at", sa.BigInteger, nullable=False),
)
