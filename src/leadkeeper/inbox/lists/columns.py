"""The list of leads as each reader wants it: which columns, in which order, and the views that they saved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import NAMESPACE_OID, uuid5

import sqlalchemy as sa

from leadkeeper.clock import Clock, new_id, now_ms
from leadkeeper.problem import FieldError, Problem, ProblemType
from leadkeeper.storage import tables as t
from leadkeeper.storage.conflicts import insert_into
from leadkeeper.storage.engine import Storage
from leadkeeper.texts import lazy_gettext as _

COLUMNS: Final = ("mail", "country", "offer", "destinations", "owner", "follow")
"""The columns that may be hidden and moved; when it came and who the customer is stand before them always."""
MOST_VIEWS: Final = 30
"""How many views one person keeps, and how many of a publisher are shared."""
LONGEST_NAME: Final = 60
LONGEST_QUERY: Final = 2_000


@dataclass(frozen=True, slots=True)
class SavedView:
    """Filters under a name; ``own`` says whether whoever looks saved it, ``shared`` whether others see it."""

    id: str
    name: str
    query: str
    shared: bool
    own: bool


class LeadLists:
    """Keeps how people want the list. ``who`` is a reader as the audit writes them; ``""`` stands for no publisher."""

    def __init__(self, storage: Storage, clock: Clock = now_ms) -> None:
        self._storage = storage
        self._clock = clock

    async def columns(self, who: str, publisher_id: str | None) -> tuple[str, ...]:
        """The columns that they chose, in their order; all of them where they chose none."""
        return await self._storage.read(_columns, _reader(who, publisher_id))

    async def choose(self, who: str, publisher_id: str | None, names: Sequence[str]) -> None:
        """Show these columns from now on; what is no column is passed over, and none at all are all."""
        chosen = tuple(dict.fromkeys(each for each in names if each in COLUMNS))
        await self._storage.write(_choose, _reader(who, publisher_id), chosen)

    async def views(self, who: str, publisher_id: str | None) -> list[SavedView]:
        """Their own views there and those that others share, by name."""
        return await self._storage.read(_views, who, publisher_id or "")

    async def save(self, who: str, publisher_id: str | None, name: str, query: str, *, shared: bool) -> None:
        """Keep ``query`` under ``name``; of one name there is one view for each person. Raises :class:`Problem`."""
        name = " ".join(name.split())
        if not name or len(name) > LONGEST_NAME:
            raise _wrong("name", _("Give the view a name of 1 to %(most)s characters.", most=LONGEST_NAME))
        if len(query) > LONGEST_QUERY:
            raise _wrong("query", _("These are too many filters to keep."))
        row: dict[str, str | bool] = {
            "who": who,
            "publisher_id": publisher_id or "",
            "name": name,
            "query": query,
            "shared": shared,
        }
        await self._storage.write(_save, row, self._clock())

    async def remove(self, who: str, publisher_id: str | None, view_id: str, *, others: bool) -> bool:
        """Forget a view of their own there, with ``others`` also one that others share; whether it was there."""
        return await self._storage.write(_remove, who, publisher_id or "", view_id, others=others)


def _wrong(field: str, message: str) -> Problem:
    return Problem(ProblemType.INVALID_REQUEST, message, (FieldError(field, message),))


def _reader(who: str, publisher_id: str | None) -> str:
    """Whose columns: a person's everywhere. One key opens the pages of many publishers in other sites' frames, so what
    is chosen with a key holds within its publisher.
    """
    if publisher_id is None or who.startswith("person:"):
        return who
    return f"within:{uuid5(NAMESPACE_OID, f'{who} {publisher_id}')}"


def _columns(conn: sa.Connection, who: str) -> tuple[str, ...]:
    names = conn.scalar(sa.select(t.list_columns.c.names).where(t.list_columns.c.who == who)) or ""
    return tuple(each for each in names.split(",") if each in COLUMNS) or COLUMNS


def _choose(conn: sa.Connection, who: str, names: tuple[str, ...]) -> None:
    insert = insert_into(conn, t.list_columns)
    values = {"names": ",".join(names)}
    conn.execute(
        insert.values(who=who, **values).on_conflict_do_update(index_elements=[t.list_columns.c.who], set_=values)
    )


def _views(conn: sa.Connection, who: str, publisher_id: str) -> list[SavedView]:
    v = t.saved_view.c
    query = sa.select(t.saved_view).where(v.publisher_id == publisher_id, v.shared | (v.who == who))
    rows = conn.execute(query.order_by(v.name, v.id).limit(2 * MOST_VIEWS))
    return [SavedView(row.id, row.name, row.query, row.shared, row.who == who) for row in rows]


def _save(conn: sa.Connection, row: dict[str, str | bool], now: int) -> None:
    v = t.saved_view.c
    there = (v.publisher_id == row["publisher_id"],)
    own = (*there, v.who == row["who"])
    conn.execute(sa.delete(t.saved_view).where(*own, v.name == row["name"]))
    for which in (own, (*there, v.shared)) if row["shared"] else (own,):
        if (conn.scalar(sa.select(sa.func.count()).select_from(t.saved_view).where(*which)) or 0) >= MOST_VIEWS:
            raise _wrong("name", _("There are %(most)s views already: remove one first.", most=MOST_VIEWS))
    conn.execute(sa.insert(t.saved_view).values(id=new_id(), created_at=now, **row))


def _remove(conn: sa.Connection, who: str, publisher_id: str, view_id: str, *, others: bool) -> bool:
    v = t.saved_view.c
    whose = (v.who == who) | v.shared if others else v.who == who
    which = (v.id == view_id, v.publisher_id == publisher_id, whose)
    return conn.execute(sa.delete(t.saved_view).where(*which)).rowcount > 0
