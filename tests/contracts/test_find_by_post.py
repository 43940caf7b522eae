"""Leads are found by an e-mail address in a body: one in a URL would stand in every log on the way."""

from __future__ import annotations

import logging
import re

import pytest

from leadkeeper.inbox.follow_up.follow_ups import Change
from leadkeeper.inbox.lists.filter import LeadFilter
from leadkeeper.model_errors import LEAD_CURSOR
from tests.in_process import Installation, Visitor, hand_in

ADDRESS = "ada.lovelace@contoso.example"


@pytest.fixture
async def lead_id(operator: Visitor) -> str:
    """A lead of the customer with that address; there is another one too."""
    await hand_in(operator)
    return await hand_in(operator, customer={"email": ADDRESS})


async def test_the_query_says_where_to_go(
    operator: Visitor, lead_id: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    assert lead_id
    with caplog.at_level(logging.DEBUG):
        answer = await operator.get(f"/v1/leads?email={ADDRESS}")
    problem = answer.problem(422, "invalid-request")
    assert [error["field"] for error in problem["errors"]] == ["email"]
    assert "POST /v1/leads/find" in problem["errors"][0]["message"]
    assert "ada.lovelace" not in answer.body.decode()
    out, err = capfd.readouterr()
    assert "ada.lovelace" not in caplog.text + out + err


async def test_by_post_with_every_filter(operator: Visitor, lead_id: str) -> None:
    found = (await operator.post("/v1/leads/find", {"email": ADDRESS.upper()})).json()
    assert [lead["id"] for lead in found["leads"]] == [lead_id]
    for more in ({"offerId": "crm-pro"}, {"test": False, "limit": 1}, {"action": "INS", "publisherId": "contoso"}):
        found = (await operator.post("/v1/leads/find", {"email": ADDRESS} | more)).json()
        assert [lead["id"] for lead in found["leads"]] == [lead_id]
    found = (await operator.post("/v1/leads/find", {"email": ADDRESS, "offerId": "other"})).json()
    assert (found["leads"], found["nextCursor"]) == ([], None)
    (await operator.post("/v1/leads/find", {"mail": ADDRESS})).problem(422, "invalid-request")


async def test_in_the_order_of_a_column(operator: Visitor) -> None:
    people: dict[str, str] = {}
    for name in ("Óscar", "anna", "Berta"):
        customer = {"lastName": name, "email": f"{len(people)}@northwind.example"}
        people[await hand_in(operator, customer=customer)] = name

    async def order(sort: str) -> list[str]:
        found = (await operator.post("/v1/leads/find", {"text": "northwind", "sort": sort})).json()["leads"]
        listed = (await operator.get(f"/v1/leads?sort={sort}")).json()["leads"]
        assert [each["id"] for each in listed] == [each["id"] for each in found]
        return [people[each["id"]] for each in found]

    assert await order("customer") == ["anna", "Berta", "Óscar"]
    assert await order("-customer") == ["Óscar", "Berta", "anna"]
    assert await order("oldest") == ["Óscar", "anna", "Berta"]
    (await operator.get("/v1/leads?sort=shoe")).problem(422, "invalid-request")


async def test_a_list_in_an_order_goes_on_where_it_ended(operator: Visitor) -> None:
    for name in "cab":
        await hand_in(operator, customer={"lastName": name, "email": f"{name}@northwind.example"})
    seen, cursor = [], None
    while True:
        body = {"text": "northwind", "sort": "customer", "limit": 2} | ({} if cursor is None else {"cursor": cursor})
        page = (await operator.post("/v1/leads/find", body)).json()
        seen += [each["customer"]["lastName"] for each in page["leads"]]
        cursor = page["nextCursor"]
        if cursor is None:
            break
    assert seen == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("sort", "change"),
    [
        ("due", {"state": "active"}),
        ("-due", {"state": "active"}),
        ("follow", {"state": "won"}),
        ("customer", {"state": "active"}),
        ("owner", {"state": "active"}),
        ("-company", {"state": "active"}),
    ],
)
async def test_each_lead_comes_once_although_one_left_between_pages(
    home: Installation, operator: Visitor, sort: str, change: dict[str, str]
) -> None:
    for name in "cabed":
        await hand_in(operator, customer={"lastName": name, "company": name, "email": f"{name}@northwind.example"})
    which = LeadFilter("contoso", follow_up="overdue", now_ms=home.services.clock() + 90 * 86_400_000, sort=sort)
    inbox, changes = home.services.leads.inbox, home.services.leads.follow_ups
    ids = [each.id for each in (await inbox.list(which)).leads]
    assert len(ids) == 5
    first = await inbox.list(which, limit=2)
    assert first.next_cursor is not None
    assert re.fullmatch(LEAD_CURSOR, first.next_cursor)
    await changes.change(ids[1], Change(**change), by="test", publisher_id="contoso")
    second = await inbox.list(which, first.next_cursor, limit=2)
    third = await inbox.list(which, second.next_cursor, limit=2)
    assert [each.id for page in (first, second, third) for each in page.leads] == ids
    assert third.next_cursor is None
    await changes.change(ids[4], Change(**change), by="test", publisher_id="contoso")
    back = await inbox.list(which, third.previous_cursor, limit=2, newer=True)
    begin = await inbox.list(which, back.previous_cursor, limit=2, newer=True)
    assert [each.id for page in (begin, back) for each in page.leads] == [ids[0], ids[2], ids[3]]
    assert begin.previous_cursor is None


