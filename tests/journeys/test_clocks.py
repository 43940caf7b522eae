"""Clocks that are wrong: set back and forward under load, ahead and corrected, different on every machine."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from azure.core.exceptions import ResourceNotFoundError

from tests.contracts.mailbox import Mailbox
from tests.journeys.conftest import MakeHub
from tests.journeys.database import sql
from tests.journeys.hub import SHORT_LEASE, SOON, Hub, until
from tests.journeys.load import Load, check_endpoint, check_table, under_load
from tests.journeys.people import mail_by, nobody_was_notified, telling
from tests.journeys.places import Endpoint, StorageAccount
from tests.journeys.test_restarts import arrives, goes_on
from tests.services.postgres import Postgres
from tests.services.server_clock import ServerClock
from tests.services.wrong_clock import Wall

pytestmark = pytest.mark.slow
HOUR: Final = 3_600
DAY: Final = 24 * HOUR


@pytest.mark.parametrize(
    ("jump", "kill"),
    [(-HOUR, False), (-HOUR, True), (-DAY, False), (-DAY, True), (HOUR, False)],
    ids=["an hour back", "an hour back, killed", "a day back", "a day back, killed", "an hour ahead"],
)
async def test_a_clock_that_jumps(
    jump: int, kill: bool, make_hub: MakeHub, storage_account: StorageAccount, box: Mailbox, tmp_path: Path
) -> None:
    """On SQLite the machine's clock counts. (An HTTPS endpoint would refuse signatures of another hour.)"""
    wall = Wall(tmp_path / "wall")
    hub = await make_hub(f"sqlite+aiosqlite:///{tmp_path}/leadkeeper.db", LEASE_SECONDS=SHORT_LEASE, **mail_by(box))
    hub.wall = wall
    await hub.start("serve")
    await jumps(hub, wall.set, jump, storage_account, kill=kill)
    await nobody_was_notified(hub, box)


@pytest.mark.parametrize(
    ("jump", "kill"),
    [(-HOUR, True), (-DAY, False), (-DAY, True), (HOUR, False)],
    ids=["an hour back, killed", "a day back", "a day back, killed", "an hour ahead"],
)
async def test_a_server_whose_clock_jumps(
    jump: int,
    kill: bool,
    postgres_url: str,
    make_hub: MakeHub,
    storage_account: StorageAccount,
    box: Mailbox,
    postgres: Postgres,
) -> None:
    """On PostgreSQL the server's clock counts."""
    clock = await asyncio.to_thread(ServerClock, postgres, postgres_url)
    hub = await make_hub(postgres_url, LEASE_SECONDS=SHORT_LEASE, **mail_by(box))
    await hub.start("api", "worker")
    await jumps(hub, clock.set, jump, storage_account, kill=kill)
    await nobody_was_notified(hub, box)


async def jumps(
    hub: Hub, set_clock: Callable[[int], None], jump: int, storage_account: StorageAccount, *, kill: bool
) -> None:
    """The clock jumps while leads wait for their next try, and is put right under load: nothing waits for it."""
    await hub.make_offer("crm", table=telling(storage_account.settings))
    await hub.give("crm", "first@load.example")
    await hub.all_delivered()
    await asyncio.to_thread(storage_account.azurite.stop)
    held = {f"held-{number}@load.example" for number in range(3)}  # too few to open the breaker
    for email in sorted(held):
        await hub.give("crm", email)
    await until("they wait for another try", lambda: waiting(hub, len(held)), SOON, summary=hub.tail)
    if kill:
        hub.kill_all()
    await asyncio.to_thread(set_clock, jump)
    await asyncio.to_thread(storage_account.azurite.start)
    if kill:
        for process in hub.processes:
            process.start()
        await hub.ready()

    async def stored(email: str) -> bool:
        return email in [found for _, found in await storage_account.rows()]

    async def all_stored() -> bool:
        return held <= {found for _, found in await storage_account.rows()}

    load = Load(hub, ["crm"], "jumped", clients=4)
    async with under_load(load):
        await arrives(f"the clock jumped by {jump} s", hub, "crm", stored, SOON)
        await until("what waited goes out", all_stored, SOON, summary=hub.tail)
        await asyncio.to_thread(set_clock, 0)
        await arrives("the clock is right again", hub, "crm", stored, SOON)
    await hub.all_delivered()
    rows = [email for _, email in await storage_account.rows()]
    assert set(load.acknowledged) <= set(rows)
    assert len(rows) == len(set(rows)), "a lead is there twice"


async def waiting(hub: Hub, count: int) -> bool:
    """Whether so many leads wait for their next try."""
    return len(await hub.in_state("waiting", limit=50)) == count


async def test_machines_whose_clocks_differ(
    postgres_url: str, make_hub: MakeHub, endpoint: Endpoint, box: Mailbox, tmp_path: Path
) -> None:
    """An API ten minutes ahead, one worker right, one a minute behind: nothing waits, nothing is taken from anybody."""
    hub = await make_hub(postgres_url, LEASE_SECONDS=5, **mail_by(box))
    for word, seconds in (("api", 600), ("worker", 0), ("worker", -60)):
        hub.wall = Wall(tmp_path / f"{word}{seconds}", seconds)
        await hub.start(word)
    await hub.make_offer("crm", endpoint=telling(endpoint.settings))
    slow = asyncio.Event()

    async def takes_longer_than_a_lease(_: object) -> None:
        if len(endpoint.arrivals) <= 8:
            await slow.wait()

    endpoint.before_answer = takes_longer_than_a_lease
    load = Load(hub, ["crm"], "apart", clients=6)
    async with under_load(load):
        await goes_on("clocks differ", hub, endpoint)
        await asyncio.sleep(11)  # twice as long as a lease, and more; a call is given up after 22 s
        slow.set()
    await hub.all_delivered()
    leads, requests = check_endpoint(endpoint, load)
    assert requests == leads, "a lead was sent again while its worker still had it"
    interrupted = await sql(postgres_url, "SELECT count(*) FROM attempt WHERE outcome = 'ours'")
    assert interrupted == [(0,)]
    await nobody_was_notified(hub, box)
    print(f"{len(load.acknowledged)} acknowledged, {leads} leads in {requests} requests, {dict(load.answers)}")


