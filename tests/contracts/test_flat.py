"""What a list or a search of leads costs does not grow with how many leads there are. Both databases."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator
from functools import partial
from typing import Any, Final

import pytest
import sqlalchemy as sa

from leadkeeper.clock import least_id, now_ms
from leadkeeper.connections.deliveries import new_delivery
from leadkeeper.doors.api.metrics import Metrics
from leadkeeper.inbox.lists.filter import LeadFilter
from leadkeeper.inbox.trace import Trace
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import insert_rows
from tests.contracts.plans import work
from tests.in_process import DESTINATION, OFFER, Installation, hand_in, installation
from tests.services.postgres import Postgres

LEADS: Final = 4_000
DAY: Final = 86_400_000
RARE: Final[dict[str, Any]] = {"source": "AzurePortal", "action": "Create", "country": "pt", "withheld": True}
"""What only the very oldest lead is."""
PERSON: Final = ("firstName", "lastName", "email", "phone", "country", "company", "title")
BODY: Final = json.dumps({"customer": dict.fromkeys(PERSON, ""), "description": "", "campaign": "", "extra": {}})


@pytest.fixture
async def home(
    database_url: str, filled: dict[str, str], request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Installation]:
    """An installation whose one offer has had ten leads a day for 400 days, all delivered, and one that waits.

    Its database is filled once, and copied for each test.
    """
    url = sa.engine.make_url(database_url)
    kind, name = url.get_backend_name(), str(url.database)
    if kind not in filled:
        await _make_history(database_url)
        if kind == "sqlite":
            filled[kind] = shutil.copy(name, str(tmp_path_factory.mktemp("filled")))
        else:
            filled[kind] = f"filled_{name}"
            request.getfixturevalue("postgres").create_database(filled[kind], template=name)
    elif kind == "sqlite":
        shutil.copy(filled[kind], name)
    else:
        server: Postgres = request.getfixturevalue("postgres")
        server.drop_database(name)
        server.create_database(name, template=filled[kind])
    async with installation(database_url, furnished=True) as opened:
        yield opened


async def _make_history(database_url: str) -> None:
    async with installation(database_url) as opened:
        operator = await opened.visitor("operator")
        assert (await operator.put(f"{OFFER}/customer-leads", DESTINATION)).status == 201
        await opened.services.storage.write(_fill)
        await opened.services.storage.write(lambda conn: conn.exec_driver_sql("ANALYZE").close())
        await hand_in(operator)


def _fill(conn: sa.Connection) -> None:
    connection_id = conn.scalar(sa.select(t.connection.c.id)) or ""
    now = now_ms()
    leads, deliveries = [], []
    for number in range(LEADS):
        at = now - 400 * DAY + number * DAY // 10
        lead: dict[str, Any] = {"id": least_id(at), "publisher_id": "contoso", "offer_id": "crm-pro", "source": "SPZA"}
        lead |= {"action": "INS", "email": f"{number}@a.example", "test": False, "created_at": at, "body": BODY}
        leads.append(lead | {"unrouted": False, "country": "gb"})
        deliveries.append(new_delivery(lead["id"], connection_id, at) | {"state": "delivered"})
        if number == 0:
            body = json.loads(BODY)
            body["customer"]["country"] = "PT"
            leads[-1] |= {**RARE, "body": json.dumps(body)}
        else:
            leads[-1] |= {"withheld": False}
    insert_rows(conn, t.lead, leads)
    insert_rows(conn, t.delivery, deliveries)


def _filters(now: int) -> dict[str, LeadFilter]:
    own = partial(LeadFilter, publisher_id="contoso")
    return {
        "first page": LeadFilter(),
        "a publisher's first page": own(),
        "an offer's first page": own(offer_id="crm-pro"),
        "since, nothing": LeadFilter(since_ms=now + 2 * DAY),
        "a publisher's since, nothing": own(since_ms=now + 2 * DAY),
        "a day long ago": LeadFilter(since_ms=now - 300 * DAY, until_ms=now - 299 * DAY),
        "until, nothing": LeadFilter(until_ms=now - 500 * DAY),
        "test": LeadFilter(test=True),
        "a publisher's test": own(test=True),
        "withheld": LeadFilter(state="withheld"),
        "a publisher's withheld": own(state="withheld"),
        "held": LeadFilter(state="held"),
        "a publisher's held": own(state="held"),
        "set aside": LeadFilter(state="setAside"),
        "unconfirmed": LeadFilter(state="unconfirmed"),
        "an unknown address": LeadFilter(email="nobody@nowhere.example"),
        "a common source": own(source="SPZA"),
        "a rare source": own(source="AzurePortal"),
        "a source, nothing": own(source="TestDrive"),
        "a common action": own(action="INS"),
        "a rare action": own(action="Create"),
        "an action, nothing": own(action="DNC"),
        "a source and an action that never meet": own(source="SPZA", action="Create"),
        "a rare country": own(country="PT"),
        "a country, nothing": own(country="FR"),
        "no data of the customer": LeadFilter(withheld=True),
        "a publisher's without data of the customer": own(withheld=True),
        "somebody's": own(owner_id="nobody"),
        "won, nothing": own(follow_up="won"),
        "closed, nothing": own(follow_up="closed"),
        "in order of customers": own(sort="customer"),
        "all in order of what is due": LeadFilter(sort="-due"),
        "those without data in order of owners": own(withheld=True, sort="owner"),
    }


@pytest.mark.parametrize("name", _filters(0))
async def test_a_page_of_a_list(home: Installation, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leadkeeper.inbox.inbox.SORTED", 50)
    inbox, which = home.services.leads.inbox, _filters(now_ms())[name]
    cost = await work(home.services.storage, lambda: inbox.list(which, limit=10))
    # SQLite takes some dozen steps for each lead that it shows or looks at, and more than 8 for each that it passes.
    assert cost < (4_000 if home.services.storage.__class__.__name__ == "SQLite" else 400)


@pytest.mark.parametrize(
    "asked", [{"source": "SPZA", "state": "delivered"}, {"action": "INS", "destination": "https_endpoint"}]
)
async def test_what_fits_most_leads_is_looked_for_among_few_of_them(home: Installation, asked: dict[str, Any]) -> None:
    inbox, which = home.services.leads.inbox, LeadFilter("contoso", **asked)
    cost = await work(home.services.storage, lambda: inbox.list(which, limit=10))
    assert cost < (
        8_000 if home.services.storage.__class__.__name__ == "SQLite" else 2_000
    )  # of all: 130,000 and 8,000


@pytest.mark.parametrize("name", RARE)
async def test_the_only_one_is_found_at_once_behind_all_others(home: Installation, name: str) -> None:
    which = LeadFilter("contoso", **{name: RARE[name]})
    page = await home.services.leads.inbox.list(which, limit=10)
    oldest = await home.services.storage.read(lambda conn: conn.scalar(sa.select(t.lead.c.id).order_by(t.lead.c.id)))
    assert [lead.id for lead in page.leads] == [oldest]
    assert (page.looked_further, page.next_cursor) == (False, None)
    assert (await home.services.leads.inbox.list(which, oldest, limit=10)).leads == ()
    newer = await home.services.leads.inbox.list(which, least_id(0), limit=10, newer=True)
    assert [lead.id for lead in newer.leads] == [oldest]


async def test_a_country_of_older_leads_stands_in_their_bodies(home: Installation) -> None:
    oldest = await home.services.storage.read(lambda conn: conn.scalar(sa.select(t.lead.c.id).order_by(t.lead.c.id)))
    older = sa.update(t.lead).where(t.lead.c.country != "gb").values(country="*")
    await home.services.storage.write(lambda conn: conn.execute(older).close())
    page = await home.services.leads.inbox.list(LeadFilter("contoso", country="PT"), limit=10)
    assert [lead.id for lead in page.leads] == [oldest]
    assert (await home.services.leads.inbox.list(LeadFilter("contoso", country="FR"), limit=10)).leads == ()


@pytest.mark.parametrize("text", ["nonsense", "nonsense.offer", "contoso.nonsense", "nobody@nowhere.example"])
@pytest.mark.parametrize("publisher_id", [None, "contoso"])
async def test_a_search_that_finds_nothing(home: Installation, text: str, publisher_id: str | None) -> None:
    trace = Trace(home.services.storage, "https://leads.example")
    assert await work(home.services.storage, lambda: trace.find(text, publisher_id)) < 1_000


async def test_a_search_finds_the_newest_of_an_offer(home: Installation) -> None:
    trace = Trace(home.services.storage, "https://leads.example")
    for text in ("crm-pro", "contoso.crm-pro"):
        found = await trace.find(text, None)
        ids = [lead.id for lead in found.leads]
        assert len(ids) == 20
        assert ids == sorted(ids, reverse=True)
        newest = await home.services.storage.read(
            lambda conn: conn.scalar(sa.select(t.lead.c.id).order_by(t.lead.c.id.desc()))
        )
        assert ids[0] == newest
    assert (await trace.find("crm-pro", "fabrikam")).leads == ()


async def test_a_period_shows_exactly_its_leads(home: Installation) -> None:
    now = now_ms()
    day = LeadFilter(since_ms=now - 300 * DAY, until_ms=now - 299 * DAY)
    page = await home.services.leads.inbox.list(day, limit=50)
    ids = [lead.id for lead in page.leads]
    assert len(ids) == 10
    assert ids == sorted(ids, reverse=True)
    last = await home.services.leads.inbox.list(LeadFilter(since_ms=now - DAY), limit=50)
    assert len(last.leads) >= 10  # the last of those of 400 days, and the one that waits


async def test_a_scrape_counts_only_so_many(home: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leadkeeper.doors.api.metrics.MOST_COUNTED", 50)
    await home.services.storage.write(lambda conn: conn.execute(sa.update(t.delivery).values(state="waiting")).close())
    text = (await Metrics().text(home.services.storage, now_ms())).decode()
    assert 'leadkeeper_deliveries_waiting{state="waiting"} 50.0' in text


def _all_in_one_state_but_the_oldest(conn: sa.Connection, state: str, others: str) -> str:
    """The id of the oldest lead."""
    d = t.delivery.c
    oldest: str = conn.scalar(sa.select(d.lead_id).order_by(d.lead_id)) or ""
    conn.execute(sa.update(t.delivery).values(state=others))
    conn.execute(sa.update(t.delivery).where(d.lead_id == oldest).values(state=state))
    conn.exec_driver_sql("ANALYZE").close()
    return oldest


@pytest.mark.parametrize("many", [False, True])
@pytest.mark.parametrize("publisher_id", [None, "contoso"])
@pytest.mark.parametrize("state", ["setAside", "attention"])
async def test_what_was_set_aside_is_found_at_once_behind_all_others(
    home: Installation, monkeypatch: pytest.MonkeyPatch, state: str, publisher_id: str | None, many: bool
) -> None:
    monkeypatch.setattr("leadkeeper.inbox.lists.in_state.FEW", 0)
    monkeypatch.setattr("leadkeeper.inbox.inbox.LOOKED", 100)
    states = ("delivered", "setAside") if many else ("setAside", "delivered")
    oldest = await home.services.storage.write(_all_in_one_state_but_the_oldest, *states)
    inbox, which = home.services.leads.inbox, LeadFilter(publisher_id, state=state)
    on_sqlite = home.services.storage.__class__.__name__ == "SQLite"
    assert await work(home.services.storage, lambda: inbox.list(which, limit=10)) < (4_000 if on_sqlite else 400)
    page = await inbox.list(which, limit=10)
    assert page.looked_further is False
    if many:
        newest = await inbox.list(LeadFilter(publisher_id), limit=10)
        assert [lead.id for lead in page.leads] == [lead.id for lead in newest.leads]
    else:
        assert [lead.id for lead in page.leads] == [oldest]


@pytest.mark.parametrize("state", ["delivered", "waiting"])
async def test_a_state_of_many_leads_is_looked_for_in_a_part_of_them(
    home: Installation, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    oldest = await home.services.storage.write(_all_in_one_state_but_the_oldest, state, "unconfirmed")
    monkeypatch.setattr("leadkeeper.inbox.lists.in_state.PUT_IN_ORDER", 0)
    monkeypatch.setattr("leadkeeper.inbox.lists.in_state.FEW", 0)
    monkeypatch.setattr("leadkeeper.inbox.inbox.LOOKED", 100)
    inbox, which = home.services.leads.inbox, LeadFilter("contoso", state=state)
    on_sqlite = home.services.storage.__class__.__name__ == "SQLite"
    assert await work(home.services.storage, lambda: inbox.list(which, limit=10)) < (9_000 if on_sqlite else 900)
    first = await inbox.list(which, limit=10)
    assert (first.leads, first.looked_further) == ((), True)
    # It is found where the looking goes on.
    monkeypatch.setattr("leadkeeper.inbox.inbox.LOOKED", 2_500)
    page = await inbox.list(which, limit=10)
    page = await inbox.list(which, page.next_cursor, limit=10)
    assert [lead.id for lead in page.leads] == [oldest]


def _over_two_connections(conn: sa.Connection, many: int, state: str, *, paused: bool) -> list[str]:
    """The oldest leads, newest first: each has a delivery over both of the offer's connections in ``state``."""
    d = t.delivery.c
    first = conn.scalar(sa.select(d.connection_id).limit(1)) or ""
    second = conn.scalar(sa.select(t.connection.c.id).where(t.connection.c.id != first)) or ""
    ids = [*conn.scalars(sa.select(d.lead_id).order_by(d.lead_id).limit(many))]
    conn.execute(sa.update(t.delivery).where(d.lead_id.not_in(ids)).values(state="delivered"))
    conn.execute(sa.update(t.delivery).where(d.lead_id.in_(ids)).values(state=state))
    insert_rows(conn, t.delivery, [new_delivery(each, second, 1) | {"state": state} for each in ids])
    conn.execute(sa.update(t.connection).values(paused_by_person=paused))
    conn.exec_driver_sql("ANALYZE").close()
    return sorted(ids, reverse=True)


