"""The list of leads as each reader wants it: columns, order, saved views, and the way through it. Both databases."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest

from leadkeeper.access.permissions import Role
from leadkeeper.catalogue import diagnose
from leadkeeper.diagnosis import Answer, Kind, Receipt
from leadkeeper.inbox.inbox import Inbox
from leadkeeper.inbox.lists import in_state
from leadkeeper.inbox.lists.columns import COLUMNS, MOST_VIEWS
from leadkeeper.inbox.lists.filter import LeadFilter
from leadkeeper.problem import Problem
from tests.contracts.claiming import begin_with, end, take
from tests.contracts.installation import CRM, furnished, sent
from tests.contracts.test_lead_pages import ADA, BOB, LIST, shown
from tests.in_process import Installation, Visitor, connected, hand_in
from tests.journeys.customer import Customer, Page
from tests.people import signed_in

MAIL = "ada@<wbr>contoso.<wbr>example"
"""A narrow place breaks no word."""


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[Installation]:
    """With a connected offer."""
    async with connected(database_url) as opened:
        yield opened


async def test_columns_are_each_reader_s_own(home: Installation, operator: Visitor) -> None:
    await hand_in(operator, customer=ADA | {"country": "GB"})
    async with signed_in(home, Role.READER) as reader, signed_in(home, Role.CONTRIBUTOR) as seller:
        page = await reader.open(f"{LIST}?state=&action=INS")
        form = page.form("col-mail")
        assert [form.values[f"col-{name}"] for name in COLUMNS] == ["1", "2", "3", "4", "5", "6"]
        hidden = {f"col-{name}": "0" for name in COLUMNS}
        page = await reader.send(form, hidden | {"col-follow": "1", "col-country": "2"})
        assert page.url.endswith("/portal/leads?action=INS")
        heads = page.html.partition("<thead>")[2].partition("</thead>")[0]
        assert "E-mail" not in heads
        assert heads.index("Follow-up") < heads.index("Country")
        assert MAIL not in page.html
        assert MAIL in (await seller.open(LIST)).html
        page = await reader.send(page.form("col-mail"), hidden)
        assert page.form("col-mail").values["col-mail"] == "1", "none chosen is all of them"


async def test_one_s_own_leads_are_none_for_who_signed_in_with_a_key(home: Installation, operator: Visitor) -> None:
    await hand_in(operator, customer=ADA)
    made = await home.services.access.keys.create("publisher:contoso", by="test")
    async with Customer(home.url) as visitor:
        page = await visitor.open("/portal")
        await visitor.send(page.form("key"), {"key": made.key})
        assert MAIL in (await visitor.open(f"{LIST}?owner=nobody")).html
        page = await visitor.open(f"{LIST}?owner=me")
        assert page.status == 422
        assert "Only a person owns leads." in page.text
        assert ">mine</option>" not in (await visitor.open(LIST)).html
        async with signed_in(home, Role.CONTRIBUTOR) as seller:
            page = await seller.open(f"{LIST}?owner=me")
            assert ">mine</option>" in page.html
            await seller.send(page.form("name", "list"), {"name": "My own"}, "shared")
            assert "My own" in (await seller.open(LIST)).html
        assert "My own" not in (await visitor.open(LIST)).html


async def test_a_view_of_one_s_own_is_shared_or_refused_to_a_key(home: Installation, operator: Visitor) -> None:
    for shared, status in ((False, 422), (True, 200)):
        view = {"name": "Mine", "publisherId": "contoso", "shared": shared, "filters": {"owner": "me"}}
        answer = await operator.post("/v1/leads/views", view)
        assert answer.status == status, answer.body
        fields = [error["field"] for error in answer.json().get("errors", [])]
        assert fields == ([] if shared else ["filters.owner"])


async def test_a_view_is_kept_shared_and_removed(home: Installation, operator: Visitor) -> None:
    async with signed_in(home, Role.CONTRIBUTOR) as seller, signed_in(home, Role.READER) as reader:
        page = await seller.open(f"{LIST}?action=PLT&state=held")
        page = await seller.send(page.form("name", "list"), {"name": "Held calls"}, "shared")
        assert page.links["Held calls"].endswith("/portal/leads?action=PLT&state=held")
        page = await reader.open(LIST)
        assert page.links["Held calls (shared)"].endswith("/portal/leads?action=PLT&state=held")
        assert not [form for form in page.forms if "/views/" in form.action]
        page = await reader.send(page.form("name", "list"), {"name": "Mine"})
        assert "Mine" in page.links
        page = await seller.open(LIST)
        assert "Mine" not in page.text
        remove = next(form for form in page.forms if "/views/" in form.action)
        page = await seller.send(remove, {})
        assert "Held calls" not in page.text
        assert "Held calls" not in (await reader.open(LIST)).text
        page = await reader.open(LIST)
        page = await reader.send(page.form("name", "list"), {"name": " "})
        assert (page.status, "Give the view a name" in page.text) == (422, True)


async def test_a_reader_shares_none_and_another_publisher_sees_none(home: Installation) -> None:
    lists = home.services.leads.lists
    await lists.save("person:a", "contoso", "Held", "state=held", shared=True)
    await lists.save("person:a", None, "All held", "state=held", shared=True)
    assert [view.name for view in await lists.views("person:b", "contoso")] == ["Held"]
    assert await lists.views("person:a", "fabrikam") == []
    assert [view.name for view in await lists.views("person:b", None)] == ["All held"]
    (view,) = await lists.views("person:a", "contoso")
    assert not await lists.remove("person:b", "contoso", view.id, others=False)
    assert not await lists.remove("person:b", "fabrikam", view.id, others=True)
    assert len(await lists.views("person:a", "contoso")) == 1
    await lists.save("person:a", "contoso", "Held", "state=waiting", shared=False)
    assert [view.query for view in await lists.views("person:a", "contoso")] == ["state=waiting"]
    async with signed_in(home, Role.READER) as reader:
        form = (await reader.open(LIST)).form("name", "list")
        form.values["shared"] = "yes"
        await reader.send(form, {"name": "For all"})
    assert "For all" not in [view.name for view in await lists.views("person:b", "contoso")]


async def test_views_are_bounded(home: Installation) -> None:
    lists = home.services.leads.lists
    for number in range(MOST_VIEWS):
        await lists.save("person:a", "contoso", f"V{number}", "", shared=False)
    with pytest.raises(Problem, match="remove one first"):
        await lists.save("person:a", "contoso", "One more", "", shared=False)
    await lists.save("person:a", "contoso", "V0", "state=held", shared=False)
    await lists.save("person:b", "contoso", "V0", "", shared=False)
    assert len(await lists.views("person:a", "contoso")) == MOST_VIEWS


async def test_the_list_turns_around(home: Installation, operator: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [await hand_in(operator, customer=ADA) for _ in range(3)]
    monkeypatch.setattr("leadkeeper.doors.portal.leads.lists._PAGE", 2)
    async with signed_in(home, Role.READER) as reader:
        page = await reader.open(LIST)
        page = await reader.open(page.links["Received ↓ oldest first"])
        assert page.html.index(ids[0]) < page.html.index(ids[1])
        assert shown(page, ids) == [True, True, False]
        page = await reader.open(page.links["Newer leads"])
        assert shown(page, ids) == [False, False, True]
        page = await reader.open(page.links["Older leads"])
        assert shown(page, ids) == [True, True, False]
        assert page.html.index(ids[0]) < page.html.index(ids[1])
        assert "Received ↑ newest first" in page.links
    narrow = LeadFilter("contoso", follow_up="new", oldest_first=True)
    monkeypatch.setattr("leadkeeper.inbox.inbox.LOOKED", 2)
    first = await home.services.leads.inbox.list(narrow)
    assert [[lead.id for lead in first.leads], first.looked_further] == [ids[:2], True]
    rest = await home.services.leads.inbox.list(narrow, first.next_cursor)
    assert [lead.id for lead in rest.leads] == ids[2:]


async def test_from_lead_to_lead_within_the_list(home: Installation, operator: Visitor) -> None:
    ids = [await hand_in(operator, customer=ADA, action=action) for action in ("PLT", "INS", "PLT", "PLT")]
    async with signed_in(home, Role.CONTRIBUTOR) as seller:
        page = await seller.open(f"{LIST}?action=PLT")
        page = await seller.open(found[0] if (found := re.search(rf"{LIST}/{ids[2]}[^\"]*", page.html)) else "")
        assert ids[3] in page.links["Previous lead"]
        assert ids[0] in page.links["Next lead"]
        page = await seller.send(page.form("state", "owner", "note"), {"state": "active"})
        assert "Saved." in page.text
        page = await seller.open(page.links["Next lead"])
        assert ids[0] in page.url
        assert "Next lead" not in page.links
        assert page.links["Leads"].endswith("/portal/leads?action=PLT")
        assert "Previous lead" not in (await seller.open(f"{LIST}/{ids[0]}")).links
        assert (await seller.open(f"{LIST}/{ids[0]}?list=state%3Dnonsense")).status == 422


async def test_a_list_that_was_searched_leads_nowhere_by_an_address(home: Installation, operator: Visitor) -> None:
    lead_id = await hand_in(operator, customer=BOB)
    async with signed_in(home, Role.READER) as reader:
        page = await reader.open(LIST)
        page = await reader.send(page.form("text", "country", "since"), {"text": "fabrikam"})
        assert f'"{LIST}/{lead_id}"' in page.html


def place(page: Page, lead_id: str) -> int:
    """Where a lead stands in the table."""
    return page.html.index(lead_id, page.html.index("<tbody>"))


async def test_the_list_stands_in_the_order_of_a_column(
    home: Installation, operator: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [ADA | {"lastName": name, "country": country} for name, country in (("C", "PT"), ("A", "GB"), ("B", "FR"))]
    ids = [await hand_in(operator, customer=each) for each in people]
    monkeypatch.setattr("leadkeeper.doors.portal.leads.lists._PAGE", 2)
    async with signed_in(home, Role.CONTRIBUTOR) as seller:
        page = await seller.open((await seller.open(LIST)).links["Customer and company"])
        assert page.url.endswith("?sort=customer")
        assert 'aria-sort="ascending"' in page.html
        assert place(page, ids[1]) < place(page, ids[2])
        assert shown(page, ids) == [False, True, True]
        page = await seller.open(page.links["Next leads"])
        assert shown(page, ids) == [True, False, False]
        page = await seller.open(page.links["Previous leads"])
        assert shown(page, ids) == [False, True, True]
        page = await seller.open(page.links["Country"])
        assert place(page, ids[2]) < place(page, ids[1])
        page = await seller.open(page.links["Country ↑"])
        assert page.url.endswith("?sort=-country")
        assert place(page, ids[0]) < place(page, ids[1])
        page = await seller.send(page.form("text", "country", "sort"), {"text": "contoso", "sort": "-customer"})
        assert place(page, ids[0]) < place(page, ids[2])
        assert "Only the newest leads" not in page.text
        lead = await seller.open(f"{LIST}/{ids[2]}?list=sort%3Dcustomer")
        assert ids[1] in lead.links["Previous lead"]
        assert ids[0] in lead.links["Next lead"]
        elsewhere = await seller.open(f"{LIST}/{ids[2]}?list=sort%3Dcustomer%26action%3DDNC")
        assert not {"Previous lead", "Next lead"} & set(elsewhere.links)
        assert (await seller.open(f"{LIST}?sort=phone")).status == 422


async def test_so_many_are_put_in_order_and_the_page_says_so(
    home: Installation, operator: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [await hand_in(operator, customer=ADA | {"lastName": name}) for name in ("A", "C", "B")]
    monkeypatch.setattr("leadkeeper.inbox.inbox.SORTED", 2)
    monkeypatch.setattr("leadkeeper.doors.portal.leads.lists.SORTED", 2)
    async with signed_in(home, Role.READER) as reader:
        page = await reader.open(f"{LIST}?sort=customer")
        assert shown(page, ids) == [False, True, True]
        assert place(page, ids[2]) < place(page, ids[1])
        assert "Only the newest leads that fit are in this order, 2 at most." in page.text
    exported = [
        lead.id async for lead in home.services.leads.reading.export(LeadFilter("contoso", sort="customer"), by="t")
    ]
    assert exported == ids[::-1], "a file holds all of them"


@pytest.mark.parametrize("few", [0, 100])
async def test_leads_are_listed_by_state_however_many_there_are(
    database_url: str, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_state, "FEW", few)
    async with furnished(database_url) as installation:
        lease_id = await begin_with(installation, 4)
        (work,) = await take(installation, lease_id, 3)
        answers: list[Answer] = [Receipt(), Receipt(confirmed=False), diagnose(Kind.LEAD_REFUSED)]
        await end(
            installation,
            [sent(work, c, lease_id, a, installation.now) for c, a in zip(work.claimed, answers, strict=True)],
        )
        services = Inbox(installation.storage)

        async def listed() -> dict[str, int]:
            states = ("pending", "waiting", "held", "sending", "delivered", "unconfirmed", "setAside", "withheld")
            pages = {state: await services.list(LeadFilter(state=state)) for state in states}
            return {state: len(page.leads) for state, page in pages.items() if page.leads}

        assert await listed() == {"pending": 1, "delivered": 1, "unconfirmed": 1, "setAside": 1}
        await installation.connections.pause(CRM, "primary", by="test")
        assert await listed() == {"held": 1, "delivered": 1, "unconfirmed": 1, "setAside": 1}
