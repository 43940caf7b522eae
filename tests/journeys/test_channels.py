"""A webhook hears of a lead's way from processes that run apart; the audit of it all is one chain."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys

from tests.contracts.receivers import receiving, signed_with
from tests.journeys.conftest import MakeHub
from tests.journeys.database import sql
from tests.journeys.hub import SOON, Hub, until
from tests.journeys.places import Endpoint

CHANNELS = "/v1/publishers/contoso/channels"


def doctor(hub: Hub) -> dict[str, str]:
    """What the doctor says of the audit."""
    command = [sys.executable, "-m", "leadkeeper", "doctor", "--json"]
    done = subprocess.run(command, cwd=hub.folder, env=hub.environment, capture_output=True, timeout=300, check=False)
    (found,) = [each for each in json.loads(done.stdout)["findings"] if each["name"] == "audit"]
    return dict(found)


async def test_a_webhook_hears_of_leads_and_the_doctor_of_a_changed_line(
    make_hub: MakeHub, endpoint: Endpoint, database_url: str
) -> None:
    hub = await make_hub(database_url)
    await hub.start("api", "worker", "worker")
    await hub.make_offer("crm-pro", primary=endpoint.settings)
    async with receiving() as receiver:
        wanted = {"kind": "webhook", "name": "Ours", "address": receiver.url}
        made = await hub.ask("POST", CHANNELS, wanted)
        receiver.check = signed_with(made["secret"])
        lead_id = await hub.give("crm-pro", "ada@contoso.example")

        async def told() -> bool:
            return {each["type"] for each in receiver.taken} >= {"lead.received", "lead.delivered"}

        # The worker that carries the lead may have learned of the channel a moment later: then the next one is told.
        async def told_of_some() -> bool:
            if not await told():
                await hub.give("crm-pro", "ada@contoso.example")
            return await told()

        await until("the webhook was told", told_of_some, SOON, 1, hub.tail)
        assert receiver.refused == []
        assert lead_id in {each["data"]["leadId"] for each in receiver.taken}
        assert "ada@" not in json.dumps(receiver.taken)

    async def sealed() -> bool:
        return await sql(hub.database_url, "SELECT count(*) FROM audit WHERE number IS NULL") == [(0,)]

    await until("the audit is sealed", sealed, SOON, 0.2, hub.tail)
    await hub.stop_all()
    # In a thread: the doctor tries the endpoint, which answers from this one.
    assert (await asyncio.to_thread(doctor, hub))["state"] == "ok"
    await sql(hub.database_url, "UPDATE audit SET who = 'key:another' WHERE act = 'channel.create'")
    found = await asyncio.to_thread(doctor, hub)
    assert found["state"] == "wrong"
    assert "channel.create" in found["detail"]
