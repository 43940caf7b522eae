"""Whether anything moved that an offer's pages show: one text that changes whenever something does."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.offer import OfferRef
from leadkeeper.storage import tables as t

_LEADS: Final = 5
"""How many of its last leads an offer's first page shows."""


def movement(conn: sa.Connection, ref: OfferRef) -> str:
    """A short text of how the offer, its publishing, its connections and its last leads stand; it tells nothing."""
    o, p, c, x = t.offer.c, t.operation.c, t.connection.c, t.connection_change.c
    offer = sa.select(o.revision, o.changed_at, o.live, o.preview_version, o.production_version)
    newest = sa.select(p.id, p.state, p.changed_at, p.steps).where(p.offer_ref == str(ref)).order_by(p.id.desc())
    # Not when it is looked at next: that moves although nobody sees it.
    hidden = {c.check_at, c.settings, c.secrets}
    lines = sa.select(*(column for column in t.connection.c if column not in hidden))
    waiting = sa.select(x.connection_id, x.changed_at, x.diagnosis).join(t.connection, c.id == x.connection_id)
    queries: tuple[sa.Select[Any], ...] = (
        offer.where(o.ref == str(ref)),
        newest.limit(1),
        lines.where(c.offer_ref == str(ref), c.removed_at.is_(None)).order_by(c.name),
        waiting.where(c.offer_ref == str(ref)).order_by(x.connection_id),
        _last_leads(ref),
    )
    seen = [[list(row) for row in conn.execute(query)] for query in queries]
    return hashlib.sha256(json.dumps(seen, default=str).encode()).hexdigest()[:20]


def _last_leads(ref: OfferRef) -> sa.Select[Any]:
    x, d = t.lead.c, t.delivery.c
    of_offer = (x.publisher_id == ref.publisher_id, x.offer_id == ref.offer_id)
    last = sa.select(x.id).where(*of_offer).order_by(x.id.desc()).limit(_LEADS).subquery()
    query = sa.select(last.c.id, d.id.label("delivery"), d.state).outerjoin(t.delivery, d.lead_id == last.c.id)
    return query.order_by(last.c.id, d.id)
