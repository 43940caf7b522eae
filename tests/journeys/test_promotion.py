"""The primary is killed and its synchronous standby promoted, over and over: nothing acknowledged is lost."""

from __future__ import annotations

import asyncio
import functools
import random
from contextlib import AsyncExitStack
from typing import Final

import pytest

from tests.contracts.mailbox import Mailbox
from tests.journeys.conftest import MakeHub
from tests.journeys.hub import SHORT_LEASE, SOON, until
from tests.journeys.load import Load, check_endpoint, check_table, under_load
from tests.journeys.people import mail_by, nobody_was_notified, operator_is_notified, telling
from tests.journeys.places import Endpoint, StorageAccount
from tests.journeys.test_restarts import goes_on
from tests.services.cable import Cable
from tests.services.postgres import Postgres
from tests.services.standby import Standby

PROMOTIONS: Final = 10


@pytest.mark.slow
async def test_a_promoted_standby_has_every_acknowledged_lead(
    postgres: Postgres, make_hub: MakeHub, storage_account: StorageAccount, endpoint: Endpoint, box: Mailbox
) -> None:
    async with AsyncExitStack() as stack:

        def of_our_own(server: Postgres) -> None:
            stack.push_async_callback(asyncio.to_thread, server.close)

        primary: Postgres = await asyncio.to_thread(Postgres)
        of_our_own(primary)
        await asyncio.to_thread(primary.start)
        url = await asyncio.to_thread(primary.create_database)
        cable = await stack.enter_async_context(Cable(primary.port, random.Random(0)))
        hub = await make_hub(cable.through(url), LEASE_SECONDS=SHORT_LEASE, **mail_by(box))
        await hub.start("api", "worker")
        await hub.make_offer("crm", table=telling(storage_account.settings), endpoint=telling(endpoint.settings))
        load = Load(hub, ["crm"], "promoted", clients=6)
        async with under_load(load):
            for number in range(PROMOTIONS):
                standby = await asyncio.to_thread(Standby, primary)
                of_our_own(standby)
                await asyncio.to_thread(standby.start)

                async def follows(standby: Standby = standby) -> bool:
                    return await asyncio.to_thread(standby.synchronous)

                await until("the standby follows", follows, SOON)
                # What is acknowledged from here on waited for the standby; give it some.
                await until(
                    "leads are kept", functools.partial(more, load, len(load.acknowledged)), SOON, summary=hub.tail
                )
                await asyncio.to_thread(primary.kill)
                if number == 0:
                    await operator_is_notified(hub, "the database cannot be reached just now")
                await asyncio.to_thread(standby.promote)
                cable.lead_to(standby.port)
                primary = standby
                await goes_on(f"promotion {number + 1}", hub, endpoint)
        drained = await hub.all_delivered()
        rows = await check_table(storage_account, load)
        leads, requests = check_endpoint(endpoint, load)
        await nobody_was_notified(hub, box)
        print(
            f"{PROMOTIONS} promotions; {len(load.acknowledged)} acknowledged, {len(load.unsure)} unsure, answers "
            f"{dict(load.answers)}; drained in {drained:.1f} s; {rows} rows; {leads} leads in {requests} requests"
        )
        await hub.close()


async def more(load: Load, than: int) -> bool:
    """Whether a few more leads were acknowledged."""
    return len(load.acknowledged) > than + 20
