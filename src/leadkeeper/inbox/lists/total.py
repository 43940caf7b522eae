"""How many leads fit, for whoever waits until all of them are there: counted up to a bound, about so many beyond it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.clock import made_at

COUNTED_WHOLE: Final = 100_000
"""More leads than this are not counted: how many they are about is told from how long these took to come."""


@dataclass(frozen=True, slots=True)
class LeadTotal:
    """So many leads fit; ``about`` says that not all of them were counted."""

    leads: int
    about: bool = False


def total_of(conn: sa.Connection, ids: sa.Select[Any], id_: sa.ColumnElement[str]) -> LeadTotal:
    """How many ``ids`` selects, which is a query for ``id_``, the ids of leads, each of them once.

    Beyond :data:`COUNTED_WHOLE` it is told from the time over which the newest so many came, and that of all.
    """
    some = ids.order_by(id_.desc()).limit(COUNTED_WHOLE + 1).subquery()
    count = conn.scalar(sa.select(sa.func.count()).select_from(some)) or 0
    if count <= COUNTED_WHOLE:
        return LeadTotal(count)
    newest, last = (conn.scalar(ids.order_by(id_.desc()).offset(at).limit(1)) for at in (0, COUNTED_WHOLE))
    oldest = conn.scalar(ids.order_by(id_).limit(1))
    first_ms, last_ms, oldest_ms = (made_at(id_ or "") for id_ in (newest, last, oldest))
    share = (first_ms - oldest_ms) / max(1, first_ms - last_ms)
    return LeadTotal(max(count, round(COUNTED_WHOLE * share)), about=True)
