"""The index by which leads are searched by a part of a name, a company or an address: what is put in and taken out.

SQLite: an FTS5 table without contents, whose rows have the numbers of the rows of ``lead``. Leads are put into it in
batches behind intake, which pays nothing for it; until then a search reads them one by one. PostgreSQL: a GIN index of
the column ``words`` with ``pg_trgm``, which the transaction of the lead itself fills. Either may be missing, where the
server or the library has no such thing: then there is no index, and searches look through leads in parts.

What is erased leaves the index in the same transaction. See ``docs/decisions/0025-searches-have-an-index.md``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.lead import Customer
from leadkeeper.lead_words import publisher_term, terms_of, words_in, words_of
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import one_of
from leadkeeper.storage.hot import HotStatement

VERSION: Final = 1
"""Of the rules in ``lead_words`` by which leads are put into SQLite's index; another makes it anew."""
BATCH: Final = 200
"""The most leads in one transaction: some milliseconds, for which incoming leads may wait."""
INDEX: Final = "ix_lead_search"
"""Of PostgreSQL."""
_INSERT: Final = "INSERT INTO lead_search (rowid, terms) VALUES (?, ?)"
_DELETE: Final = "INSERT INTO lead_search (lead_search, rowid, terms) VALUES ('delete', ?, ?)"
_CLEAR: Final = "INSERT INTO lead_search (lead_search) VALUES ('delete-all')"
row_number: Final = sa.literal_column("lead.rowid", sa.BigInteger)
"""Of a lead in SQLite. It may change when somebody makes the file anew, which :func:`reached` notices."""


def has_index(conn: sa.Connection) -> bool:
    """Whether this database has the index."""
    return bool(_HAS_INDEX.scalar(conn, {}))


def _has_index(dialect: str) -> sa.Select[Any]:
    if dialect == "postgresql":
        return sa.select(sa.func.to_regclass(sa.literal_column(f"'{INDEX}'")).is_not(None))
    table = "EXISTS (SELECT 1 FROM sqlite_master WHERE name = 'lead_search')"
    module = "EXISTS (SELECT 1 FROM pragma_module_list WHERE name = 'fts5')"
    return sa.select(sa.literal_column(f"{table} AND {module}", sa.Boolean))


_HAS_INDEX: Final = HotStatement(_has_index)


def stored_words(conn: sa.Connection, customer: Customer) -> str | None:
    """What the column ``words`` of a customer's lead gets."""
    if conn.dialect.name != "postgresql":
        return None
    return words_of(customer.first_name, customer.last_name, customer.company, customer.email) or None


def reached(conn: sa.Connection) -> int | None:
    """SQLite: up to which row of ``lead`` all are in the index; ``None`` where it was made for other rows or rules."""
    state = _STATE.rows(conn, {})[0]
    if state.version != VERSION:
        return None
    place: int = state.place
    there = _LEAD_AT.scalar(conn, {"place": place}) if place else state.lead_id
    return place if there == state.lead_id else None


_STATE: Final = HotStatement(lambda _: sa.select(t.search_state))
_LEAD_AT: Final = HotStatement(
    lambda _: sa.select(t.lead.c.id).where(row_number == sa.bindparam("place", type_=sa.BigInteger))
)


def index_more(conn: sa.Connection) -> bool:
    """Put the next :data:`BATCH` leads into the index; whether there are more.

    On PostgreSQL those that were there before it; another process that does so at this moment does it alone.
    """
    if not has_index(conn):
        return False
    return _index_older(conn) if conn.dialect.name == "postgresql" else _index_next(conn)


def any_to_index(conn: sa.Connection) -> bool:
    """Whether :func:`index_more` has anything to do."""
    if not has_index(conn):
        return False
    if conn.dialect.name == "postgresql":
        return not _COMPLETE.scalar(conn, {})
    place = reached(conn)
    return place is None or (_LAST_ROW.scalar(conn, {}) or 0) > place


_COMPLETE: Final = HotStatement(lambda _: sa.select(t.search_state.c.complete))
_LAST_ROW: Final = HotStatement(lambda _: sa.select(sa.func.max(row_number)).select_from(t.lead))


