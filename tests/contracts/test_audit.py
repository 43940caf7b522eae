"""The audit: sign-ins, refusals, grants, reading, and what changes led to; never a secret, nothing personal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import sqlalchemy as sa

from leadkeeper.access.audit import EACH
from leadkeeper.storage import tables as t
from tests.in_process import DESTINATION, OFFER, Installation, Visitor, hand_in, installation, lead
from tests.journeys.customer import Customer

ADDRESS = "ada@contoso.example"
PARTNER_OFFERS = "/api/publishers/contoso/offers?api-version=2017-10-31"


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[Installation]:
    """An installation whose address is plain, so that cookies come back over plain HTTP."""
    async with installation(database_url, public_url="http://leads.example") as opened:
        yield opened


async def rows(home: Installation, *acts: str) -> list[sa.Row[Any]]:
    """The rows of these acts, oldest first."""
    a = t.audit.c
    query = sa.select(t.audit).where(a.act.in_(acts)).order_by(a.id)
    return [*await home.services.storage.read(lambda conn: conn.execute(query).all())]


async def rows_soon(home: Installation, count: int, *acts: str) -> list[sa.Row[Any]]:
    """The same once there are so many: those that strangers cause are written behind their backs."""
    async with asyncio.timeout(60):
        while len(found := await rows(home, *acts)) < count:  # noqa: ASYNC110 - another task writes it
            await asyncio.sleep(0.05)
    return found


def by(visitor: Visitor, ids: dict[str, str]) -> str:
    """How the audit names a visitor."""
    return f"key:{ids[visitor.key or '']}"


@pytest.fixture
async def ids(home: Installation) -> dict[str, str]:
    """The ids of the keys of a publisher, an operator and a marketplace, which the installation's visitors then are."""
    found = {}
    for role in ("publisher:contoso", "marketplace"):
        made = await home.services.access.keys.create(role, by="test")
        home.visitors[role] = Visitor(home.session, home.url, made.key)
        found[made.key] = made.id
    return found


async def test_signing_in_and_out_and_wrong_keys_stand_in_it(home: Installation, ids: dict[str, str]) -> None:
    member = await home.visitor("publisher:contoso")
    async with Customer(home.url) as visitor:
        page = await visitor.open("/portal/sign-in")
        await visitor.send(page.form("key"), {"key": "lk_mistyped"})
        page = await visitor.send(page.form("key"), {"key": member.key or ""})
        (form,) = [form for form in page.forms if form.action.endswith("/sign-out")]
        await visitor.send(form, {})
    begun, ended = await rows(home, "session.begin", "session.end")
    assert (begun.act, ended.act) == ("session.begin", "session.end")
    assert begun.who == ended.who == by(member, ids)
    assert begun.subject == ended.subject
    (refused,) = await rows_soon(home, 1, "signIn.refused")
    assert (refused.who, refused.subject) == ("anyone", "portal")
    assert "127.0.0.1" in refused.detail
    assert "mistyped" not in str([*begun, *ended, *refused])


async def test_grants_and_wrong_secrets_stand_in_it(home: Installation, ids: dict[str, str]) -> None:
    member = await home.visitor("publisher:contoso")
    key_id = ids[member.key or ""]
    form = {"grant_type": "client_credentials", "client_id": key_id, "client_secret": member.key or ""}
    async with home.session.post(f"{home.url}/contoso/oauth2/token", data=form) as response:
        token = (await response.json())["access_token"]
    async with home.session.post(f"{home.url}/contoso/oauth2/token", data=form | {"client_secret": "no"}) as response:
        assert response.status == 401
    await Visitor(home.session, home.url, "lk_nonsense").get("/v1/leads")
    (granted,) = await rows(home, "token.grant")
    assert (granted.who, granted.subject) == (by(member, ids), key_id)
    refused = await rows_soon(home, 2, "signIn.refused")
    assert sorted(row.subject for row in refused) == ["bearer", "token"]
    (of_client,) = [row for row in refused if row.subject == "token"]
    assert key_id in of_client.detail
    summary = str([*granted, *refused])
    assert token not in summary
    assert "nonsense" not in summary
    assert str(member.key) not in summary


