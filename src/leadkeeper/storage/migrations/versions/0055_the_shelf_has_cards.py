"""What the storefront's list shows of an offer stands in its row: no definition is read for it"""

import json
import re

import sqlalchemy as sa
from alembic import op

revision = "0055"
down_revision = "0054"

_AT_ONCE = 50
"""So many definitions are read at a time: each may have a megabyte."""
_OFFER = sa.table(
    "offer",
    *(sa.column(name) for name in ("ref", "id", "title", "production_version")),
    *(sa.column(name) for name in ("shelf_summary", "shelf_price", "shelf_logo")),
)
_VERSION = sa.table("offer_version", *(sa.column(name) for name in ("offer_ref", "version", "definition")))


def upgrade() -> None:
    """Apply."""
    op.add_column("offer", sa.Column("shelf_summary", sa.Text(), nullable=False, server_default=""))
    op.add_column("offer", sa.Column("shelf_price", sa.String(100), nullable=False, server_default=""))
    op.add_column("offer", sa.Column("shelf_logo", sa.String(64), nullable=False, server_default=""))
    o, v, conn = _OFFER.c, _VERSION.c, op.get_bind()
    published = sa.select(o.ref, o.id, v.definition).join_from(
        _OFFER, _VERSION, (v.offer_ref == o.ref) & (v.version == o.production_version)
    )
    after = ""
    while rows := conn.execute(published.where(o.ref > after).order_by(o.ref).limit(_AT_ONCE)).all():
        for row in rows:
            if (card := _card(row.definition, row.id)) is not None:
                conn.execute(sa.update(_OFFER).where(o.ref == row.ref).values(card))
        after = rows[-1].ref


def _card(text: str, offer_id: str) -> dict[str, str] | None:
    """What the list shows, as long as it was shown before; nothing of a definition that is damaged."""
    try:
        definition = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return None
    if not isinstance(definition, dict):
        return None
    offer = definition.get("offer")
    properties = offer if isinstance(offer, dict) else {}
    by_name = {str(key).rpartition(".")[2].casefold(): value for key, value in properties.items()}
    logo = _text(by_name.get("logo"))
    return {
        "title": (_text(by_name.get("title")) or _text(definition.get("displayText")) or offer_id)[:200],
        "shelf_summary": _text(by_name.get("summary"))[:2_000],
        "shelf_price": _text(by_name.get("priceline"))[:100],
        "shelf_logo": logo if re.fullmatch("[0-9a-f]{64}", logo) else "",
    }


def _text(value: object) -> str:
    """A text that every database takes."""
    if not isinstance(value, str):
        return ""
    return value.replace("\0", "").encode(errors="ignore").decode().strip()