async def test_a_cursor_tells_no_place_of_anothers_lead(home: Installation, operator: Visitor, lead_id: str) -> None:
    await operator.put("/v1/publishers/fabrikam", {"displayName": "Fabrikam"})
    other = await home.visitor("publisher:fabrikam")
    for cursor in (lead_id, f"{lead_id}~1"):
        answer = await other.get(f"/v1/leads?sort=customer&cursor={cursor}")
        assert [each["field"] for each in answer.problem(409, "not-possible-now")["errors"]] == ["cursor"]
        assert (await home.anyone.get(f"/v1/leads?sort=customer&cursor={cursor}")).status == 401
        found = await operator.get(f"/v1/leads?cursor={cursor}")
        assert lead_id not in [each["id"] for each in found.json()["leads"]]


async def test_those_that_nobody_owns(operator: Visitor, lead_id: str) -> None:
    found = (await operator.post("/v1/leads/find", {"email": ADDRESS, "owner": "nobody"})).json()["leads"]
    assert [each["id"] for each in found] == [lead_id]
    (await operator.post("/v1/leads/find", {"email": ADDRESS, "owner": "somebody"})).problem(422, "invalid-request")


async def test_a_publisher_finds_its_own(home: Installation, operator: Visitor, lead_id: str) -> None:
    await operator.put("/v1/publishers/fabrikam", {"displayName": "Fabrikam"})
    other = await home.visitor("publisher:fabrikam")
    assert (await other.post("/v1/leads/find", {"email": ADDRESS})).json()["leads"] == []
    (await other.post("/v1/leads/find", {"email": ADDRESS, "publisherId": "contoso"})).problem(403, "forbidden")
    own = await home.visitor("publisher:contoso")
    assert [lead["id"] for lead in (await own.post("/v1/leads/find", {"email": ADDRESS})).json()["leads"]] == [lead_id]
    marketplace = await home.visitor("marketplace")
    (await marketplace.post("/v1/leads/find", {"email": ADDRESS})).problem(403, "forbidden")


async def test_the_document_names_no_address_in_a_url(home: Installation) -> None:
    document = (await home.anyone.get("/openapi.json")).json()
    named = {
        parameter["name"].lower()
        for methods in document["paths"].values()
        for operation in methods.values()
        for parameter in operation.get("parameters", [])
        if parameter["in"] in ("query", "path")
    }
    assert not named & {"email", "mail", "phone", "text"}


async def test_by_destination_as_either_list_calls_it(operator: Visitor, lead_id: str) -> None:
    assert lead_id
    for called in ("https_endpoint", "httpsEndpoint", "crm"):
        found = (await operator.get(f"/v1/leads?destination={called}")).json()
        assert found["leads"] == [], "no connection of this offer goes there"
