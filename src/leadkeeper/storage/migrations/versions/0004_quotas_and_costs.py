"""Quotas of publishers; leads know how often they were passed on; indexes so that nobody pays for others' data"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Apply."""
    op.add_column("publisher", sa.Column("quotas", sa.Text(), nullable=True))
    op.add_column("publisher", sa.Column("shelf_name", sa.Text(), server_default="", nullable=False))
    op.create_table(
        "quota_use",
        sa.Column("publisher_id", sa.String(128), nullable=False),
        sa.Column("rate", sa.String(32), nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("process", sa.String(36), nullable=False),
        sa.Column("day_used", sa.BigInteger(), nullable=False),
        sa.Column("minute", sa.BigInteger(), nullable=False),
        sa.Column("minute_used", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("publisher_id", "rate", "day", "process", name=op.f("pk_quota_use")),
    )
    op.add_column("lead", sa.Column("hops", sa.Integer(), server_default="0", nullable=False))
    op.create_index("ix_lead_publisher", "lead", ["publisher_id", "id"])
    set_aside = sa.text("state = 'setAside'")
    op.drop_index("ix_delivery_set_aside", "delivery")
    op.create_index(
        "ix_delivery_set_aside",
        "delivery",
        ["connection_id", "changed_at"],
        sqlite_where=set_aside,
        postgresql_where=set_aside,
    )
    _shelf()


def _shelf() -> None:
    """What the storefront sorts by and searches in, of the offers that are published."""
    op.add_column("offer", sa.Column("shelf_title", sa.String(200), server_default="", nullable=False))
    op.add_column("offer", sa.Column("shelf_text", sa.Text(), server_default="", nullable=False))
    op.create_index(
        "ix_offer_shelf",
        "offer",
        ["shelf_title", "ref"],
        sqlite_where=sa.text("live = 1 AND production_version IS NOT NULL"),
        postgresql_where=sa.text("live AND production_version IS NOT NULL"),
    )
    names: list[sa.ColumnClause[str]] = [
        sa.column(name) for name in ("ref", "id", "title", "publisher_id", "offer_type", "production_version")
    ]
    offer = sa.table("offer", *names, *(sa.column(name) for name in ("shelf_title", "shelf_text")))
    version = sa.table("offer_version", *(sa.column(name) for name in ("offer_ref", "version", "definition")))
    publisher = sa.table("publisher", *(sa.column(name) for name in ("id", "display_name", "shelf_name")))
    published = (
        sa.select(offer.c.ref, offer.c.id, offer.c.offer_type, version.c.definition)
        .select_from(offer)
        .join(version, (version.c.offer_ref == offer.c.ref) & (version.c.version == offer.c.production_version))
    )
    for id, name in op.get_bind().execute(sa.select(publisher.c.id, publisher.c.display_name)).all():
        named = {"shelf_name": name.casefold()}
        op.get_bind().execute(sa.update(publisher).where(publisher.c.id == id).values(named))
    for row in op.get_bind().execute(published).all():
        title, summary = _listing(row.definition)
        title = title or row.id
        text = "\n".join((title, summary, _TYPES.get(row.offer_type.casefold(), row.offer_type))).casefold()
        values = {"shelf_title": title.casefold()[:200], "shelf_text": text}
        op.get_bind().execute(sa.update(offer).where(offer.c.ref == row.ref).values(values))


def _listing(text: str) -> tuple[str, str]:
    definition = json.loads(text)
    properties = definition.get("offer") if isinstance(definition.get("offer"), dict) else {}
    named = {str(key).rpartition(".")[2].casefold(): value for key, value in properties.items()}
    found = [value.strip() for value in (named.get("title"), definition.get("displayText")) if isinstance(value, str)]
    summary = named.get("summary")
    title = next((value for value in found if value), "")
    return title, summary.strip() if isinstance(summary, str) else ""


_TYPES = {
    "saas": "Software as a service",
    "dynamics-365-customer-engagement": "Dynamics 365 Customer Engagement",
    "dynamics-365-operations": "Dynamics 365 Operations",
    "dynamics-365-business-central": "Dynamics 365 Business Central",
    "consulting-services": "Consulting service",
    "power-bi-app": "Power BI app",
    "office-add-in": "Office add-in",
    "microsoft-azure-virtualmachines": "Virtual machine",
    "azure-application": "Azure application",
    "azure-container": "Azure container",
    "managed-service": "Managed service",
}
"""The names of the types as customers read them when this was written."""
