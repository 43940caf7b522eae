"""The database cannot be written for a while: a full disk, a server that only reads, a file that is gone."""

from __future__ import annotations

import asyncio
import functools
import resource
from pathlib import Path
from typing import Final

import psutil
import pytest

from tests.contracts.mailbox import Mailbox
from tests.journeys.conftest import MakeHub
from tests.journeys.hub import SHORT_LEASE, SOON, Process, until
from tests.journeys.load import Load, check_endpoint, under_load
from tests.journeys.people import mail_by, nobody_was_notified, operator_is_notified, telling
from tests.journeys.places import Arrival, Endpoint
from tests.journeys.test_restarts import goes_on
from tests.services.postgres import Postgres, PostgresMissing
from tests.services.small_disk import SmallDisk, require_namespaces

pytestmark = pytest.mark.slow
LEADS: Final = 20


def limit_files(process: Process, size: int) -> None:
    """No file of this process may grow past ``size`` bytes any more: every write beyond it fails, as on a full disk."""
    psutil.Process(process.pid).rlimit(psutil.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


async def test_a_full_disk_that_is_freed(make_hub: MakeHub, endpoint: Endpoint, box: Mailbox, tmp_path: Path) -> None:
    hub = await make_hub(f"sqlite+aiosqlite:///{tmp_path}/leadkeeper.db", LEASE_SECONDS=SHORT_LEASE, **mail_by(box))
    (process,) = await hub.start("serve")
    await hub.make_offer("crm", endpoint=telling(endpoint.settings))
    load = Load(hub, ["crm"], "full", clients=6)
    async with under_load(load):
        for number in range(3):
            await until("leads are kept", functools.partial(more, load, len(load.acknowledged)), SOON, summary=hub.tail)
            limit_files(process, 4_096)
            await operator_is_notified(hub, "No lead can be kept: ")
            refused = functools.partial(refusals, load, load.answers["503"])
            await until("leads are refused", refused, SOON, summary=hub.tail)
            status, _ = await hub.call("GET", "/healthz")
            assert status == 200
            limit_files(process, resource.RLIM_INFINITY)
            await hub.ready()
            await goes_on(f"disk freed, {number + 1}", hub, endpoint)
    await hub.all_delivered()
    assert process.running, hub.tail()
    leads, requests = check_endpoint(endpoint, load)
    print(f"{len(load.acknowledged)} acknowledged, {dict(load.answers)}; {leads} leads in {requests} requests")
    assert requests == leads, "answers that were heard were forgotten"
    await nobody_was_notified(hub, box)


async def test_a_full_disk_of_postgresql_that_is_freed(make_hub: MakeHub, endpoint: Endpoint, box: Mailbox) -> None:
    """Needs a machine that allows user namespaces, in which the server has a small disk of its own."""
    try:
        require_namespaces()
    except PostgresMissing as error:
        pytest.skip(str(error))  # it is the machine's to allow, and nothing that could be installed
    with await asyncio.to_thread(SmallDisk) as server:
        hub = await make_hub(
            await asyncio.to_thread(server.create_small_database), LEASE_SECONDS=SHORT_LEASE, **mail_by(box)
        )
        processes = await hub.start("api", "worker")
        await hub.make_offer("crm", endpoint=telling(endpoint.settings))
        load = Load(hub, ["crm"], "full", clients=6)
        async with under_load(load):
            for number in range(3):
                await until(
                    "leads are kept", functools.partial(more, load, len(load.acknowledged)), SOON, summary=hub.tail
                )
                await asyncio.to_thread(server.fill)
                refused = functools.partial(refusals, load, load.answers["503"])
                await until("leads are refused", refused, SOON, summary=hub.tail)
                await operator_is_notified(hub, "the disk of the database is full")
                summary = []
                for _ in range(40):  # as long as leads are refused, and not just now and then
                    summary.append(await hub.call("GET", "/readyz"))
                    await asyncio.sleep(0.1)
                # The server may vacuum meanwhile, which leaves room for a lead or two; a busy one may answer too late.
                refused_then = [problem["detail"] for status, problem in summary if status == 503]
                assert len(refused_then) > len(summary) / 2, summary
                assert any("the disk of the database is full" in detail for detail in refused_then), refused_then
                assert (await hub.call("GET", "/healthz"))[0] == 200
                await asyncio.to_thread(server.free)
                await hub.ready()
                await goes_on(f"disk freed, {number + 1}", hub, endpoint)
        await hub.all_delivered()
        assert all(process.running for process in processes), hub.tail()
        leads, requests = check_endpoint(endpoint, load)
        print(f"{len(load.acknowledged)} acknowledged, {dict(load.answers)}; {leads} leads in {requests} requests")
        assert requests == leads, "answers that were heard were forgotten"
        await nobody_was_notified(hub, box)
        await hub.close()


async def more(load: Load, than: int) -> bool:
    """Whether some more leads were acknowledged."""
    return len(load.acknowledged) > than + 20


async def refusals(load: Load, than: int) -> bool:
    """Whether some more leads were not taken."""
    return load.answers["503"] > than + 5


async def test_a_server_that_only_reads_for_a_while(make_hub: MakeHub, endpoint: Endpoint, box: Mailbox) -> None:
    with await asyncio.to_thread(Postgres) as server:
        url = await asyncio.to_thread(server.create_database)
        hub = await make_hub(url, LEASE_SECONDS=SHORT_LEASE, **mail_by(box))
        processes = await hub.start("api", "worker")
        await hub.make_offer("crm", endpoint=telling(endpoint.settings))
        given = {f"{number}@load.example" for number in range(LEADS)}
        first_came = asyncio.Event()

        async def read_only(_: Arrival) -> None:
            """From the first lead on: what the endpoint answers is heard while nothing can be written down."""
            if not first_came.is_set():
                first_came.set()
                await asyncio.to_thread(only_reads, server, True)

        for email in sorted(given):
            await hub.give("crm", email)
        endpoint.before_answer = read_only
        for email in sorted(given):
            status, _ = await hub.hand_in("crm", f"late-{email}")
            assert status in (202, 503)
            if status == 202:
                given.add(f"late-{email}")
        await asyncio.wait_for(first_came.wait(), SOON)
        await operator_is_notified(hub, "the database only reads just now")
        status, problem = await hub.hand_in("crm", "refused@load.example")
        assert (status, problem["type"]) == (503, "/docs/reference/problems.html#storage-away")
        await asyncio.to_thread(only_reads, server, False)
        await goes_on("it writes again", hub, endpoint)
        await hub.all_delivered()
        assert all(process.running for process in processes), hub.tail()
        times = endpoint.times()
        assert given <= set(times)
        assert {email for email in given if times[email] > 1} == set(), "answers that were heard were forgotten"
        await nobody_was_notified(hub, box)
        await hub.close()


def only_reads(server: Postgres, yes: bool) -> None:
    """Every session's next transaction is read-only, or is not."""
    server.sql(f"ALTER SYSTEM SET default_transaction_read_only = {'on' if yes else 'off'}")
    server.sql("SELECT pg_reload_conf()")