@pytest.mark.parametrize(
    ("asked", "state"),
    [("held", "waiting"), ("waiting", "waiting"), ("attention", "waiting"), ("unconfirmed", "unconfirmed")],
)
@pytest.mark.parametrize("few", [0, 1_000])
async def test_leads_that_wait_over_two_connections_are_listed_to_the_last(
    home: Installation, monkeypatch: pytest.MonkeyPatch, asked: str, state: str, few: int
) -> None:
    monkeypatch.setattr("leadkeeper.inbox.lists.in_state.FEW", few)
    monkeypatch.setattr("leadkeeper.inbox.inbox.LOOKED", 1_000)  # these leads lie behind all that is looked at
    operator = await home.visitor("operator")
    assert (await operator.put(f"{OFFER}/connections/second", DESTINATION)).status == 201
    paused = asked in ("held", "attention")
    wanted = await home.services.storage.write(lambda conn: _over_two_connections(conn, 45, state, paused=paused))
    listed: list[str] = []
    cursor: str | None = None
    for _ in range(5):
        page = await home.services.leads.inbox.list(LeadFilter("contoso", state=asked), cursor, limit=10)
        assert not page.looked_further
        listed += [lead.id for lead in page.leads]
        cursor = page.next_cursor
    assert (listed, cursor) == (wanted, None)


