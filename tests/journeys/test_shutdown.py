"""SIGTERM under load: what is in flight ends or is returned, nothing is lost, nothing is counted that was not done."""

from __future__ import annotations

import asyncio
import signal

import pytest

from leadkeeper.sandbox.faults import Exchange, hang
from tests.journeys.conftest import MakeHub
from tests.journeys.database import sql
from tests.journeys.hub import SOON, until
from tests.journeys.load import Load, check_endpoint, check_table, under_load
from tests.journeys.places import Endpoint, StorageAccount
from tests.services.postgres import Postgres

pytestmark = pytest.mark.slow

ROUNDS = 5
_ATTEMPTS = """
    SELECT lead.email, delivery.attempts, attempt.outcome, attempt.late FROM attempt
    JOIN delivery ON delivery.id = attempt.delivery_id JOIN lead ON lead.id = delivery.lead_id"""


async def test_sigterm_under_load(
    database_url: str, make_hub: MakeHub, storage_account: StorageAccount, endpoint: Endpoint
) -> None:
    hub = await make_hub(database_url)
    processes = await hub.start(*(["serve"] if database_url.startswith("sqlite") else ["api", "worker", "worker"]))
    await hub.make_offer("crm", table=storage_account.settings)
    await hub.make_offer("web", endpoint=endpoint.settings)

    async def slow(exchange: Exchange) -> None:
        await asyncio.sleep(0.2)
        await endpoint.take(exchange)

    endpoint.manner = slow
    load = Load(hub, ["crm", "web"], "stop", clients=8)
    slowest = 0.0
    async with under_load(load):
        for _ in range(ROUNDS):
            await asyncio.sleep(1.5)
            for process in processes:
                process.send(signal.SIGTERM)
            for process in processes:
                code, took = await process.ended(SOON)
                slowest = max(slowest, took)
                assert code == 0, hub.tail()
            for process in processes:
                process.start()
            await hub.ready()
    endpoint.manner = None
    await hub.all_delivered()

    web = {email: lead_id for email, lead_id in load.acknowledged.items() if load.offer_of(email) == "web"}
    crm = {email: lead_id for email, lead_id in load.acknowledged.items() if load.offer_of(email) == "crm"}
    await check_table(storage_account, Load(hub, [], "", acknowledged=crm, unsure=load.unsure))
    leads, requests = check_endpoint(endpoint, Load(hub, [], "", acknowledged=web, unsure=load.unsure))
    # Every attempt that is shown was made, and in good order none is made twice.
    rows = await sql(database_url, _ATTEMPTS)
    odd = [row for row in rows if row[2] != "delivered" or row[1] != 1 or row[3]]
    print(f"slowest end {slowest:.2f} s; {leads} leads in {requests} requests; {len(rows)} attempts")
    assert not odd, f"{len(odd)} of {len(rows)}: {odd[:5]}\n{hub.tail()}"
    assert requests == leads, f"{requests} requests for {leads} leads"


async def test_a_call_longer_than_the_lease_ends_while_others_work(
    postgres: Postgres, make_hub: MakeHub, endpoint: Endpoint
) -> None:
    """A worker that is stopping keeps its lease: nobody else takes what it is still sending."""
    hub = await make_hub(url := postgres.create_database(), LEASE_SECONDS=6)
    _, *workers = await hub.start("api", "worker", "worker")
    await hub.make_offer("web", endpoint=endpoint.settings)
    gate = asyncio.Event()
    ports: list[int] = []

    async def wait(exchange: Exchange) -> None:
        ports.append(exchange.writer.get_extra_info("peername")[1])
        await gate.wait()
        await endpoint.take(exchange)

    endpoint.manner = wait
    lead_id = await hub.give("web", "slow@load.example")
    await until("it is being sent", lambda: asked(endpoint, 1), SOON, summary=hub.tail)
    worker = next(each for each in workers if each.has_port(ports[0]))
    worker.send(signal.SIGTERM)
    await asyncio.sleep(13)  # more than twice the lease; the call is given up after 22 s
    assert worker.running
    gate.set()
    code, took = await worker.ended(SOON)
    assert code == 0, hub.tail()
    delivery = await hub.delivery(lead_id)
    assert delivery["state"] == "delivered"
    assert [(a["outcome"], a["late"]) for a in delivery["attempts"]] == [("delivered", False)], delivery
    assert endpoint.asked == 1
    print(f"ended {took:.2f} s after the answer")
    await hub.close()
    postgres.drop_database(url)


