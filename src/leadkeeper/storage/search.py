"""Which leads may hold a text in name, company or address: asked of the index (``search_index``), in bounded part."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.lead_words import apart, is_beginning, publisher_term, wanted_terms
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import EACH_ALONE
from leadkeeper.storage.search_index import has_index, reached, row_number

SLACK: Final = 5_000
"""So many rows apart leads may come to lie that were made at the same time."""


@dataclass(frozen=True, slots=True)
class Look:
    """What is looked for (as ``lead_words.wanted_text`` writes it), whose (``None``: anybody's), and where.

    Only leads behind ``cursor`` and, of ids, from ``least`` on and before ``beyond``; newest first, or ``up``. No more
    than ``most`` are answered, and ``without`` looked at without an index; ``enough`` of them spare a further look.
    """

    wanted: str
    publisher_id: str | None
    cursor: str | None
    least: str | None
    beyond: str | None
    up: bool
    most: int
    without: int
    enough: int

    def is_behind(self, id_: str) -> bool:
        """Whether it comes behind the cursor."""
        return self.cursor is None or (id_ > self.cursor if self.up else id_ < self.cursor)

    def is_within(self, id_: str) -> bool:
        """Whether it lies between the bounds."""
        return (self.least is None or id_ >= self.least) and (self.beyond is None or id_ < self.beyond)

    def is_past(self, id_: str) -> bool:
        """Whether nothing that comes after it lies between the bounds."""
        if self.up:
            return self.beyond is not None and id_ >= self.beyond
        return self.least is not None and id_ < self.least


@dataclass(frozen=True, slots=True)
class Candidates:
    """The ids of the leads that may fit, in the order of the look, which ended at ``end``; ``None``: at the end."""

    ids: Sequence[str]
    end: str | None


def candidates(conn: sa.Connection, look: Look) -> Candidates | None:
    """The next leads that may fit: every one that does is among them. ``None`` where no index knows them."""
    terms = wanted_terms(look.wanted)
    if not terms or not has_index(conn):
        return None
    return (_on_postgresql if conn.dialect.name == "postgresql" else _on_sqlite)(conn, look, terms)


def _on_sqlite(conn: sa.Connection, look: Look, terms: set[str]) -> Candidates | None:
    place = reached(conn)
    if place is None:
        return None
    newest = conn.scalar(sa.select(sa.func.max(row_number)).select_from(t.lead)) or 0
    if newest - place > look.without:
        return None  # the leads of some time are yet to be put in
    own = terms if look.publisher_id is None else terms | {publisher_term(look.publisher_id)}
    rows, bounded = _matching(conn, " AND ".join(f'"{term}"' for term in sorted(own)), look)
    found = {*conn.scalars(sa.select(t.lead.c.id).where(row_number.in_(_numbers(rows))))}
    last = max if look.up else min
    end = last(filter(look.is_behind, found), default=None) if bounded else None
    # Those that are yet to be put in: a few seconds' leads.
    late = sa.select(t.lead.c.id).where(row_number > place)
    found.update(conn.scalars(late if look.publisher_id is None else late.where(_own(look.publisher_id))))
    behind = (id_ for id_ in found if look.is_behind(id_) and (end is None or last(id_, end) == end))
    within = sorted(filter(look.is_within, behind), reverse=not look.up)
    return Candidates(within, None if end is None or look.is_past(end) else end)


def _own(publisher_id: str) -> sa.ColumnElement[bool]:
    """Not by the index of publishers: it would go through all that one has."""
    return (t.lead.c.publisher_id + sa.literal_column("''")) == publisher_id


def _matching(conn: sa.Connection, match: str, look: Look) -> tuple[list[int], bool]:
    """The numbers of the next rows that match, and whether there are more. All of them, where they are not very many.

    Rows are in the order in which leads were kept, which is nearly that of their ids.
    """
    order = "ASC" if look.up else "DESC"
    query = f"SELECT rowid FROM lead_search WHERE lead_search MATCH ? {{}} ORDER BY rowid {order} LIMIT ?"  # noqa: S608
    rows = [*conn.exec_driver_sql(query.format(""), (match, look.most + 1)).scalars()]
    if len(rows) <= look.most:
        return rows, False
    begin = look.cursor or (look.least if look.up else look.beyond)
    if begin is None:
        return rows[: look.most], True
    at = conn.scalar(sa.select(row_number).where(t.lead.c.id <= begin).order_by(t.lead.c.id.desc()).limit(1)) or 0
    bound, first = ("AND rowid >= ?", at - SLACK) if look.up else ("AND rowid <= ?", at + SLACK)
    rows = [*conn.exec_driver_sql(query.format(bound), (match, first, look.most + SLACK + 1)).scalars()]
    return rows, len(rows) > look.most + SLACK


def _numbers(rows: Sequence[int]) -> sa.Select[Any]:
    each = sa.func.json_each(sa.bindparam(None, list(rows), type_=sa.JSON)).table_valued("value")
    return sa.select(each.c.value)


def _on_postgresql(conn: sa.Connection, look: Look, terms: set[str]) -> Candidates | None:
    if not conn.scalar(sa.select(t.search_state.c.complete)):
        return None
    if not all(term.isascii() for term in terms) and not conn.scalar(_KNOWS_LETTERS):
        return None
    pattern = f"% {apart(look.wanted)}%" if is_beginning(look.wanted) else f"%{apart(look.wanted)}%"
    c, order = t.lead.c, t.lead.c.id if look.up else t.lead.c.id.desc()
    # What many have is found among the newest at once; of what few have, the index knows where it is.
    near = sa.select(c.id, c.words).where(*_bounds(look)).order_by(order).limit(look.without)
    part = near.cte("near").prefix_with("MATERIALIZED")
    text = sa.cast(part.c.id, sa.Text).collate("C")  # of UUIDs it knows neither the greatest nor the least
    last = sa.func.max(text) if look.up else sa.func.min(text)
    fits = sa.func.array_agg(part.c.id).filter(part.c.words.like(pattern))
    looked, end, ids = conn.execute(sa.select(sa.func.count(), last, fits).select_from(part)).one()
    if looked < look.without or len(ids or ()) >= look.enough:
        return Candidates(sorted(ids or (), reverse=not look.up), end if looked == look.without else None)
    own = [] if look.publisher_id is None else [c.publisher_id == look.publisher_id]
    fitting = sa.select(c.id).where(*own, c.words.like(pattern)).cte("fitting").prefix_with("MATERIALIZED")
    query = sa.select(fitting.c.id).where(*_bounds(look, fitting.c.id))
    query = query.order_by(fitting.c.id if look.up else fitting.c.id.desc())
    with _by_index(conn):
        found = conn.scalars(query.limit(look.most + 1)).all()
    return Candidates(found[: look.most], found[look.most - 1] if len(found) > look.most else None)


def _bounds(look: Look, of: sa.ColumnElement[str] | None = None) -> list[sa.ColumnElement[bool]]:
    """The conditions of ``look`` on the ids ``of`` leads that are chosen already, or on all leads."""
    id_ = t.lead.c.id if of is None else of
    whose = look.publisher_id if of is None else None
    found: list[sa.ColumnElement[bool]] = [] if whose is None else [t.lead.c.publisher_id == whose]
    if look.cursor is not None:
        found.append(id_ > look.cursor if look.up else id_ < look.cursor)
    if look.least is not None:
        found.append(id_ >= look.least)
    if look.beyond is not None:
        found.append(id_ < look.beyond)
    return found


@contextlib.contextmanager
def _by_index(conn: sa.Connection) -> Iterator[None]:
    """What is read within is found by an index: how many leads fit a text the planner can only guess."""
    alone = EACH_ALONE.items() <= conn.get_execution_options().items()
    if alone:
        conn.exec_driver_sql("BEGIN")
    try:
        conn.execute(_BY_INDEX).close()
        yield
    finally:
        if alone:
            conn.exec_driver_sql("COMMIT")


_BY_INDEX: Final = sa.select(
    sa.func.set_config("enable_seqscan", "off", True), sa.func.set_config("plan_cache_mode", "force_custom_plan", True)
)
"""For the rest of the transaction."""
_KNOWS_LETTERS: Final = sa.text("SELECT show_trgm('ø') <> '{}'")
"""In some locales a server takes other letters than those of ASCII for none; its index knows nothing of them."""