@pytest.mark.parametrize("both", [False, True])
async def test_tabs_of_a_publisher_count_only_so_many(
    home: Installation, monkeypatch: pytest.MonkeyPatch, both: bool
) -> None:
    monkeypatch.setattr("leadkeeper.inbox.lists.narrowing.COUNTED", 50)
    operator = await home.visitor("operator")
    assert (await operator.put(f"{OFFER}/connections/second", DESTINATION)).status == 201
    storage, inbox, which = home.services.storage, home.services.leads.inbox, LeadFilter("contoso")
    if both:
        await storage.write(lambda conn: _over_two_connections(conn, LEADS, "setAside", paused=False))
    else:
        await storage.write(_all_in_one_state_but_the_oldest, "delivered", "setAside")
    assert await inbox.counts(which) == {"": 51, "attention": 51, "waiting": 0, "held": 0, "setAside": 51}
    assert await work(storage, lambda: inbox.counts(which)) < (15_000 if type(storage).__name__ == "SQLite" else 2_500)


def _the_newest_set_aside(conn: sa.Connection, many: int) -> None:
    d = t.delivery.c
    newest = sa.select(d.lead_id).order_by(d.lead_id.desc()).limit(many).scalar_subquery()
    conn.execute(sa.update(t.delivery).where(d.lead_id.in_(newest)).values(state="setAside"))
    conn.exec_driver_sql("ANALYZE").close()