def settles(conn: sa.Connection) -> bool:
    """Whether :func:`write_pending` has anything to do on this database."""
    return conn.dialect.name == "postgresql" and has_index(conn)


def rows_written(conn: sa.Connection) -> int | None:
    """PostgreSQL: how many rows of leads were written, as its statistics say at most ten seconds late.

    ``None`` where it counts none. The same number twice: nothing was written, or the server began to count anew.
    """
    counted: int | None = _ROWS_WRITTEN.scalar(conn, {})
    return counted


def _rows_written(_: str) -> sa.Select[Any]:
    table: sa.ColumnClause[Any] = sa.literal_column("'lead'::regclass")
    counted = sa.func.pg_stat_get_tuples_inserted(table) + sa.func.pg_stat_get_tuples_updated(table)
    on = sa.func.current_setting(sa.literal_column("'track_counts'")) == sa.literal_column("'on'")
    return sa.select(sa.case((on, sa.cast(counted, sa.BigInteger))))


_ROWS_WRITTEN: Final = HotStatement(_rows_written)


def write_pending(conn: sa.Connection) -> None:
    """PostgreSQL: put what new leads left beside the index into its place, so that intake need not do so."""
    if conn.execute(sa.select(t.search_state.c.id).with_for_update(skip_locked=True)).first() is not None:
        conn.execute(sa.text(f"SELECT gin_clean_pending_list('{INDEX}')")).close()


def take_out(conn: sa.Connection, lead_ids: Collection[str]) -> None:
    """Take these leads out of SQLite's index; they are as they were kept, and erased in the same transaction.

    On PostgreSQL to erase the column does so.
    """
    if conn.dialect.name == "postgresql" or not has_index(conn):
        return
    place = reached(conn)
    if place is None:  # it is made anew, from what is left then
        return
    query = sa.select(row_number.label("number"), t.lead.c.publisher_id, t.lead.c.body)
    rows = conn.execute(query.where(one_of(conn, t.lead.c.id, lead_ids), row_number <= place))
    if found := _entries(rows):
        conn.exec_driver_sql(_DELETE, found)


def _index_next(conn: sa.Connection) -> bool:
    place = reached(conn)
    if place is None:
        conn.exec_driver_sql(_CLEAR)
        place = 0
    c = t.lead.c
    query = sa.select(row_number.label("number"), c.id, c.publisher_id, c.body)
    rows = conn.execute(query.where(row_number > place).order_by(row_number).limit(BATCH)).all()
    if found := _entries(rows):
        conn.exec_driver_sql(_INSERT, found)
    values: dict[str, Any] = {"version": VERSION, "place": place}
    values |= {"place": rows[-1].number, "lead_id": rows[-1].id} if rows else {} if place else {"lead_id": ""}
    conn.execute(sa.update(t.search_state).values(values))
    return len(rows) == BATCH


def _entries(rows: Iterable[sa.Row[Any]]) -> list[tuple[int, str]]:
    found = []
    for row in rows:
        if terms := terms_of(words_in(row.body)):
            terms.add(publisher_term(row.publisher_id))
            found.append((row.number, " ".join(sorted(terms))))
    return found


def _index_older(conn: sa.Connection) -> bool:
    c, s = t.lead.c, t.search_state.c
    state = conn.execute(sa.select(t.search_state).with_for_update(skip_locked=True)).first()
    if state is None or state.complete:
        return False
    query = sa.select(c.id, c.body, c.words).where(c.id > state.lead_id).order_by(c.id).limit(BATCH)
    rows = conn.execute(query.with_for_update()).all()
    words = ((row.id, words_in(row.body)) for row in rows if row.words is None)
    if new := [{"which": id_, "becomes": text} for id_, text in words if text]:
        conn.execute(sa.update(t.lead).where(c.id == sa.bindparam("which")).values(words=sa.bindparam("becomes")), new)
    more = len(rows) == BATCH
    place = rows[-1].id if rows else state.lead_id
    conn.execute(sa.update(t.search_state).where(s.id == state.id).values(lead_id=place, complete=not more))
    return more
