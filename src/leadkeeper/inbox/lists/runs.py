"""Leads that an index knows in the order in which they came: those of a source, a country, an owner and the like.

An index that begins with what is asked for holds its leads as one run, newest and oldest at its ends; several runs are
merged. So the newest leads of a rare source are found as quickly as those of a common one, and none as quickly as some.
What else is asked is tested on the leads of the runs, :data:`~leadkeeper.inbox.lists.narrowing.LOOKED` of them at a
time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from leadkeeper.clock import least_id
from leadkeeper.inbox.follow_up.state import CLOSED, STATES
from leadkeeper.inbox.lists.period import SLACK_MS
from leadkeeper.lead import country_key
from leadkeeper.storage import tables as t

if TYPE_CHECKING:
    from leadkeeper.inbox.lists.filter import LeadFilter

MOST_RUNS: Final = 50
"""So many runs are merged; publishers that make up more sources and actions have their lists looked through."""
NOT_LOOKED_AT: Final = "*"
"""The country of leads that were there before it had a column: their bodies know it."""
_ALWAYS: Final = frozenset({"publisher_id", "now_ms", "to_decide", "oldest_first", "sort"})
_RUN_STATES: Final = {state: (state,) for state in STATES if state != "new"} | {"closed": tuple(CLOSED)}

Run = tuple[sa.ColumnElement[bool], ...]


@dataclass(frozen=True, slots=True)
class Runs:
    """The conditions of each run on ``table``, whose column ``id`` is the lead's; ``answered`` names the filters.

    Every lead that fits stands in one of ``runs``; ``exact`` says that every lead in them fits, ``overlapping`` that a
    lead may stand in several of them, or in one more than once, ``of_country`` that all are in the country that is
    asked for, whatever their bodies say.
    """

    id: sa.ColumnElement[str]
    runs: Sequence[Run]
    exact: bool
    overlapping: bool = False
    of_country: bool = False

    def ids(self, filters: LeadFilter, cursor: str | None, most: int, *, up: bool) -> sa.Select[Any]:
        """The ids of the next ``most`` leads of all runs, newest first, or oldest first where it goes ``up``."""
        bounds: list[sa.ColumnElement[bool]] = []
        if cursor is not None:
            bounds.append(self.id > cursor if up else self.id < cursor)
        if filters.since_ms is not None:
            bounds.append(self.id >= least_id(filters.since_ms - SLACK_MS))
        if filters.until_ms is not None:
            bounds.append(self.id < least_id(filters.until_ms + SLACK_MS))
        # Of a lead once also within a run: those that it is short of would look as though there were no more.
        one = sa.select(self.id.label("id"))
        one = one.distinct() if self.overlapping else one
        each = [
            one.where(*run, *bounds).order_by(self.id if up else self.id.desc()).limit(most).subquery()
            for run in self.runs or [(sa.false(),)]
        ]
        union = sa.union if self.overlapping else sa.union_all
        merged = union(*(sa.select(part.c.id) for part in each)).subquery()
        return sa.select(merged.c.id).order_by(merged.c.id if up else merged.c.id.desc()).limit(most)


def runs_of(conn: sa.Connection, filters: LeadFilter) -> Runs | None:
    """The runs that hold all leads that fit, the narrowest that an index knows; ``None`` where it knows none.

    Who is asked for by address or id is found by that, and not here.
    """
    if filters.email is not None or filters.ids is not None:
        return None
    c, whose = t.lead.c, filters.publisher_id
    if whose is not None:
        f = t.follow_up.c
        if filters.owner_id:
            mine = (f.publisher_id == whose, f.owner_id == filters.owner_id)
            return Runs(f.lead_id, [mine], is_all(filters, "owner_id"))
        if filters.follow_up in _RUN_STATES:
            states = _RUN_STATES[filters.follow_up]
            return Runs(f.lead_id, [(f.publisher_id == whose, f.state == state) for state in states], False)
    if filters.withheld:
        own = () if whose is None else (c.publisher_id == whose,)
        return Runs(c.id, [(*own, c.withheld)], is_all(filters, "withheld"))
    if whose is None:
        return None
    if filters.country:
        return _of_country(conn, filters, whose)
    if filters.source is not None or filters.action is not None:
        runs = _of_source_and_action(conn, filters, whose)
        return None if runs is None else Runs(c.id, runs, is_all(filters, "source", "action"))
    return None


def is_all(filters: LeadFilter, *names: str) -> bool:
    """Whether nothing else than these is asked."""
    asked = {name for name, value in asdict(filters).items() if value not in (None, "")}
    return asked <= {*names, *_ALWAYS}


def _of_country(conn: sa.Connection, filters: LeadFilter, publisher_id: str) -> Runs:
    c = t.lead.c
    known, unknown = (
        (c.publisher_id == publisher_id, t.IN_A_COUNTRY, c.country == value)
        for value in (country_key(filters.country or ""), NOT_LOOKED_AT)
    )
    if conn.scalar(sa.select(c.id).where(*unknown).limit(1)) is None:
        return Runs(c.id, [known], is_all(filters, "country"), of_country=True)
    return Runs(c.id, [known, unknown], False)


def _of_source_and_action(conn: sa.Connection, filters: LeadFilter, publisher_id: str) -> list[Run] | None:
    """One run for each pair that there is."""
    c = t.lead.c
    own = c.publisher_id == publisher_id
    sources = [filters.source] if filters.source is not None else _distinct(conn, c.source, own)
    if len(sources) > MOST_RUNS:
        return None
    runs: list[Run] = []
    for source in sources:
        there = (own, c.source == source)
        actions = [filters.action] if filters.action is not None else _distinct(conn, c.action, *there)
        runs += [(*there, c.action == action) for action in actions]
        if len(runs) > MOST_RUNS:
            return None
    return runs


def _distinct(conn: sa.Connection, column: sa.ColumnElement[str], *where: sa.ColumnElement[bool]) -> Sequence[str]:
    """The values of ``column`` there, up to one more than :data:`MOST_RUNS`: one step in an index for each value."""
    first = sa.select(sa.func.min(column).label("value")).where(*where)
    chain = first.cte("chain", recursive=True)
    following = sa.select(sa.func.min(column)).where(*where, column > chain.c.value)
    chain = chain.union_all(sa.select(following.scalar_subquery()).where(chain.c.value.is_not(None)))
    return conn.scalars(sa.select(chain.c.value).where(chain.c.value.is_not(None)).limit(MOST_RUNS + 1)).all()
