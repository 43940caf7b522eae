"""All rows of a database that somebody could change, of every table there is: a new one is not forgotten."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.storage import tables as t
from tests.in_process import Installation

BY_ITSELF: Final = ("audit", "audit_head", "clock", "guess", "process", "quota_use", "session")
"""Tables that asking alone writes: who asked, how often, when."""
BY_CALLS: Final = {"key": ("used_at",), "hook": ("used_at", "old_used_at", "payloads")}
"""When keys and hooks were used last, and with which keys, is written by whoever calls, a few seconds later."""
OWN: Final = ("list_columns",)
"""A table of what each chooses for the own eyes."""


def _rows(table: sa.Table) -> sa.Select[Any]:
    columns = [column for column in table.c if column.name not in BY_CALLS.get(table.name, ())]
    return sa.select(*columns).order_by(*table.primary_key)


def _ended() -> sa.Select[Any]:
    return sa.select(t.session.c.id).where(t.session.c.ended_at.is_not(None)).order_by(t.session.c.id)


async def everything(home: Installation) -> list[Any]:
    """All rows, and which sessions have ended."""
    selects = [_rows(table) for table in t.lead.metadata.sorted_tables if table.name not in BY_ITSELF]
    return await _found(home, [*selects, _ended()])


async def all_of(home: Installation, publisher_id: str) -> list[Any]:
    """All rows of tables that name a publisher, of this one; and all rows of those that name none."""
    selects = [_ended()]
    for table in t.lead.metadata.sorted_tables:
        whose = table.c.id if table is t.publisher else table.c.get("publisher_id", table.c.get("offer_ref"))
        if table.name not in (*BY_ITSELF, *OWN):
            selects.append(_rows(table) if whose is None else _rows(table).where(whose.like(f"{publisher_id}%")))
    return await _found(home, selects)


async def _found(home: Installation, selects: list[sa.Select[Any]]) -> list[Any]:
    return await home.services.storage.read(lambda conn: [conn.execute(each).all() for each in selects])
