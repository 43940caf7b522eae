"""Leads by a part of a name, a company or an address: those that the index names, read and compared one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from leadkeeper.clock import least_id
from leadkeeper.inbox.narrowing import LOOKED, fitting
from leadkeeper.inbox.period import SLACK_MS
from leadkeeper.lead_words import wanted_text
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import one_of
from leadkeeper.storage.search import Look, candidates

if TYPE_CHECKING:
    from leadkeeper.inbox.inbox import LeadFilter

_AT_ONCE: Final = 200
"""So many leads are read at once."""
_FIRST: Final = 1_000
"""So many fill a page, if nothing else is asked for."""
_A_PAGE: Final = 50
"""Where so many fit among the newest, older ones are not asked for."""


def searched(
    conn: sa.Connection, query: sa.Select[Any], filters: LeadFilter, cursor: str | None, limit: int, *, up: bool
) -> tuple[list[sa.Row[Any]], str | None] | None:
    """One more than ``limit`` of the leads of ``query`` that hold ``filters.text``, and where the look for them ended.

    No more than ``narrowing.LOOKED`` that may hold it are read; ``None`` stands for an end behind which there are none.
    ``None`` altogether where no text is asked for, or no index knows: leads are looked through then.
    """
    if not filters.text or filters.email is not None or filters.ids is not None:
        return None
    since, until = filters.since_ms, filters.until_ms
    look = Look(
        wanted=wanted_text(filters.text),
        publisher_id=filters.publisher_id,
        cursor=cursor,
        least=None if since is None else least_id(since - SLACK_MS),
        beyond=None if until is None else least_id(until + SLACK_MS),
        up=up,
        most=min(LOOKED, _FIRST),
        without=LOOKED,
        enough=min(limit, _A_PAGE) + 1,
    )
    if (found := candidates(conn, look)) is None:
        return None
    rows = _read(conn, query, found.ids, filters, limit)
    if found.end is None or len(rows) > limit or look.most == LOOKED:
        return rows, found.end
    # Few of them are what else is asked for.
    found = candidates(conn, replace(look, most=LOOKED))
    return None if found is None else (_read(conn, query, found.ids, filters, limit), found.end)


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
