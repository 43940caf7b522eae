"""Several processes under one program: those that are killed come again, and nothing that was acknowledged is lost."""

from __future__ import annotations

import contextlib
import re
from functools import partial

import psutil
import pytest

from tests.journeys.conftest import MakeHub
from tests.journeys.hub import SHORT_LEASE, SOON, Process, until
from tests.journeys.load import Load, check_endpoint, check_table, under_load
from tests.journeys.places import Endpoint, StorageAccount

pytestmark = pytest.mark.slow

DATABASES = ("postgresql",)


async def test_each_of_them_is_killed_under_load(
    database_url: str, make_hub: MakeHub, storage_account: StorageAccount, endpoint: Endpoint
) -> None:
    hub = await make_hub(database_url, LEASE_SECONDS=SHORT_LEASE)
    (program,) = await hub.start("serve --processes 2 --workers 2")
    await hub.make_offer("crm", table=storage_account.settings, endpoint=endpoint.settings)
    before = children(program)
    assert sorted(before) == ["api-1", "api-2", "worker-1", "worker-2"]

    load = Load(hub, ["crm"], "many")
    async with under_load(load):
        for name, child in before.items():
            held = len(load.acknowledged)
            child.kill()
            await until(f"{name} is there again", partial(again, program, name, child), SOON)
            await until("leads are kept meanwhile", partial(more, load, held), SOON)
    await hub.all_delivered()
    rows = await check_table(storage_account, load)
    leads, requests = check_endpoint(endpoint, load)
    log = program.log.read_text()
    for name in before:
        assert re.search(rf"a process ended and is started again.*process={name} .*SIGKILL", log), log

    async def starts_are_counted() -> bool:  # the last one may be there before it says so
        measured = await hub.ask("GET", "/metrics")
        starts = {role: count(measured, "process_starts_total", f'role="{role}"') for role in ("api", "worker")}
        return starts == {"api": 4, "worker": 4}

    await until("every start is counted", starts_are_counted, SOON)
    measured = await hub.ask("GET", "/metrics")
    # A request that was cut off may be counted too, so there may be more. Those that were answered are all counted,
    # whichever process answered and was killed since; whoever asked again for a lead that was kept is a repeat.
    assert count(measured, "leads_total", 'door="api",result="kept"') >= load.answers["202"]
    assert count(measured, "leads_total", 'door="api",result="repeat"') >= load.answers["200"]
    code, _ = await program.end()
    assert code == 0, hub.tail()
    assert not [each for each in before.values() if each.is_running()]
    print(f"{len(load.acknowledged)} acknowledged, {dict(load.answers)}; {rows} rows; {leads} in {requests} requests")


async def test_all_end_when_the_program_is_killed(database_url: str, make_hub: MakeHub, endpoint: Endpoint) -> None:
    hub = await make_hub(database_url, LEASE_SECONDS=SHORT_LEASE)
    (program,) = await hub.start("serve --processes 2")
    await hub.make_offer("web", endpoint=endpoint.settings)
    left = children(program)
    assert sorted(left) == ["serve-1", "serve-2"]
    load = Load(hub, ["web"], "left")
    load.start()
    await until("leads are kept", lambda: more(load, 10), SOON)
    program.kill()

    async def gone() -> bool:
        return not any(child.is_running() for child in left.values())

    await until("both have ended", gone, SOON, 0.05, hub.tail)
    await hub.start("serve --processes 2")
    await load.stop()
    await hub.all_delivered()
    check_endpoint(endpoint, load)


async def test_every_process_takes_its_share(database_url: str, make_hub: MakeHub, endpoint: Endpoint) -> None:
    hub = await make_hub(database_url)
    (program,) = await hub.start("serve --processes 2")
    await hub.make_offer("web", endpoint=endpoint.settings)

    async def both() -> bool:
        await hub.ask("GET", "/healthz")  # the client opens a connection for each that waits
        held = [len(child.net_connections("tcp")) for child in children(program).values()]
        return all(held)

    load = Load(hub, ["web"], "shared", clients=16, pause=0.01)
    async with under_load(load):
        await until("both are connected to", both, SOON)
    await hub.all_delivered()
    check_endpoint(endpoint, load)


async def test_what_is_wrong_from_the_start_is_said_once(database_url: str, make_hub: MakeHub) -> None:
    hub = await make_hub(database_url)
    hub.environment["LEADKEEPER_DATABASE_URL"] = re.sub(r":\d+/", ":1/", database_url)  # nothing listens there
    program = Process(hub, "serve --processes 2", "wrong")
    hub.processes.append(program)
    program.start()
    code, _ = await program.ended(SOON)
    told = program.log.read_text()
    assert code == 1, told
    assert told.count("The database cannot be used") == 1, told
    assert "Traceback" not in told


async def test_the_port_is_taken(database_url: str, make_hub: MakeHub) -> None:
    hub = await make_hub(database_url)
    await hub.start("api --processes 2")
    second = Process(hub, "serve --processes 2", "second")
    hub.processes.append(second)
    second.start()
    code, _ = await second.ended(SOON)
    assert code == 1
    assert f"127.0.0.1:{hub.port} is taken" in second.log.read_text()


def children(program: Process) -> dict[str, psutil.Process]:
    """The processes that it runs, by name."""
    found = {}
    for child in psutil.Process(program.pid).children():
        with contextlib.suppress(psutil.NoSuchProcess):  # it has just ended
            name = next((part for part in child.cmdline() if re.fullmatch(r"(api|serve|worker)-\d+", part)), None)
            if name is not None:
                found[name] = child
    return found


async def again(program: Process, name: str, before: psutil.Process) -> bool:
    """Whether another process of this name takes part."""
    new = children(program).get(name)
    if new is None or new.pid == before.pid:
        return False
    # It has opened its connections to the database, and, where it listens, its socket.
    return any(each.status == psutil.CONN_ESTABLISHED for each in new.net_connections("tcp"))


async def more(load: Load, than: int) -> bool:
    """Whether more leads were acknowledged than these."""
    return len(load.acknowledged) > than


def count(measured: str, name: str, labels: str) -> float:
    """One measurement."""
    found = re.search(rf"^leadkeeper_{name}\{{{labels}\}} ([0-9.e+]+)$", measured, re.MULTILINE)
    return 0.0 if found is None else float(found[1])
