"""How many leads came since somebody opened the list: of those that fit what they chose, looked at in bounded part."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from leadkeeper.clock import least_id
from leadkeeper.inbox.inbox import Inbox
from leadkeeper.inbox.lists.filter import MOST, LeadFilter
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage

NOTHING_YET: Final = UUID(least_id(0)).hex
"""What stands for the newest lead where there is none."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """So many leads came; ``more`` where as many were looked at as may be, so that there may be more."""

    count: int
    more: bool = False


def newest_lead(conn: sa.Connection, publisher_id: str | None) -> str:
    """A mark of the newest lead of a publisher, or of all: its id without dashes. One step in an index."""
    query = sa.select(t.lead.c.id).order_by(t.lead.c.id.desc()).limit(1)
    if publisher_id is not None:
        query = query.where(t.lead.c.publisher_id == publisher_id)
    found: str | None = conn.scalar(query)
    return NOTHING_YET if found is None else UUID(found).hex


class Arrivals:
    """What came since. A lead whose id was made before the newest one's, and that was kept after it, is passed over."""

    def __init__(self, storage: Storage, inbox: Inbox) -> None:
        self._storage = storage
        self._inbox = inbox

    async def newest(self, publisher_id: str | None) -> str:
        """As :func:`newest_lead`."""
        return await self._storage.read(newest_lead, publisher_id)

    async def since(self, filters: LeadFilter, seen: str) -> Arrived:
        """How many leads newer than the mark ``seen`` fit; the newest :data:`~leadkeeper.inbox.inbox.MOST` are read.

        What is no mark has none that are newer.
        """
        try:
            id_ = str(UUID(seen))
        except ValueError:
            return Arrived(0)
        ids = await self._storage.read(_newer, filters.publisher_id, id_)
        if not ids:
            return Arrived(0)
        page = await self._inbox.list(replace(filters, ids=ids, sort=None, oldest_first=False), limit=MOST)
        return Arrived(len(page.leads), more=len(ids) == MOST)


def _newer(conn: sa.Connection, publisher_id: str | None, seen: str) -> tuple[str, ...]:
    c = t.lead.c
    own = () if publisher_id is None else (c.publisher_id == publisher_id,)
    query = sa.select(c.id).where(c.id > seen, *own)
    return tuple(conn.scalars(query.order_by(c.id.desc()).limit(MOST)))
