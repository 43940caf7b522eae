"""The pages on which leads are worked: chosen, found, followed up, downloaded. On both databases."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from typing import Any

import pytest
import sqlalchemy as sa

from leadkeeper.access.permissions import Role
from leadkeeper.inbox.lists import narrowing
from leadkeeper.storage import tables as t
from tests.contracts.test_portal import signed_in as with_key
from tests.in_process import NOWHERE, Installation, Visitor, connected, hand_in
from tests.journeys.customer import Customer, Page
from tests.people import signed_in

ADA = {"firstName": "Ada", "lastName": "Lovelace", "email": "ada@contoso.example", "company": "Analytical Engines"}
BOB = {"firstName": "Bob", "lastName": "Núñez", "email": "bob@fabrikam.example", "company": "Fábrica", "country": "ES"}
LIST = "/portal/leads"


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[Installation]:
    """With a connected offer."""
    async with connected(database_url) as opened:
        yield opened


@pytest.fixture
async def seller(home: Installation) -> AsyncIterator[Customer]:
    """A contributor of contoso."""
    async with signed_in(home, Role.CONTRIBUTOR) as visitor:
        yield visitor


def _run(conn: sa.Connection, act: Any) -> None:
    conn.execute(act)


def search_form(page: Page) -> Any:
    """The form that finds and filters."""
    return page.form("text", "country", "since")


async def test_the_list_names_person_company_offer_action_and_destination(operator: Visitor, seller: Customer) -> None:
    lead_id = await hand_in(operator, customer=ADA | {"country": "GB"}, source="SPZA", action="PLT")
    page = await seller.open(LIST)
    words = ("Ada Lovelace", "Analytical Engines", "ada@contoso.example", "GB", "Asked to be contacted", "AppSource")
    for word in (*words, "HTTPS", "new"):
        assert word in page.text, word
    for raw in ("SPZA-PLT", "https_endpoint", "setAside"):
        assert raw not in page.text, raw
    page = await seller.open(f"{LIST}/{lead_id}")
    assert "<h1>Ada Lovelace</h1>" in page.html
    assert "mailto:ada%40contoso.example" in page.html


async def test_a_part_of_a_name_finds_and_stands_in_no_address(operator: Visitor, seller: Customer) -> None:
    ada, bob = await hand_in(operator, customer=ADA), await hand_in(operator, customer=BOB)
    for text, found in (("LOVEL", ada), ("núñez", bob), ("ada lov", ada), ("fabrikam.ex", bob), ("engines", ada)):
        page = await seller.open(LIST)
        page = await seller.send(search_form(page), {"text": text})
        assert ((ada in page.html), (bob in page.html)) == (found == ada, found == bob), text
        assert page.url.endswith("/portal/leads/search")
        assert text not in "".join(page.links.values())
    page = await seller.send(search_form(page), {"text": "nobody at all"})
    assert "No lead fits" in page.text
    page = await seller.open(f"{LIST}?text=lovelace")
    assert (ada in page.html, bob in page.html) == (True, True), "an address is not searched by"


async def test_filters_choose_and_stay_in_the_form(operator: Visitor, seller: Customer) -> None:
    ada = await hand_in(operator, customer=ADA, action="PLT")
    bob = await hand_in(operator, customer=BOB, source="SPZA", action="DNC")
    for values, wanted in (
        ({"country": "es"}, {bob}),
        ({"action": "PLT"}, {ada}),
        ({"source": "SPZA"}, {bob}),
        ({"destination": "https_endpoint"}, {ada, bob}),
        ({"destination": "dynamics"}, set()),
        ({"follow": "new"}, {ada}),
        ({"follow": "closed"}, set()),
        ({"owner": "nobody"}, {ada, bob}),
        ({"owner": "me"}, set()),
        ({"since": "2999-01-01"}, set()),
        ({"until": "2999-01-01"}, {ada, bob}),
        ({"offer": "crm-pro"}, {ada, bob}),
    ):
        page = await seller.open(LIST)
        page = await seller.send(search_form(page), values)
        assert {each for each in (ada, bob) if each in page.html} == wanted, values
        (name, value), *_ = values.items()
        assert search_form(page).values[name] == value
    page = await seller.open(f"{LIST}?state=nonsense")
    assert (page.status, "No leads here yet" in page.text) == (422, False)
    assert "There is no such filter: state=nonsense" in page.text


async def test_test_leads_stay_apart_unless_asked_for(operator: Visitor, seller: Customer) -> None:
    marker = "MSFT_TEST_636573304831318844"
    test = await hand_in(operator, customer={"lastName": marker, "email": f"{marker}@test.com"}, source=marker)
    ours = await hand_in(operator, customer=ADA)
    assert [each in (await seller.open(LIST)).html for each in (test, ours)] == [False, True]
    page = await seller.open(f"{LIST}?test=yes")
    assert [each in page.html for each in (test, ours)] == [True, False]
    page = await seller.open(f"{LIST}/{test}")
    assert "<h1>Test lead" in page.html
    assert "mailto:" not in page.html
    assert "no customer to turn to" in page.text


def shown(page: Page, ids: list[str]) -> list[bool]:
    """Which of these leads the page links to."""
    return [f'"{LIST}/{each}' in page.html for each in ids]


async def test_pages_go_forth_and_back_and_keep_what_was_chosen(
    operator: Visitor, seller: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [await hand_in(operator, customer=ADA) for _ in range(4)]
    monkeypatch.setattr("leadkeeper.doors.portal.leads.lists._PAGE", 2)
    first = await seller.open(f"{LIST}?action=INS&test=all")
    assert shown(first, ids) == [False, False, True, True]
    older = await seller.open(first.links["Older leads"])
    assert "test=all" in older.url
    assert shown(older, ids) == [True, True, False, False]
    assert "Older leads" not in older.links
    again = await seller.open(older.links["Newer leads"])
    assert shown(again, ids) == [False, False, True, True]
    page = await seller.send(search_form(first), {"text": "lovelace"})
    page = await seller.send(page.form("cursor"), {})
    assert shown(page, ids) == [True, True, False, False]


async def test_a_search_looks_at_a_part_says_so_and_goes_on(
    home: Installation, operator: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = await hand_in(operator, customer=BOB)
    for _ in range(4):
        await hand_in(operator, customer=ADA)
    for module in ("inbox", "lists.searching"):
        monkeypatch.setattr(f"leadkeeper.inbox.{module}.LOOKED", 2)
    found, cursor, pages = list[str](), None, 0
    while pages == 0 or cursor is not None:
        body: dict[str, Any] = {"text": "núñez"} | ({} if cursor is None else {"cursor": cursor})
        page = (await operator.post("/v1/leads/find", body)).json()
        found += [each["id"] for each in page["leads"]]
        cursor, pages = page["nextCursor"], pages + 1
        assert page["lookedFurther"] is (cursor is not None)
    assert (found, pages) == ([wanted], 3)


async def test_tabs_count_what_they_show(home: Installation, operator: Visitor, seller: Customer) -> None:
    ids = [await hand_in(operator, customer=ADA) for _ in range(3)]
    for lead_id, values in zip(
        ids, ({"state": "waiting"}, {"state": "setAside", "set_aside_for": "refused"}), strict=False
    ):
        await home.services.storage.write(
            _run, sa.update(t.delivery).where(t.delivery.c.lead_id == lead_id).values(values)
        )
    page = await seller.open(LIST)
    for tab in ("All 3", "Needs attention 1", "Waiting 1", "Held 0", "Set aside 1"):
        assert tab in page.links, sorted(page.links)
    page = await seller.open(page.links["Needs attention 1"])
    assert [each in page.html for each in ids] == [False, True, False]
    assert set(narrowing.TABS) == {"", "attention", "waiting", "held", "setAside"}


async def test_a_held_lead_says_why_and_has_no_button_that_does_nothing(
    home: Installation, operator: Visitor, seller: Customer
) -> None:
    from leadkeeper.catalogue import diagnose, to_stored
    from leadkeeper.diagnosis import Kind

    lead_id = await hand_in(operator, customer=ADA)
    why = diagnose(Kind.CREDENTIALS_REJECTED)
    await home.services.storage.write(_run, sa.update(t.connection).values(paused=True, diagnosis=to_stored(why)))
    page = await seller.open(f"{LIST}/{lead_id}")
    assert why.summary in page.text
    assert not [form for form in page.forms if form.action.endswith("/retry")]
    delivery = (await operator.get(f"/v1/leads/{lead_id}")).json()["deliveries"][0]
    assert delivery["diagnosis"]["kind"] == "credentialsRejected"
    summary = await home.services.leads.trace.find("ada@contoso.example", "contoso")
    assert any(why.summary in line for line in summary.leads[0].message)


async def test_refused_and_may_have_arrived_have_two_remedies(
    home: Installation, operator: Visitor, seller: Customer
) -> None:
    lead_id = await hand_in(operator, customer=ADA)
    for reason, message, button in (
        ("refused", "The destination refused this one lead", "Send it again over HTTPS endpoint"),
        ("mayHaveArrived", "Look for it there first", "It is not there: send it again"),
    ):
        aside = sa.update(t.delivery).values(state="setAside", set_aside_for=reason)
        await home.services.storage.write(_run, aside)
        page = await seller.open(f"{LIST}/{lead_id}")
        assert message in page.text
        assert button in page.text
    page = await seller.send(next(form for form in page.forms if form.action.endswith("/retry")), {})
    assert "It is on the way again" in page.text
    assert "Ada Contributor sent it again." in page.text


async def test_a_lead_is_followed_up(home: Installation, operator: Visitor, seller: Customer) -> None:
    lead_id = await hand_in(operator, customer=ADA)
    me = next(
        each for each in await home.services.accounts.people.members("contoso") if each.role is Role.CONTRIBUTOR
    ).id
    page = await seller.open(f"{LIST}/{lead_id}")
    assert "Due" in page.text
    page = await seller.send(page.form("state", "owner"), {"state": "lost", "note": "called twice"})
    assert (page.status, "Say why" in page.text) == (422, True)
    assert page.form("state", "owner").values["note"] == "called twice"
    values = {"state": "lost", "reason": "no budget", "owner": me, "note": "<b>called</b> twice"}
    page = await seller.send(page.form("state", "owner"), values)
    for word in ("Saved.", "no budget", "First touched", "Ada Contributor", "<b>called</b> twice"):
        assert word in page.text, word
    found = (await operator.get(f"/v1/leads/{lead_id}")).json()
    assert (found["followUp"]["state"], found["followUp"]["owner"]) == ("lost", "Ada Contributor")
    assert [each["kind"] for each in found["events"]] == ["state", "owner", "note"]
    for query, there in (("follow=closed", True), ("follow=new", False), ("owner=me", True), (f"owner={me}", True)):
        assert (lead_id in (await seller.open(f"{LIST}?{query}")).html) is there, query
    lines = (await operator.get("/v1/audit?act=lead.followUp")).json()["entries"]
    assert [line["detail"] for line in lines] == ["state, owner_id, note"]
    assert "called" not in str(lines)


async def test_whoever_must_not_be_contacted_is_not_followed_up(operator: Visitor, seller: Customer) -> None:
    lead_id = await hand_in(operator, customer=ADA, action="DNC", source="SPZA")
    page = await seller.open(f"{LIST}/{lead_id}")
    assert "asked not to be contacted" in page.text
    assert "mailto:" not in page.html
    assert not [form for form in page.forms if form.action.endswith("/follow-up")]
    assert "do not contact" in (await seller.open(LIST)).text


async def test_the_same_customer_s_other_leads_are_linked(operator: Visitor, seller: Customer) -> None:
    first = await hand_in(operator, customer=ADA)
    second = await hand_in(operator, customer=ADA | {"email": "ADA@contoso.example"}, action="PLT")
    await operator.put("/v1/publishers/fabrikam", {"displayName": "Fabrikam"})
    await operator.put("/v1/publishers/fabrikam/offers/crm-pro", {"title": "Other"})
    theirs = await hand_in(operator, customer=ADA, publisherId="fabrikam")
    page = await seller.open(f"{LIST}/{first}")
    assert f"{LIST}/{second}" in page.html
    assert theirs not in page.html


async def test_a_download_is_safe_in_a_spreadsheet_and_holds_what_was_chosen(
    home: Installation, operator: Visitor, seller: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leadkeeper.inbox.listing.MOST", 2)
    await hand_in(operator, customer=ADA | {"company": '=HYPERLINK("x")'})
    for _ in range(4):
        await hand_in(operator, customer=BOB)
    page = await seller.open(f"{LIST}?country=ES")
    (form,) = [each for each in page.forms if each.action.endswith("/download")]
    text = (await seller.send(form, {})).html
    assert text.startswith("\ufeff")
    assert text.count("\r\n") == 5
    assert {row["Last name"] for row in csv.DictReader(io.StringIO(text[1:]))} == {"Núñez"}
    (form,) = [each for each in (await seller.open(LIST)).forms if each.action.endswith("/download")]
    rows = list(csv.DictReader(io.StringIO((await seller.send(form, {})).html[1:])))
    assert [row["Company"] for row in rows][-1] == '\'=HYPERLINK("x")'
    assert (len(rows), rows[0]["Action"], rows[0]["Follow-up"]) == (5, "Installed it", "new")
    lines = (await operator.get("/v1/audit?act=lead.export")).json()["entries"]
    assert len(lines) == 2


async def test_other_publishers_and_readers(home: Installation, operator: Visitor) -> None:
    lead_id = await hand_in(operator, customer=ADA)
    await operator.put("/v1/publishers/fabrikam", {"displayName": "Fabrikam"})
    async with signed_in(home, Role.OWNER, "fabrikam") as stranger:
        page = await stranger.open(f"{LIST}?publisher=contoso")
        assert lead_id not in page.html
        page = await stranger.send(search_form(page), {"text": "lovelace"})
        assert "No lead fits" in page.text
        (form,) = [each for each in page.forms if each.action.endswith("/download")]
        form.values["publisher"] = "contoso"
        assert "Lovelace" not in (await stranger.send(form, {})).html
        token = page.form("text", "country").values["token"]
        assert (await stranger.open(f"{LIST}/{lead_id}")).status == 404
        change = {"token": token, "state": "won", "reason": "", "owner": "", "note": ""}
        search = search_form(page)
        search.action, search.values = f"{home.url}{LIST}/{lead_id}/follow-up", change
        assert (await stranger.send(search, {})).status == 404
    async with signed_in(home, Role.READER) as reader:
        page = await reader.send(search_form(await reader.open(LIST)), {"text": "lovelace"})
        assert lead_id in page.html
        token = search_form(page).values["token"]
        page = await reader.open(f"{LIST}/{lead_id}")
        assert not [form for form in page.forms if form.action.endswith(("/follow-up", "/retry"))]
        search = search_form(await reader.open(LIST))
        search.action, search.values = f"{home.url}{LIST}/{lead_id}/follow-up", change | {"token": token}
        assert (await reader.send(search, {})).status == 403
    assert (await operator.get(f"/v1/leads/{lead_id}")).json()["followUp"]["state"] == "new"


async def test_only_members_who_may_work_can_own(home: Installation, operator: Visitor, seller: Customer) -> None:
    lead_id = await hand_in(operator, customer=ADA)
    async with signed_in(home, Role.READER):
        reader = next(
            each for each in await home.services.accounts.people.members("contoso") if each.role is Role.READER
        ).id
    for owner in (reader, NOWHERE):
        page = await seller.open(f"{LIST}/{lead_id}")
        page = await seller.send(page.form("state", "owner"), {"owner": owner})
        assert (page.status, "may work on leads" in page.text) == (422, True)


async def test_a_page_that_is_not_there_says_so(home: Installation) -> None:
    async with Customer(home.url) as visitor:
        await with_key(home, visitor, "publisher:contoso")
        page = await visitor.open(f"{LIST}/{NOWHERE}")
        offer = await visitor.open("/portal/offers/contoso/nowhere")
    for each in (page, offer):
        assert (each.status, "There is nothing here" in each.text, "not done" in each.text) == (404, True, False)


@pytest.mark.parametrize("odd", ["nobody", "0" * 36, "-" * 36, "{id}x", "{ID}", "%F0%9F%92%8C", "x" * 300])
async def test_what_is_no_id_of_a_lead_names_none(home: Installation, operator: Visitor, odd: str) -> None:
    """The database compares ids as UUIDs; what somebody writes into an address may be anything."""
    lead_id = await hand_in(operator, customer=ADA)
    odd = odd.replace("{id}", lead_id).replace("{ID}", lead_id.upper())
    async with Customer(home.url) as visitor:
        await with_key(home, visitor, "publisher:contoso")
        assert (await visitor.open(f"{LIST}/{odd}")).status == 404
        for place in ("cursor", "newer"):
            assert (await visitor.open(f"{LIST}?{place}={odd}")).status in {200, 422}
    assert (await operator.get(f"/v1/leads/{odd}")).status in {404, 422} or odd == lead_id.upper()
    assert (await operator.get(f"/v1/leads?cursor={odd}")).status in {200, 422}
