"""A publisher is suspended: it reads, nothing of it changes, no door takes its leads, none that was kept is lost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import sqlalchemy as sa

from leadkeeper.access.permissions import Role
from leadkeeper.delivery.due import connections_due
from leadkeeper.offer import OfferRef
from leadkeeper.storage import tables as t
from tests.in_process import DESTINATION, OFFER, Answer, Installation, connected, hand_in, lead
from tests.journeys.customer import Customer
from tests.people import signed_in

WHY = "Its contract ended in November."
ONE = "/v1/publishers/contoso"
PAYLOAD = {"UserDetails": {"Email": "ada@contoso.example"}, "LeadSource": "AzureMarketplace", "ActionCode": "INS"}


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[Installation]:
    """An installation whose offer is connected."""
    async with connected(database_url) as opened:
        yield opened


async def suspend(home: Installation, path: str = "/suspend", body: Any = None) -> dict[str, Any]:
    operator = await home.visitor("operator")
    answer = await operator.post(ONE + path, body or ({"reason": WHY} if path == "/suspend" else None))
    assert answer.status == 200, answer.body
    return dict(answer.json())


def refused(answer: Answer) -> None:
    """The answer names the publisher and who can help."""
    problem = answer.problem(403, "publisher-suspended")
    assert "contoso" in problem["detail"]
    assert "operator" in problem["detail"]
    assert [error["field"] for error in problem["errors"]] == ["publisherId"]


async def state_of(home: Installation, lead_id: str) -> str:
    operator = await home.visitor("operator")
    found: str = (await operator.get(f"/v1/leads/{lead_id}")).json()["deliveries"][0]["state"]
    return found


async def due(home: Installation) -> list[str]:
    """The publishers whose leads a worker would send now."""
    storage, later = home.services.storage, home.services.clock() + 1_000
    return [each.publisher_id for each in await storage.read(lambda conn: connections_due(conn, later, None))]


async def test_no_door_takes_its_leads(home: Installation) -> None:
    operator, market = await home.visitor("operator"), await home.visitor("marketplace")
    token = (await operator.post(f"{OFFER}/hooks")).json()["token"]
    assert (await home.anyone.post(f"/hooks/{token}", PAYLOAD)).status == 200
    await suspend(home)
    refused(await home.anyone.post(f"/hooks/{token}", PAYLOAD))
    refused(await market.post("/v1/leads", lead()))
    refused(await operator.post("/v1/leads", lead()))
    assert len((await operator.get("/v1/leads")).json()["leads"]) == 1
    await suspend(home, "/release")
    assert (await home.anyone.post(f"/hooks/{token}", PAYLOAD)).status == 200
    await hand_in(market)


async def test_what_was_kept_is_held_and_goes_on(home: Installation) -> None:
    operator = await home.visitor("operator")
    lead_id = await hand_in(operator)
    assert await due(home) == ["contoso"]
    await suspend(home)
    assert await state_of(home, lead_id) == "held"
    assert await due(home) == []
    (found,) = (await operator.post("/v1/find", {"text": lead_id})).json()["leads"]
    assert "an operator suspended its publisher" in found["message"][0]
    async with signed_in(home, Role.READER) as reader:
        assert "its publisher is suspended" in (await reader.open(f"/portal/leads/{lead_id}")).text
    running = (await operator.get("/v1/workers")).json()["queue"]
    assert (running["held"], running["due"]) == (1, 0)
    await suspend(home, "/release")
    assert await state_of(home, lead_id) == "pending"
    assert await due(home) == ["contoso"]


async def test_another_publisher_feels_nothing(home: Installation) -> None:
    operator = await home.visitor("operator")
    assert (await operator.put("/v1/publishers/fabrikam", {"displayName": "Fabrikam"})).status == 201
    other = "/v1/publishers/fabrikam/offers/crm-pro"
    assert (await operator.put(other, {"title": "Other"})).status == 201
    assert (await operator.put(f"{other}/customer-leads", DESTINATION)).status == 201
    await suspend(home)
    lead_id = await hand_in(operator, publisherId="fabrikam")
    assert await state_of(home, lead_id) == "pending"
    assert await due(home) == ["fabrikam"]
    assert (await (await home.visitor("publisher:fabrikam")).post(f"{other}/hooks")).status == 201


async def test_its_keys_read_and_do_nothing_else(home: Installation) -> None:
    key = await home.visitor("publisher:contoso")
    assert (await key.get(OFFER)).status == 200
    await suspend(home)
    assert (await key.get(ONE)).json()["suspendedFor"] == WHY
    assert (await key.get(OFFER)).status == 200
    assert (await key.post("/v1/leads/find", {"email": "ada@contoso.example"})).status == 200
    refused(await key.put(OFFER, {"title": "Mine"}))
    refused(await key.post(f"{OFFER}/hooks"))
    refused(await key.delete(f"{OFFER}/customer-leads"))
    refused(await key.post(f"{ONE}/release"))
    await suspend(home, "/release")
    assert (await key.post(f"{OFFER}/hooks")).status == 201


async def test_its_members_read_and_are_told_why(home: Installation) -> None:
    async with signed_in(home, Role.OWNER) as owner:
        page = await owner.open("/portal/offers/contoso/crm-pro/hooks")
        (form,) = [each for each in page.forms if each.action.endswith("/crm-pro/hooks")]
        await suspend(home)
        for path in ("/portal", "/portal/offers/contoso/crm-pro", "/portal/leads"):
            page = await owner.open(path)
            assert page.status == 200
            assert WHY in page.text, path
        page = await owner.open("/portal/offers/contoso/crm-pro/hooks")
        assert [each for each in page.forms if each.action.endswith("/crm-pro/hooks")] == []
        page = await owner.send(form, {})
        assert page.status == 403, page.text
        assert "is suspended" in page.text
        page = await owner.open("/portal/offers/contoso/crm-pro/connect")
        assert page.status == 403, page.text
        assert "is suspended" in page.text
        await suspend(home, "/release")
        assert WHY not in (await owner.open("/portal")).text
        assert (await owner.send(form, {})).status == 200


async def test_a_connection_made_meanwhile_is_held_too(home: Installation) -> None:
    await suspend(home)
    operator = await home.visitor("operator")
    assert (await operator.put(f"{OFFER}/connections/second", DESTINATION)).status == 201
    read = home.services.storage.read
    assert await read(lambda conn: conn.scalars(sa.select(t.connection.c.suspended)).all()) == [True, True]
    await suspend(home, "/release")
    assert await read(lambda conn: conn.scalars(sa.select(t.connection.c.suspended)).all()) == [False, False]


async def test_customers_do_not_see_its_offers(home: Installation) -> None:
    services = home.services
    now = {"production_version": 1, "shelf_title": "crm"}
    await services.storage.write(lambda conn: conn.execute(sa.update(t.offer).values(now)) and None)
    ref = OfferRef("contoso", "crm-pro")
    assert await services.offers.showcase.offer(ref) is not None
    await suspend(home)
    assert await services.offers.showcase.offer(ref) is None
    assert (await services.offers.showcase.offers()).offers == ()


async def test_twice_gives_the_newer_reason_and_keeps_since_when(home: Installation) -> None:
    first = await suspend(home)
    again = await suspend(home, body={"reason": "It asked for it."})
    assert (again["suspendedFor"], again["suspendedTime"]) == ("It asked for it.", first["suspendedTime"])
    released = await suspend(home, "/release")
    assert (released["suspendedTime"], released["suspendedFor"]) == (None, "")
    assert (await suspend(home, "/release"))["suspendedTime"] is None
    operator = await home.visitor("operator")
    lines = (await operator.get("/v1/audit?publisherId=contoso")).json()["entries"]
    found = [each["act"] for each in lines if each["act"].startswith("publisher.")]
    assert found == ["publisher.release", "publisher.suspend", "publisher.suspend", "publisher.put"]


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "  "}, {"reason": "x" * 1_001}])
async def test_a_reason_is_needed(home: Installation, body: dict[str, str]) -> None:
    operator = await home.visitor("operator")
    problem = (await operator.post(f"{ONE}/suspend", body)).problem(422, "invalid-request")
    assert [error["field"] for error in problem["errors"]] == ["reason"]


async def test_an_unknown_publisher_and_who_is_no_operator(home: Installation) -> None:
    operator, key = await home.visitor("operator"), await home.visitor("publisher:contoso")
    for act in ("suspend", "release"):
        body = {"reason": WHY} if act == "suspend" else None
        (await operator.post(f"/v1/publishers/nobody/{act}", body)).problem(404, "unknown-publisher")
        (await key.post(f"{ONE}/{act}", body)).problem(403, "forbidden")


async def test_a_session_by_a_key_only_reads(home: Installation) -> None:
    made = await home.services.access.keys.create("publisher:contoso", by="test")
    async with Customer(home.url) as visitor:
        page = await visitor.open("/portal/sign-in")
        page = await visitor.send(page.form("key"), {"key": made.key})
        assert page.status == 200
        await suspend(home)
        assert WHY in (await visitor.open("/portal")).text
        assert (await visitor.open("/portal/offers/new")).status == 403


async def test_an_operator_changes_what_a_suspended_publisher_has(home: Installation) -> None:
    await suspend(home)
    operator = await home.visitor("operator")
    assert (await operator.put(OFFER, {"title": "Renamed"})).status == 200
