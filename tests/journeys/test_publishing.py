"""Publishing with real processes: killed in the middle of every step, it ends in the same state."""

from __future__ import annotations

import asyncio
import signal
from typing import Any, Final

import pytest

from leadkeeper.sandbox.faults import Exchange
from tests.journeys.conftest import MakeHub
from tests.journeys.database import sql
from tests.journeys.hub import SOON, Hub, until
from tests.journeys.places import Endpoint

OFFER: Final = "/v1/publishers/contoso/offers/planner"
BODY: Final = {
    "title": "Contoso Planner",
    "offerType": "saas",
    "live": False,
    "summary": "Plans, well kept.",
    "description": "A planner.",
    "callsToAction": ["contactMe"],
}


def words(database_url: str) -> tuple[str, ...]:
    """The processes of an installation on this database."""
    return ("serve",) if database_url.startswith("sqlite") else ("api", "worker", "worker")


@pytest.fixture
async def hub(database_url: str, make_hub: MakeHub) -> Hub:
    """An installation with an offer that is ready to be published by an operator's leave."""
    made = await make_hub(database_url, CERTIFICATION="operator", LEASE_SECONDS=1)
    await made.start(*words(database_url))
    await made.ask("PUT", "/v1/publishers/contoso", {"displayName": "Contoso"})
    await made.ask("PUT", OFFER, BODY)
    return made


async def kill_and_start(hub: Hub) -> None:
    """SIGKILL to every process, then all of them again."""
    for process in hub.processes:
        process.send(signal.SIGKILL)
        process.kill()
    for process in hub.processes:
        process.start()
    await hub.ready()


async def status(hub: Hub) -> Any:
    """How publishing stands."""
    return await hub.ask("GET", f"{OFFER}/status")


async def until_step(hub: Hub, id: str, *states: str) -> None:
    """Wait until a step stands so."""

    async def there() -> bool:
        (step,) = [step for step in (await status(hub))["operation"]["steps"] if step["id"] == id]
        return step["status"] in states

    await until(f"{id} is {states}", there, SOON, 0.02, hub.tail)


async def until_ended(hub: Hub) -> Any:
    """Wait for the operation's end; the operation then."""

    async def ended() -> bool:
        return bool((await status(hub))["operation"]["state"] != "running")

    await until("the operation ends", ended, SOON, 0.05, hub.tail)
    return (await status(hub))["operation"]


async def takes_leads(hub: Hub, endpoint: Endpoint) -> None:
    """A customer's lead arrives, and it is the only one."""
    await hub.give("planner", "ada@load.example")

    async def there() -> bool:
        return endpoint.emails() == ["ada@load.example"]

    await until("a customer's lead arrives", there, SOON, 0.05, hub.tail)


@pytest.mark.slow
async def test_a_kill_in_any_step_ends_in_the_same_state(database_url: str, hub: Hub, endpoint: Endpoint) -> None:
    """Kills while a person is waited for, while a test lead is on its way, and at the instant that each step begins."""
    await hub.ask("PUT", f"{OFFER}/customer-leads", endpoint.settings)
    gate = asyncio.Event()
    seen = 0

    async def slowly(exchange: Exchange) -> None:
        nonlocal seen
        seen += 1
        await gate.wait()
        await endpoint.take(exchange)

    # Killed as soon as it has begun: the first step, or whichever it has come to.
    await hub.ask("POST", f"{OFFER}/publish", {"notificationEmails": []})
    await kill_and_start(hub)
    await until_step(hub, "displaycertify", "waitingForApproval")
    # Killed while an operator is waited for.
    await kill_and_start(hub)
    assert (await status(hub))["operation"]["steps"][1]["status"] == "waitingForApproval"
    endpoint.manner = slowly
    await hub.ask("POST", f"{OFFER}/certification", {"approved": True})
    # Killed in the checks, and while the test lead is on its way.
    await until_step(hub, "displayprovision", "inProgress", "complete")
    await kill_and_start(hub)
    await until_step(hub, "displaypackage", "inProgress")

    async def on_its_way() -> bool:
        return seen > 0

    await until("the test lead is on its way", on_its_way, SOON, 0.02, hub.tail)
    await kill_and_start(hub)
    gate.set()
    operation = await until_ended(hub)
    assert operation["state"] == "completed"
    assert [step["status"] for step in operation["steps"]][3:] == [
        "complete",
        "waitingForPublisherReview",
        "notStarted",
    ]
    # Killed while the publisher looks at the preview, and while it goes live on settings that are yet to be proven.
    await kill_and_start(hub)
    assert (await status(hub))["status"] == "waitingForPublisherReview"
    gate.clear()
    seen = 0
    await hub.ask("PUT", f"{OFFER}/customer-leads", endpoint.settings_for("/other"))
    await hub.ask("POST", f"{OFFER}/golive")
    await until("the test lead is on its way again", on_its_way, SOON, 0.02, hub.tail)
    await kill_and_start(hub)
    gate.set()
    operation = await until_ended(hub)
    assert operation["state"] == "completed"
    assert [step["status"] for step in operation["steps"]] == ["complete"] * 6
    found = await status(hub)
    assert (found["status"], found["previewVersion"], found["productionVersion"]) == ("succeeded", None, 1)
    assert (await hub.ask("GET", OFFER))["live"] is True
    endpoint.manner = None
    await takes_leads(hub, endpoint)


@pytest.mark.slow
async def test_an_operation_that_ends_is_told_once(database_url: str, hub: Hub, endpoint: Endpoint) -> None:
    """However often processes are killed, each end writes one notice and one line of audit."""
    await hub.ask("PUT", f"{OFFER}/customer-leads", endpoint.settings)
    for number in range(3):
        await hub.ask("POST", f"{OFFER}/publish", {"notificationEmails": ["ops@contoso.example"]})
        await until_step(hub, "displaycertify", "waitingForApproval")
        await hub.ask("POST", f"{OFFER}/certification", {"approved": True})
        await asyncio.sleep(0.15 * number)
        await kill_and_start(hub)
        assert (await until_ended(hub))["state"] == "completed"
    kinds = [kind for (kind,) in await sql(database_url, "SELECT kind FROM notice WHERE operation_id IS NOT NULL")]
    assert kinds == ["previewReady"] * 3
    done = await sql(database_url, "SELECT act FROM audit WHERE act = 'offer.step.displaypackage' AND detail = 'done'")
    assert len(done) == 3
