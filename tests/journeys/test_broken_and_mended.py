"""A connection breaks, people are told once, its leads are held; it is fixed, and they go out by themselves."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from leadkeeper.sandbox.faults import answer, hang
from tests.journeys.conftest import MakeEndpoint, MakeHub
from tests.journeys.database import sql
from tests.journeys.hub import SOON, Hub, until
from tests.journeys.places import Endpoint, StorageAccount

pytestmark = pytest.mark.slow

EARLY, LATER = 30, 30


@pytest.fixture
async def hub(database_url: str, make_hub: MakeHub) -> Hub:
    """A running hub: one process on SQLite, an API and a worker on PostgreSQL."""
    hub = await make_hub(database_url)
    await hub.start(*(["serve"] if database_url.startswith("sqlite") else ["api", "worker"]))
    return hub


async def give(hub: Hub, name: str, count: int) -> list[str]:
    """Hand in leads one after another; their ids."""
    return [await hub.give("crm", f"{name}-{number}@load.example") for number in range(count)]


async def all_in(hub: Hub, state: str, ids: list[str]) -> None:
    """Wait until the delivery of each of these leads is shown as ``state``."""

    async def are() -> bool:
        shown = {lead["id"]: lead["deliveries"][0]["state"] for lead in await hub.in_state(state, limit=200)}
        return all(shown.get(lead_id) == state for lead_id in ids)

    await until(f"all are {state}", are, SOON, summary=hub.tail)


async def notices(hub: Hub) -> list[Any]:
    """The notices that wait to be mailed."""
    return await sql(hub.database_url, "SELECT kind, body FROM notice")


async def health(hub: Hub) -> Any:
    """How the connection is shown to be doing."""
    return (await hub.connection("crm", "primary"))["health"]


async def oldest_first(hub: Hub, emails: list[str]) -> None:
    """The leads set out in the order in which they were given (they may overtake one another on the way).

    The one lead that finds the connection well is whichever is due first: earlier tries put some off longer.
    """
    rows = await sql(
        hub.database_url,
        """SELECT lead.email, attempt.at FROM attempt JOIN delivery ON delivery.id = attempt.delivery_id
        JOIN lead ON lead.id = delivery.lead_id WHERE attempt.outcome = 'delivered'""",
    )
    at = dict(rows)
    assert not set(emails) - at.keys()
    found_well = min(emails, key=lambda email: at[email])
    started = [at[email] for email in emails if email != found_well]
    assert started == sorted(started), [(email, at[email] - started[0]) for email in emails]


def given(name: str, count: int) -> list[str]:
    """The addresses that :func:`give` uses."""
    return [f"{name}-{number}@load.example" for number in range(count)]


async def broken(hub: Hub, endpoint: Endpoint) -> tuple[list[str], list[str]]:
    """Break the connection with a 401; hand in leads before and after it is paused; the ids and addresses of all."""
    endpoint.manner = answer(401, b'{"error":"bad key"}')
    await hub.make_offer("crm", primary=endpoint.settings)
    early = await give(hub, "early", EARLY)

    async def paused() -> bool:
        return (await health(hub))["state"] == "broken"

    await until("the connection is paused", paused, SOON, summary=hub.tail)
    later = await give(hub, "later", LATER)
    await all_in(hub, "held", early + later)
    return early + later, given("early", EARLY) + given("later", LATER)


async def summary_once(hub: Hub, lead_id: str) -> None:
    """One notice; the connection and the lead say why, who must act, and how."""
    (notice,) = await notices(hub)
    assert notice[0] == "connectionPaused"
    assert "credentialsRejected" in notice[1]
    diagnosis = (await health(hub))["diagnosis"]
    assert diagnosis["kind"] == "credentialsRejected"
    assert diagnosis["who"] == "publisher"
    assert diagnosis["steps"]
    delivery = await hub.delivery(lead_id)
    assert delivery["state"] == "held"
    assert delivery["diagnosis"]["kind"] == "credentialsRejected"
    assert delivery["diagnosis"]["evidence"]["status"] == 401


async def test_mended_by_new_settings(hub: Hub, endpoint: Endpoint) -> None:
    ids, emails = await broken(hub, endpoint)
    await summary_once(hub, ids[0])
    asked = endpoint.asked
    await asyncio.sleep(2)
    assert endpoint.asked == asked, "a paused connection was sent leads"

    endpoint.manner = None
    start = time.monotonic()
    await hub.connect("crm", "primary", endpoint.settings_for("/fixed"))
    await all_in(hub, "delivered", ids)
    print(f"{len(ids)} held leads delivered {time.monotonic() - start:.2f} s after the new settings")
    await oldest_first(hub, emails)
    endpoint.check()
    assert set(endpoint.times().values()) == {1}
    assert (await health(hub))["state"] == "working"
    assert len(await notices(hub)) == 1


async def test_mended_and_proven_by_validate(hub: Hub, endpoint: Endpoint) -> None:
    ids, emails = await broken(hub, endpoint)
    refused = await hub.tell("crm", "primary", "validate")
    assert not refused["ok"]
    assert refused["diagnosis"]["kind"] == "credentialsRejected"
    assert (await health(hub))["state"] == "broken"

    endpoint.manner = None
    passed = await hub.tell("crm", "primary", "validate")
    assert passed["ok"], passed
    assert passed["testLead"]["receipt"]
    await all_in(hub, "delivered", ids)
    await oldest_first(hub, emails)
    assert len(await notices(hub)) == 1


async def test_mended_at_the_far_side(hub: Hub, endpoint: Endpoint) -> None:
    """The probe finds it; should one lead show that it is still broken, nobody is told again."""
    ids, emails = await broken(hub, endpoint)
    await probe_now(hub)
    await until("probed", lambda: probed(hub, 1), SOON, summary=hub.tail)
    await all_in(hub, "held", ids)
    assert len(await notices(hub)) == 1, "told twice of the same trouble"

    endpoint.manner = None
    start = time.monotonic()
    await probe_now(hub)
    await all_in(hub, "delivered", ids)
    print(f"{len(ids)} held leads delivered {time.monotonic() - start:.2f} s after the probe fell due")
    await oldest_first(hub, emails)
    assert set(endpoint.times().values()) == {1}
    assert (await health(hub))["state"] == "working"


async def probe_now(hub: Hub) -> None:
    """Let the next probe fall due now instead of in half a minute."""
    await sql(hub.database_url, "UPDATE connection SET probe_at = 1 WHERE probe_at IS NOT NULL")


async def probed(hub: Hub, times: int) -> bool:
    """The connection was probed so often, and is paused again."""
    ((probes, paused),) = await sql(hub.database_url, "SELECT probes, paused FROM connection")
    return probes >= times and bool(paused)


async def test_the_account_key_is_changed_and_changed_back(hub: Hub, storage_account: StorageAccount) -> None:
    """A storage account whose key is wrong: the check sees it, so that probes alone keep it paused."""
    wrong = storage_account.connection_string.replace("Eby8", "Abc8")
    await hub.make_offer(
        "crm", primary={"leadDestination": "table", "tableLeadConfiguration": {"storageAccountConnectionString": wrong}}
    )
    ids = await give(hub, "key", 20)
    await all_in(hub, "held", ids)
    diagnosis = (await health(hub))["diagnosis"]
    assert diagnosis["kind"] in ("storageKeyRejected", "storageAccessBlocked"), diagnosis
    await probe_now(hub)
    await until("probed", lambda: probed(hub, 1), SOON, summary=hub.tail)
    await hub.connect("crm", "primary", storage_account.settings)
    await all_in(hub, "delivered", ids)
    assert sorted(key for key, _ in await storage_account.rows()) == sorted(ids)
    assert len(await notices(hub)) == 1


async def test_a_failing_endpoint_is_replaced(hub: Hub, endpoint: Endpoint) -> None:
    """Leads that wait for a retry go out at once with new settings: they need not wait for it."""
    endpoint.manner = answer(500)
    await hub.make_offer("crm", primary=endpoint.settings)
    ids = await give(hub, "failing", 10)
    await sql_waiting(hub, ids)
    endpoint.manner = None
    await hub.connect("crm", "primary", endpoint.settings_for("/other"))
    await all_in(hub, "delivered", ids)


async def sql_waiting(hub: Hub, ids: list[str]) -> None:
    """Wait until some have failed, then let all retries be an hour away, as after some hours of trouble."""
    await until("it is failing", lambda: failing(hub), SOON, summary=hub.tail)
    await all_in(hub, "waiting", ids[:3])
    hour = int(time.time() * 1000) + 3_600_000
    await sql(hub.database_url, f"UPDATE delivery SET due_at = {hour} WHERE state = 'waiting'")


async def failing(hub: Hub) -> bool:
    """The connection is shown as failing."""
    return (await health(hub))["trouble"] == "failing"


async def test_a_hanging_endpoint_is_replaced(hub: Hub, endpoint: Endpoint, make_endpoint: MakeEndpoint) -> None:
    """What is not on its way yet goes to the new address, not to the old one first."""
    endpoint.manner = hang
    await hub.make_offer("crm", primary=endpoint.settings)
    await hub.tell("crm", "primary", "pause")
    ids = await give(hub, "hang", 40)
    await hub.tell("crm", "primary", "resume")

    async def asked() -> bool:
        return endpoint.asked >= 8

    await until("it hangs", asked, SOON, summary=hub.tail)
    other = await make_endpoint()
    await hub.connect("crm", "primary", other.settings)

    async def came() -> bool:
        return len(other.times()) >= len(ids) - endpoint.asked

    # Sooner than the hanging calls are given up, which is after 30 s.
    took = await until("the rest goes to the new address", came, 25, summary=hub.tail)
    print(f"{len(other.times())} leads at the new address after {took:.2f} s; {endpoint.asked} hang at the old one")


async def test_removed_and_made_again(hub: Hub, endpoint: Endpoint) -> None:
    ids, emails = await broken(hub, endpoint)
    await hub.disconnect("crm", "primary")
    await all_in(hub, "held", ids)
    new = await give(hub, "unrouted", 5)
    asked = endpoint.asked
    await asyncio.sleep(1)
    endpoint.manner = None
    assert endpoint.asked == asked

    await hub.connect("crm", "primary", endpoint.settings)
    await all_in(hub, "delivered", ids + new)
    await oldest_first(hub, emails)
    assert endpoint.emails()[-1].startswith(("unrouted", "later"))
    assert set(endpoint.times().values()) == {1}


async def test_an_offer_without_connections(hub: Hub, endpoint: Endpoint) -> None:
    """Leads wait for the first connection, whatever its name; a second one gets only what comes later."""
    await hub.make_offer("crm")
    ids = await give(hub, "early", 20)
    assert (await hub.lead(ids[0]))["deliveries"] == []
    await hub.connect("crm", "first", endpoint.settings)
    await all_in(hub, "delivered", ids)
    await oldest_first(hub, given("early", 20))
    await hub.connect("crm", "second", endpoint.settings_for("/second"))
    lead_id = await hub.give("crm", "both@load.example")

    async def both() -> bool:
        states = [delivery["state"] for delivery in (await hub.lead(lead_id))["deliveries"]]
        return states == ["delivered", "delivered"]

    await until("the new lead went over both", both, SOON, summary=hub.tail)
    assert len(endpoint.arrivals) == len(ids) + 2


async def test_paused_by_a_person(hub: Hub, endpoint: Endpoint) -> None:
    await hub.make_offer("crm", primary=endpoint.settings)
    before = await give(hub, "before", 5)
    await all_in(hub, "delivered", before)
    await hub.tell("crm", "primary", "pause")
    held = await give(hub, "held", 30)
    await all_in(hub, "held", held)
    await asyncio.sleep(2)
    assert endpoint.asked == len(before)
    assert (await health(hub))["state"] == "paused"
    start = time.monotonic()
    await hub.tell("crm", "primary", "resume")
    await all_in(hub, "delivered", held)
    print(f"30 held leads delivered {time.monotonic() - start:.2f} s after resuming")
    await oldest_first(hub, given("held", 30))
    assert not await notices(hub)
