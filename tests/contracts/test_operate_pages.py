"""The pages of operators: publishers, keys, everybody's hooks and connections, workers, settings; for nobody else."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa

from leadkeeper.access.permissions import Role
from leadkeeper.doors.portal.operators.menus import OPERATOR_MENUS
from leadkeeper.storage import tables as t
from leadkeeper.storage.database_clock import DatabaseClock
from leadkeeper.storage.presence import ProcessPresence
from tests.in_process import MASK, OFFER, Installation, connected, hand_in
from tests.journeys.customer import Customer, Form, Page
from tests.people import signed_in
from tests.uuids import uuid_of

ONE = "/portal/operate/publishers/contoso"
PAGES = ("publishers", "publishers/contoso", "keys", "hooks", "connections", "workers", "settings")
PAYLOAD = {"UserDetails": {"Email": "ada@contoso.example"}, "LeadSource": "AzureMarketplace", "ActionCode": "INS"}


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[Installation]:
    """An installation whose offer is connected."""
    async with connected(database_url) as opened:
        yield opened


@pytest.fixture
async def operator(home: Installation) -> AsyncIterator[Customer]:
    """An operator's browser."""
    async with signed_in(home, Role.OPERATOR, None) as visitor:
        yield visitor


def form_at(page: Page, end: str) -> Form:
    """The form that goes to an address with this end."""
    (found,) = [each for each in page.forms if each.action.endswith(end) and each.method.upper() == "POST"]
    return found


@pytest.mark.parametrize("role", [Role.OWNER, Role.CONTRIBUTOR, Role.READER])
async def test_for_a_member_there_are_no_such_pages(home: Installation, role: Role) -> None:
    async with signed_in(home, role) as member:
        for path in PAGES:
            assert (await member.open(f"/portal/operate/{path}")).status == 404, path
        first = await member.open("/portal")
        assert [link for link in first.links.values() if "/portal/operate" in link] == []


async def test_whoever_is_signed_out_is_asked_to_sign_in(home: Installation) -> None:
    async with Customer(home.url) as stranger:
        for path in PAGES:
            page = await stranger.open(f"/portal/operate/{path}")
            assert "/portal/sign-in" in page.url, path
            assert "contoso" not in page.text.lower()


async def test_a_form_from_elsewhere_changes_nothing(home: Installation, operator: Customer) -> None:
    page = await operator.open(ONE)
    form = form_at(page, "/suspend")
    for values in ({"token": ""}, {"token": "x" * 64}):
        assert (await operator.send(form, {"reason": "Mine", **values})).status == 403
    assert (await home.services.offers.catalogue.publisher("contoso")).suspended_at is None


async def test_every_place_of_the_menus_is_there(operator: Customer) -> None:
    first = await operator.open("/portal")
    for place in (place for menu in OPERATOR_MENUS for place in menu.places):
        assert any(link.endswith(place.address) for link in first.links.values()), place.address
        page = await operator.open(place.address)
        assert page.status == 200
        here = re.findall(r'<a href="([^"]+)" aria-current="page"', page.html)
        assert place.address in here


async def test_a_publisher_is_found_and_changed(home: Installation, operator: Customer) -> None:
    for id in ("fabrikam", "wingtip"):
        await home.services.offers.catalogue.put_publisher(id, id.title(), by="test")
    page = await operator.open("/portal/operate/publishers")
    assert "Contoso" in page.text
    assert "one offer" in page.text
    assert "1 not tried" in page.text
    page = await operator.open("/portal/operate/publishers?text=FABR")
    assert "Fabrikam" in page.text
    assert "Wingtip" not in page.text
    page = await operator.open(ONE)
    page = await operator.send(form_at(page, "/change"), {"name": "Contoso Ltd", "contact": "Carl, +44 20 7946 0958"})
    assert "Saved." in page.text
    found = await home.services.offers.catalogue.publisher("contoso")
    assert (found.display_name, found.contact) == ("Contoso Ltd", "Carl, +44 20 7946 0958")
    page = await operator.send(form_at(page, "/change"), {"name": "", "contact": ""})
    assert page.status == 422
    assert (await operator.open("/portal/operate/publishers/nobody")).status == 404


async def test_quotas_are_raised_and_go_back_to_the_usual(home: Installation, operator: Customer) -> None:
    page = await operator.open(ONE)
    page = await operator.send(form_at(page, "/quotas"), {"hooks": "7", "hookLeadsADay": "1000000"})
    found = await home.services.offers.catalogue.publisher("contoso")
    assert found.own_quotas == {"hooks": 7, "hookLeadsADay": 1_000_000}
    for wrong in ("0", "-1", "many", "99999999999", "1.5", "\u0663"):
        answer = await operator.send(form_at(page, "/quotas"), {"hooks": wrong})
        assert answer.status == 422, wrong
        assert "whole number" in answer.text
    await operator.send(form_at(page, "/quotas"), {"hooks": "", "hookLeadsADay": ""})
    assert (await home.services.offers.catalogue.publisher("contoso")).own_quotas == {}


