"""However much one publisher publishes, its checks come at a pace of its own, and nobody else waits for them."""

from __future__ import annotations

import asyncio

import pytest

from leadkeeper.access.quotas import Quotas
from leadkeeper.publishing.check_pace import AT_ONCE_SECONDS, CheckPace
from tests.contracts.installation import TestInstallation, furnished


class Watch:
    """A clock that goes on only while somebody sleeps by it."""

    def __init__(self) -> None:
        self.now = 1_000_000
        self.slept: list[float] = []

    def __call__(self) -> int:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def _pace(installation: TestInstallation, watch: Watch, a_minute: int) -> CheckPace:
    return CheckPace(installation.storage, Quotas(publishing_checks_a_minute=a_minute), watch, watch.sleep)


async def test_so_many_begin_at_once_and_the_others_one_after_another(database_url: str) -> None:
    async with furnished(database_url) as installation:
        watch = Watch()
        pace = _pace(installation, watch, 60)
        for _ in range(AT_ONCE_SECONDS + 1):
            await pace.turn("contoso")
        assert watch.slept == []
        for _ in range(3):
            await pace.turn("contoso")
        assert watch.slept == [pytest.approx(1), pytest.approx(2), pytest.approx(3)]


async def test_another_publisher_does_not_wait(database_url: str) -> None:
    async with furnished(database_url) as installation:
        watch = Watch()
        pace = _pace(installation, watch, 60)
        for _ in range(1_000):
            await pace.turn("mallory")
        waited = len(watch.slept)
        await pace.turn("contoso")
        assert len(watch.slept) == waited


async def test_who_was_quiet_may_begin_at_once_again(database_url: str) -> None:
    async with furnished(database_url) as installation:
        watch = Watch()
        pace = _pace(installation, watch, 60)
        for _ in range(20):
            await pace.turn("contoso")
        watch.now += 60_000
        watch.slept.clear()
        for _ in range(AT_ONCE_SECONDS + 1):
            await pace.turn("contoso")
        assert watch.slept == []


async def test_a_quota_of_its_own_is_heeded(database_url: str) -> None:
    async with furnished(database_url) as installation:
        await installation.catalogue.put_publisher("contoso", None, quotas={"publishingChecksAMinute": 600}, by="test")
        watch = Watch()
        pace = _pace(installation, watch, 6)
        await asyncio.gather(*(pace.turn("contoso") for _ in range(10 * AT_ONCE_SECONDS)))
        assert watch.slept == []
        for _ in range(2):
            await pace.turn("contoso")
        assert watch.slept[-1] == pytest.approx(0.1)


async def test_several_processes_keep_one_pace(database_url: str) -> None:
    async with furnished(database_url) as installation:
        watch = Watch()
        paces = [_pace(installation, watch, 60) for _ in range(3)]
        for number in range(AT_ONCE_SECONDS + 1):
            await paces[number % 3].turn("contoso")
        assert watch.slept == []
        for pace in paces:
            await pace.turn("contoso")
        assert watch.slept == [pytest.approx(1), pytest.approx(2), pytest.approx(3)]


async def test_a_clock_that_was_ahead_keeps_nobody_waiting(database_url: str) -> None:
    async with furnished(database_url) as installation:
        watch = Watch()
        pace = _pace(installation, watch, 60)
        watch.now += 365 * 86_400_000
        await pace.turn("contoso")
        watch.now = 1_000_000
        await pace.turn("contoso")
        assert watch.slept == []
