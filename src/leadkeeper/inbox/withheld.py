"""That leads were withheld: which publishers have any that nobody has seen yet, and that somebody has. All SQL.

A withheld lead needs nobody, but who sells ought to know that a customer was there. It is told for
:data:`WITHIN_DAYS` days, or until somebody says that they have seen it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.access.audit import note
from leadkeeper.clock import least_id
from leadkeeper.inbox.attention.causes import MOST, MOST_COUNTED
from leadkeeper.inbox.oversight.figures import DAY_MS, EVERYBODY
from leadkeeper.problem import Problem, ProblemType
from leadkeeper.storage import tables as t
from leadkeeper.storage.hot import HotStatement
from leadkeeper.storage.known import publisher_exists
from leadkeeper.texts import lazy_gettext
from leadkeeper.views import View

WITHIN_DAYS: Final = 7
"""For so many days a withheld lead is told of."""


class WithheldSeen(View):
    """Of how many withheld leads somebody said that they have seen it; 10001 means more than 10000."""

    leads: int


def withheld_counts(conn: sa.Connection, publisher_id: str | None, now: int) -> Mapping[str, tuple[int, int]]:
    """By publisher how many leads were withheld that nobody has seen, and since when (ms); of one publisher, or of all.

    Of all, those that the figures by day name are looked at, at most one more than :data:`MOST`.
    """
    whose = [publisher_id] if publisher_id is not None else _with_any(conn, now)
    counts = {each: _count(conn, each, now) for each in whose}
    return {each: (count, since) for each, (count, since) in counts.items() if since is not None}


def _with_any(conn: sa.Connection, now: int) -> list[str]:
    return [row.publisher_id for row in _WITH_ANY.rows(conn, {"day": now // DAY_MS - WITHIN_DAYS})]


def _with_any_statement(_: str) -> sa.Select[Any]:
    f = t.day_figure.c
    days = f.day >= sa.bindparam("day", type_=sa.BigInteger)
    query = sa.select(f.publisher_id).where(t.WITH_WITHHELD, days, f.publisher_id != EVERYBODY)
    return query.distinct().order_by(f.publisher_id).limit(MOST + 1)


_WITH_ANY: Final = HotStatement(_with_any_statement)


def _count(conn: sa.Connection, publisher_id: str, now: int) -> tuple[int, int | None]:
    seen: str | None = _SEEN.scalar(conn, {"publisher": publisher_id})
    after = max(seen or "", least_id(now - WITHIN_DAYS * DAY_MS))
    ((count, since),) = _UNSEEN.rows(conn, {"publisher": publisher_id, "least": after})
    return count, since


def _unseen(_: str) -> sa.Select[Any]:
    c = t.lead.c
    those = (c.publisher_id == sa.bindparam("publisher"), c.withheld, sa.not_(c.test), sa.not_(c.preview))
    after = c.id > sa.bindparam("least", type_=c.id.type)
    some = sa.select(c.created_at).where(*those, after).order_by(c.id).limit(MOST_COUNTED + 1).subquery()
    columns: list[Any] = [sa.func.count().label("leads"), sa.func.min(some.c.created_at).label("since")]
    return sa.select(*columns)


_UNSEEN: Final = HotStatement(_unseen)
_SEEN: Final = HotStatement(
    lambda _: sa.select(t.publisher.c.withheld_seen).where(t.publisher.c.id == sa.bindparam("publisher"))
)


def see_withheld(conn: sa.Connection, publisher_id: str, now: int, by: str) -> WithheldSeen:
    """Somebody has seen that leads of the publisher were withheld; how many that were.

    Raises :class:`Problem` for a publisher that is not there.
    """
    if not publisher_exists(conn, publisher_id):
        raise Problem(ProblemType.UNKNOWN_PUBLISHER, lazy_gettext("There is no such publisher."))
    c, p = t.lead.c, t.publisher.c
    count, _since = _count(conn, publisher_id, now)
    if count:
        newest = sa.select(c.id).where(c.publisher_id == publisher_id, c.withheld).order_by(c.id.desc()).limit(1)
        values = {"withheld_seen": conn.scalar(newest)}
        conn.execute(sa.update(t.publisher).where(p.id == publisher_id).values(values))
        note(conn, now, by, "leads.withheldSeen", publisher_id, f"{count} leads", publisher_id=publisher_id)
    return WithheldSeen(leads=count)
