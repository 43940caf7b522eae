"""The list of leads in the order of a column: what customers are called, who owns a lead, when it is due.

No index holds these orders together with every choice of leads, so a bounded part is put in order: the newest
:data:`SORTED` leads that fit. The page says so where there are more, and choosing fewer leads sorts those.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.inbox.content import content_of
from leadkeeper.inbox.follow_up.followed import follow_up_of
from leadkeeper.inbox.follow_up.state import STATES
from leadkeeper.normal_forms import without_marks
from leadkeeper.problem import FieldError, Problem, ProblemType
from leadkeeper.storage import tables as t
from leadkeeper.texts import lazy_gettext as _
from leadkeeper.views import CustomerView

SORTED: Final = 2_000
"""So many leads at most are put in order; read and compared within what a page may take."""

Row = sa.Row[Any]


def _customer(row: Row) -> CustomerView:
    return content_of(row.body).customer


def _name(row: Row) -> str:
    customer = _customer(row)
    return folded(f"{customer.last_name} {customer.first_name}".strip() or customer.company or customer.email)


def _state(row: Row) -> str:
    followed = follow_up_of(row)
    return "" if followed is None else str(STATES.index(followed.state) + 1)


def _due(row: Row) -> str:
    """Only what is still to be done is due; the rest stands behind it."""
    followed = follow_up_of(row)
    if followed is None or followed.touched_at is not None:
        return ""
    return "".join(filter(str.isdigit, followed.due_at))  # in the order of time, and at home in any address


_VALUES: Final[Mapping[str, Callable[[Row], str]]] = {
    "customer": _name,
    "company": lambda row: folded(_customer(row).company),
    "country": lambda row: folded(_customer(row).country),
    "offer": lambda row: folded(f"{row.offer_id} {row.publisher_id}"),
    "follow": _state,
    "owner": lambda row: folded(row.owner_name or ""),
    "due": _due,
}


_OPEN: Final = frozenset({"follow", "due"})
"""Columns whose values may stand in an address."""
_LOST: Final = _("What told where this page begins was removed. Begin with the first page.")


def folded(text: str) -> str:
    """``text`` as it is put in order: without regard to case and accents."""
    return without_marks(text).casefold().strip()


@dataclass(frozen=True, slots=True)
class PageEdge:
    """Where a page ends or begins in an order: by what the lead there had when the page was read, not by the lead."""

    value: str
    id: str


def cursor_of(row: Row, sort: str) -> str:
    """The place of ``row`` for an address or a body: letters, digits, ``-`` and ``~``, at most 73 characters.

    What changes while somebody goes through the pages stands in it: the state, when it is due, the owner's id. What is
    of a customer, or a person's name, does not: whether there was any, alone.
    """
    column = sort.removeprefix("-")
    value = _VALUES[column](row)
    if column == "owner":
        return f"{row.id}~{(row.follow_owner_id or '') if value else ''}"
    return f"{row.id}~{value if column in _OPEN else '1' if value else ''}"


def place_of(conn: sa.Connection, leads: sa.Select[Any], cursor: str, sort: str, publisher_id: str | None) -> PageEdge:
    """The place that ``cursor`` of :func:`cursor_of` names, also where its lead has left the list or changed.

    Of an id alone it is that of the lead as it is now. ``leads`` is a query for all leads; only those of
    ``publisher_id``, where it is given, and its members are looked at. Raises :class:`Problem` where the customer's
    data that told the place are there no longer.
    """
    lead_id, tilde, mark = cursor.partition("~")
    marked = tilde != ""
    column = sort.removeprefix("-")
    if marked and (column in _OPEN or not mark):
        return PageEdge(mark, lead_id)
    if marked and column == "owner":
        p, m = t.person.c, t.membership.c
        query = sa.select(p.name).where(p.id == mark)
        if publisher_id is not None:
            query = query.where(sa.exists().where(m.person_id == p.id, m.publisher_id == publisher_id))
        value = folded(conn.scalar(query) or "")
    else:
        c = t.lead.c
        query = leads.where(c.id == lead_id, *(() if publisher_id is None else (c.publisher_id == publisher_id,)))
        row = conn.execute(query).first()
        value = "" if row is None else _VALUES[column](row)
        marked = marked or row is None
    if marked and not value:
        raise Problem(ProblemType.NOT_POSSIBLE_NOW, _LOST, (FieldError("cursor", _LOST),))
    return PageEdge(value, lead_id)


def in_order(rows: Iterable[Row], sort: str) -> list[Row]:
    """``rows`` by ``sort``, those without a value last, and the newest first among equals."""
    value = _VALUES[sort.removeprefix("-")]
    return [each[2] for each in _ordered(((value(row), row.id, row) for row in rows), sort)]


def _ordered(entries: Iterable[tuple[str, str, Any]], sort: str) -> list[tuple[str, str, Any]]:
    newest_first = sorted(entries, key=itemgetter(1), reverse=True)
    some = sorted((each for each in newest_first if each[0]), key=itemgetter(0), reverse=sort.startswith("-"))
    return some + [each for each in newest_first if not each[0]]


def beside(
    rows: Iterable[Row], sort: str, place: PageEdge | None, limit: int, *, newer: bool
) -> tuple[list[Row], bool, bool]:
    """Up to ``limit`` of ``rows`` by ``sort`` behind ``place``, or before it; whether there are more before and behind.

    The place is found by the order and not by its lead, so that whoever goes on from page to page comes once by each
    lead that was there all along and has not changed. Without a place it is where the list begins.
    """
    value = _VALUES[sort.removeprefix("-")]
    entries: list[tuple[str, str, Any]] = [(value(row), row.id, row) for row in rows]
    if place is None:
        start, end, found = 0, limit, _ordered(entries, sort)
    else:
        # Put in order with the others. Of two equals the first stays so: its lead, where it still is there, is not
        # on the page.
        here = [(place.value, place.id, None)]
        found = _ordered(here + entries if newer else entries + here, sort)
        at = next(number for number, each in enumerate(found) if each[2] is None)
        del found[at]
        start, end = (max(0, at - limit), at) if newer else (at, at + limit)
    return [each[2] for each in found[start:end]], start > 0, end < len(found)
