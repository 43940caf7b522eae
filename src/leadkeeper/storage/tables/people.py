"""Who may come, who is told, and what is written down of it."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from leadkeeper.storage.tables.schema import Id, Name, State, Uuid, metadata

notice: Final = sa.Table(
    "notice",
    metadata,
    sa.Column("id", Id, primary_key=True),
    # To a connection's contact e-mails, or to those of an operation.
    sa.Column("connection_id", Uuid, sa.ForeignKey("connection.id"), index=True),
    sa.Column("operation_id", Id, sa.ForeignKey("operation.id")),
    # See connections.outbox: what each kind says, and what its body holds.
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("due_at", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
    sa.Column("ended_at", sa.BigInteger),
    # JSON list: who is still to be told; all of them while it is empty.
    sa.Column("recipients", sa.Text),
    # Whether channels have been told what it tells, or need not be; see channels.relay.
    sa.Column("relayed", sa.Boolean, nullable=False, server_default=sa.true()),
)
WAITING_NOTICE: Final = notice.c.ended_at.is_(None)
sa.Index("ix_notice_due", notice.c.due_at, sqlite_where=WAITING_NOTICE, postgresql_where=WAITING_NOTICE)
sa.Index(
    "ix_notice_unrelayed",
    notice.c.id,
    # As each database writes the condition in a query, so that its planner sees that the index serves it.
    sqlite_where=sa.text("relayed = 0"),
    postgresql_where=sa.text("NOT relayed"),
)

contact: Final = sa.Table(
    "contact",
    metadata,
    sa.Column("publisher_id", Name, sa.ForeignKey("publisher.id"), primary_key=True),
    # The same text for every way to write the address, and for every address of one mailbox: see MailAddress.
    sa.Column("address", sa.String(320), primary_key=True),
    sa.Column("mailbox", sa.String(320), nullable=False, index=True),
    sa.Column("state", State, nullable=False),  # waiting, asked, confirmed, declined
    # Of the link in the question.
    sa.Column("token_hash", sa.String(64), unique=True),
    sa.Column("asks", sa.Integer, nullable=False, server_default="0"),
    # When the question is due; none when it is not to be asked.
    sa.Column("ask_at", sa.BigInteger, index=True),
    sa.Column("asked_at", sa.BigInteger),
    sa.Column("answered_at", sa.BigInteger),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    # Why the mail server refused the last mail, as diagnoses are stored.
    sa.Column("trouble", sa.Text),
)

declined_mailbox: Final = sa.Table(
    "declined_mailbox",
    metadata,
    # Whoever reads it wants no mail from this installation, whichever publisher enters it.
    sa.Column("mailbox", sa.String(320), primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False),
)

mail_count: Final = sa.Table(
    "mail_count",
    metadata,
    # How many mails went out for a publisher in five minutes (numbered since 1970), each recipient counted.
    sa.Column("publisher_id", Name, sa.ForeignKey("publisher.id"), primary_key=True),
    sa.Column("slot", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("mails", sa.Integer, nullable=False),
)

key: Final = sa.Table(
    "key",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("publisher_id", Name),
    sa.Column("hash", sa.String(64), nullable=False, unique=True),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("revoked_at", sa.BigInteger),
    # When somebody called with it last, to the minute; see access.uses.
    sa.Column("used_at", sa.BigInteger),
    sa.Index("ix_key_publisher", "publisher_id", "id"),
)

session: Final = sa.Table(
    "session",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("token_hash", sa.String(64), nullable=False, unique=True),
    # Who is signed in, with a key or as a person: a session ends with either.
    sa.Column("key_id", Id, sa.ForeignKey("key.id"), index=True),
    sa.Column("person_id", Id, sa.ForeignKey("person.id"), index=True),
    # For which publisher a person acts; for none, as an operator.
    sa.Column("publisher_id", Name),
    # The password was right, the second factor is still to come.
    sa.Column("pending", sa.Boolean, nullable=False, server_default=sa.false()),
    # How it began: by a password or a key (empty), provider, frame (in another site's page: with this role).
    sa.Column("how", sa.String(16), nullable=False, server_default=""),
    sa.Column("role", sa.String(16)),
    # The publisher whose pages an operator looks at as its members see them.
    sa.Column("looks_at", Name),
    sa.Column("address", sa.String(64), nullable=False, server_default=""),
    sa.Column("agent", sa.String(200), nullable=False, server_default=""),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("seen_at", sa.BigInteger, nullable=False),
    sa.Column("until", sa.BigInteger, nullable=False, index=True),
    sa.Column("ended_at", sa.BigInteger),
)

person: Final = sa.Table(
    "person",
    metadata,
    sa.Column("id", Id, primary_key=True),
    # The same text for every way to write the address: see MailAddress.
    sa.Column("email", sa.String(320), nullable=False, unique=True),
    sa.Column("name", sa.String(200), nullable=False),
    # Argon2id, with its parameters and salt; empty for whoever signs in with the identity provider alone.
    sa.Column("password_hash", sa.String(200), nullable=False),
    sa.Column("password_at", sa.BigInteger, nullable=False),
    sa.Column("is_operator", sa.Boolean, nullable=False, server_default=sa.false()),
    # An operator because of a group at the identity provider, and no longer than that.
    sa.Column("operator_by_group", sa.Boolean, nullable=False, server_default=sa.false()),
    # The secret of the second factor, sealed; since when it is asked for; the newest time step that was used.
    sa.Column("factor", sa.Text),
    sa.Column("factor_at", sa.BigInteger),
    sa.Column("factor_step", sa.BigInteger),
    # JSON list: hashes of the recovery codes that are left.
    sa.Column("recovery", sa.Text),
    # JSON: when they want to be written to; see notices.quiet. None: at any time.
    sa.Column("quiet", sa.Text),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("disabled_at", sa.BigInteger),
)

membership: Final = sa.Table(
    "membership",
    metadata,
    sa.Column("person_id", Id, sa.ForeignKey("person.id"), primary_key=True),
    sa.Column("publisher_id", Name, sa.ForeignKey("publisher.id"), primary_key=True, index=True),
    sa.Column("role", sa.String(16), nullable=False),  # owner, contributor, reader
    # Because of a group at the identity provider, and no longer than that.
    sa.Column("by_group", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("created_at", sa.BigInteger, nullable=False),
)

identity: Final = sa.Table(
    "identity",
    metadata,
    # Who a person is at an identity provider: its issuer, and the subject that it never gives to another.
    sa.Column("issuer", sa.String(500), primary_key=True),
    sa.Column("subject", sa.String(255), primary_key=True),
    sa.Column("person_id", Id, sa.ForeignKey("person.id"), nullable=False, index=True),
    sa.Column("created_at", sa.BigInteger, nullable=False),
)

guess: Final = sa.Table(
    "guess",
    metadata,
    # How many wrong passwords or codes came since ``begun_at``: of whom is hashed with what is counted.
    sa.Column("whose", sa.String(64), primary_key=True),
    sa.Column("begun_at", sa.BigInteger, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("until", sa.BigInteger, nullable=False, index=True),
)

one_time_link: Final = sa.Table(
    "one_time_link",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("token_hash", sa.String(64), nullable=False, unique=True),
    sa.Column("purpose", sa.String(16), nullable=False),  # begin, invitation, reset, portal
    # Whom an invitation is for, and what they become: of a publisher, or of none as an operator.
    sa.Column("email", sa.String(320)),
    sa.Column("publisher_id", Name, sa.ForeignKey("publisher.id"), index=True),
    sa.Column("role", sa.String(16)),
    # Whose password a reset changes.
    sa.Column("person_id", Id, sa.ForeignKey("person.id"), index=True),
    sa.Column("made_by", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("until", sa.BigInteger, nullable=False, index=True),
    # Used or revoked.
    sa.Column("ended_at", sa.BigInteger),
)

installation: Final = sa.Table(
    "installation",
    metadata,
    # What was entered on pages instead of in settings (marketplaceName), and what is remembered of the installation
    # itself: see storage.remembered.
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("changed_at", sa.BigInteger, nullable=False),
)

audit: Final = sa.Table(
    "audit",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("act", sa.String(64), nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    # Whose things it is about, where they are one publisher's: it may read these lines.
    sa.Column("publisher_id", Name),
    # The offer that it is about, where it is about one or what belongs to it: read as its history.
    sa.Column("offer_ref", sa.String(257)),
    # Its place in the chain, and the hash over it and the line before; none in its first moments. See access.chain.
    sa.Column("number", sa.BigInteger, index=True),
    sa.Column("hash", sa.String(64)),
    sa.Index(None, "publisher_id", "id"),
)
_OF_AN_OFFER: Final = audit.c.offer_ref.is_not(None)
sa.Index("ix_audit_offer", audit.c.offer_ref, audit.c.id, sqlite_where=_OF_AN_OFFER, postgresql_where=_OF_AN_OFFER)
UNSEALED: Final = audit.c.number.is_(None)
sa.Index("ix_audit_unsealed", audit.c.id, sqlite_where=UNSEALED, postgresql_where=UNSEALED)

audit_head: Final = sa.Table(
    "audit_head",
    metadata,
    # One row: the end of the chain, and where it begins since old lines were taken out.
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
    sa.Column("first_number", sa.BigInteger, nullable=False),
    sa.Column("first_hash", sa.String(64), nullable=False),
)
