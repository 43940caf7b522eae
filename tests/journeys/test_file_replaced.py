"""The SQLite file is removed and replaced under load while `serve` runs. Real processes."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import sqlite3
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from leadkeeper.storage.ids import unpacked_id
from tests.contracts.mailbox import Mailbox
from tests.contracts.test_storage_promises import back_up
from tests.journeys.conftest import MakeHub
from tests.journeys.hub import SHORT_LEASE, SOON, Hub, until
from tests.journeys.load import Load, check_endpoint, check_table, under_load
from tests.journeys.people import mail_by, nobody_was_notified, telling
from tests.journeys.places import Endpoint, StorageAccount
from tests.journeys.test_cannot_write import more, refusals
from tests.journeys.test_restarts import goes_on

pytestmark = pytest.mark.slow
SUFFIXES: Final = ("", "-wal", "-shm")


def put(source: Path, target: Path) -> None:
    """Move a database with its log, as a person would, the main file first."""
    for suffix in SUFFIXES:
        with contextlib.suppress(FileNotFoundError):
            source.with_name(source.name + suffix).rename(target.with_name(target.name + suffix))


def leads_in(path: Path) -> set[str]:
    """The ids of the leads that a database file holds."""
    with contextlib.closing(sqlite3.connect(path)) as look:
        return {str(unpacked_id(row[0])) for row in look.execute("SELECT id FROM lead")}


def content(path: Path) -> bytes | None:
    """All of it; ``None`` when there is nothing."""
    return path.read_bytes() if path.exists() else None


def nothing(_: Path) -> None:
    """The file is gone, and nothing stands there."""


def an_empty_file(path: Path) -> None:
    path.touch()


def somebody_elses(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as made:
        made.execute("CREATE TABLE theirs (id)")
        made.commit()


async def why_not_ready(hub: Hub) -> str:
    """What `/readyz` says while it refuses."""
    status, summary = await hub.call("GET", "/readyz")
    return summary["detail"] if status == 503 else ""


async def refuses(hub: Hub, load: Load) -> None:
    """It says why it keeps no lead, and leads are refused."""

    async def says_why() -> bool:
        return "removed or replaced" in await why_not_ready(hub)

    before = load.answers["503"]
    await until("it says why it keeps no leads", says_why, SOON, summary=hub.tail)
    await until("leads are refused", lambda: refusals(load, before), SOON, summary=hub.tail)


async def test_the_file_is_removed_and_put_back(
    make_hub: MakeHub, storage_account: StorageAccount, endpoint: Endpoint, box: Mailbox, tmp_path: Path
) -> None:
    """Nothing is taken while it is gone, whatever else stands there; all goes on once it is back."""
    path, aside = tmp_path / "leadkeeper.db", tmp_path / "aside.db"
    hub = await make_hub(f"sqlite+aiosqlite:///{path}", LEASE_SECONDS=SHORT_LEASE, **mail_by(box))
    (process,) = await hub.start("serve")
    settings = {"table": telling(storage_account.settings), "endpoint": telling(endpoint.settings)}
    await hub.make_offer("crm", **settings)
    load = Load(hub, ["crm"], "removed", clients=4)
    stand_ins: list[Callable[[Path], None]] = [nothing, an_empty_file, somebody_elses]
    async with under_load(load):
        for make in stand_ins:
            some = functools.partial(more, load, len(load.acknowledged))
            await until("leads are kept", some, SOON, summary=hub.tail)
            await asyncio.to_thread(put, path, aside)
            await asyncio.to_thread(make, path)
            given = await asyncio.to_thread(content, path)
            await refuses(hub, load)
            acknowledged = dict(load.acknowledged)
            assert set(acknowledged.values()) <= await asyncio.to_thread(leads_in, aside), "acknowledged, and nowhere"
            await refuses(hub, load)
            assert load.acknowledged == acknowledged, "taken while there was nowhere to keep it"
            assert await asyncio.to_thread(content, path) == given, "it is none of ours"
            assert (await hub.call("GET", "/healthz"))[0] == 200
            await asyncio.to_thread(path.unlink, missing_ok=True)
            await asyncio.to_thread(put, aside, path)
            await hub.ready()
            await goes_on(f"put back after {make.__name__}", hub, endpoint)
    await hub.all_delivered()
    assert process.running, hub.tail()
    rows = await check_table(storage_account, load)
    leads, requests = check_endpoint(endpoint, load)
    await nobody_was_notified(hub, box)
    print(f"{len(load.acknowledged)} acknowledged, {dict(load.answers)}; {rows} rows; {leads} in {requests} requests")


async def test_a_backup_is_put_in_its_place(
    make_hub: MakeHub, storage_account: StorageAccount, endpoint: Endpoint, tmp_path: Path
) -> None:
    """Every acknowledged lead is in one of the two, on the side of the swap that it was acknowledged on."""
    path, aside, backup = (tmp_path / f"{name}.db" for name in ("leadkeeper", "aside", "backup"))
    hub = await make_hub(f"sqlite+aiosqlite:///{path}", LEASE_SECONDS=SHORT_LEASE)
    (process,) = await hub.start("serve")
    await hub.make_offer("crm", table=storage_account.settings, endpoint=endpoint.settings)
    load = Load(hub, ["crm"], "restored", clients=4)
    async with under_load(load):
        await until("leads are kept", lambda: more(load, 0), SOON, summary=hub.tail)
        await asyncio.to_thread(back_up, path, backup)
        after_backup = len(load.acknowledged)
        await until("more leads are kept", lambda: more(load, after_backup), SOON, summary=hub.tail)
        await asyncio.to_thread(put, path, aside)
        before = set(load.acknowledged.values())
        await asyncio.to_thread(put, backup, path)
        await goes_on("a backup stands there", hub, endpoint)
        swapped = len(load.acknowledged)
        await until("leads are kept in it", lambda: more(load, swapped), SOON, summary=hub.tail)
    await hub.all_delivered()
    old, new = await asyncio.to_thread(leads_in, aside), await asyncio.to_thread(leads_in, path)
    acknowledged = set(load.acknowledged.values())
    assert before <= old, "acknowledged before the swap, and not there"
    assert acknowledged - old <= new, "acknowledged after the swap into the lost file"
    await asyncio.to_thread(put, path, tmp_path / "away.db")
    await asyncio.to_thread(put, aside, path)
    await hub.ready()
    await goes_on("the right file is back", hub, endpoint)
    await hub.all_delivered()
    assert process.running, hub.tail()
    # What the backup had not heard of was sent once more, under its id: the table has it once.
    rows = await storage_account.rows()
    assert acknowledged <= {key for key, _ in rows}
    assert len(rows) == len(dict(rows)), "a lead is there twice"
    # Whom the old file's process refused just as it was taken away may have tried again, and was taken by the backup's.
    twice = {email for email, count in Counter(email for _, email in rows).items() if count > 1}
    assert {email for email in twice if load.acknowledged.get(email) in old} == set()
    print(f"{len(acknowledged)} acknowledged, {dict(load.answers)}; {len(rows)} rows; refused and tried again: {twice}")
