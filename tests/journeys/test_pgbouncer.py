"""PgBouncer is restarted under load, in both of its modes: nothing is lost, and all goes on by itself."""

from __future__ import annotations

import asyncio
from typing import Final

import pytest

from tests.contracts.mailbox import Mailbox
from tests.journeys.conftest import MakeHub
from tests.journeys.hub import SHORT_LEASE
from tests.journeys.load import Load, check_endpoint, check_table, under_load
from tests.journeys.people import mail_by, nobody_was_notified, operator_is_notified, telling
from tests.journeys.places import Endpoint, StorageAccount
from tests.journeys.test_restarts import goes_on
from tests.services.pgbouncer import PgBouncer, PoolMode
from tests.services.postgres import Postgres

pytestmark = pytest.mark.slow
AWAY: Final = (0.0, 0.5, 4.0)
"""Seconds between the end of one PgBouncer and the start of the next; the last is longer than a lease."""
POOL: Final = {"transaction": 4, "session": 40}


@pytest.mark.parametrize("mode", ["transaction", "session"])
async def test_pgbouncer_restarts(
    mode: PoolMode,
    postgres: Postgres,
    make_hub: MakeHub,
    storage_account: StorageAccount,
    endpoint: Endpoint,
    box: Mailbox,
) -> None:
    url = await asyncio.to_thread(postgres.create_database)
    with PgBouncer(postgres, mode, POOL[mode]) as pooler:
        hub = await make_hub(pooler.url(url), LEASE_SECONDS=SHORT_LEASE, **mail_by(box))
        api, worker = await hub.start("api", "worker")
        settings = {"table": telling(storage_account.settings), "endpoint": telling(endpoint.settings)}
        await hub.make_offer("crm", **settings)
        load = Load(hub, ["crm"], f"pooled-{mode}", clients=4)
        async with under_load(load):
            for away in AWAY:
                await goes_on("before it ends", hub, endpoint)
                await asyncio.to_thread(pooler.stop)
                await asyncio.sleep(away)
                if away > 1:
                    await operator_is_notified(hub, "the database cannot be reached just now")
                await asyncio.to_thread(pooler.start)
                await goes_on(f"PgBouncer in {mode} mode, {away} s away", hub, endpoint)
        drained = await hub.all_delivered()
        assert [api.running, worker.running] == [True, True], hub.tail()
        assert "NOTIFY does not reach" in worker.log.read_text()
        rows = await check_table(storage_account, load)
        leads, requests = check_endpoint(endpoint, load)
        await nobody_was_notified(hub, box)
        print(
            f"{len(load.acknowledged)} acknowledged, {len(load.unsure)} unsure, {dict(load.answers)}; drained in "
            f"{drained:.1f} s; {rows} rows; {leads} leads in {requests} requests"
        )
        await hub.close()
    await asyncio.to_thread(postgres.drop_database, url)
