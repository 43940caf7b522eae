"""Offers have versions and are published; changes of connections are proven first; previews and withheld leads"""

import json
import secrets

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Apply."""
    _offers()
    _operations()
    _connections()
    op.add_column("lead", sa.Column("preview", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("lead", sa.Column("withheld", sa.Boolean(), server_default=sa.false(), nullable=False))
    with op.batch_alter_table("notice") as notice:
        notice.alter_column("connection_id", existing_type=sa.String(36), nullable=True)
        notice.add_column(sa.Column("operation_id", sa.String(36), nullable=True))
        notice.create_foreign_key("fk_notice_operation_id", "operation", ["operation_id"], ["id"])


def _offers() -> None:
    op.add_column("offer", sa.Column("draft_version", sa.Integer(), server_default="1", nullable=False))
    op.add_column("offer", sa.Column("preview_version", sa.Integer(), nullable=True))
    op.add_column("offer", sa.Column("production_version", sa.Integer(), nullable=True))
    op.add_column("offer", sa.Column("revision", sa.Integer(), server_default="1", nullable=False))
    op.add_column("offer", sa.Column("preview_key", sa.String(64), server_default="", nullable=False))
    version = op.create_table(
        "offer_version",
        sa.Column("offer_ref", sa.String(257), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("definition", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["offer_ref"], ["offer.ref"], name=op.f("fk_offer_version_offer_ref")),
        sa.PrimaryKeyConstraint("offer_ref", "version", name=op.f("pk_offer_version")),
    )
    columns: list[sa.ColumnClause[str]] = [sa.column(name) for name in ("ref", "title", "changed_at", "preview_key")]
    offer = sa.table("offer", *columns)
    for row in op.get_bind().execute(sa.select(offer.c.ref, offer.c.title, offer.c.changed_at)).all():
        definition = json.dumps({"displayText": row.title, "offer": {}, "plans": []})
        values = {"offer_ref": row.ref, "version": 1, "definition": definition, "changed_at": row.changed_at}
        op.get_bind().execute(sa.insert(version).values(values))
        key = {"preview_key": secrets.token_urlsafe(24)}
        op.get_bind().execute(sa.update(offer).where(offer.c.ref == row.ref).values(key))
    op.create_table(
        "cross_listing",
        sa.Column("first_ref", sa.String(257), nullable=False),
        sa.Column("second_ref", sa.String(257), nullable=False),
        sa.Column("first_agreed_at", sa.BigInteger(), nullable=True),
        sa.Column("second_agreed_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["first_ref"], ["offer.ref"], name=op.f("fk_cross_listing_first_ref")),
        sa.ForeignKeyConstraint(["second_ref"], ["offer.ref"], name=op.f("fk_cross_listing_second_ref")),
        sa.PrimaryKeyConstraint("first_ref", "second_ref", name=op.f("pk_cross_listing")),
    )
    op.create_index(op.f("ix_cross_listing_second_ref"), "cross_listing", ["second_ref"])


def _operations() -> None:
    op.create_table(
        "operation",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("offer_ref", sa.String(257), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("steps", sa.Text(), nullable=False),
        sa.Column("emails", sa.Text(), nullable=False),
        sa.Column("started_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["offer_ref"], ["offer.ref"], name=op.f("fk_operation_offer_ref")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operation")),
    )
    running = sa.text("state = 'running'")
    op.create_index(op.f("ix_operation_offer_ref"), "operation", ["offer_ref"])
    op.create_index("ix_operation_due", "operation", ["due_at"], sqlite_where=running, postgresql_where=running)
    op.create_index(
        "uq_operation_running",
        "operation",
        ["offer_ref"],
        unique=True,
        sqlite_where=running,
        postgresql_where=running,
    )


def _connections() -> None:
    op.add_column("connection", sa.Column("proven", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_table(
        "connection_change",
        sa.Column("connection_id", sa.String(36), nullable=False),
        sa.Column("destination", sa.String(32), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("secrets", sa.Text(), nullable=False),
        sa.Column("repeatable", sa.Boolean(), nullable=False),
        sa.Column("announces", sa.String(8), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("diagnosis", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["connection_id"], ["connection.id"], name=op.f("fk_connection_change_connection_id")),
        sa.PrimaryKeyConstraint("connection_id", name=op.f("pk_connection_change")),
    )
    op.create_index(op.f("ix_connection_change_due_at"), "connection_change", ["due_at"])
