"""How many leads of all publishers stand on each tab: asked for with every first page and list of an operator."""

from __future__ import annotations

import functools
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.inbox.lists import narrowing
from leadkeeper.inbox.lists.in_state import named_at_rest, tabs_over
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import by_index, listed
from leadkeeper.storage.hot import HotStatement


def counts_of_all(conn: sa.Connection) -> dict[str, int]:
    """As :func:`~leadkeeper.inbox.lists.narrowing.counts` of all leads, as a rule in two statements, made once."""
    named = named_at_rest(conn)
    given: dict[str, Any] = {} if named is None else {"at_rest": named}
    least = narrowing.COUNTED + 1
    (first,) = _first_look(named is not None).rows(conn, given | {"most": least})
    looked = {tab: first[1 + 2 * at : 3 + 2 * at] for at, tab in enumerate(narrowing.TABS[1:])}

    def look(tab: str, most: int | None) -> Any:
        if most == least:
            return looked[tab]
        further = _further(tab, named is not None, bounded=most is not None)
        return further.rows(conn, given | ({} if most is None else {"most": most}))[0]

    return {"": first[0]} | {tab: narrowing.counted(functools.partial(look, tab)) for tab in looked}


@functools.cache
def _first_look(named: bool) -> HotStatement:
    """All leads, then those of each tab and their deliveries, as far as the first look of ``counted`` goes."""

    def made(dialect: str) -> sa.Select[Any]:
        each: list[sa.FromClause] = [_leads_on(tab, dialect, named, _MOST).subquery() for tab in narrowing.TABS[1:]]
        columns = [
            column.label(f"column{at}") for at, column in enumerate(column for some in each for column in some.c)
        ]
        query = sa.select(narrowing.whole_count((), _MOST).scalar_subquery().label("leads"), *columns)
        return query.select_from(functools.reduce(_beside, each))

    return HotStatement(made)


_MOST: Final = sa.bindparam("most", type_=sa.Integer)


def _beside(some: sa.FromClause, more: sa.FromClause) -> sa.FromClause:
    return some.join(more, sa.true())


@functools.cache
def _further(tab: str, named: bool, *, bounded: bool) -> HotStatement:
    return HotStatement(lambda dialect: _leads_on(tab, dialect, named, _MOST if bounded else None))


def _leads_on(tab: str, dialect: str, named: bool, most: Any) -> sa.Select[Any]:
    """The leads of one tab, and their deliveries; ``named`` are the connections at rest."""
    over = t.delivery.c.connection_id
    rests = listed(dialect, over, "at_rest") if named else over.in_(sa.select(t.connection.c.id).where(t.AT_REST))
    rests = by_index(dialect, rests)
    return narrowing.leads_of(tabs_over(rests, sa.not_(rests), sa.true())[tab], (), most)
