"""The database's clock jumps forward by more than a lease: whoever is alive keeps what it holds. Both databases."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa

from leadkeeper.clock import now_ms
from leadkeeper.delivery.lease import open_lease, renew_lease, sweep_leases
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.faults import Exchange, answer
from leadkeeper.storage import tables as t
from leadkeeper.storage.database_clock import DatabaseClock, agree
from leadkeeper.validation.test_lead import LEASE as VALIDATION_LEASE
from leadkeeper.validation.test_lead import begin_test
from tests.contracts.claiming import LEASE, take
from tests.contracts.installation import TestInstallation, furnished, lead
from tests.contracts.test_worker import scene

HOUR = 3_600_000
DATABASES = ("sqlite", "postgresql", "pgbouncer-transaction")


async def still_held(installation: TestInstallation, now: int) -> bool:
    """Whether nothing is taken from the holder at ``now``, as another worker sees it."""
    return await installation.storage.write(sweep_leases, now) == 0


async def test_a_renewal_by_the_old_time_does_not_end_the_lease(database_url: str) -> None:
    """One process has found out and moved all leases along; the holder has not looked yet, and renews."""
    async with furnished(database_url) as installation:
        await installation.connect()
        await installation.intake.keep(lead())
        await installation.storage.write(agree, installation.now, installation.now)
        mine = await installation.storage.write(open_lease, installation.now + LEASE)
        assert len(await take(installation, mine)) == 1
        await installation.storage.write(agree, installation.now + 1_000, installation.now + 1_000 + HOUR)
        installation.now += 1_500
        assert await installation.storage.write(renew_lease, mine, installation.now + LEASE, installation.now)
        assert await still_held(installation, installation.now + HOUR)
        # By now it has looked, too.
        assert await installation.storage.write(
            renew_lease, mine, installation.now + HOUR + LEASE, installation.now + HOUR
        )
        assert await still_held(installation, installation.now + HOUR + LEASE - 1)


async def test_a_lease_that_begins_by_the_old_time_is_alive(database_url: str) -> None:
    async with furnished(database_url) as installation:
        await installation.connect()
        await installation.intake.keep(lead())
        await installation.storage.write(agree, installation.now, installation.now)
        await installation.storage.write(agree, installation.now + 1_000, installation.now + 1_000 + HOUR)
        mine = await installation.storage.write(open_lease, installation.now + LEASE, installation.now)
        assert len(await take(installation, mine)) == 1
        assert await still_held(installation, installation.now + HOUR + 2_000)
        later = installation.now + HOUR + 3 * LEASE
        await installation.storage.write(agree, later, later)
        assert not await still_held(installation, later)


async def test_a_process_that_starts_just_after_the_jump_takes_nothing_from_the_living(tmp_path: object) -> None:
    """It has never seen the time before; the others have not looked yet."""
    async with furnished(f"sqlite+aiosqlite:///{tmp_path}/leadkeeper.db") as installation:
        await installation.connect()
        await installation.intake.keep(lead())
        monotonic = 0.0
        wall = installation.now
        running = DatabaseClock(installation.storage, lambda: wall, lambda: monotonic)
        await running.look()
        mine = await installation.storage.write(open_lease, running() + LEASE)
        assert len(await take(installation, mine)) == 1
        monotonic, wall = 1.0, wall + 1_000 + HOUR
        started = DatabaseClock(installation.storage, lambda: wall, lambda: monotonic)
        await started.look()
        assert await still_held(installation, started())
        monotonic, wall = 4.0, wall + 3_000
        assert await installation.storage.write(renew_lease, mine, running() + LEASE, running())
        await running.look()
        assert await installation.storage.write(renew_lease, mine, running() + LEASE, running())
        assert await still_held(installation, started())


@pytest.mark.slow
async def test_a_worker_keeps_what_is_on_its_way_when_the_time_jumps(database_url: str, authority: Authority) -> None:
    """A call that takes longer than a lease is not sent again, although the time has jumped meanwhile."""
    came, may_end, jumped = asyncio.Event(), asyncio.Event(), 0

    async def slow(exchange: Exchange) -> None:
        came.set()
        await may_end.wait()
        await answer(200)(exchange)

    async with scene(database_url, authority, slow, lease_seconds=6) as s:

        def time() -> int:
            return now_ms() + jumped

        s.worker._clock = s.worker._housekeeping._clock = s.worker._lease._clock = time
        await s.connect()
        await s.installation.storage.write(agree, now_ms(), now_ms())
        await s.intake.keep(lead())
        await asyncio.wait_for(came.wait(), 60)
        now = now_ms()
        await s.installation.storage.write(agree, now, now + HOUR)
        jumped = HOUR
        # Longer than the lease of six seconds, and its sweeps.
        await asyncio.sleep(7.5)
        may_end.set()
        await s.until(lambda states: states == {"delivered": 1})
        assert len(s.remote.received) == 1, "it was sent again"
        assert await s.installation.count(t.attempt, t.attempt.c.outcome == "ours") == 0
        assert await s.installation.storage.read(lambda conn: conn.scalar(sa.select(t.attempt.c.late))) is False


async def test_a_validation_s_test_lead_is_not_sent_by_a_worker(database_url: str) -> None:
    """It was to prove new settings, and those in effect lead to where somebody works."""
    async with furnished(database_url) as installation:
        connection = await installation.connect()
        _, delivery_id, _ = await installation.storage.write(begin_test, connection, "MSFT_TEST_1", installation.now)
        installation.now += VALIDATION_LEASE + 1
        assert await installation.storage.write(sweep_leases, installation.now) == 1
        assert await installation.states() == {"setAside": 1}
        d = t.delivery.c
        aside = await installation.storage.read(
            lambda conn: conn.scalar(sa.select(d.set_aside_for).where(d.id == delivery_id))
        )
        assert aside is None, "nobody has to look for it: the validation is done anew"
