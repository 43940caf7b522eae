"""An offer's history: who did what with it, its connections and hooks, in words, for members of its publisher."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
import sqlalchemy as sa
from alembic import command

from leadkeeper.access.audit import AuditFilter
from leadkeeper.access.permissions import Role
from leadkeeper.clock import new_id
from leadkeeper.languages import installed
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage, open_storage
from leadkeeper.storage.migrate import _config, upgrade
from tests.contracts.plans import work
from tests.in_process import DESTINATION, OFFER, Installation, hand_in, installation
from tests.journeys.customer import Customer
from tests.people import PASSWORD, add, sign_in, signed_in

HISTORY: Final = "/portal/offers/contoso/crm-pro/history"
BEFORE: Final = "0042"


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[Installation]:
    """An installation whose publisher has done something with its offer, and with another one."""
    async with installation(database_url, public_url="http://leads.example") as opened:
        key = await opened.visitor("publisher:contoso")
        assert (await key.put(f"{OFFER}/customer-leads", DESTINATION)).status == 201
        assert (await key.post(f"{OFFER}/connections/primary/pause")).status == 200
        assert (await key.post(f"{OFFER}/hooks")).status == 201
        other = "/v1/publishers/contoso/offers/other"
        assert (await key.put(other, {"title": "Other"})).status == 201
        assert (await key.put(f"{other}/customer-leads", DESTINATION)).status == 201
        yield opened


async def test_the_audit_tells_settings_in_words_and_names_them_beside(home: Installation) -> None:
    key = await home.visitor("publisher:contoso")
    before: Any = DESTINATION["httpsEndpointLeadConfiguration"]
    config = before | {"keyCasing": "camel"}
    assert (
        await key.put(f"{OFFER}/customer-leads", DESTINATION | {"httpsEndpointLeadConfiguration": config})
    ).status == 200
    async with signed_in(home, Role.OPERATOR, None) as operator:
        page = await operator.open("/portal/audit?act=connection.put&lang=pt")
        told = page.text[page.text.index("O que daí resultou") :]
        assert "alterado: Maiúsculas nas chaves keyCasing" in told
        assert "Uma chave de API" in told


async def test_a_member_reads_who_did_what_with_the_offer(home: Installation) -> None:
    email = await add(home, Role.CONTRIBUTOR)
    async with Customer(home.url) as member:
        await sign_in(member, email)
        page = await member.open("/portal/offers/contoso/crm-pro/connections/primary")
        await member.send(next(form for form in page.forms if form.action.endswith("/resume")), {})
    await hand_in(await home.visitor("operator"))
    async with signed_in(home, Role.READER) as reader:
        page = await reader.open(HISTORY)
    assert page.status == 200
    told = page.text[page.text.index("What it led to") :]
    order = ["Ada Contributor", "Resumed the connection", "It was: paused"]
    order += ["An API key", "Made a hook", "Paused the connection", "It was: not tried", "Saved the connection"]
    order += ["HTTPS endpoint; newly made", "Saved the offer"]
    places = [told.index(each) for each in order]
    assert places == sorted(places), told
    assert "Software as a service; takes leads; changed: Title" in told
    assert told.count("Saved the connection") == 1, "the other offer's is not told here"
    assert PASSWORD not in told


async def test_it_is_told_in_portuguese(home: Installation) -> None:
    email = await add(home, Role.READER)
    async with Customer(home.url, "pt") as reader:
        await sign_in(reader, email)
        page = await reader.open(HISTORY)
    told = page.text[page.text.index("Histórico") :]
    for each in ("Pausou a conexão", "Estava: por testar", "Gravou a conexão", "Uma chave de API", "; recém-criada"):
        assert each in told, told
    assert "Somebody" not in told


async def test_another_publisher_and_whoever_is_not_signed_in_see_nothing(home: Installation) -> None:
    await (await home.visitor("operator")).put("/v1/publishers/fabrikam", {"displayName": "Fabrikam"})
    async with signed_in(home, Role.OWNER, "fabrikam") as stranger:
        page = await stranger.open(HISTORY)
        assert (page.status, "Paused" in page.text) == (404, False)
    async with Customer(home.url) as nobody:
        page = await nobody.open(HISTORY)
        assert "Paused" not in page.text
        assert page.form("email", "password")


async def test_older_lines_are_a_click_away_and_the_end_says_so(home: Installation) -> None:
    await home.services.storage.write(lambda conn: conn.execute(sa.insert(t.audit), lines("contoso.crm-pro", 60)))
    async with signed_in(home, Role.READER) as reader:
        page = await reader.open(HISTORY)
        assert page.text.count("Resumed the connection") == 50
        page = await reader.open(page.links["Older lines"])
        assert page.text.count("Resumed the connection") == 10
        assert "Saved the offer" in page.text
        page = await reader.open(f"{HISTORY}?cursor=00000000-0000-7000-8000-000000000000")
        assert "This is where the history of this offer begins." in page.text


def lines(offer: str, count: int) -> list[dict[str, Any]]:
    """So many lines about a connection of an offer."""
    row = {"at": 1, "who": "cli", "act": "connection.resume", "subject": f"{offer}/primary", "detail": ""}
    row |= {"publisher_id": offer.partition(".")[0], "offer_ref": offer}
    return [row | {"id": new_id()} for _ in range(count)]


async def test_what_it_costs_does_not_grow_with_other_lines(home: Installation) -> None:
    audit, filters = home.services.access.audit, AuditFilter(offer="contoso.crm-pro")

    def analyze(conn: sa.Connection) -> None:
        conn.exec_driver_sql("ANALYZE")

    await home.services.storage.write(analyze)
    before = await work(home.services.storage, lambda: audit.list(filters))
    reading = {"at": 1, "who": "cli", "act": "lead.read", "detail": "", "publisher_id": "contoso", "offer_ref": None}

    def crowd(conn: sa.Connection) -> None:
        for offer in ("contoso.other", "fabrikam.erp"):
            conn.execute(sa.insert(t.audit), lines(offer, 2_000))
        conn.execute(sa.insert(t.audit), [reading | {"id": new_id(), "subject": f"{n}"} for n in range(2_000)])

    await home.services.storage.write(crowd)
    await home.services.storage.write(analyze)
    assert await work(home.services.storage, lambda: audit.list(filters)) <= before + 20


@pytest.mark.empty_database
async def test_lines_from_before_the_upgrade_are_in_it(database_url: str) -> None:
    subjects = {
        "connection.put": ("contoso.crm.pro/primary", "contoso.crm.pro"),
        "offer.put": ("contoso.crm.pro", "contoso.crm.pro"),
        "offer.step.live": ("contoso.crm.pro", "contoso.crm.pro"),
        "hook.create": ("contoso.crm.pro", "contoso.crm.pro"),
        "crossListing.agree": ("contoso.crm.pro", "contoso.crm.pro"),
        "publisher.put": ("contoso", None),
        "lead.read": ("019a/x", None),
    }

    def furnish(conn: sa.Connection) -> None:
        command.upgrade(_config(conn), BEFORE)
        columns: list[sa.ColumnClause[Any]] = [
            sa.column(name) for name in ("id", "at", "who", "act", "subject", "detail")
        ]
        rows = [
            {"id": new_id(), "at": 1, "who": "cli", "act": act, "subject": subject, "detail": ""}
            for act, (subject, _offer) in subjects.items()
        ]
        conn.execute(sa.insert(sa.table("audit", *columns)), rows)

    storage: Storage = open_storage(database_url)
    try:
        await storage.write(furnish)
        await storage.write(upgrade)
        query = sa.select(t.audit.c.act, t.audit.c.offer_ref)
        found = await storage.read(lambda conn: {row.act: row.offer_ref for row in conn.execute(query)})
    finally:
        await storage.close()
    assert found == {act: offer for act, (_subject, offer) in subjects.items()}


def test_no_word_of_it_is_missing_in_a_language() -> None:
    from leadkeeper.access.acts import ACTS
    from leadkeeper.doors.audit_words import led_to
    from leadkeeper.doors.portal.act_words import act_word

    told = [act_word(act) for act in ACTS]
    told += [led_to(detail, str) for detail in ("was broken", "changed: url", "3 deliveries; held, setAside", "waits")]
    for language in installed():
        assert [text for text in told if not language.can_tell(text)] == [], language.code


async def test_what_was_changed_is_told_in_words_and_the_rest_is_marked_as_a_code(home: Installation) -> None:
    key = await home.visitor("publisher:contoso")
    await key.put(OFFER, {"title": "Contoso CRM Pro", "summary": "Sells", "offerType": "crm-of-our-own"})
    other = {**DESTINATION, "httpsEndpointLeadConfiguration": {"httpsEndpointUrl": "https://other.example/hook"}}
    assert (await key.put(f"{OFFER}/customer-leads", other)).status == 200
    path = "/api/publishers/contoso/offers/crm-pro?api-version=2017-10-31"
    before = (await key.get(path)).json()
    before["definition"]["offer"]["microsoft-azure-marketplace.ownThing"] = "x"
    before["definition"]["offer"]["microsoft-azure-marketplace.priceLine"] = "Free"
    assert (await key.put(path, before)).status == 200
    async with signed_in(home, Role.READER) as reader:
        page = await reader.open(HISTORY)
        portal = await reader.open("/portal")
    assert "changed: Summary" in page.text
    assert "changed: Price" in page.text
    assert "<code>offer.microsoft-azure-marketplace.ownThing</code>" in page.html
    assert "HTTPS endpoint; changed: HTTPS address" in page.text
    assert "<code>crm-of-our-own</code>" in page.html
    assert "<code>crm-of-our-own</code>" in portal.html
    async with Customer(home.url, "pt") as customer:
        await sign_in(customer, await add(home, Role.CONTRIBUTOR))
        page = await customer.open(HISTORY)
    assert "alterado: Resumo" in page.text