async def test_a_hanging_call_is_returned(database_url: str, make_hub: MakeHub, endpoint: Endpoint) -> None:
    """What does not end in time is returned, and is sent again by the next worker at once."""
    hub = await make_hub(database_url, SHUTDOWN_SECONDS=1)
    processes = await hub.start(*(["serve"] if database_url.startswith("sqlite") else ["api", "worker"]))
    await hub.make_offer("web", endpoint=endpoint.settings)
    endpoint.manner = hang
    await hub.tell("web", "endpoint", "pause")  # else the first calls are given up while the last leads are handed in
    ids = [await hub.give("web", f"hang-{number}@load.example") for number in range(30)]
    await hub.tell("web", "endpoint", "resume")
    await until("they are being sent", lambda: asked(endpoint, 8), SOON, summary=hub.tail)
    for process in processes:
        process.send(signal.SIGTERM)
    for process in processes:
        code, took = await process.ended(SOON)
        assert code == 0, hub.tail()
        print(f"{process.name} ended in {took:.2f} s")
    states = dict(await sql(database_url, "SELECT state, count(*) FROM delivery GROUP BY state"))
    assert states.keys() <= {"pending", "waiting"}, states  # those that had been claimed ahead wait, too
    assert sum(states.values()) == 30, states
    attempts = await sql(database_url, "SELECT outcome, late FROM attempt")
    assert len(attempts) == endpoint.asked == 8, (attempts, endpoint.asked)
    assert all(outcome == "ours" and not late for outcome, late in attempts), attempts
    assert not await sql(database_url, "SELECT * FROM lease")
    endpoint.manner = None
    for process in processes:
        process.start()
    await hub.ready()
    await hub.all_delivered(SOON)
    for lead_id in ids:
        delivery = await hub.delivery(lead_id)
        assert [a["outcome"] for a in delivery["attempts"]][-1] == "delivered"


async def test_it_ends_while_the_database_is_away(postgres: Postgres, make_hub: MakeHub, endpoint: Endpoint) -> None:
    """Also with an answer in hand that cannot be written down: the lead is sent again later."""
    url = postgres.create_database()
    hub = await make_hub(url, SHUTDOWN_SECONDS=2, LEASE_SECONDS=10)
    processes = await hub.start("api", "worker")
    await hub.make_offer("web", endpoint=endpoint.settings)
    gate = asyncio.Event()

    async def wait(exchange: Exchange) -> None:
        await gate.wait()
        await endpoint.take(exchange)

    endpoint.manner = wait
    await hub.give("web", "away@load.example")
    await until("it is being sent", lambda: asked(endpoint, 1), SOON, summary=hub.tail)
    try:
        await asyncio.to_thread(postgres.stop)
        gate.set()
        await asyncio.sleep(0.5)
        for process in processes:
            process.send(signal.SIGTERM)
        for process in processes:
            code, took = await process.ended(SOON)
            print(f"{process.name} ended in {took:.2f} s with {code}")
            assert code == 0, hub.tail()
    finally:
        await asyncio.to_thread(postgres.start)
    for process in processes:
        process.start()
    await hub.ready()
    await hub.all_delivered()
    assert endpoint.times()["away@load.example"] == 2
    await hub.close()
    postgres.drop_database(url)


async def asked(endpoint: Endpoint, times: int) -> bool:
    """It has been asked so often."""
    return endpoint.asked >= times
