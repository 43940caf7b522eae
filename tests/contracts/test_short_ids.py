"""An upgrade to ids of 16 bytes keeps every row, index and key, or changes nothing; and what is no id finds nothing."""

from __future__ import annotations

import re
from typing import Any, Final

import pytest
import sqlalchemy as sa
from alembic import command
from hypothesis import given
from hypothesis import strategies as st

from leadkeeper.clock import new_id
from leadkeeper.lead import Customer
from leadkeeper.lead_body import to_body
from leadkeeper.lead_words import publisher_term, terms_of, words_in
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage, _values, insert_rows, one_of
from leadkeeper.storage.ids import is_packed, packed_id
from leadkeeper.storage.migrate import _config, current_revision, upgrade
from leadkeeper.storage.search import Look, candidates
from leadkeeper.storage.search_index import stored_words
from tests.contracts.older_version import insert_row, storage
from tests.uuids import uuid_of

__all__ = ["storage"]

BEFORE: Final = "0046"
AFTER: Final = "0047"
TABLES: Final = (
    t.connection,
    t.connection_change,
    t.notice,
    t.reconciliation,
    t.missing_record,
    t.follow_up,
    t.lead_event,
    t.attempt,
    t.delivery,
    t.lead,
)
AT: Final[dict[str, Any]] = {"created_at": 1, "changed_at": 1}
WHO: Final = Customer("Ada", "Lovelace", "ada@fabrikam.example", "", "GB", "Fabrikam", "")
BODY: Final = to_body(WHO, "", "", {})
_OFFER: Final = {"ref": "contoso.crm", "publisher_id": "contoso", "id": "crm", "title": "CRM", "offer_type": "saas"}
_SETTINGS: Final = {"destination": "salesforce", "settings": "{}", "secrets": ""}


def _lead(conn: sa.Connection, id_: str) -> None:
    row: dict[str, Any] = {"id": id_, "publisher_id": "contoso", "offer_id": "crm", "source": "SPZA", "action": "INS"}
    row |= {"email": WHO.email, "test": False, "created_at": 7, "body": BODY, "unrouted": False}
    insert_row(conn, "lead", **row, words=stored_words(conn, WHO))


def furnish(conn: sa.Connection) -> None:
    """A row or two in each table, as the version before wrote them; the numbers of the leads' rows have gaps."""
    command.upgrade(_config(conn), BEFORE)
    insert_row(conn, "publisher", id="contoso", display_name="Contoso", **AT)
    insert_row(conn, "offer", **_OFFER, live=True, **AT)
    connection, delivery, lead = uuid_of("connection"), uuid_of("delivery"), uuid_of("lead")
    insert_row(conn, "connection", id=connection, offer_ref="contoso.crm", name="one", generation=3, **_SETTINGS, **AT)
    change = {"repeatable": True, "announces": "none", "due_at": 5, "changed_at": 1}
    insert_row(conn, "connection_change", connection_id=connection, **_SETTINGS, **change)
    for id_, its in (("of it", connection), ("of none", None)):
        insert_row(conn, "notice", id=id_, connection_id=its, kind="connectionPaused", created_at=1, body="{}")
    run = {"due_at": 1, "state": "waiting", "first": "", "after": lead, "looked": 0, "missing": 0, "unknown": 0}
    insert_row(conn, "reconciliation", connection_id=connection, **run)
    found = {"delivery_id": delivery, "connection_id": connection, "lead_id": lead, "delivered_at": 1, "found_at": 2}
    insert_row(conn, "missing_record", **found)
    insert_row(conn, "follow_up", lead_id=lead, publisher_id="contoso", state="won", due_at=1, changed_at=1)
    insert_row(conn, "lead_event", id=new_id(), lead_id=lead, at=1, by="ada", kind="note", text="called")
    attempt = {"at": 1, "took_ms": 2, "outcome": "delivered", "late": False, "answer": "{}"}
    insert_row(conn, "attempt", id=new_id(), delivery_id=delivery, **attempt)
    row = {"state": "setAside", "due_at": 1, "attempts": 1, "crash_count": 0, "set_aside_for": "data", **AT}
    insert_row(conn, "delivery", id=delivery, lead_id=lead, connection_id=connection, **row)
    for id_ in (uuid_of("gone"), lead, uuid_of("gone too"), uuid_of("newer")):
        _lead(conn, id_)
    conn.execute(
        sa.text("DELETE FROM lead WHERE id IN (:one, :two)"), {"one": uuid_of("gone"), "two": uuid_of("gone too")}
    )
    if conn.dialect.name == "sqlite":  # both leads are in the index of searches, by the numbers of their rows
        words = "INSERT INTO lead_search (rowid, terms) VALUES (?, ?)"
        terms = " ".join(sorted(terms_of(words_in(BODY)) | {publisher_term("contoso")}))
        conn.exec_driver_sql(words, [(2, terms), (4, terms)])
        conn.execute(sa.text("UPDATE search_state SET place = 4, lead_id = :id"), {"id": uuid_of("newer")})


