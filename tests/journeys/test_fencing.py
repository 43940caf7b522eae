"""Workers that freeze, die, or lose sight of the database: what they held goes on elsewhere, once."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
from typing import Any

import pytest

from leadkeeper.sandbox.faults import Exchange, answer
from tests.journeys.conftest import MakeHub
from tests.journeys.database import sql
from tests.journeys.hub import IMPATIENT, SHORT_LEASE, SOON, Hub, Process, until
from tests.journeys.load import Load, check_endpoint, check_table, under_load
from tests.journeys.places import Arrival, Endpoint, StorageAccount
from tests.services.cable import Cable
from tests.services.postgres import Postgres

pytestmark = pytest.mark.slow


async def test_a_frozen_worker_wakes_up_too_late(
    postgres: Postgres, make_hub: MakeHub, storage_account: StorageAccount, endpoint: Endpoint
) -> None:
    """Another worker has taken over: the late answer is shown, and moves nothing."""
    hub = await make_hub(url := postgres.create_database(), LEASE_SECONDS=8)
    _, *workers = await hub.start("api", "worker", "worker")
    await hub.make_offer("crm", table=storage_account.settings, endpoint=endpoint.settings)
    frozen: list[Process] = []

    async def freeze(arrival: Arrival) -> None:
        """Freeze the worker that sends; answer at once, so that the answer waits for it."""
        if not frozen:
            frozen.append(next(worker for worker in workers if worker.has_port(arrival.port)))
            frozen[0].send(signal.SIGSTOP)

    endpoint.before_answer = freeze
    lead_id = await hub.give("crm", "frozen@load.example")
    took = await until("another worker delivers it", lambda: delivered(hub, lead_id), SOON, summary=hub.tail)
    print(f"taken over and delivered after {took:.1f} s")
    before = await of_connection(hub, lead_id, "endpoint")
    (first,) = frozen
    first.send(signal.SIGCONT)

    async def late() -> bool:
        return any(a["late"] for a in (await of_connection(hub, lead_id, "endpoint"))["attempts"])

    await until("the late answer is written down", late, SOON, summary=hub.tail)
    after = await of_connection(hub, lead_id, "endpoint")
    assert after["state"] == "delivered"
    assert after["receipt"] == before["receipt"]
    outcomes = sorted((a["outcome"], a["late"]) for a in after["attempts"])
    assert outcomes == [("delivered", False), ("delivered", True), ("ours", False)], after
    endpoint.check()
    assert endpoint.times()["frozen@load.example"] == 2
    assert [key for key, _ in await storage_account.rows()] == [lead_id]
    # It works on, under a new lease.
    more = [await hub.give("crm", f"more-{number}@load.example") for number in range(20)]
    await hub.all_delivered()
    assert {key for key, _ in await storage_account.rows()} == {lead_id, *more}
    assert all(worker.running for worker in workers)
    await hub.close()
    postgres.drop_database(url)


async def of_connection(hub: Hub, lead_id: str, name: str) -> Any:
    """The lead's delivery over this connection."""
    return next(d for d in (await hub.lead(lead_id))["deliveries"] if d["connection"] == name)


async def delivered(hub: Hub, lead_id: str) -> bool:
    """All its deliveries are."""
    return all(d["state"] == "delivered" for d in (await hub.lead(lead_id))["deliveries"])


async def test_workers_freeze_at_random_moments(
    postgres: Postgres, make_hub: MakeHub, storage_account: StorageAccount, endpoint: Endpoint
) -> None:
    """In the middle of a claim, a call, a record: whatever they do, nothing is stuck and nothing is twice."""
    seed = int(os.environ.get("SEED") or random.randrange(2**32))
    print(f"SEED={seed}")
    random_unit = random.Random(seed)
    hub = await make_hub(url := postgres.create_database(), LEASE_SECONDS=SHORT_LEASE)
    _, *workers = await hub.start("api", "worker", "worker")
    await hub.make_offer("crm", table=storage_account.settings, endpoint=endpoint.settings)
    load = Load(hub, ["crm"], f"freeze{seed}", clients=10)
    async with under_load(load):
        for _ in range(10):
            worker = random_unit.choice(workers)
            await asyncio.sleep(random_unit.uniform(0.3, 0.8))
            worker.send(signal.SIGSTOP)
            await asyncio.sleep(random_unit.uniform(3.2, 4.2))
            worker.send(signal.SIGCONT)
    drained = await hub.all_delivered()
    rows = await check_table(storage_account, load)
    leads, requests = check_endpoint(endpoint, load)
    late = (await sql(url, "SELECT count(*) FROM attempt WHERE late"))[0][0]
    print(f"drained in {drained:.1f} s; {rows} rows; {leads} leads in {requests} requests; {late} late answers")
    await hub.close()
    postgres.drop_database(url)


