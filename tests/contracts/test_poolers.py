"""Behind PgBouncer no NOTIFY reaches a worker: it finds by looking what others bring, and that is told."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from functools import partial
from typing import Any

import pytest

from leadkeeper.intake.keep import Intake
from leadkeeper.sandbox.authority import Authority
from leadkeeper.storage.engine import open_storage
from tests.contracts.installation import lead
from tests.contracts.test_worker import scene
from tests.journeys.database import sql

DATABASES = ("pgbouncer-transaction", "pgbouncer-session")


def are_delivered(count: int, states: Mapping[str, int]) -> bool:
    return states == {"delivered": count}


@pytest.mark.slow
async def test_what_another_process_brings_is_found_without_being_told(database_url: str, authority: Authority) -> None:
    """Event by event: each lead is handed in elsewhere once the worker has nothing to do, and none wakes it."""
    elsewhere = open_storage(database_url)
    async with scene(database_url, authority) as s:
        await s.connect()
        intake = Intake(elsewhere)
        for number in range(3):
            await intake.keep(lead(number))
            await s.until(partial(are_delivered, number + 1), 30)
        listening = await sql(database_url, "SELECT count(*) FROM pg_stat_activity WHERE query ILIKE 'LISTEN%'")
        assert listening == [(0,)]
    await elsewhere.close()


async def run(database_url: str, *words: str) -> tuple[asyncio.subprocess.Process, dict[str, str]]:
    """Start the program on that database."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("LEADKEEPER_")}
    environment |= {"LEADKEEPER_DATABASE_URL": database_url, "LEADKEEPER_LOG_JSON": "true"}
    environment["LEADKEEPER_SECRET_KEY"] = "x" * 43 + "="
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "leadkeeper", *words),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    return child, environment


async def notifications(database_url: str) -> dict[str, Any]:
    """What `leadkeeper doctor` finds about them."""
    upgrade, _ = await run(database_url, "db", "upgrade")
    await upgrade.communicate()
    doctor, _ = await run(database_url, "doctor", "--json")
    out, _ = await doctor.communicate()
    (found,) = [each for each in json.loads(out)["findings"] if each["name"] == "notifications"]
    return dict(found)


async def test_the_doctor_says_that_no_notification_reaches(database_url: str) -> None:
    found = await notifications(database_url)
    assert found["state"] == "note"
    assert "pooler" in found["detail"]
    assert "NOTIFY does not reach" in found["detail"]
    assert "0.5 s" in found["detail"]
    assert found["remedy"]


@pytest.mark.databases("postgresql", "sqlite")
async def test_the_doctor_says_that_notifications_reach(database_url: str) -> None:
    assert (await notifications(database_url))["state"] == "ok"


async def test_a_worker_says_so_when_it_starts(database_url: str) -> None:
    child, _ = await run(database_url, "worker")
    assert child.stderr is not None
    try:
        async with asyncio.timeout(60):
            while b"NOTIFY does not reach" not in (line := await child.stderr.readline()):
                assert line, "it ended without a word"
    finally:
        child.terminate()
        await child.communicate()