def _rows(conn: sa.Connection, *, old: bool) -> dict[str, list[dict[str, Any]]]:
    """All rows; of ``old`` tables the ids are read as the texts that they were."""
    found = {}
    for table in TABLES:
        there = {each["name"] for each in sa.inspect(conn).get_columns(table.name)}
        own = [each for each in table.c if each.name in there]  # later versions have more
        columns = [sa.type_coerce(each, sa.String).label(each.name) if old else each for each in own]
        order = [sa.type_coerce(each, sa.String) if old else each for each in table.primary_key]
        found[table.name] = [dict(row) for row in conn.execute(sa.select(*columns).order_by(*order)).mappings()]
    return found


def _made(conn: sa.Connection) -> set[str]:
    """Indexes, triggers and foreign keys, as the database tells of them."""
    names = [table.name for table in TABLES]
    if conn.dialect.name == "postgresql":
        own = sa.text("SELECT indexdef FROM pg_indexes WHERE tablename = ANY(:names)").bindparams(names=names)
        keys = "SELECT conname || pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'f'"
        # PostgreSQL writes the casts of a condition in another place after it wrote the table anew.
        indexes = {re.sub(r"::[a-z ]+(\[\])?|[()]", "", each) for each in conn.scalars(own)}
        return {*indexes, *conn.scalars(sa.text(keys))}
    own = sa.text("SELECT sql FROM sqlite_master WHERE type <> 'table' AND sql IS NOT NULL")
    look = sa.inspect(conn)
    keys_of = {f"{name} {key}" for name in names for key in look.get_foreign_keys(name)}
    return {*conn.scalars(own), *keys_of}


def _numbers(conn: sa.Connection) -> list[int]:
    if conn.dialect.name == "postgresql":
        return []
    return [*conn.scalars(sa.text("SELECT rowid FROM lead ORDER BY rowid"))]


@pytest.mark.empty_database
async def test_an_upgrade_keeps_every_row_index_and_key(storage: Storage) -> None:
    await storage.migrate(furnish)
    before, made = await storage.read(lambda conn: _rows(conn, old=True)), await storage.read(_made)
    numbers = await storage.read(_numbers)
    await storage.migrate(lambda conn: command.upgrade(_config(conn), AFTER))
    assert all(before.values()), "a table was without a row"
    assert await storage.read(lambda conn: _rows(conn, old=False)) == before
    assert await storage.read(_made) == made
    assert await storage.read(_numbers) == numbers
    await storage.migrate(upgrade)
    stray = sa.insert(t.notice).values(id="x", connection_id=new_id(), kind="k", created_at=1, body="{}")
    with pytest.raises(sa.exc.IntegrityError):
        await storage.write(lambda conn: conn.execute(stray) and None)
    look = Look("ada lovelace", "contoso", None, None, None, up=False, most=10, without=0, enough=1)
    found = await storage.read(candidates, look)
    assert found is not None
    assert uuid_of("lead") in found.ids


@pytest.mark.empty_database
async def test_ids_take_16_bytes_then(storage: Storage) -> None:
    await storage.migrate(furnish)
    await storage.migrate(upgrade)

    def kinds(conn: sa.Connection) -> set[str]:
        kind = "pg_typeof(id)::text" if conn.dialect.name == "postgresql" else "typeof(id) || length(id)"
        return {*conn.scalars(sa.text(f"SELECT {kind} FROM lead UNION SELECT {kind} FROM delivery"))}

    assert await storage.read(kinds) in ({"uuid"}, {"blob16"})