async def test_a_publisher_is_suspended_and_released(home: Installation, operator: Customer) -> None:
    page = await operator.open(ONE)
    page = await operator.send(form_at(page, "/suspend"), {"reason": "  "})
    assert page.status == 422
    page = await operator.send(form_at(page, "/suspend"), {"reason": "Its contract ended."})
    assert "Its contract ended." in page.text
    assert "suspended" in (await operator.open("/portal/operate/publishers")).text
    assert "suspended" in (await operator.open("/portal/operate/connections")).text
    await operator.send(form_at(page, "/release"), {})
    assert (await home.services.offers.catalogue.publisher("contoso")).suspended_at is None


async def test_a_key_is_made_shown_once_used_and_revoked(home: Installation, operator: Customer) -> None:
    page = await operator.open("/portal/operate/keys")
    assert (await operator.send(form_at(page, "/keys"), {"role": "reader", "publisher": ""})).status == 422
    assert (await operator.send(form_at(page, "/keys"), {"role": "reader", "publisher": "nobody"})).status == 422
    assert (await operator.send(form_at(page, "/keys"), {"role": "owner", "publisher": "contoso"})).status == 422
    made = await operator.send(
        form_at(page, "/keys"), {"role": "reader", "publisher": "contoso", "note": "The warehouse"}
    )
    (key,) = set(re.findall(r"lk_[\w-]{43}", made.html))
    page = await operator.open("/portal/operate/keys?publisher=contoso&role=reader")
    assert key not in page.html
    assert "The warehouse" in page.text
    assert "never" in page.text
    caller = await home.services.access.keys.caller(key)
    assert caller is not None
    await home.services.access.uses.settled()
    page = await operator.open("/portal/operate/keys?publisher=contoso&role=reader")
    assert "never" not in page.text
    page = await operator.send(form_at(page, f"/{caller.key_id}/revoke"), {})
    assert await home.services.access.keys.caller(key) is None
    assert "The warehouse" not in (await operator.open("/portal/operate/keys?publisher=contoso")).text
    assert "The warehouse" in (await operator.open("/portal/operate/keys?publisher=contoso&revoked=1")).text


async def test_everybodys_hooks_and_when_each_was_used(home: Installation, operator: Customer) -> None:
    caller = await home.visitor("operator")
    made = (await caller.post(f"{OFFER}/hooks")).json()
    assert "never" in (await operator.open("/portal/operate/hooks")).text
    assert (await home.anyone.post(f"/hooks/{made['token']}", PAYLOAD)).status == 200
    await home.services.access.uses.settled()
    page = await operator.open("/portal/operate/hooks")
    assert made["id"] in page.text
    assert "Contoso CRM Pro" in page.links
    assert made["token"] not in page.html
    assert "never" not in page.text
    assert made["id"] in (await operator.open("/portal/operate/hooks?publisher=contoso")).text
    assert made["id"] not in (await operator.open("/portal/operate/hooks?publisher=fabrikam")).text
    page = await operator.open("/portal/offers/contoso/crm-pro/hooks")
    assert '<span class="quiet">never</span>' not in page.html
    (heading,) = re.findall(r'<h3 id="hook-1"[^>]*>(.*?)</h3>', page.html, re.DOTALL)
    assert heading.startswith("Hook made "), "its id is no name"
    assert made["id"] not in heading


async def test_connections_by_state_a_page_at_a_time(home: Installation, operator: Customer) -> None:
    caller = await home.visitor("operator")
    assert (await caller.post(f"{OFFER}/connections/primary/pause")).status == 200
    page = await operator.open("/portal/operate/connections?state=paused")
    assert "primary" in page.text
    assert "primary" not in (await operator.open("/portal/operate/connections?state=broken")).text
    assert "primary" not in (await operator.open("/portal/operate/connections?publisher=nobody")).text
    row = (await home.services.storage.read(lambda conn: conn.execute(sa.select(t.connection)).mappings().all()))[0]
    many = [{**row, "id": uuid_of(f"{n:03}"), "name": f"c{n:03}"} for n in range(60)]
    await home.services.storage.write(lambda conn: conn.execute(sa.insert(t.connection), many) and None)
    page, seen = await operator.open("/portal/operate/connections?state=paused"), []
    while True:
        seen += re.findall(r"contoso\.crm-pro/([\w-]+)", page.text)
        if "More connections" not in page.links:
            break
        page = await operator.open(page.links["More connections"])
    assert seen == [*(f"c{n:03}" for n in range(60)), "primary"]


async def test_what_runs_and_what_waits(home: Installation, operator: Customer) -> None:
    page = await operator.open("/portal/operate/workers")
    assert "No process that carries leads" in page.text
    clock = home.services.clock
    assert isinstance(clock, DatabaseClock)
    presence = ProcessPresence(home.services.storage, clock, "worker")
    await hand_in(await home.visitor("operator"))
    await presence.write_down()
    page = await operator.open("/portal/operate/workers")
    assert "No process that carries leads" not in page.text
    assert "0.1.0" in page.text
    assert "Due now 1" in page.text


async def test_settings_name_their_source_and_no_secret(home: Installation, operator: Customer) -> None:
    page = await operator.open("/portal/operate/settings")
    assert ".edu" in page.text
    assert "LEADKEEPER_SECRET_KEY" in page.text
    assert MASK in page.text
    secret = next(each for each in home.services.leads.oversight.settings if each.name == "LEADKEEPER_SECRET_KEY")
    assert (secret.value, secret.origin) == (MASK, "given")
