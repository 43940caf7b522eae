"""What is under way for a publisher in any process, and at what pace, so that quotas hold over all of them."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from leadkeeper.storage.tables.schema import Id, Name, metadata

validation: Final = sa.Table(
    "validation",
    metadata,
    # A validation or a preview that somebody asked for, while it lasts: see access.validations.
    sa.Column("id", Id, primary_key=True),
    sa.Column("publisher_id", Name, nullable=False),
    # Whose it is for the pages: empty for a preview, which has no page of its own.
    sa.Column("offer_ref", sa.String(257), nullable=False),
    sa.Column("name", Name, nullable=False),
    # What its check found so far, as JSON, and the marker of the test lead that is on its way.
    sa.Column("checks", sa.Text, nullable=False),
    sa.Column("marker", sa.Text, nullable=False),
    # Counted until then: the process that carries it out may be killed.
    sa.Column("until", sa.BigInteger, nullable=False),
    sa.Index("ix_validation_publisher_id", "publisher_id"),
)

publishing_pace: Final = sa.Table(
    "publishing_pace",
    metadata,
    # When the publisher's next check or test lead by publishing is due: see publishing.check_pace.
    sa.Column("publisher_id", Name, primary_key=True),
    sa.Column("due_at", sa.BigInteger, nullable=False),
)

account_use: Final = sa.Table(
    "account_use",
    metadata,
    # How many of a publisher's leads went to a system that takes so many in 24 hours, by five minutes (numbered since
    # 1970): see connections.usage. It is no part of what is kept of these leads, and stays when they go.
    sa.Column("publisher_id", Name, sa.ForeignKey("publisher.id", ondelete="CASCADE"), primary_key=True),
    # The system: a digest of the settings that name it.
    sa.Column("account", sa.String(32), primary_key=True),
    sa.Column("slot", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("leads", sa.Integer, nullable=False),
    sa.Index("ix_account_use_slot", "slot"),
)