@pytest.mark.parametrize(
    ("api", "workers"),
    [(60, (0, -60)), (0, (600, -600)), (-600, (60, 0))],
    ids=["a minute", "ten minutes", "ten minutes and one"],
)
async def test_machines_whose_clocks_differ_by_more_than_a_signature_lives(
    api: int,
    workers: tuple[int, ...],
    postgres_url: str,
    make_hub: MakeHub,
    storage_account: StorageAccount,
    box: Mailbox,
    tmp_path: Path,
) -> None:
    """Workers ten minutes apart, over calls that take longer than a lease: each keeps what it holds."""
    hub = await make_hub(postgres_url, LEASE_SECONDS=3, **mail_by(box))
    for word, seconds in (("api", api), *(("worker", seconds) for seconds in workers)):
        hub.wall = Wall(tmp_path / f"{word}{seconds}", seconds)
        await hub.start(word)
    await hub.make_offer("crm", table=telling(storage_account.settings))

    async def stored(email: str) -> bool:
        try:
            return email in [found for _, found in await storage_account.rows()]
        except ResourceNotFoundError:
            return False  # the first lead makes the table

    load = Load(hub, ["crm"], "apart", clients=4)
    async with under_load(load):
        await arrives("clocks differ", hub, "crm", stored, SOON)
        freeze(storage_account, signal.SIGSTOP)
        await until("leads are on their way", lambda: sending(hub), SOON, summary=hub.tail)
        await asyncio.sleep(4)  # more than a lease; Azurite lets a connection go that was still for 5 s
        freeze(storage_account, signal.SIGCONT)
        await arrives("the account answers again", hub, "crm", stored, SOON)
    await hub.all_delivered()
    await check_table(storage_account, load)
    (sends, leads), *_ = await sql(postgres_url, "SELECT count(*), count(DISTINCT delivery_id) FROM attempt")
    assert sends == leads, "a lead was taken from a worker that still had it"
    await nobody_was_notified(hub, box)
    print(f"{len(load.acknowledged)} acknowledged, {leads} leads in {sends} sends, {dict(load.answers)}")


def freeze(account: StorageAccount, signum: signal.Signals) -> None:
    """Let it answer no more, or go on."""
    assert account.azurite.pid is not None
    os.kill(account.azurite.pid, signum)


async def sending(hub: Hub) -> bool:
    """Whether a worker has something on its way."""
    return await sql(hub.database_url, "SELECT count(*) FROM delivery WHERE state = 'sending'") != [(0,)]


async def test_doctor_and_metrics_name_the_process_whose_clock_is_wrong(
    postgres_url: str, make_hub: MakeHub, tmp_path: Path
) -> None:
    hub = await make_hub(postgres_url, LEASE_SECONDS=SHORT_LEASE)
    for word, seconds in (("api", 600), ("worker", 0), ("worker", -60)):
        hub.wall = Wall(tmp_path / f"{word}{seconds}", seconds)
        await hub.start(word)
    name = re.compile(r'leadkeeper_clock_difference_seconds\{process="([^"]+)",role="(\w+)"\} (\S+)')

    async def measured() -> list[tuple[str, str, float]]:
        found = name.findall((await hub.ask("GET", "/metrics")) or "")
        return [(process, role, float(seconds)) for process, role, seconds in found]

    async def all_three() -> bool:
        return len(await measured()) == 3

    await until("every process has told its clock", all_three, SOON, 0.5, summary=hub.tail)
    found = {round(seconds / 30) * 30: (process, role) for process, role, seconds in await measured()}
    assert {seconds: role for seconds, (_, role) in found.items()} == {600: "api", 0: "worker", -60: "worker"}
    summary = await doctor(hub)
    wrong = {
        each["name"]: each["detail"] for each in summary if each["name"].startswith("clock") and each["state"] != "ok"
    }
    assert set(wrong) == {f"clock of process {found[seconds][0]}" for seconds in (600, -60)}
    assert "the api on " in (ahead := wrong[f"clock of process {found[600][0]}"])
    assert 590 <= seconds_in(ahead, "ahead") <= 610
    assert 50 <= seconds_in(wrong[f"clock of process {found[-60][0]}"], "behind") <= 70
    for process in hub.processes[1:]:
        process.kill()

    async def only_the_living() -> bool:
        return [role for _, role, _ in await measured()] == ["api"]

    await until("the dead are forgotten", only_the_living, 2 * SOON, 1, summary=hub.tail)


def seconds_in(detail: str, way: str) -> int:
    """How far a clock is ``way``, as a finding says it: what it is told with takes a while on a busy machine."""
    found = re.search(rf"(\d+) s {way}", detail)
    assert found is not None, detail
    return int(found[1])


async def doctor(hub: Hub) -> list[dict[str, str]]:
    """What `leadkeeper doctor` finds, on a machine whose clock is right."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "leadkeeper", "doctor", "--json"),
        cwd=hub.folder,
        env=hub.environment,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await child.communicate()
    findings: list[dict[str, str]] = json.loads(out)["findings"]
    return findings


@pytest.fixture
def postgres_url(request: pytest.FixtureRequest) -> object:
    """A new database on the server."""
    server = request.getfixturevalue("postgres")
    url = server.create_database()
    yield url
    server.drop_database(url)