async def test_refusals_stand_in_it(home: Installation, ids: dict[str, str]) -> None:
    operator = await home.visitor("operator")
    await operator.put("/v1/publishers/fabrikam", {"displayName": "Fabrikam"})
    await operator.put("/v1/publishers/fabrikam/offers/other", {"title": "Other"})
    lead_id = await hand_in(operator, publisherId="fabrikam", offerId="other")
    member, marketplace = await home.visitor("publisher:contoso"), await home.visitor("marketplace")
    (await member.get("/v1/publishers/fabrikam/offers/other")).problem(403, "forbidden")
    (await member.post("/v1/leads", lead())).problem(403, "forbidden")
    (await member.get(f"/v1/leads/{lead_id}")).problem(404, "not-found")
    assert (await member.get(PARTNER_OFFERS.replace("contoso", "fabrikam"))).status == 403
    (await marketplace.get("/v1/publishers")).problem(403, "forbidden")
    refused = await rows_soon(home, 5, "access.refused")
    assert [(row.who, row.subject) for row in refused if row.who == by(marketplace, ids)] == [
        (by(marketplace, ids), "GET /v1/publishers")
    ]
    assert {row.subject for row in refused if row.who == by(member, ids)} == {
        "GET /v1/publishers/fabrikam/offers/other",
        "POST /v1/leads",
        f"lead.read {lead_id}",
        "GET /api/publishers/fabrikam/offers",
    }


async def test_reading_personal_data_stands_in_it_before_it_is_answered(
    home: Installation, ids: dict[str, str]
) -> None:
    operator, member = await home.visitor("operator"), await home.visitor("publisher:contoso")
    lead_id = await hand_in(operator)
    await hand_in(operator)
    await member.get(f"/v1/leads/{lead_id}")
    await member.get("/v1/leads?offerId=crm-pro&limit=1")
    await member.post("/v1/leads/find", {"email": ADDRESS})
    await member.post("/v1/find", {"text": ADDRESS})
    found = await rows(home, "lead.read", "lead.list", "lead.find")
    assert [(row.act, row.subject, row.who) for row in found] == [
        ("lead.read", lead_id, by(member, ids)),
        ("lead.list", "contoso", by(member, ids)),
        ("lead.list", "contoso", by(member, ids)),
        ("lead.find", "contoso", by(member, ids)),
    ]
    assert "1 lead" in found[1].detail
    assert "offerId=crm-pro" in found[1].detail
    assert "email" in found[2].detail
    assert "2 leads" in found[3].detail
    assert {row.publisher_id for row in found} == {"contoso"}
    assert "ada@" not in str(found)
    assert "Lovelace" not in str(found)


async def test_reading_at_the_portal_stands_in_it(home: Installation, ids: dict[str, str]) -> None:
    operator, member = await home.visitor("operator"), await home.visitor("publisher:contoso")
    lead_id = await hand_in(operator)
    async with Customer(home.url) as visitor:
        page = await visitor.open("/portal/leads")
        page = await visitor.send(page.form("key"), {"key": member.key or ""})
        await visitor.open(f"/portal/leads/{lead_id}")
        page = await visitor.open("/portal")
        await visitor.send(page.form("text"), {"text": ADDRESS})
    found = await rows(home, "lead.read", "lead.list", "lead.find")
    assert {row.who for row in found} == {by(member, ids)}
    acts = [row.act for row in found]
    assert acts[:2] == ["lead.list", "lead.read"]
    assert acts[-1] == "lead.find"


async def test_one_row_for_a_list_however_long(home: Installation) -> None:
    operator = await home.visitor("operator")
    for _ in range(30):
        await hand_in(operator)
    await operator.get("/v1/leads?limit=200")
    (listed,) = await rows(home, "lead.list")
    assert listed.subject == "*"
    assert "30 leads" in listed.detail


async def test_what_a_change_led_to_stands_in_it(home: Installation, ids: dict[str, str]) -> None:
    operator, member = await home.visitor("operator"), await home.visitor("publisher:contoso")
    await member.put(f"{OFFER}/customer-leads", DESTINATION)
    changed = {"httpsEndpointUrl": "https://leads.example/other?code=other", "contactEmail": ["ops@contoso.example"]}
    await member.put(f"{OFFER}/customer-leads", DESTINATION | {"httpsEndpointLeadConfiguration": changed})
    await member.put(
        f"{OFFER}/customer-leads",
        {"leadDestination": "email", "emailLeadConfiguration": {"contactEmail": ["ops@contoso.example"]}},
    )
    details = [row.detail for row in await rows(home, "connection.put")]
    assert details[0] == "https_endpoint; new"
    assert details[1] == "https_endpoint; changed: contactEmail, httpsEndpointUrl"
    assert details[2].startswith("https_endpoint -> email; changed: ")
    await member.put(OFFER, {"title": "Contoso CRM Next", "summary": "Better."})
    (put,) = [row for row in await rows(home, "offer.put") if row.who == by(member, ids)]
    assert (put.subject, put.publisher_id) == ("contoso.crm-pro", "contoso")
    assert "changed: displayText, offer.microsoft-azure-marketplace.summary" in put.detail
    lead_id = await hand_in(operator)
    delivery = (await operator.get(f"/v1/leads/{lead_id}")).json()["deliveries"][0]["id"]
    await member.post(f"/v1/deliveries/{delivery}/retry")
    (retried,) = await rows(home, "delivery.retry")
    assert (retried.subject, retried.publisher_id) == (delivery, "contoso")
    assert "was pending" in retried.detail
    assert lead_id in retried.detail
    assert "example" not in "".join(details)
    assert "Better" not in put.detail


