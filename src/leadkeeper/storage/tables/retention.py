"""How far old data were removed: see privacy.expiry."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from leadkeeper.storage.tables.schema import Id, Name, State, metadata

retention_walk: Final = sa.Table(
    "retention_walk",
    metadata,
    # One row for each publisher and kind; what is no publisher's has an empty one. On PostgreSQL there are two more,
    # since evidence goes by the month: "month" is the walk through that (its place is an attempt), and of "evidence"
    # without a publisher the place is the id before which leads may have attempts that hold their evidence themselves.
    sa.Column("publisher_id", Name, primary_key=True),
    sa.Column("kind", State, primary_key=True),  # personal, evidence, mails, month
    # Everything up to this id was looked at: it is removed, or stands in retention_left.
    sa.Column("place", Id, nullable=False),
    sa.Column("due_at", sa.BigInteger, nullable=False, index=True),
    # When it last came to the end, and of when the first is that it left behind the end; none where there is none.
    sa.Column("passed_at", sa.BigInteger),
    sa.Column("oldest_at", sa.BigInteger),
    # How many were removed, since ever.
    sa.Column("removed", sa.BigInteger, nullable=False),
)

retention_left: Final = sa.Table(
    "retention_left",
    metadata,
    # What was old enough and not at its end: a lead that waits, a mail that was not sent.
    sa.Column("kind", State, primary_key=True),
    sa.Column("id", Id, primary_key=True),
    sa.Column("publisher_id", Name, nullable=False),
    sa.Column("look_at", sa.BigInteger, nullable=False, index=True),
)
