"""How many leads of all publishers stand on each tab: asked for with every first page and list of an operator."""

from __future__ import annotations

import functools
from typing import Any

import sqlalchemy as sa

from leadkeeper.inbox.lists.in_state import named_at_rest, tabs_over
from leadkeeper.inbox.lists.narrowing import FEW_FIRST, TABS, counted, leads_of, whole_count
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import listed
from leadkeeper.storage.hot import HotStatement


def counts_of_all(conn: sa.Connection) -> dict[str, int]:
    """As :func:`~leadkeeper.inbox.lists.narrowing.counts` of all leads, as a rule in two statements, made once."""
    named = named_at_rest(conn)
    given = {} if named is None else {"at_rest": named}
    (first,) = _first_look(named is not None).rows(conn, given)
    looked = {tab: first[1 + 2 * at : 3 + 2 * at] for at, tab in enumerate(TABS[1:])}

    def look(tab: str, most: int | None) -> Any:
        return looked[tab] if most == FEW_FIRST[0] else _further(tab, named is not None, most).rows(conn, given)[0]

    return {"": first[0]} | {tab: counted(functools.partial(look, tab)) for tab in looked}


@functools.cache
def _first_look(named: bool) -> HotStatement:
    """All leads, then those of each tab and their deliveries, as far as the first look of ``counted`` goes."""

    def made(dialect: str) -> sa.Select[Any]:
        each = [_leads_on(tab, dialect, named, FEW_FIRST[0]).subquery() for tab in TABS[1:]]
        columns = [column for looked in each for column in looked.c]
        named_apart = [column.label(f"column{at}") for at, column in enumerate(columns)]
        return sa.select(whole_count(()).scalar_subquery().label("leads"), *named_apart)

    return HotStatement(made)


@functools.cache
def _further(tab: str, named: bool, most: int | None) -> HotStatement:
    return HotStatement(lambda dialect: _leads_on(tab, dialect, named, most))


def _leads_on(tab: str, dialect: str, named: bool, most: int | None) -> sa.Select[Any]:
    """The leads of one tab, and their deliveries; ``named`` are the connections at rest."""
    over = t.delivery.c.connection_id
    rests = listed(dialect, over, "at_rest") if named else over.in_(sa.select(t.connection.c.id).where(t.AT_REST))
    return leads_of(tabs_over(rests, sa.not_(rests), sa.true())[tab], (), most)