async def test_a_revoked_key_says_how_many_sessions_it_ended(home: Installation) -> None:
    made = await home.services.access.keys.create("publisher:contoso", by="test")
    async with home.session.post(f"{home.url}/portal/sign-in", data={"key": made.key}, allow_redirects=False) as answer:
        assert answer.status == 303
    await home.services.access.keys.revoke(made.id, by="test")
    (revoked,) = await rows(home, "key.revoke")
    assert (revoked.subject, revoked.publisher_id, revoked.detail) == (made.id, "contoso", "1 session ended")


async def test_what_waits_is_written_on_shutdown(database_url: str) -> None:
    async with installation(database_url) as home:
        member = await home.visitor("publisher:contoso")
        (await member.get("/v1/publishers/fabrikam")).problem(403, "forbidden")
    async with installation_again(database_url) as storage:
        query = sa.select(t.audit.c.subject).where(t.audit.c.act == "access.refused")
        assert await storage.read(lambda conn: conn.scalars(query).all()) == ["GET /v1/publishers/fabrikam"]


async def test_a_stranger_cannot_flood_it(home: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    member = await home.visitor("publisher:contoso")
    monkeypatch.setattr(home.services.access.audit, "_clock", lambda: 1_800_000_000_000)  # all within one minute
    for n in range(200):
        await member.get(f"/v1/publishers/fabrikam{n}")
    async with asyncio.timeout(60):
        while not (left_out := await rows(home, "audit.leftOut")):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    written = await rows(home, "access.refused")
    assert len(written) == EACH
    assert len(written) + sum(int(row.detail.split()[0]) for row in left_out) <= 200


async def test_operators_read_it_by_page_and_filter(home: Installation, ids: dict[str, str]) -> None:
    operator, member = await home.visitor("operator"), await home.visitor("publisher:contoso")
    await member.put(f"{OFFER}/customer-leads", DESTINATION)
    await member.post(f"{OFFER}/connections/primary/pause")
    first = (await operator.get("/v1/audit?limit=2")).json()
    assert [entry["act"] for entry in first["entries"]] == ["connection.pause", "connection.put"]
    assert set(first["entries"][0]) == {"id", "at", "who", "act", "subject", "detail", "publisherId"}
    more = (await operator.get(f"/v1/audit?limit=200&cursor={first['nextCursor']}")).json()
    assert more["nextCursor"] is None
    assert not {entry["id"] for entry in first["entries"]} & {entry["id"] for entry in more["entries"]}
    found = (await operator.get(f"/v1/audit?who={by(member, ids)}&act=connection.pause")).json()["entries"]
    assert [(entry["subject"], entry["detail"]) for entry in found] == [("contoso.crm-pro/primary", "was not tried")]
    assert (await operator.get("/v1/audit?since=2100-01-01")).json()["entries"] == []
    (await operator.get("/v1/audit?act=dance")).problem(422, "invalid-request")


async def test_a_publisher_reads_its_own_part(home: Installation) -> None:
    operator, member = await home.visitor("operator"), await home.visitor("publisher:contoso")
    await operator.put("/v1/publishers/fabrikam", {"displayName": "Fabrikam"})
    await operator.put("/v1/publishers/fabrikam/offers/other", {"title": "Other"})
    await member.put(f"{OFFER}/customer-leads", DESTINATION)
    answer = await member.get("/v1/audit?limit=200")
    assert {entry["publisherId"] for entry in answer.json()["entries"]} == {"contoso"}
    assert "fabrikam" not in answer.body.decode()
    assert "connection.put" in {entry["act"] for entry in answer.json()["entries"]}
    (await member.get("/v1/audit?publisherId=fabrikam")).problem(403, "forbidden")
    (await (await home.visitor("marketplace")).get("/v1/audit")).problem(403, "forbidden")


def installation_again(url: str) -> Any:
    """The storage of an installation that was left."""
    import contextlib

    from leadkeeper.storage.engine import open_storage

    @contextlib.asynccontextmanager
    async def opened() -> AsyncIterator[Any]:
        storage = open_storage(url)
        try:
            yield storage
        finally:
            await storage.close()

    return opened()