async def test_commits_of_which_nobody_hears(
    postgres: Postgres, make_hub: MakeHub, storage_account: StorageAccount, endpoint: Endpoint
) -> None:
    """The database did what it was asked, and the connection broke before it could say so."""
    seed = int(os.environ.get("SEED") or random.randrange(2**32))
    print(f"SEED={seed}")
    url = postgres.create_database()
    async with Cable(postgres.port, random.Random(seed)) as cable:
        hub = await make_hub(cable.through(url), LEASE_SECONDS=6)
        await hub.start("api", "worker", "worker")
        await hub.make_offer("crm", table=storage_account.settings, endpoint=endpoint.settings)
        load = Load(hub, ["crm"], f"cable{seed}", clients=6)
        cable.share = 0.06

        async def enough() -> bool:
            return cable.cuts > 20

        async with under_load(load):
            await asyncio.sleep(20)
            await until("commits were cut off", enough, SOON, summary=hub.tail)
            cable.share = 0.0
        drained = await hub.all_delivered()
        rows = await check_table(storage_account, load)
        leads, requests = check_endpoint(endpoint, load)
        print(
            f"{cable.cuts} commits of which nobody heard; {dict(load.answers)}; drained in {drained:.1f} s; "
            f"{rows} rows; {leads} leads in {requests} requests"
        )
        await hub.close()
    postgres.drop_database(url)


async def test_what_could_not_be_returned_comes_back(postgres: Postgres, make_hub: MakeHub, endpoint: Endpoint) -> None:
    """A worker wants to return leads while the database is away for a moment, shorter than its lease."""
    url = postgres.create_database()
    hub = await make_hub(url, LEASE_SECONDS=8)
    await hub.start("api", "worker")
    gate = asyncio.Event()

    async def refuse(exchange: Exchange) -> None:
        await gate.wait()
        await answer(401)(exchange)

    endpoint.manner = refuse
    await hub.make_offer("crm", primary=endpoint.settings)
    await hub.tell("crm", "primary", "pause")
    ids = [await hub.give("crm", f"back-{number}@load.example") for number in range(40)]
    await hub.tell("crm", "primary", "resume")

    async def asked() -> bool:
        return endpoint.asked >= 8

    await until("it is asked", asked, SOON, summary=hub.tail)
    await asyncio.to_thread(postgres.stop)
    try:
        gate.set()
        await asyncio.sleep(1)
    finally:
        await asyncio.to_thread(postgres.start)
    await hub.ready()
    endpoint.manner = None
    await hub.connect("crm", "primary", endpoint.settings_for("/fixed"))
    took = await hub.all_delivered(SOON)
    assert len(endpoint.times()) == len(ids)
    print(f"all came back in {took:.1f} s")
    await hub.close()
    postgres.drop_database(url)


async def keep_running(process: Process) -> None:
    """What a supervisor does."""
    while True:
        if not process.running:
            process.kill()
            process.start()
        await asyncio.sleep(0.05)


async def test_a_lead_that_kills_every_worker(database_url: str, make_hub: MakeHub, endpoint: Endpoint) -> None:
    """The others get through all the same, soon; it is tried ever more rarely, and is never dropped."""
    hub = await make_hub(database_url, LEASE_SECONDS=SHORT_LEASE)
    words = ["serve"] if database_url.startswith("sqlite") else ["api", "worker"]
    *_, worker = await hub.start(*words)
    killed: list[float] = []

    async def kill(arrival: Arrival) -> None:
        if arrival.email.startswith("poison"):
            killed.append(arrival.at)
            worker.send(signal.SIGKILL)
            await asyncio.sleep(3600)

    endpoint.before_answer = kill
    await hub.make_offer("crm", primary=endpoint.settings)
    await hub.tell("crm", "primary", "pause")
    poison = await hub.give("crm", "poison@load.example")
    ids = [await hub.give("crm", f"well-{number}@load.example") for number in range(100)]
    await hub.tell("crm", "primary", "resume")

    supervisor = asyncio.create_task(keep_running(worker))
    try:

        async def all_came() -> bool:
            return len(endpoint.times()) == len(ids) + 1

        took = await until("every other lead arrives", all_came, SOON, summary=hub.tail)
        at_that = len(killed)
        fresh = f"fresh-{len(killed)}@load.example"

        async def kept() -> bool:
            with contextlib.suppress(OSError):
                return (await hub.hand_in("crm", fresh, fresh, seconds=IMPATIENT))[0] in (200, 202)
            return False

        async def fresh_came() -> bool:
            return fresh in endpoint.times()

        await until("a new lead is kept", kept, SOON, summary=hub.tail)
        fresh_took = await until("it arrives", fresh_came, SOON, summary=hub.tail)
        print(f"all others after {took:.1f} s and {at_that} killed workers; a new one within {fresh_took:.2f} s")
    finally:
        supervisor.cancel()
        await asyncio.gather(supervisor, return_exceptions=True)
    endpoint.before_answer = None
    worker.kill()
    worker.start()
    await hub.ready()

    async def waits() -> bool:
        return (await hub.delivery(poison))["state"] == "waiting"

    await until("it waits", waits, SOON, summary=hub.tail)
    delivery = await hub.delivery(poison)
    assert {attempt["outcome"] for attempt in delivery["attempts"]} == {"ours"}
    await hub.ask("POST", f"/v1/deliveries/{delivery['id']}/retry")
    await hub.all_delivered(SOON)
    assert len(killed) >= 2
