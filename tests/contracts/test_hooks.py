"""Hooks: made, rotated without losing a lead, tried, revoked; what came last is told by its keys. On both databases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from leadkeeper import publisher_turns
from leadkeeper.access.hooks import OLD_ADDRESS_MS
from leadkeeper.clock import now_ms
from leadkeeper.publisher_turns import MOST_WAITING, Strain
from leadkeeper.shares import RecentUse
from leadkeeper.storage import tables as t
from tests.contracts.test_portal import signed_in
from tests.in_process import OFFER, Installation, Visitor, installation
from tests.journeys.customer import Customer, Form, Page

HOOKS = f"{OFFER}/hooks"
PAGE = "/portal/offers/contoso/crm-pro/hooks"
AT_ONCE = 4
"""So many requests of one publisher that is alone are worked on at once."""
PAYLOAD = {"UserDetails": {"LastName": "Lovelace", "Email": "ada@contoso.example"}, "LeadSource": "SPZA"}


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[Installation]:
    """An installation whose address is plain, so that cookies come back over plain HTTP."""
    async with installation(database_url, public_url="http://leads.example") as opened:
        yield opened


@pytest.fixture
async def owner(home: Installation) -> Visitor:
    """A program with a key of contoso."""
    return await home.visitor("publisher:contoso")


async def made(owner: Visitor) -> tuple[str, str]:
    """A new hook: its id, and its address as a path."""
    answer = (await owner.post(HOOKS)).json()
    return answer["id"], f"/hooks/{answer['token']}"


def form_to(page: Page, end: str) -> Form:
    """The form whose address ends so."""
    (found,) = [form for form in page.forms if form.action.endswith(end)]
    return found


async def the_hook(home: Installation, owner: Visitor) -> dict:
    """The one hook as it is listed, once what came is written down."""
    await home.services.access.uses.settled()
    (hook,) = (await owner.get(HOOKS)).json()["hooks"]
    return hook


async def test_a_rotated_hook_takes_leads_at_both_addresses_until_the_old_one_is_ended(
    home: Installation, owner: Visitor
) -> None:
    hook_id, old = await made(owner)
    assert (await owner.post(old, PAYLOAD)).status == 200
    rotated = (await owner.post(f"{HOOKS}/{hook_id}/rotate")).json()
    assert rotated["id"] == hook_id
    new = f"/hooks/{rotated['token']}"
    assert rotated["url"].endswith(new)
    assert new != old
    sender = home.anyone
    assert [(await sender.post(path, PAYLOAD)).status for path in (old, new, old)] == [200, 200, 200]
    hook = await the_hook(home, owner)
    assert hook["lastUsedTime"] is not None
    assert hook["oldAddressLastUsedTime"] is not None
    left = datetime.fromisoformat(hook["oldAddressUntil"]) - datetime.now(UTC)
    assert 0 <= OLD_ADDRESS_MS / 1000 - left.total_seconds() < 120
    assert (await owner.post(f"{HOOKS}/{hook_id}/end-old-address")).status == 204
    assert [(await sender.post(path, PAYLOAD)).status for path in (old, new)] == [404, 200]
    (await owner.post(f"{HOOKS}/{hook_id}/end-old-address")).problem(404, "not-found")
    assert (await the_hook(home, owner))["oldAddressUntil"] is None
    acts = [line["act"] for line in (await (await home.visitor("operator")).get("/v1/audit")).json()["entries"]]
    assert {"hook.rotate", "hook.endOld"} <= set(acts)


async def test_an_old_address_ends_by_itself_and_a_second_rotation_ends_the_first_one(
    home: Installation, owner: Visitor
) -> None:
    hook_id, first = await made(owner)
    second = f"/hooks/{(await owner.post(f'{HOOKS}/{hook_id}/rotate')).json()['token']}"
    third = f"/hooks/{(await owner.post(f'{HOOKS}/{hook_id}/rotate')).json()['token']}"
    sender = home.anyone
    assert [(await sender.post(path, PAYLOAD)).status for path in (first, second, third)] == [404, 200, 200]
    ended = sa.update(t.hook).values(old_until=now_ms() - 1)
    await home.services.storage.write(lambda conn: conn.execute(ended) and None)
    home.services.access.hooks._known.clear()
    assert [(await sender.post(path, PAYLOAD)).status for path in (second, third)] == [404, 200]
    hook = await the_hook(home, owner)
    assert hook["oldAddressUntil"] is hook["oldAddressLastUsedTime"] is None
    await owner.delete(f"{HOOKS}/{hook_id}")
    assert (await sender.post(third, PAYLOAD)).status == 404


async def test_the_keys_of_the_last_payloads_are_told_and_no_value(home: Installation, owner: Visitor) -> None:
    _, path = await made(owner)
    sender = home.anyone
    await sender.post(path, PAYLOAD)
    await sender.post(path, {"customerInfo": {"name": "Grace"}, "grace@navy.example": "Hopper"})
    await sender.post(path, PAYLOAD)
    hook = await the_hook(home, owner)
    shown = [each["keys"] for each in hook["payloads"]]
    assert sorted(shown) == [
        ["UserDetails.LastName", "UserDetails.Email", "LeadSource"],
        ["customerInfo.name", "…"],
    ]
    kept = await home.services.storage.read(lambda conn: str(conn.execute(sa.select(t.hook)).all()))
    for personal in ("Lovelace", "ada@", "Grace", "grace@", "Hopper", "SPZA"):
        assert personal not in kept


async def test_a_test_payload_becomes_a_test_lead(home: Installation, owner: Visitor) -> None:
    hook_id, _ = await made(owner)
    posted = (await owner.post(f"{HOOKS}/{hook_id}/test")).json()
    found = (await owner.get(f"/v1/leads/{posted['leadId']}")).json()
    assert found["test"]
    assert found["customer"]["lastName"] == found["customer"]["company"] == posted["marker"]
    assert found["action"] == "INS"
    (payload,) = (await the_hook(home, owner))["payloads"]
    assert "UserDetails.FirstName" in payload["keys"]
    assert "ActionCode" in payload["keys"]
    unknown = "0192f3c0-0000-7000-8000-000000000000"
    (await owner.post(f"{HOOKS}/{unknown}/test")).problem(404, "not-found")
    (await owner.post(f"{HOOKS}/{unknown}/rotate")).problem(404, "not-found")
    operator = await home.visitor("operator")
    await operator.put(OFFER, {"title": "Contoso CRM Pro", "live": False})
    (await owner.post(f"{HOOKS}/{hook_id}/test")).problem(409, "offer-not-live")


async def test_a_message_that_comes_again_is_known_though_it_is_worded_otherwise_by_then(
    home: Installation, owner: Visitor
) -> None:
    """The sender's offer has another title now, its form of the source is another, and it has a newer version."""
    _, at = await made(owner)
    customer = {"FirstName": "Ada", "LastName": "Lovelace", "Email": "ada@northwind.example"}
    first = {"LeadSource": "AzureMarketplace", "ActionCode": "INS", "OfferTitle": "Planner", "UserDetails": customer}
    again = {"leadSource": "SPZA-INS|contoso.crm-pro", "offerTitle": "Planner 2", "hops": 1, "userDetails": customer}
    named = {"webhook-id": "message-1"}
    answers = [await home.anyone.call("POST", at, body, headers=named) for body in (first, again, first)]
    assert [answer.status for answer in answers] == [200] * 3, answers[1].body
    assert len({answer.json()["id"] for answer in answers}) == 1
    another = first | {"UserDetails": customer | {"Email": "grace@northwind.example"}}
    assert (await home.anyone.call("POST", at, another, headers=named)).status == 409
    # An Idempotency-Key names a request, which is the same each time.
    named = {"Idempotency-Key": "request-1"}
    answers = [await home.anyone.call("POST", at, body, headers=named) for body in (first, again)]
    assert [answer.status for answer in answers] == [200, 409]