@pytest.mark.parametrize("publisher_id", [None, "contoso"])
async def test_tabs_count_what_was_set_aside_without_a_look_at_other_leads(
    home: Installation, monkeypatch: pytest.MonkeyPatch, publisher_id: str | None
) -> None:
    """A planner that takes them for evenly spread goes through all leads from the oldest, and finds them at the end."""
    monkeypatch.setattr("leadkeeper.inbox.lists.narrowing.COUNTED", 50)
    await home.services.storage.write(_the_newest_set_aside, 400)
    storage, inbox, which = home.services.storage, home.services.leads.inbox, LeadFilter(publisher_id)
    assert (await inbox.counts(which))["setAside"] == 51
    assert await work(storage, lambda: inbox.counts(which)) < (9_000 if type(storage).__name__ == "SQLite" else 900)


@pytest.mark.parametrize("named", [1_000, 0])
async def test_tabs_look_up_no_lead_of_a_delivery_that_does_not_count(
    home: Installation, monkeypatch: pytest.MonkeyPatch, named: int
) -> None:
    """All wait over a connection that works, beside one that is paused: none of them is held."""
    monkeypatch.setattr("leadkeeper.inbox.lists.narrowing.COUNTED", 50)
    monkeypatch.setattr("leadkeeper.inbox.lists.in_state.NAMED_AT_REST", named)
    operator = await home.visitor("operator")
    assert (await operator.put(f"{OFFER}/connections/second", DESTINATION)).status == 201
    paused = sa.update(t.connection).where(t.connection.c.name == "second").values(paused_by_person=True)
    storage, inbox = home.services.storage, home.services.leads.inbox
    await storage.write(lambda conn: conn.execute(paused).close())
    await storage.write(_all_in_one_state_but_the_oldest, "delivered", "waiting")
    assert await inbox.counts(LeadFilter()) == {"": 51, "attention": 0, "waiting": 51, "held": 0, "setAside": 0}
    assert await work(storage, lambda: inbox.counts(LeadFilter())) < 10_000


