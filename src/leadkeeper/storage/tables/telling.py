"""Mails that wait or were sent, and what each address has been told."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from leadkeeper.storage.tables.schema import Id, Name, State, metadata

mail: Final = sa.Table(
    "mail",
    metadata,
    # One for each recipient, so that each has a fate of its own.
    sa.Column("id", Id, primary_key=True),
    sa.Column("address", sa.String(320), nullable=False),
    # Whose mail it is, and whose hour it counts in; empty: the installation's.
    sa.Column("publisher_id", Name, nullable=False, server_default=""),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("languages", sa.String(200), nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("due_at", sa.BigInteger, nullable=False),
    # Whether it goes out with others to this address that are due.
    sa.Column("digest", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
    sa.Column("state", State, nullable=False),  # see notices.fate
    # The mail server's last reply to it, masked: its code and words.
    sa.Column("code", sa.Integer),
    sa.Column("words", sa.Text),
    sa.Column("tried_at", sa.BigInteger),
    sa.Column("ended_at", sa.BigInteger),
    sa.Index("ix_mail_publisher", "publisher_id", "id"),
)
WAITING_MAIL: Final = mail.c.ended_at.is_(None)
sa.Index("ix_mail_due", mail.c.due_at, sqlite_where=WAITING_MAIL, postgresql_where=WAITING_MAIL)

notified_cause: Final = sa.Table(
    "notified_cause",
    metadata,
    # What an address has been told of; empty for channels. Of no publisher: what operators are told.
    sa.Column("address", sa.String(320), primary_key=True),
    sa.Column("publisher_id", Name, primary_key=True),
    sa.Column("cause", sa.String(32), primary_key=True),
    sa.Column("since_at", sa.BigInteger),
    sa.Column("notified_at", sa.BigInteger, nullable=False),
    # When it was over: kept for a while, so that what comes and goes is not a mail each time.
    sa.Column("over_at", sa.BigInteger),
)
