"""Contact e-mails are asked whether they want notices; mails are counted by publisher

Whoever got notices before goes on to get them: every address that stands in a connection, in settings that wait, or
in an operation counts as confirmed for its publisher. An upgrade must not silence anybody who is told of trouble.
"""

import json
import time

import idna
import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Apply."""
    op.add_column("notice", sa.Column("recipients", sa.Text(), nullable=True))
    contact = op.create_table(
        "contact",
        sa.Column("publisher_id", sa.String(128), nullable=False),
        sa.Column("address", sa.String(320), nullable=False),
        sa.Column("mailbox", sa.String(320), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=True),
        sa.Column("asks", sa.Integer(), server_default="0", nullable=False),
        sa.Column("ask_at", sa.BigInteger(), nullable=True),
        sa.Column("asked_at", sa.BigInteger(), nullable=True),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("trouble", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["publisher_id"], ["publisher.id"], name=op.f("fk_contact_publisher_id")),
        sa.PrimaryKeyConstraint("publisher_id", "address", name=op.f("pk_contact")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_contact_token_hash")),
    )
    op.create_index(op.f("ix_contact_mailbox"), "contact", ["mailbox"])
    op.create_index(op.f("ix_contact_ask_at"), "contact", ["ask_at"])
    op.create_table(
        "declined_mailbox",
        sa.Column("mailbox", sa.String(320), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("mailbox", name=op.f("pk_declined_mailbox")),
    )
    op.create_table(
        "mail_count",
        sa.Column("publisher_id", sa.String(128), nullable=False),
        sa.Column("slot", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("mails", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["publisher_id"], ["publisher.id"], name=op.f("fk_mail_count_publisher_id")),
        sa.PrimaryKeyConstraint("publisher_id", "slot", name=op.f("pk_mail_count")),
    )
    known = _told_before()
    if known:
        op.bulk_insert(contact, known)


def _told_before() -> list[dict[str, object]]:
    """The rows of everybody whom this installation has told of something."""
    conn, now = op.get_bind(), int(time.time() * 1000)
    told = [
        "SELECT o.publisher_id, c.settings AS kept FROM connection c JOIN offer o ON o.ref = c.offer_ref",
        "SELECT o.publisher_id, x.settings AS kept FROM connection_change x"
        " JOIN connection c ON c.id = x.connection_id JOIN offer o ON o.ref = c.offer_ref",
        "SELECT o.publisher_id, n.emails AS kept FROM operation n JOIN offer o ON o.ref = n.offer_ref",
    ]
    found: dict[tuple[str, str], dict[str, object]] = {}
    for query in told:
        for publisher_id, kept in conn.execute(sa.text(query)).all():
            for email in _emails(kept):
                local, _, domain = email.rpartition("@")
                domain = _a_labels(domain)
                local = "".join(each.lower() if each.isascii() else each for each in local)
                address = f"{local}@{domain}"
                found[publisher_id, address] = {
                    "publisher_id": publisher_id,
                    "address": address,
                    "mailbox": f"{local.partition('+')[0] or local}@{domain}",
                    "state": "confirmed",
                    "created_at": now,
                    "answered_at": now,
                }
    return list(found.values())


def _emails(kept: str) -> list[str]:
    """The addresses in a stored list, or in stored settings; none where a row is damaged."""
    try:
        read = json.loads(kept)
    except ValueError:
        return []
    listed = read.get("contactEmail", []) if isinstance(read, dict) else read
    return [one for one in listed if isinstance(one, str) and "@" in one] if isinstance(listed, list) else []


def _a_labels(domain: str) -> str:
    try:
        return idna.encode(domain, uts46=True).decode()
    except (idna.IDNAError, UnicodeError):
        return domain.lower()
