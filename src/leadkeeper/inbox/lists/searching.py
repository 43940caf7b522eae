"""Leads by a part of a name, a company or an address: those that the index names, read and compared one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from leadkeeper.clock import least_id
from leadkeeper.inbox.lists.narrowing import LOOKED, fitting
from leadkeeper.inbox.lists.period import SLACK_MS
from leadkeeper.lead_words import wanted_text
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import one_of
from leadkeeper.storage.search import Candidates, Look, candidates

if TYPE_CHECKING:
    from leadkeeper.inbox.lists.filter import LeadFilter

_AT_ONCE: Final = 200
"""So many leads are read at once."""
_FIRST: Final = 1_000
"""So many fill a page, if nothing else is asked for."""
_A_PAGE: Final = 50
"""Where so many fit among the newest, older ones are not asked for."""


Among = Callable[[int], Sequence[str]]
"""The ids of the next so many leads that may fit, in the order of the look; fewer only where there are no more."""


def searched(
    conn: sa.Connection,
    query: sa.Select[Any],
    filters: LeadFilter,
    cursor: str | None,
    limit: int,
    *,
    up: bool,
    among: Among | None = None,
) -> tuple[list[sa.Row[Any]], str | None] | None:
    """One more than ``limit`` of the leads of ``query`` that hold ``filters.text``, and where the look for them ended.

    No more than ``narrowing.LOOKED`` that may hold it are read; ``None`` stands for an end behind which there are none.
    Where ``among`` knows what else is asked for, the rarer of both is read, or those that both name.
    ``None`` altogether where no text is asked for, or no index knows: leads are looked through then.
    """
    if not filters.text or filters.email is not None or filters.ids is not None:
        return None
    first = max(_FIRST, limit + 1)
    few = () if among is None else among(first)
    if among is not None and len(few) < first:
        return _read(conn, query, few, filters, limit), None
    look = _look(filters, filters.text, cursor, limit, up=up)
    if (found := candidates(conn, look)) is None:
        return None
    ids, end = found.ids, found.end
    if few and end is not None and _further(few[-1], end, up=up):
        ids, end = few, few[-1]  # they are rarer than what holds the text
    rows = _read(conn, query, ids, filters, limit)
    if end is None or len(rows) > limit or look.most == LOOKED:
        return rows, end
    # Few of them are what else is asked for.
    if (found := candidates(conn, replace(look, most=LOOKED))) is None:
        return None
    ids, much_further = (found.ids, found.end) if among is None else _in_both(found, among(LOOKED), up=up)
    if much_further is not None and not _further(much_further, end, up=up):
        return rows, end
    return _read(conn, query, ids, filters, limit), much_further


def _look(filters: LeadFilter, text: str, cursor: str | None, limit: int, *, up: bool) -> Look:
    """The first look for ``text``: no further than fills a page, if nothing else is asked for."""
    since, until = filters.since_ms, filters.until_ms
    return Look(
        wanted=wanted_text(text),
        publisher_id=filters.publisher_id,
        cursor=cursor,
        least=None if since is None else least_id(since - SLACK_MS),
        beyond=None if until is None else least_id(until + SLACK_MS),
        up=up,
        most=min(LOOKED, _FIRST) if limit < _FIRST else LOOKED,
        without=LOOKED,
        enough=min(limit, _A_PAGE) + 1,
    )


def _further(one: str, other: str, *, up: bool) -> bool:
    return one > other if up else one < other


def _in_both(found: Candidates, others: Sequence[str], *, up: bool) -> tuple[list[str], str | None]:
    """The ids that both name, as far as both looked, and where that ended."""
    ends = [each for each in (found.end, others[-1] if len(others) >= LOOKED else None) if each is not None]
    end = (min if up else max)(ends, default=None)
    named = {*others}
    within = (each for each in found.ids if end is None or (each <= end if up else each >= end))
    return [each for each in within if each in named], end


def _read(
    conn: sa.Connection, query: sa.Select[Any], ids: Sequence[str], filters: LeadFilter, limit: int
) -> list[sa.Row[Any]]:
    found: list[sa.Row[Any]] = []
    for at in range(0, len(ids), _AT_ONCE):
        some = query.where(one_of(conn, t.lead.c.id, ids[at : at + _AT_ONCE]))
        found += fitting(conn.execute(some), filters, limit + 1 - len(found))
        if len(found) > limit:
            break
    return found
