"""Choosing leads by what no index knows: within a bounded part of the list, so that no page reads all leads.

A page looks at :data:`LOOKED` leads at most. Where they hold fewer than a page, the answer says how far it looked, and
its cursor goes on from there.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from leadkeeper.inbox.content import content_of
from leadkeeper.inbox.follow_up.state import CLOSED, DO_NOT_CONTACT, DUE_MS
from leadkeeper.lead import country_key
from leadkeeper.lead_words import stands_in, wanted_text
from leadkeeper.storage import tables as t

if TYPE_CHECKING:
    from leadkeeper.inbox.lists.filter import LeadFilter

LOOKED: Final = 10_000
"""The most leads that one page looks at."""
FIRST_LOOKS: Final = 8
"""Before that it looks at so many for each lead of the page: where many fit, these are enough."""
COUNTED: Final = 1_000
"""More leads than this are not counted on a tab: nobody needs their exact number."""
TABS: Final = ("", "attention", "waiting", "held", "setAside")
"""The tabs above the list, by the state that each asks for."""


def is_narrow(filters: LeadFilter) -> bool:
    """Whether leads are chosen by anything that may fit very few of many."""
    rare = (filters.country, filters.destination, filters.follow_up, filters.owner_id, filters.withheld, filters.text)
    return any(each not in (None, "") for each in (*rare, filters.source, filters.action))


def narrowing(filters: LeadFilter) -> list[sa.ColumnElement[bool]]:
    """The conditions that the database tests; needs a join with ``follow_up``."""
    c, f, d = t.lead.c, t.follow_up.c, t.delivery.c
    found: list[sa.ColumnElement[bool]] = []
    if filters.withheld is not None:
        found.append(c.withheld == filters.withheld)
    if filters.owner_id is not None:
        found.append(f.owner_id == filters.owner_id if filters.owner_id else f.owner_id.is_(None))
    if filters.destination is not None:
        there = sa.exists().where(d.lead_id == c.id, d.connection_id == t.connection.c.id)
        found.append(there.where(t.connection.c.destination == filters.destination).correlate(t.lead))
    if filters.follow_up is not None:
        found.append(_followed(filters.follow_up, filters.now_ms))
    return found


def _followed(asked: str, now_ms: int) -> sa.ColumnElement[bool]:
    c, f = t.lead.c, t.follow_up.c
    followed = sa.not_(c.test) & sa.not_(c.withheld) & sa.not_(c.preview) & (c.action != DO_NOT_CONTACT)
    if asked in ("new", "active", "overdue"):
        followed &= c.expired_at.is_(None)  # there is nobody left to turn to
    state = sa.func.coalesce(f.state, "new")
    if asked == "closed":
        return followed & state.in_(CLOSED)
    if asked == "overdue":
        due = sa.func.coalesce(f.due_at, c.created_at + DUE_MS)
        return followed & (state == "new") & f.touched_at.is_(None) & (due < now_ms)
    return followed & (state == asked)


def fitting(rows: Iterable[sa.Row[Any]], filters: LeadFilter, limit: int) -> list[sa.Row[Any]]:
    """Up to ``limit`` of ``rows`` whose customer fits: by country, and by a part of name, company or address."""
    found: list[sa.Row[Any]] = []
    words = [
        *wanted_text(filters.text or "").split(),
        *([f'"{country_key(filters.country)}'] if filters.country else []),
    ]
    for row in rows:
        if _may_fit(row.body, words) and _fits(row.body, filters):
            found.append(row)
            if len(found) == limit:
                break
    return found


def _may_fit(body: str, words: Sequence[str]) -> bool:
    """Whether all of ``words`` stand in the body's text, which is not parsed for that; with an escape they may."""
    if "\\" in body:
        return True
    folded = body.casefold()
    return all(word in folded for word in words)


