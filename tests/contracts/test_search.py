"""Leads are searched by a part of a name, a company or an address: an index answers. Both databases."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, Final

import asyncpg
import pytest
import sqlalchemy as sa

from leadkeeper.clock import least_id, now_ms
from leadkeeper.connections.deliveries import new_delivery
from leadkeeper.inbox.lists.filter import LeadFilter
from leadkeeper.inbox.lists.indexing import SearchIndexing
from leadkeeper.lead import Customer
from leadkeeper.lead_body import to_body
from leadkeeper.privacy.retention import Retention, RetentionTask
from leadkeeper.storage import search_index
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage, insert_rows
from tests.contracts.plans import work
from tests.in_process import DESTINATION, OFFER, Installation, hand_in, installation
from tests.journeys.doc_pages import blocks
from tests.services.postgres import Postgres

DAY: Final = 86_400_000
LOOKED: Final = 60
"""So few leads are looked at in one go here."""


@pytest.fixture(autouse=True)
def _few_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("lists.searching", "inbox"):
        monkeypatch.setattr(f"leadkeeper.inbox.{module}.LOOKED", LOOKED)
    monkeypatch.setattr("leadkeeper.inbox.lists.searching._FIRST", LOOKED // 3)


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[Installation]:
    """An installation without leads."""
    async with installation(database_url) as opened:
        yield opened


@pytest.fixture
async def on_file(made_file: Path, tmp_path: Path) -> AsyncIterator[Installation]:
    """The same on SQLite alone."""
    shutil.copy(made_file, tmp_path / "leadkeeper.db")
    async with installation(f"sqlite+aiosqlite:///{tmp_path / 'leadkeeper.db'}") as opened:
        yield opened


async def keep(storage: Storage, people: Sequence[Customer], publisher: str = "contoso", first: int = 0) -> list[str]:
    """Leads of these people, a second apart; their ids, the oldest first."""
    begun = now_ms() - 1_000 * DAY

    def insert(conn: sa.Connection) -> list[str]:
        rows: list[dict[str, Any]] = []
        for at, person in enumerate(people, first):
            row: dict[str, Any] = {"id": least_id(begun + at * 1_000), "publisher_id": publisher, "offer_id": "crm-pro"}
            row |= {"source": "SPZA", "action": "INS", "email": person.email, "test": False, "unrouted": False}
            row |= {"created_at": begun, "body": to_body(person, "", "", {})}
            rows.append(row | {"words": search_index.stored_words(conn, person)})
        insert_rows(conn, t.lead, rows)
        return [row["id"] for row in rows]

    return await storage.write(insert)


def person(first: str, last: str = "", company: str = "", email: str = "") -> Customer:
    """Somebody of that name."""
    return Customer(first, last, email, "", "", company, "")


async def found(home: Installation, text: str, publisher: str | None = "contoso", **more: Any) -> list[str]:
    """The ids of all leads that a search finds, of page after page."""
    ids, cursor = list[str](), None
    while True:
        page = await home.services.leads.inbox.list(LeadFilter(publisher, text=text, **more), cursor, limit=7)
        ids += [lead.id for lead in page.leads]
        cursor = page.next_cursor
        if cursor is None:
            return ids


PARTS: Final = (
    "love",
    "ADA  love",
    "a l",
    "müller",
    "@fabri",
    "fab",
    "l",
    "lo",
    "o’n",
    "a77",
    "été & c",
    "neil",
    "ada",
)
NO_PARTS: Final = ("ov", "77", "lovelaced", "lovelace ada", "%", "a_l", "zz", "'", '"', "* OR a")


@pytest.mark.parametrize("indexed", [True, False])
async def test_parts_of_names_companies_and_addresses(home: Installation, indexed: bool) -> None:
    who = person("Ada", "Lovelace-Müller O’Neil", "Été & Cie", "ada77@fabrikam.example")
    ids = await keep(home.services.storage, [who])
    if indexed:
        await SearchIndexing(home.services.storage).look()
    await keep(home.services.storage, [who], publisher="fabrikam", first=1)
    for text in PARTS:
        assert (text, await found(home, text)) == (text, ids)
        assert len(await found(home, text, None)) == 2
    for text in NO_PARTS:
        assert (text, await found(home, text)) == (text, [])


@pytest.mark.parametrize("few", [5_000, 0])
async def test_a_common_word_among_rare_leads_is_found_at_once(
    home: Installation, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    """Behind very many that hold the word too: named one by one, or by the runs of their state."""
    monkeypatch.setattr("leadkeeper.inbox.lists.in_state.FEW", few)
    crowd = [person("Ada", "Lovelace") for _ in range(5 * LOOKED)]
    ids = await keep(home.services.storage, crowd)
    await SearchIndexing(home.services.storage).look()
    await _connect(home)
    await home.services.storage.write(_set_aside, ids[:2])
    for state in ("setAside", "attention"):
        page = await home.services.leads.inbox.list(LeadFilter("contoso", text="lovelace", state=state), limit=50)
        expected = [ids[1], ids[0]]
        assert ([lead.id for lead in page.leads], page.looked_further, page.next_cursor) == (expected, False, None)


@pytest.mark.parametrize("few", [5_000, 0])
async def test_a_word_among_leads_in_a_state_is_found_whole_over_all_pages(
    home: Installation, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr("leadkeeper.inbox.lists.in_state.FEW", few)
    crowd = [person("Ada" if number % 3 else "Grace", f"Lovelace{number}") for number in range(5 * LOOKED)]
    ids = await keep(home.services.storage, crowd)
    await SearchIndexing(home.services.storage).look()
    await _connect(home)
    await home.services.storage.write(_set_aside, ids[::2])
    expected = [id_ for at, id_ in enumerate(ids) if at % 2 == 0 and at % 3]
    for state in ("setAside", "attention"):
        assert await found(home, "ada", state=state) == expected[::-1]
        assert await found(home, "ada", state=state, oldest_first=True) == expected
        assert await found(home, "lovelace100", state=state) == [ids[100]]


async def _connect(home: Installation) -> None:
    operator = await home.visitor("operator")
    assert (await operator.put(f"{OFFER}/customer-leads", DESTINATION)).status == 201


def _set_aside(conn: sa.Connection, lead_ids: Sequence[str]) -> None:
    connection_id = conn.execute(sa.select(t.connection.c.id)).scalar_one()
    rows = [new_delivery(lead_id, connection_id, now_ms()) | {"state": "setAside"} for lead_id in lead_ids]
    insert_rows(conn, t.delivery, rows)


async def test_the_only_one_is_found_at_once_behind_all_others(home: Installation) -> None:
    crowd = [person("Grace", f"Hopper{number}", "Contoso") for number in range(5 * LOOKED)]
    ids = await keep(home.services.storage, [person("Ada", "Lovelace"), *crowd])
    await SearchIndexing(home.services.storage).look()
    for text, expected in (("lovel", ids[:1]), ("hopper17", [ids[1 + n] for n in range(179, 169, -1)] + [ids[18]])):
        page = await home.services.leads.inbox.list(LeadFilter("contoso", text=text), limit=50)
        assert ([lead.id for lead in page.leads], page.looked_further, page.next_cursor) == (expected, False, None)
    page = await home.services.leads.inbox.list(LeadFilter("contoso", text="nobodyhere"), limit=50)
    assert (page.leads, page.looked_further, page.next_cursor) == ((), False, None)


async def test_what_others_have_costs_a_publisher_nothing(home: Installation) -> None:
    storage = home.services.storage
    await keep(storage, [person("Grace", "Hopper", "Contoso")] * 100)
    which = LeadFilter("contoso", text="lovel")
    await SearchIndexing(storage).look()
    before = await work(storage, lambda: home.services.leads.inbox.list(which))
    await keep(storage, [person("Ada", f"Lovelace{n}", "Fabrikam") for n in range(1_500)], "fabrikam", first=100)
    await SearchIndexing(storage).look()
    await storage.write(lambda conn: conn.exec_driver_sql("ANALYZE").close())
    # To look through them would take SQLite eight steps and more for each; parts of the index are opened as they grow.
    assert await work(storage, lambda: home.services.leads.inbox.list(which)) < before + 1_000


async def test_of_very_many_each_is_found_once(home: Installation) -> None:
    people = [person("Ada" if number % 3 else "Grace", "Lovelace") for number in range(4 * LOOKED)]
    ids = await keep(home.services.storage, people)
    await SearchIndexing(home.services.storage).look()
    late = await keep(home.services.storage, people[:20], first=len(people))
    everybody = [*ids, *late]
    adas = [id_ for id_, who in zip(everybody, [*people, *people[:20]], strict=True) if who.first_name == "Ada"]
    assert await found(home, "lovelace") == everybody[::-1]
    assert await found(home, "ada l") == adas[::-1]
    assert await found(home, "lovelace", oldest_first=True) == everybody
    assert await found(home, "lovelace", None, since_ms=now_ms() - 999 * DAY) == []
    older = LeadFilter("contoso", text="lovelace")
    page = await home.services.leads.inbox.list(older, ids[9], limit=10, newer=True)
    assert [lead.id for lead in page.leads] == ids[19:9:-1]


async def test_what_is_erased_leaves_the_index_with_it(home: Installation) -> None:
    storage, operator = home.services.storage, await home.visitor("operator")
    await operator.put(OFFER, {"title": "CRM Pro", "live": True})
    await hand_in(operator, customer={"firstName": "Ada", "lastName": "Lovelace", "email": "ada@fabrikam.example"})
    await storage.write(lambda conn: conn.execute(sa.update(t.lead).values(unrouted=False)).close())
    await SearchIndexing(storage).look()
    assert len(await storage.read(_indexed, "lovelace", "clov")) == 1

    def later() -> int:
        return now_ms() + 500 * DAY

    assert await RetentionTask(Retention(storage, clock=later), storage, later).look() > 0
    assert await storage.read(_indexed, "lovelace", "clov") == []
    await SearchIndexing(storage).look()
    assert await storage.read(_indexed, "lovelace", "clov") == []


def _indexed(conn: sa.Connection, words: str, term: str) -> Sequence[Any]:
    """What the index itself holds for a word."""
    if conn.dialect.name == "postgresql":
        return conn.scalars(sa.select(t.lead.c.id).where(t.lead.c.words.contains(words))).all()
    return conn.exec_driver_sql("SELECT rowid FROM lead_search WHERE lead_search MATCH ?", (f'"{term}"',)).all()


async def test_leads_of_an_older_version_are_put_in_while_it_runs(
    home: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_index, "BATCH", 100)
    storage = home.services.storage
    ids = await keep(storage, [person("Ada", "Lovelace"), *[person("Grace", "Hopper")] * 3 * LOOKED])

    def as_before(conn: sa.Connection) -> None:
        conn.execute(sa.update(t.lead).values(words=None))
        conn.execute(sa.update(t.search_state).values(complete=False, place=0, lead_id=""))

    await storage.write(as_before)
    which = LeadFilter("contoso", text="lovel")
    page = await home.services.leads.inbox.list(which, limit=50)
    assert (page.leads, page.looked_further) == ((), True)
    assert await found(home, "lovel") == ids[:1]
    assert await storage.write(search_index.index_more)
    assert await storage.read(search_index.any_to_index)
    await SearchIndexing(storage).look()
    assert not await storage.read(search_index.any_to_index)
    page = await home.services.leads.inbox.list(which, limit=50)
    assert ([lead.id for lead in page.leads], page.looked_further) == (ids[:1], False)


async def test_without_the_index_leads_are_looked_through(home: Installation) -> None:
    storage = home.services.storage
    ids = await keep(storage, [person("Ada", "Lovelace"), *[person("Grace", "Hopper")] * 3 * LOOKED])

    def drop(conn: sa.Connection) -> None:
        kind, name = ("INDEX", "ix_lead_search") if conn.dialect.name == "postgresql" else ("TABLE", "lead_search")
        conn.exec_driver_sql(f"DROP {kind} {name}").close()

    await storage.write(drop)
    await SearchIndexing(storage).look()
    assert (await home.services.leads.inbox.list(LeadFilter("contoso", text="lovel"), limit=50)).looked_further
    assert await found(home, "lovel") == ids[:1]


async def test_rows_with_other_numbers_are_put_in_anew(on_file: Installation) -> None:
    home, storage = on_file, on_file.services.storage
    ids = await keep(storage, [person("Ada", "Lovelace"), *[person("Grace", "Hopper")] * 3 * LOOKED])
    await SearchIndexing(storage).look()
    await storage.write(lambda conn: conn.exec_driver_sql("UPDATE lead SET rowid = 10000 - rowid").close())
    page = await home.services.leads.inbox.list(LeadFilter("contoso", text="lovel"), limit=50)
    assert page.looked_further
    await SearchIndexing(storage).look()
    page = await home.services.leads.inbox.list(LeadFilter("contoso", text="lovel"), limit=50)
    assert ([lead.id for lead in page.leads], page.looked_further) == (ids[:1], False)


async def test_the_index_is_made_later_as_the_page_says(postgres: Postgres, made_database: str) -> None:
    url = postgres.create_database(template=made_database)
    (block,) = (each.text for each in blocks("docs/howto/run-on-postgresql.md") if each.language == "sql")
    async with installation(url) as home:
        storage = home.services.storage

        def as_without(conn: sa.Connection) -> None:
            conn.exec_driver_sql("DROP EXTENSION pg_trgm CASCADE").close()
            conn.exec_driver_sql("DROP EXTENSION btree_gin CASCADE").close()
            conn.execute(sa.update(t.search_state).values(complete=False))

        await storage.write(as_without)
        ids = await keep(storage, [person("Ada", "Lovelace"), *[person("Grace", "Hopper")] * 3 * LOOKED])
        older = sa.update(t.lead).where(t.lead.c.id == ids[0]).values(words=None)
        await storage.write(lambda conn: conn.execute(older).close())
        await SearchIndexing(storage).look()
        assert (await home.services.leads.inbox.list(LeadFilter("contoso", text="lovel"), limit=50)).looked_further
        connection = await asyncpg.connect(url.replace("+asyncpg", ""))
        for statement in filter(str.strip, block.split(";")):
            await connection.execute(statement)
        await connection.close()
        await SearchIndexing(storage).look()
        page = await home.services.leads.inbox.list(LeadFilter("contoso", text="lovel"), limit=50)
        assert ([lead.id for lead in page.leads], page.looked_further) == (ids[:1], False)
    postgres.drop_database(url)
