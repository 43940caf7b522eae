"""The list of leads in the order of a column: what customers are called, who owns a lead, when it is due.

No index holds these orders together with every choice of leads, so a bounded part is put in order: the newest
:data:`SORTED` leads that fit. The page says so where there are more, and choosing fewer leads sorts those.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.inbox.content import content_of
from leadkeeper.inbox.follow_up.followed import follow_up_of
from leadkeeper.inbox.follow_up.state import STATES
from leadkeeper.normal_forms import without_marks
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
    return followed.due_at if followed is not None and followed.touched_at is None else ""


_VALUES: Final[Mapping[str, Callable[[Row], str]]] = {
    "customer": _name,
    "company": lambda row: folded(_customer(row).company),
    "country": lambda row: folded(_customer(row).country),
    "offer": lambda row: folded(f"{row.offer_id} {row.publisher_id}"),
    "follow": _state,
    "owner": lambda row: folded(row.owner_name or ""),
    "due": _due,
}


def folded(text: str) -> str:
    """``text`` as it is put in order: without regard to case and accents."""
    return without_marks(text).casefold().strip()


def in_order(rows: Iterable[Row], sort: str) -> list[Row]:
    """``rows`` by ``sort``, those without a value last, and the newest first among equals."""
    column, down = sort.removeprefix("-"), sort.startswith("-")
    value = _VALUES[column]
    newest_first = sorted(rows, key=lambda row: row.id, reverse=True)
    valued = [(value(row), row) for row in newest_first]
    some = sorted((pair for pair in valued if pair[0]), key=lambda pair: pair[0], reverse=down)
    return [row for _, row in some] + [row for found, row in valued if not found]


def beside(rows: Sequence[Row], cursor: str | None, limit: int, *, newer: bool) -> tuple[list[Row], bool, bool]:
    """Up to ``limit`` rows behind ``cursor``, or before it; whether there are more before these, and behind.

    A lead that is no longer there is where the list begins.
    """
    place = next((at for at, row in enumerate(rows) if row.id == cursor), None)
    if place is None:
        start, end = 0, limit
    elif newer:
        start, end = max(0, place - limit), place
    else:
        start, end = place + 1, place + 1 + limit
    return list(rows[start:end]), start > 0, end < len(rows)