def _fits(body: str, filters: LeadFilter) -> bool:
    if not filters.country and not filters.text:
        return True
    customer = content_of(body).customer
    if filters.country and country_key(customer.country) != (country_key(filters.country) or None):
        return False
    if not filters.text:
        return True
    name = f"{customer.first_name} {customer.last_name}"
    wanted = wanted_text(filters.text)
    return any(stands_in(wanted, part) for part in (name, customer.company, customer.email))


def counts(
    conn: sa.Connection, deliveries: Mapping[str, Sequence[sa.ColumnElement[bool]]], leads: Any
) -> dict[str, int]:
    """How many leads stand on each tab, tests left out; above :data:`COUNTED` nobody counted how many.

    ``deliveries`` says which deliveries each tab is about, any of several conditions; each is asked by itself, since an
    index answers one alone. ``leads`` chooses the leads of the list.
    """
    found = {"": conn.scalar(whole_count(leads, COUNTED + 1)) or 0}
    for tab, conditions in deliveries.items():
        found[tab] = counted(functools.partial(_look, conn, conditions, leads))
    return found


def _look(conn: sa.Connection, conditions: Sequence[sa.ColumnElement[bool]], leads: Any, most: int | None) -> Any:
    return conn.execute(leads_of(conditions, leads, most)).one()


def whole_count(leads: Any, most: Any) -> sa.Select[Any]:
    """How many of these leads there are, tests left out, up to ``most``, a number or a parameter."""
    # Looked up by id, so that the index of offers holds all else: with old figures of how many leads an offer has,
    # SQLite would go through those of the publisher.
    test = sa.select(_SAME.c.test).where(_SAME.c.id == t.lead.c.id).scalar_subquery()
    whole = sa.select(t.lead.c.id).where(*leads, sa.not_(test)).limit(most).subquery()
    return sa.select(sa.func.count()).select_from(whole)


_SAME: Final = t.lead.alias("same")


def counted(look: Callable[[int | None], Any]) -> int:
    """How many leads have a delivery of some kind, up to one more than :data:`COUNTED`; ``look`` runs :func:`leads_of`.

    As many deliveries are read as that many leads have if each has one, then more, and all only where leads have very
    many each: PostgreSQL would read all of them to tell their leads apart, also those beyond the number.
    """
    for most in (COUNTED + 1, 4 * (COUNTED + 1)):
        found, deliveries = look(most)
        if found > COUNTED or deliveries < most:
            return min(int(found), COUNTED + 1)
    return min(int(look(None)[0]), COUNTED + 1)


def leads_of(conditions: Sequence[sa.ColumnElement[bool]], leads: Any, most: Any) -> sa.Select[Any]:
    """How many leads the deliveries of ``conditions`` have, up to ``most`` of each; and how many these are.

    Each lead is looked up by id. PostgreSQL would join them by going through all leads until it has found enough, since
    it takes those of a state for evenly spread: where they are the newest, it finds them behind all others. It would
    look up the leads of all deliveries before it asks for their connections: the case keeps it to those that count.
    """
    test = sa.select(t.lead.c.test).where(t.lead.c.id == t.delivery.c.lead_id, *leads).scalar_subquery()
    each = [
        sa.select(t.delivery.c.lead_id).where(which, sa.case((which, sa.not_(test)))).limit(most).subquery()
        for which in conditions
    ]
    # Columns by name alone: to ask the subqueries for theirs takes longer than all else of making the statement.
    lead_id, count = sa.column("lead_id", sa.String()), sa.column("deliveries", sa.Integer())
    every = sa.union_all(*(sa.select(lead_id).select_from(one) for one in each)).subquery()
    by_lead = sa.select(sa.func.count(lead_id).label(count.name)).select_from(every).group_by(lead_id).subquery()
    deliveries = sa.func.coalesce(sa.func.sum(count), 0)
    both: list[Any] = [sa.func.count().label("leads"), sa.cast(deliveries, sa.BigInteger).label("deliveries")]
    return sa.select(*both).select_from(by_lead)