async def test_tabs_count_leads_and_not_their_deliveries(home: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leadkeeper.inbox.lists.narrowing.COUNTED", 50)
    operator = await home.visitor("operator")
    assert (await operator.put(f"{OFFER}/connections/second", DESTINATION)).status == 201
    await home.services.storage.write(lambda conn: _over_two_connections(conn, 45, "waiting", paused=True))
    found = await home.services.leads.inbox.counts(LeadFilter("contoso"))
    assert found == {"": 51, "attention": 45, "waiting": 0, "held": 45, "setAside": 0}


async def test_tabs_of_an_offer_pass_over_what_is_set_aside_of_others(home: Installation) -> None:
    operator = await home.visitor("operator")
    assert (
        await operator.put("/v1/publishers/contoso/offers/quiet", {"title": "Quiet", "offerType": "saas"})
    ).status == 201
    await home.services.storage.write(_move_five_leads, "quiet")
    await home.services.storage.write(_all_in_one_state_but_the_oldest, "delivered", "setAside")
    inbox, storage = home.services.leads.inbox, home.services.storage
    which = LeadFilter("contoso", "quiet")
    assert await work(storage, lambda: inbox.counts(which)) < (2_000 if type(storage).__name__ == "SQLite" else 200)
    assert await inbox.counts(which) == {"": 5, "attention": 0, "waiting": 0, "held": 0, "setAside": 0}
    busy = await inbox.counts(LeadFilter("contoso", "crm-pro"))
    assert busy == {"": 1_001, "attention": 1_001, "waiting": 0, "held": 0, "setAside": 1_001}


@pytest.mark.parametrize("whose", [{"publisher_id": "contoso", "offer_id": "quiet"}, {"publisher_id": "quiet"}])
async def test_the_few_leads_of_an_offer_or_a_publisher_are_found_behind_all_others(
    home: Installation, whose: dict[str, Any]
) -> None:
    def move(conn: sa.Connection) -> list[str]:
        ids = [*conn.scalars(sa.select(t.lead.c.id).order_by(t.lead.c.id).limit(5))]
        conn.execute(sa.update(t.lead).where(t.lead.c.id.in_(ids)).values(**whose))
        return ids[::-1]

    moved = await home.services.storage.write(move)
    inbox, which = home.services.leads.inbox, LeadFilter(**whose)
    on_sqlite = home.services.storage.__class__.__name__ == "SQLite"
    assert await work(home.services.storage, lambda: inbox.list(which, limit=10)) < (4_000 if on_sqlite else 400)
    assert [lead.id for lead in (await inbox.list(which, limit=10)).leads] == moved


def _move_five_leads(conn: sa.Connection, offer_id: str) -> None:
    """They are of that offer, and went nowhere."""
    ids = conn.scalars(sa.select(t.lead.c.id).order_by(t.lead.c.id).offset(1).limit(5)).all()
    conn.execute(sa.update(t.lead).where(t.lead.c.id.in_(ids)).values(offer_id=offer_id))
    conn.execute(sa.delete(t.delivery).where(t.delivery.c.lead_id.in_(ids)))
