"""Processes are killed at random moments under load: nothing acknowledged is lost, nothing is there twice."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from typing import Final

import pytest

from tests.journeys.conftest import MakeHub
from tests.journeys.hub import SHORT_LEASE, Hub, Process
from tests.journeys.load import Load, check_endpoint, check_table, under_load
from tests.journeys.places import Endpoint, StorageAccount

CUTS: Final = 21
MOST_CUTS: Final = 4 * CUTS
DRAIN_SECONDS: Final = 90


@pytest.mark.slow
async def test_whatever_is_killed_no_acknowledged_lead_is_lost(
    database_url: str, make_hub: MakeHub, storage_account: StorageAccount, endpoint: Endpoint
) -> None:
    seed = int(os.environ.get("SEED") or random.randrange(2**32))
    print(f"SEED={seed}")
    random_unit = random.Random(seed)
    began = time.monotonic()
    hub = await make_hub(database_url, LEASE_SECONDS=SHORT_LEASE)
    words = ["serve"] if database_url.startswith("sqlite") else ["api", "worker", "worker"]
    processes = await hub.start(*words)
    await hub.make_offer("crm", table=storage_account.settings, endpoint=endpoint.settings)

    cuts = 0
    load = Load(hub, ["crm"], f"cut{seed}", clients=12, pause=0.02)
    async with under_load(load):
        # A slow machine takes fewer leads between two cuts, and is cut more often.
        while cuts < CUTS or (len(load.acknowledged) <= 20 * CUTS and cuts < MOST_CUTS):
            cuts += 1
            await asyncio.sleep(random_unit.uniform(0.05, 1.0))
            await cut(hub, victims(processes, random_unit), wait=random_unit.random() > 0.15)
        await hub.ready()
    stopped = time.monotonic()
    drained = await hub.all_delivered(DRAIN_SECONDS)

    rows = await check_table(storage_account, load)
    leads, requests = check_endpoint(endpoint, load)
    print(
        f"{len(load.acknowledged)} acknowledged, {len(load.unsure)} unsure; answers {dict(load.answers)}\n"
        f"{cuts} cuts in {stopped - began:.1f} s, drained in {drained:.1f} s; "
        f"{rows} rows; {leads} leads in {requests} requests at the endpoint"
    )
    assert len(load.acknowledged) > 20 * CUTS, "hardly any load: this proves nothing"
    assert any("Disconnected" in answer or "Connect" in answer for answer in load.answers), "no request was cut off"


def victims(processes: list[Process], random_unit: random.Random) -> list[Process]:
    """One of them, or all."""
    return list(processes) if random_unit.random() < 0.2 else [random_unit.choice(processes)]


async def cut(hub: Hub, killed: list[Process], *, wait: bool) -> None:
    """SIGKILL them in one moment and start them again; without ``wait`` the next cut may come while they start."""
    for process in killed:
        process.send(signal.SIGKILL)
    for process in killed:
        process.kill()
        process.start()
    if wait and any(process.word != "worker" for process in killed):
        await hub.ready()
