"""The audit: who did what to which thing, and when. It never holds secrets or personal data."""

from __future__ import annotations

import sqlalchemy as sa

from leadkeeper.clock import new_id
from leadkeeper.storage import tables as t


def note(conn: sa.Connection, now: int, who: str, act: str, subject: str, detail: str = "") -> None:
    """Write one line of audit in the transaction of the act itself."""
    conn.execute(sa.insert(t.audit).values(id=new_id(), at=now, who=who, act=act, subject=subject, detail=detail))
