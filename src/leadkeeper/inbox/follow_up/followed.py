"""How a lead is followed up, read with it."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.clock import to_text
from leadkeeper.inbox.follow_up.state import due_of, is_followed
from leadkeeper.storage import tables as t
from leadkeeper.views import FollowUpView, LeadEventView

FOLLOWED: Final[tuple[sa.ColumnElement[Any], ...]] = (
    t.person.c.name.label("owner_name"),
    *(t.follow_up.c[name].label(f"follow_{name}") for name in ("state", "reason", "owner_id", "due_at", "touched_at")),
)
"""What :func:`follow_up_of` reads besides the lead; needs outer joins with ``follow_up`` and its owner."""


def follow_up_of(row: sa.Row[Any]) -> FollowUpView | None:
    """How the lead is followed up; ``None`` for one that nobody is to follow up."""
    if not is_followed(action=row.action, test=row.test, withheld=row.withheld, preview=row.preview):
        return None
    due_at = due_of(row.created_at) if row.follow_due_at is None else row.follow_due_at
    return FollowUpView(
        state=row.follow_state or "new",
        reason=row.follow_reason or "",
        owner_id=row.follow_owner_id,
        owner=row.owner_name,
        due_at=to_text(due_at),
        touched_at=None if row.follow_touched_at is None else to_text(row.follow_touched_at),
    )


def events_of(conn: sa.Connection, lead_id: str) -> tuple[LeadEventView, ...]:
    """What people did to a lead, oldest first, by their names."""
    e, p = t.lead_event.c, t.person.c
    who = sa.func.coalesce(p.name, e.by)
    query = sa.select(e.at, e.kind, e.text, who.label("who")).outerjoin(t.person, e.by == "person:" + p.id)
    rows = conn.execute(query.where(e.lead_id == lead_id).order_by(e.id))
    return tuple(LeadEventView(at=to_text(row.at), by=row.who, kind=row.kind, text=row.text) for row in rows)
