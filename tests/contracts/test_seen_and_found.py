"""Withheld leads are told of until somebody has seen it; a lead that may have arrived is said to be there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
import sqlalchemy as sa

from leadkeeper.storage import tables as t
from tests.contracts.counting import count_anew
from tests.hands import HOUR, Hands
from tests.in_process import DESTINATION, NOWHERE, OFFER, Installation, hand_in, installation

SEEN: Final = "/v1/publishers/contoso/withheld-seen"
PRIVATE: Final = {"lastName": "Hopper", "email": "grace@college.edu"}


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
async def home(database_url: str, hands: Hands) -> AsyncIterator[Installation]:
    async with installation(database_url, clock_of=hands.of) as opened:
        operator = await opened.visitor("operator")
        assert (await operator.put(f"{OFFER}/connections/primary", DESTINATION)).status == 201
        yield opened


async def needs(home: Installation, role: str = "operator") -> list[dict[str, Any]]:
    """What needs attention, once the leads of today are counted; not that nobody sends mails here."""
    await count_anew(home.services.storage, home.services.clock)
    answer = await (await home.visitor(role)).get("/v1/attention")
    return [each for each in answer.json()["entries"] if each["cause"] != "mailNotSent"]


async def test_withheld_leads_are_told_of_until_somebody_has_seen_it(home: Installation, hands: Hands) -> None:
    operator, member = await home.visitor("operator"), await home.visitor("publisher:contoso")
    assert await needs(home) == []
    for _ in range(2):
        await hand_in(operator, customer=PRIVATE)
    hands.later += HOUR
    for role in ("operator", "publisher:contoso"):
        (entry,) = await needs(home, role)
        assert (entry["cause"], entry["leads"], entry["who"]) == ("leadsWithheld", 2, "nobody")
        assert (entry["publisherId"], entry["offerId"]) == ("contoso", None)
        assert entry["since"] is not None
        assert "@" not in str(entry)
    seen = await member.post(SEEN)
    assert (seen.status, seen.json()) == (200, {"leads": 2})
    assert await needs(home) == []
    assert (await member.post(SEEN)).json() == {"leads": 0}
    await hand_in(operator, customer=PRIVATE)
    hands.later += HOUR
    assert [each["leads"] for each in await needs(home)] == [1]
    acts = (await operator.get("/v1/audit")).json()["entries"]
    assert [each["act"] for each in acts].count("leads.withheldSeen") == 1


async def test_they_are_told_of_for_a_week(home: Installation, hands: Hands) -> None:
    await hand_in(await home.visitor("operator"), customer=PRIVATE)
    hands.later += 6 * 24 * HOUR
    assert [each["cause"] for each in await needs(home)] == ["leadsWithheld"]
    hands.later += 2 * 24 * HOUR
    assert await needs(home) == []


async def test_another_publisher_may_not_say_that_it_has_seen_it(home: Installation) -> None:
    operator = await home.visitor("operator")
    await operator.put("/v1/publishers/fabrikam", {"displayName": "Fabrikam"})
    await hand_in(operator, customer=PRIVATE)
    assert (await (await home.visitor("publisher:fabrikam")).post(SEEN)).status == 403
    (await operator.post("/v1/publishers/nobody/withheld-seen")).problem(404, "unknown-publisher")
    assert [each["leads"] for each in await needs(home)] == [1]


async def set_aside(home: Installation, reason: str) -> tuple[str, str]:
    """A lead that was set aside, and its delivery."""
    lead_id = await hand_in(await home.visitor("operator"))

    def work(conn: sa.Connection) -> str:
        d = t.delivery.c
        conn.execute(sa.update(t.delivery).where(d.lead_id == lead_id).values(state="setAside", set_aside_for=reason))
        return str(conn.scalar(sa.select(d.id).where(d.lead_id == lead_id)))

    return lead_id, await home.services.storage.write(work)


async def test_a_lead_that_may_have_arrived_is_delivered_once_somebody_found_it(home: Installation) -> None:
    lead_id, delivery_id = await set_aside(home, "mayHaveArrived")
    member = await home.visitor("publisher:contoso")
    (entry,) = await needs(home)
    assert (entry["cause"], entry["leadId"]) == ("leadsMayHaveArrived", lead_id)
    found = await member.post(f"/v1/deliveries/{delivery_id}/found")
    assert (found.status, found.json()["state"], found.json()["setAsideFor"]) == (200, "delivered", None)
    assert await needs(home) == []
    lead = (await member.get(f"/v1/leads/{lead_id}")).json()
    assert [each["kind"] for each in lead["events"]] == ["foundThere"]
    (await member.post(f"/v1/deliveries/{delivery_id}/found")).problem(409, "not-repeatable-now")


async def test_nobody_finds_what_was_refused_or_is_anothers(home: Installation) -> None:
    _, delivery_id = await set_aside(home, "refused")
    operator = await home.visitor("operator")
    (await operator.post(f"/v1/deliveries/{delivery_id}/found")).problem(409, "not-repeatable-now")
    (await operator.post(f"/v1/deliveries/{NOWHERE}/found")).problem(404, "unknown-delivery")
    await operator.put("/v1/publishers/fabrikam", {"displayName": "Fabrikam"})
    stranger = await home.visitor("publisher:fabrikam")
    (await stranger.post(f"/v1/deliveries/{delivery_id}/found")).problem(404, "unknown-delivery")


async def test_two_leads_are_a_list_and_not_one(home: Installation) -> None:
    for _ in range(2):
        await set_aside(home, "refused")
    (entry,) = await needs(home)
    assert (entry["leads"], entry["leadId"]) == (2, None)
