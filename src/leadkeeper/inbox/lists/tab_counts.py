"""How many leads of all publishers stand on each tab: asked for with every first page and list of an operator."""

from __future__ import annotations

import functools
from typing import Final

import sqlalchemy as sa

from leadkeeper.inbox.lists.in_state import named_at_rest, tabs_over
from leadkeeper.inbox.lists.narrowing import TABS, counted, leads_of, whole_count
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import listed
from leadkeeper.storage.hot import HotStatement


def counts_of_all(conn: sa.Connection) -> dict[str, int]:
    """As :func:`~leadkeeper.inbox.lists.narrowing.counts` of all leads, by statements that are made once."""
    named = named_at_rest(conn)
    given = {} if named is None else {"at_rest": named}
    found = {"": _WHOLE.scalar(conn, {}) or 0}
    for tab in TABS[1:]:
        found[tab] = counted(lambda most, on=tab: _leads_on(on, named is not None, most).rows(conn, given)[0])
    return found


_WHOLE: Final = HotStatement(lambda _: whole_count(()))


@functools.cache
def _leads_on(tab: str, named: bool, most: int | None) -> HotStatement:
    """The leads of one tab; those ``named`` are the connections at rest."""

    def made(dialect: str) -> sa.Select[tuple[int, int]]:
        over = t.delivery.c.connection_id
        resting = sa.select(t.connection.c.id).where(t.AT_REST)
        rests = listed(dialect, over, "at_rest") if named else over.in_(resting)
        return leads_of(tabs_over(rests, sa.not_(rests), sa.true())[tab], (), most)

    return HotStatement(made)
