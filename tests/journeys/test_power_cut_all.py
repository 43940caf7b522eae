"""Processes are killed at random moments, with a connection to every destination that tells twice from once: each
acknowledged lead is there exactly once, everywhere.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest
from azure.storage.blob.aio import ContainerClient

from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.azure_blob.stand_in import AzureBlob
from leadkeeper.sandbox.azure_storage.azurite import ACCOUNT, KEY, Azurite, AzuriteMissing, Service
from leadkeeper.sandbox.azure_table.stand_in import AzureTable
from leadkeeper.sandbox.dynamics.stand_in import Dynamics
from leadkeeper.sandbox.marketo.stand_in import Marketo
from leadkeeper.sandbox.salesforce.stand_in import Salesforce
from leadkeeper.sandbox.server import Sandbox
from tests.conftest import missing_service
from tests.contracts.cases import dynamics, marketo, salesforce
from tests.contracts.cases.case import Line
from tests.journeys.conftest import ROOT, MakeHub
from tests.journeys.hub import SHORT_LEASE
from tests.journeys.load import Load, check_endpoint, under_load
from tests.journeys.places import Endpoint

CUTS: Final = 8
MOST_CUTS: Final = 4 * CUTS
DRAIN_SECONDS: Final = 90
CONTAINER: Final = "marketplace-leads"


def emulator(service: Service) -> Azurite:
    """Azurite of one service, in memory: it is not what is killed."""
    try:
        return Azurite(ROOT / "node_modules", service=service)
    except AzuriteMissing as error:
        missing_service(str(error))


def settings(line: Line) -> dict[str, Any]:
    """The connection's settings as a publisher enters them."""
    return {"leadDestination": line.destination.lead_destination, line.destination.config_key: dict(line.settings)}


def storage(kind: str, **more: str) -> dict[str, Any]:
    """The same for Azure Storage."""
    text = f"DefaultEndpointsProtocol=https;AccountName={ACCOUNT};AccountKey={KEY};EndpointSuffix=core.windows.net"
    return {"leadDestination": kind, f"{kind}LeadConfiguration": {"storageAccountConnectionString": text, **more}}


@pytest.fixture
async def sandbox(authority_folder: Path) -> AsyncIterator[Sandbox]:
    async with Sandbox(authority_folder) as opened:
        # Calls take a while, so that cuts come in their midst.
        opened.stand_in(Marketo).work_seconds = 0.1
        opened.stand_in(Salesforce).work_seconds = 0.1
        for organization in opened.stand_in(Dynamics).organizations.values():
            organization.work_seconds = 0.1
        yield opened
        assert not opened.mistakes


@pytest.mark.slow
async def test_every_acknowledged_lead_is_everywhere_once(
    tmp_path: Path, make_hub: MakeHub, sandbox: Sandbox, endpoint: Endpoint, authority_folder: Path
) -> None:
    seed = int(os.environ.get("SEED") or random.randrange(2**32))
    print(f"SEED={seed}")
    random_unit = random.Random(seed)
    authority = Authority(authority_folder)
    with emulator("table") as tables, emulator("blob") as blobs:
        table, blob = AzureTable(tables.url), AzureBlob(blobs.url)
        await table.start(authority.server_context("*.table.core.windows.net"))
        await blob.start(authority.server_context("*.blob.core.windows.net"))
        hosts = (
            f"{sandbox.hosts_setting()},*.table.core.windows.net=127.0.0.1:{table.port},"
            f"*.blob.core.windows.net=127.0.0.1:{blob.port}"
        )
        try:
            hub = await make_hub(
                f"sqlite+aiosqlite:///{tmp_path / 'leadkeeper.db'}", LEASE_SECONDS=SHORT_LEASE, HOSTS=hosts
            )
            (process,) = await hub.start("serve")
            await hub.make_offer(
                "crm",
                table=storage("table"),
                blob=storage("blob", containerName=CONTAINER),
                dynamics=settings(dynamics.LINES[0]),
                salesforce=settings(salesforce.LINES[1]),
                marketo=settings(marketo.LINES[1]),
                endpoint=endpoint.settings,
            )
            load = Load(hub, ["crm"], f"all{seed}", clients=3, pause=0.35)
            async with under_load(load):
                cuts = 0
                # A slow machine takes fewer leads between two cuts, and is cut more often.
                while cuts < CUTS or (len(load.acknowledged) < 2 * CUTS and cuts < MOST_CUTS):
                    cuts += 1
                    await asyncio.sleep(random_unit.uniform(0.2, 0.9))
                    process.send(signal.SIGKILL)
                    process.kill()
                    process.start()
                    await hub.ready()
            drained = await hub.all_delivered(DRAIN_SECONDS)
            leads, requests = check_endpoint(endpoint, load)
            found = records(sandbox) | {
                "table": Counter(row for seen in table.made for row in emails_in(seen.body, load)),
                "blob": await files(blobs, load),
            }
        finally:
            await table.aclose()
            await blob.aclose()
    known = len(load.acknowledged)
    print(
        f"{known} acknowledged, {len(load.unsure)} unsure; drained in {drained:.1f} s; {leads} in {requests} requests"
    )
    assert known >= 2 * CUTS, "hardly any load: this proves nothing"
    for name, emails in found.items():
        missing = [email for email in load.acknowledged if not emails[email]]
        twice = [email for email, count in emails.items() if count > 1]
        assert not missing, f"{name}: lost {missing[:10]} of {known}"
        assert not twice, f"{name}: twice {twice[:10]}"
        assert not [email for email in emails if load.is_foreign(email)], name


def records(sandbox: Sandbox) -> dict[str, Counter[str]]:
    """How many records each customer has in the stand-ins."""
    crm = [str(each.get("emailaddress1")) for each in sandbox.stand_in(Dynamics).received()]
    org = [str(lead.values.get("Email")) for lead in sandbox.stand_in(Salesforce).org.leads.values()]
    people = [str(person.values.get("email")) for person in sandbox.stand_in(Marketo).subscription.people]
    return {"dynamics": Counter(crm), "salesforce": Counter(org), "marketo": Counter(people)}


def emails_in(body: bytes, load: Load) -> list[str]:
    """The customers of the rows in a request that Azurite did."""
    text = body.decode()
    return [email for email in (*load.acknowledged, *load.unsure) if f'"{email}"' in text]


async def files(azurite: Azurite, load: Load) -> Counter[str]:
    """How many files each customer has."""
    text = f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={azurite.url}/{ACCOUNT};"
    found: Counter[str] = Counter()
    async with ContainerClient.from_connection_string(text, CONTAINER) as container:
        async for each in container.list_blobs():
            content = (await (await container.download_blob(each.name)).readall()).decode()
            found.update(email for email in (*load.acknowledged, *load.unsure) if f",{email}," in content)
    return found