@pytest.mark.empty_database
async def test_an_upgrade_that_ends_before_its_end_changes_nothing(storage: Storage) -> None:
    await storage.migrate(furnish)
    before, made = await storage.read(lambda conn: _rows(conn, old=True)), await storage.read(_made)

    def ended(conn: sa.Connection) -> None:
        upgrade(conn)
        raise RuntimeError("the process ends here")

    with pytest.raises(RuntimeError, match="ends here"):
        await storage.migrate(ended)
    assert await storage.read(current_revision) == BEFORE
    assert await storage.read(lambda conn: _rows(conn, old=True)) == before
    assert await storage.read(_made) == made
    await storage.migrate(lambda conn: command.upgrade(_config(conn), AFTER))
    assert await storage.read(lambda conn: _rows(conn, old=False)) == before


@pytest.mark.empty_database
async def test_an_id_that_is_none_is_named_and_stops_the_upgrade(storage: Storage) -> None:
    await storage.migrate(furnish)
    event = {"lead_id": uuid_of("lead"), "at": 1, "by": "ada", "kind": "note", "text": ""}
    await storage.write(lambda conn: insert_row(conn, "lead_event", id="by hand", **event))
    with pytest.raises(RuntimeError, match=r"lead_event\.id holds 'by hand'"):
        await storage.migrate(upgrade)
    assert await storage.read(current_revision) == BEFORE


async def test_an_older_version_that_still_runs_keeps_no_lead(storage: Storage) -> None:
    """It would write its ids as texts, under which nobody finds them."""
    lead: dict[str, Any] = {
        "id": new_id(),
        "publisher_id": "contoso",
        "offer_id": "crm",
        "source": "SPZA",
        "action": "INS",
    }
    lead |= {"email": "", "test": False, "created_at": 7, "body": BODY, "unrouted": False}
    old = sa.table("lead", sa.column("id", sa.String(36)), *(sa.column(each) for each in lead if each != "id"))
    with pytest.raises(sa.exc.DBAPIError, match=r"CHECK constraint failed|is of type uuid"):
        await storage.write(lambda conn: conn.execute(sa.insert(old).values(lead)) and None)


@pytest.mark.parametrize(
    "odd", ["", "nobody", "0" * 36, uuid_of("lead").upper(), uuid_of("lead").replace("-", ""), "é" * 16]
)
async def test_what_is_no_id_is_nobodys(storage: Storage, odd: str) -> None:
    await storage.write(_lead_now, uuid_of("lead"))
    c = t.lead.c

    def found(conn: sa.Connection) -> list[str]:
        each = [sa.select(c.id).where(c.id == odd), sa.select(c.id).where(one_of(conn, c.id, [odd, *[odd] * 3]))]
        return [id_ for query in each for id_ in conn.scalars(query)]

    assert await storage.read(found) == []


async def test_ids_sort_as_their_texts_and_the_empty_one_before_all(storage: Storage) -> None:
    ids = sorted([uuid_of("lead"), *(new_id() for _ in range(20)), "ffffffff-ffff-4fff-bfff-ffffffffffff"])
    for id_ in ids[::-1]:
        await storage.write(_lead_now, id_)
    c = t.lead.c
    assert await storage.read(lambda conn: [*conn.scalars(sa.select(c.id).order_by(c.id))]) == ids
    assert await storage.read(lambda conn: [*conn.scalars(sa.select(c.id).where(c.id > "").order_by(c.id))]) == ids
    assert await storage.read(lambda conn: [*conn.scalars(sa.select(c.id).where(c.id > ids[3]))].count(ids[3])) == 0


async def test_a_row_with_what_is_no_id_is_refused(storage: Storage) -> None:
    with pytest.raises(sa.exc.IntegrityError):
        await storage.write(_lead_now, "nobody")


@given(st.data())
def test_rows_are_given_to_the_driver_with_their_ids_packed(data: st.DataObject) -> None:
    table = data.draw(st.sampled_from(TABLES))
    names = tuple(data.draw(st.permutations([column.key for column in table.columns])))[: data.draw(st.integers(2, 9))]
    value = st.builds(new_id) | st.sampled_from(["", "nobody", None, 7, True])
    rows = data.draw(st.lists(st.fixed_dictionaries(dict.fromkeys(names, value)), max_size=5))
    plain = [[packed_id(row[name]) if is_packed(table.c[name]) else row[name] for name in names] for row in rows]
    assert [[*values] for values in _values(table, names, rows)] == plain


def _lead_now(conn: sa.Connection, id_: str) -> None:
    row: dict[str, Any] = {"id": id_, "publisher_id": "contoso", "offer_id": "crm", "source": "SPZA", "action": "INS"}
    row |= {"email": WHO.email, "test": False, "created_at": 7, "body": BODY, "unrouted": False}
    insert_rows(conn, t.lead, [row])
