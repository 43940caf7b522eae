"""The database and the destinations go away and come back under load: nothing is lost, and all goes on by itself."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable

import pytest

from tests.journeys.conftest import MakeHub
from tests.journeys.hub import SHORT_LEASE, SOON, Hub, until
from tests.journeys.load import Load, check_endpoint, check_table, under_load
from tests.journeys.places import Endpoint, StorageAccount
from tests.services.postgres import Postgres

pytestmark = pytest.mark.slow


async def test_postgresql_restarts_and_crashes(
    postgres: Postgres, make_hub: MakeHub, storage_account: StorageAccount, endpoint: Endpoint
) -> None:
    url = postgres.create_database()
    hub = await make_hub(url, LEASE_SECONDS=SHORT_LEASE)
    processes = await hub.start("api", "worker", "worker")
    await hub.make_offer("crm", table=storage_account.settings, endpoint=endpoint.settings)

    def crash() -> None:
        postgres.kill()

    outages: list[tuple[str, Callable[[], None], float]] = [
        ("restart", lambda: postgres.stop("fast"), 0),
        ("immediate stop", lambda: postgres.stop("immediate"), 0),
        ("kill -9", crash, 0),
        ("away for longer than a lease", lambda: postgres.stop("fast"), 5),
        ("kill -9 again", crash, 1),
    ]
    load = Load(hub, ["crm"], "pg")
    try:
        async with under_load(load):
            for name, stop, away in outages:
                await asyncio.sleep(2)
                await asyncio.to_thread(stop)
                await asyncio.sleep(away)
                await asyncio.to_thread(postgres.start)
                await goes_on(f"PostgreSQL, {name}", hub, endpoint)
        drained = await hub.all_delivered()
    finally:
        await asyncio.to_thread(postgres.start)
    assert all(process.running for process in processes), hub.tail()
    rows = await check_table(storage_account, load)
    leads, requests = check_endpoint(endpoint, load)
    print(
        f"{len(load.acknowledged)} acknowledged, {len(load.unsure)} unsure, answers {dict(load.answers)}; drained in "
        f"{drained:.1f} s; {rows} rows; {leads} leads in {requests} requests"
    )
    await hub.close()
    postgres.drop_database(url)


@pytest.mark.parametrize("away", [2, 20])
async def test_destinations_stop_and_start(
    away: int, database_url: str, make_hub: MakeHub, storage_account: StorageAccount, endpoint: Endpoint
) -> None:
    hub = await make_hub(database_url, LEASE_SECONDS=SHORT_LEASE)
    await hub.start(*(["serve"] if database_url.startswith("sqlite") else ["api", "worker"]))
    await hub.make_offer("crm", table=storage_account.settings)
    await hub.make_offer("web", endpoint=endpoint.settings)
    load = Load(hub, ["crm", "web"], "far")

    async def stored(email: str) -> bool:
        return any(found == email for _, found in await storage_account.rows())

    async def came(email: str) -> bool:
        return email in endpoint.times()

    async with under_load(load):
        await asyncio.sleep(2)
        await asyncio.to_thread(storage_account.azurite.stop)
        await endpoint.stop()
        await asyncio.sleep(away)
        await endpoint.start()
        await arrives(f"the endpoint, {away} s away", hub, "web", came)
        await asyncio.to_thread(storage_account.azurite.start)
        await arrives(f"Azurite, {away} s away", hub, "crm", stored)
    drained = await hub.all_delivered()
    in_table = Load(hub, [], "", acknowledged=of_offer(load, "crm"), unsure=load.unsure)
    at_endpoint = Load(hub, [], "", acknowledged=of_offer(load, "web"), unsure=load.unsure)
    rows = await check_table(storage_account, in_table)
    leads, requests = check_endpoint(endpoint, at_endpoint)
    print(f"drained in {drained:.1f} s; {rows} rows; {leads} leads in {requests} requests; {dict(load.answers)}")


async def goes_on(what: str, hub: Hub, endpoint: Endpoint) -> None:
    """A lead handed in as soon as the database is back arrives in time."""

    async def came(email: str) -> bool:
        return email in endpoint.times()

    await arrives(what, hub, "crm", came)


async def arrives(
    what: str, hub: Hub, offer: str, came: Callable[[str], Awaitable[bool]], seconds: float = SOON
) -> None:
    """Hand in a lead now, again while the API says that it cannot keep it; it must arrive within ``seconds``."""
    email = re.sub(r"\W+", "-", f"{what} {time.monotonic_ns()}") + "@probe.example"
    start = time.monotonic()

    async def kept() -> bool:
        status, _ = await hub.hand_in(offer, email, email)
        assert status in (200, 202, 503), status
        return status != 503

    taken = await until(f"{what}: a lead is kept", kept, seconds, 0.05, hub.tail)
    await until(f"{what}: it arrives", lambda: came(email), seconds - taken, 0.05, hub.tail)
    print(f"{what}: kept after {taken:.2f} s, there after {time.monotonic() - start:.2f} s")


def of_offer(load: Load, offer: str) -> dict[str, str]:
    """The acknowledged leads of one offer."""
    return {email: lead_id for email, lead_id in load.acknowledged.items() if load.offer_of(email) == offer}
