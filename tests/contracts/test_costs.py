"""What a page, an intake or a send costs does not grow with other tenants' data. Both databases."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

import pytest
import sqlalchemy as sa
from alembic import command

from leadkeeper.clock import new_id, now_ms
from leadkeeper.connections.connections import Connections, new_delivery
from leadkeeper.connections.vault import Vault
from leadkeeper.publishing.showcase import Showcase
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage, open_storage
from leadkeeper.storage.migrate import _config, upgrade
from tests.contracts.installation import CRM, KEY, endpoint, furnished
from tests.contracts.plans import statements, work
from tests.contracts.usage import usage_of
from tests.in_process import DESTINATION, OFFER, Installation, Visitor, hand_in, installation, lead

OFFERS = 400
CONNECTIONS = 2_000
LEADS = 2_000
DEFINITION = json.dumps({"displayText": "Foreign", "offer": {"x.summary": "Far away."}, "plans": []})
OLD = json.dumps({"displayText": "Rollout Élan", "offer": {"x.summary": "Near."}, "plans": []})
SALESFORCE = {
    "leadDestination": "salesforce",
    "salesforceLeadConfiguration": {"objectIdentifier": "00D58000000JmlM"},
}


async def crowd(storage: Storage) -> None:
    """Another publisher with many offers, connections, and leads that wait for a person."""
    now = now_ms()

    def transaction(conn: sa.Connection) -> None:
        conn.execute(
            sa.insert(t.publisher).values(id="fabrikam", display_name="Fabrikam", created_at=now, changed_at=now)
        )
        refs = [f"o-{number}" for number in range(OFFERS)]
        offer = {"publisher_id": "fabrikam", "offer_type": "saas", "live": True, "created_at": now, "changed_at": now}
        offer |= {"production_version": 1, "preview_key": "k"}
        conn.execute(sa.insert(t.offer), [offer | {"ref": f"fabrikam.{i}", "id": i, "title": f"Z {i}"} for i in refs])
        version = {"version": 1, "definition": DEFINITION, "changed_at": now}
        conn.execute(sa.insert(t.offer_version), [version | {"offer_ref": f"fabrikam.{i}"} for i in refs])
        settings = json.dumps({"objectIdentifier": "00D58000000JmlM"})
        connection = {"destination": "salesforce", "settings": settings, "secrets": "", "generation": 1}
        connection |= {"created_at": now, "changed_at": now}
        ids = [new_id() for _ in range(CONNECTIONS)]
        rows = [
            connection | {"id": id, "offer_ref": f"fabrikam.o-{n % 20}", "name": f"c{n}"} for n, id in enumerate(ids)
        ]
        conn.execute(sa.insert(t.connection), rows)
        row = {"publisher_id": "fabrikam", "source": "SPZA", "action": "INS", "email": "z@z.example", "test": False}
        body = {
            "customer": dict.fromkeys(("firstName", "lastName", "email", "phone", "country", "company", "title"), "")
        }
        row |= {"created_at": now, "unrouted": False}
        row["body"] = json.dumps(body | {"description": "", "campaign": "", "extra": {}})
        leads = [new_id() for _ in range(LEADS)]
        conn.execute(sa.insert(t.lead), [row | {"id": id, "offer_id": f"o-{n % 20}"} for n, id in enumerate(leads)])
        waiting = [new_delivery(id, ids[n % CONNECTIONS], now) for n, id in enumerate(leads)]
        conn.execute(sa.insert(t.delivery), [each | {"state": "setAside"} for each in waiting])
        if conn.dialect.name == "sqlite":
            conn.exec_driver_sql("ANALYZE")

    await storage.write(transaction)

    def analyze(conn: sa.Connection) -> None:
        conn.exec_driver_sql("ANALYZE")

    await storage.write(analyze)


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[Installation]:
    """An installation whose publisher contoso has a connection, a lead, and a published offer."""
    async with installation(database_url) as opened:
        operator = await opened.visitor("operator")
        assert (await operator.put(f"{OFFER}/customer-leads", DESTINATION)).status == 201
        await hand_in(operator)

        def publish(conn: sa.Connection) -> None:
            conn.execute(sa.update(t.offer).values(production_version=1))

        await opened.services.storage.write(publish)
        yield opened


async def cookie(home: Installation) -> dict[str, str]:
    """What a publisher who is signed in at the portal sends."""
    key = (await home.visitor("publisher:contoso")).key
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    url = home.url + "/portal/sign-in"
    async with home.session.post(url, data=f"key={key}", headers=form, allow_redirects=False) as answer:
        assert answer.status == 303, await answer.text()
        return {"Cookie": "; ".join(one.partition(";")[0] for one in answer.headers.getall("Set-Cookie"))}


Call = Callable[[Visitor, Mapping[str, str]], Awaitable[object]]


def reads(path: str) -> Call:
    async def call(visitor: Visitor, headers: Mapping[str, str]) -> None:
        signed = headers if path.startswith("/portal") else None
        answer = await visitor.call("GET", path, headers=signed)
        assert answer.status == 200, answer.body
        assert answer.body

    return call


async def hands_in(visitor: Visitor, _: Mapping[str, str]) -> None:
    answer = await visitor.post("/v1/leads", lead())
    assert answer.status == 202, answer.body


CALLS: dict[str, Call] = {
    "portal home": reads("/portal"),
    "portal offer": reads("/portal/offers/contoso/crm-pro"),
    "portal leads": reads("/portal/leads"),
    "offers": reads("/v1/publishers/contoso/offers"),
    "connections": reads(f"{OFFER}/connections"),
    "leads": reads("/v1/leads?publisherId=contoso&limit=1"),
    "leads held": reads("/v1/leads?publisherId=contoso&state=pending"),
    "cloud partner offers": reads("/api/publishers/contoso/offers?api-version=2017-10-31"),
    "store": reads("/store?search=contoso"),
    "intake": hands_in,
}


@pytest.mark.parametrize("name", CALLS)
async def test_what_a_call_costs_does_not_grow_with_others(home: Installation, name: str) -> None:
    visitor = await home.visitor("publisher:contoso" if name != "intake" else "marketplace")
    signed = await cookie(home) if name.startswith("portal") else {}
    call = CALLS[name]
    await call(visitor, signed)
    before = await work(home.services.storage, lambda: call(visitor, signed))
    await crowd(home.services.storage)
    await call(visitor, signed)
    after = await work(home.services.storage, lambda: call(visitor, signed))
    # The storefront's search looks through the titles of all that is published: a step or two each, never a query.
    allowed = OFFERS * 20 if name == "store" else 60
    assert after <= 2 * before + allowed


async def test_the_storefront_shows_a_page_of_offers_in_a_few_queries(home: Installation) -> None:
    await crowd(home.services.storage)
    visitor = home.anyone
    with statements() as seen:
        answer = await visitor.get("/store")
    assert answer.status == 200
    assert len([statement for statement, _ in seen if statement.startswith("SELECT")]) < 10
    assert answer.body.count(b"<article>") <= 60
    following = [line for line in answer.body.decode().splitlines() if 'rel="next"' in line]
    assert following, "no way to the offers that come after"
    shown: set[str] = set()
    path: str | None = "/store"
    while path is not None:
        text = (await visitor.get(path)).body.decode()
        shown |= {part.partition('"')[0] for part in text.split('href="/store/offers/')[1:]}
        found = [line for line in text.splitlines() if 'rel="next"' in line]
        path = found[0].partition('href="')[2].partition('"')[0].replace("&amp;", "&") if found else None
    assert len(shown) == OFFERS + 1


async def test_a_send_counts_only_its_own_publishers_leads(database_url: str) -> None:
    async with furnished(database_url) as home:
        made, _, _ = await home.connections.put(CRM, "primary", SALESFORCE, by="test")
        assert made is not None
        usage = usage_of(home.storage, made)
        await usage.take(500)
        before = await work(home.storage, lambda: usage.take(500))
        await crowd(home.storage)
        day = [{"publisher_id": "fabrikam", "account": f"{n % 50}", "slot": n // 50, "leads": 9} for n in range(10_000)]
        await home.storage.write(lambda conn: conn.execute(sa.insert(t.account_use), day) and None)
        assert await work(home.storage, lambda: usage.take(500)) <= 2 * before + 60


async def test_measurements_are_not_counted_anew_at_every_scrape(home: Installation) -> None:
    operator = await home.visitor("operator")
    assert (await operator.get("/metrics")).status == 200
    with statements() as seen:
        for _ in range(5):
            assert (await operator.get("/metrics")).status == 200
    assert not [one for one in seen if "delivery" in one[0]]


class CountingVault(Vault):
    """Knows how often it was opened."""

    opened = 0

    def open(self, *args: str) -> dict[str, str]:
        """Open, and count it."""
        self.opened += 1
        return super().open(*args)


async def test_a_list_decrypts_no_more_than_it_shows(database_url: str) -> None:
    async with furnished(database_url) as home:
        vault = CountingVault([KEY])
        connections = Connections(home.storage, vault, clock=home.clock)
        for number in range(20):
            await connections.put(CRM, f"c{number:02}", endpoint(), by="test")
        vault.opened = 0
        page = await connections.page(CRM, limit=10)
        assert [one.name for one in page.connections] == [f"c{number:02}" for number in range(10)]
        assert vault.opened == 10
        vault.opened = 0
        following = await connections.page(CRM, after=page.next_cursor, limit=100)
        assert len(following.connections) == 10
        assert following.next_cursor is None
        for number in range(20):
            await connections.pause(CRM, f"c{number:02}", by="test")
        vault.opened = 0
        standings = await connections.standings([CRM])
        assert {each.state.value for each in standings} == {"paused"}
        assert [each.name for each in standings] == [f"c{number:02}" for number in range(20)]
        assert vault.opened == 0


async def test_lists_come_in_pages(home: Installation) -> None:
    operator = await home.visitor("operator")
    for number in range(3):
        assert (await operator.put(f"{OFFER}/connections/c{number}", DESTINATION)).status == 201
        offer = f"/v1/publishers/contoso/offers/o{number}"
        assert (await operator.put(offer, {"title": "One more"})).status == 201
        assert (await operator.put(f"/v1/publishers/p{number}", {"displayName": "P"})).status == 201
    for path, name, id in (
        (f"{OFFER}/connections", "connections", "name"),
        ("/v1/publishers/contoso/offers", "offers", "id"),
        ("/v1/publishers", "publishers", "id"),
    ):
        whole = [one[id] for one in (await operator.get(path)).json()[name]]
        assert len(whole) == 4
        found: list[str] = []
        cursor = ""
        while True:
            page = (await operator.get(f"{path}?limit=2{cursor}")).json()
            assert len(page[name]) <= 2
            found += [one[id] for one in page[name]]
            if page["nextCursor"] is None:
                break
            cursor = f"&cursor={page['nextCursor']}"
        assert found == whole


@pytest.mark.empty_database
async def test_offers_published_before_an_upgrade_stand_on_the_shelf(database_url: str) -> None:
    storage = open_storage(database_url)
    try:
        await storage.write(lambda conn: command.upgrade(_config(conn), "0003"))

        def publish(conn: sa.Connection) -> None:
            publisher = (
                "INSERT INTO publisher (id, display_name, created_at, changed_at) VALUES ('p', 'Fabrikám', 1, 1)"
            )
            offer = (
                "INSERT INTO offer (ref, publisher_id, id, title, offer_type, live, created_at, changed_at, "
                "production_version) VALUES ('p.o', 'p', 'o', 'x', 'consulting-services', true, 1, 1, 1)"
            )
            conn.exec_driver_sql(publisher)
            conn.exec_driver_sql(offer)
            values = {"offer_ref": "p.o", "version": 1, "definition": OLD, "changed_at": 1}
            conn.execute(sa.insert(t.offer_version).values(values))

        await storage.write(publish)
        await storage.write(upgrade)
        showcase = Showcase(storage)
        for search in ("rollout", "ÉLAN fabrikÁm", "consulting", ""):
            assert [offer.title for offer in (await showcase.offers(search)).offers] == ["Rollout Élan"], search
        assert (await showcase.offers("nothing")).offers == ()
    finally:
        await storage.close()