async def test_the_page_does_all_of_it(home: Installation) -> None:
    async with Customer(home.url) as member:
        await signed_in(home, member, "publisher:contoso")
        page = await member.send(form_to(await member.open(PAGE), "/hooks"), {})
        assert "http://leads.example/hooks/lh_" in page.text
        assert "http://leads.example/hooks/lh_" not in (await member.open(PAGE)).text, "it is shown once"
        page = await member.send(form_to(page, "/test"), {})
        assert "The hook took a test payload" in page.text
        assert "MSFT_TEST_" in page.text
        assert "UserDetails.FirstName" in page.text
        assert "What was posted last" in page.text
        page = await member.send(form_to(page, "/rotate"), {})
        assert "The hook's new address" in page.text
        assert "The old address takes leads until" in page.text
        page = await member.send(form_to(page, "/end-old-address"), {})
        assert "The old address takes leads until" not in page.text
        page = await member.send(form_to(page, "/revoke"), {})
        assert "No hooks" in page.text


async def test_hook_leads_of_who_used_most_wait_while_the_process_is_late(
    home: Installation, owner: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its pages do not wait for them, and none is refused."""
    _, path = await made(owner)
    monkeypatch.setattr(publisher_turns, "MOST_REST_SECONDS", 600.0)
    monkeypatch.setattr(Strain, "measure", lambda strain: setattr(strain, "late", 1_000.0))
    monkeypatch.setattr(RecentUse, "even_parts", lambda *_: 2.0)
    many = [asyncio.ensure_future(owner.post(path, PAYLOAD)) for _ in range(2 * MOST_WAITING)]
    answers = [await each for _, each in zip(range(AT_ONCE), asyncio.as_completed(many), strict=False)]
    assert {answer.status for answer in answers} == {200}
    assert (await owner.get(HOOKS)).status == 200
    assert sum(each.done() for each in many) == AT_ONCE
    for each in many:
        each.cancel()
