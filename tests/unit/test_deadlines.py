"""Deadlines over one timer end what ``asyncio.timeout_at`` would end, and nothing else."""

from __future__ import annotations

import asyncio

import pytest

from leadkeeper.deadlines import Deadlines

LATEST = 60
"""Seconds after which a test that would wait for ever fails."""


async def wait(deadlines: Deadlines, seconds: float) -> None:
    with deadlines.within(seconds):
        await asyncio.get_running_loop().create_future()


async def test_each_block_ends_at_its_own_time_in_whatever_order_they_began() -> None:
    deadlines, loop = Deadlines(), asyncio.get_running_loop()
    begun, ended = loop.time(), list[float]()

    async def one(seconds: float) -> None:
        with pytest.raises(TimeoutError):
            await wait(deadlines, seconds)
        assert loop.time() - begun >= seconds - 0.01
        ended.append(seconds)

    async with asyncio.timeout(LATEST):
        await asyncio.gather(*(one(seconds) for seconds in (0.3, 0.05, 0.2, 0.1, 0.1, 0.0, -1.0)))
    assert ended[2:] == [0.05, 0.1, 0.1, 0.2, 0.3], "those behind the two that were over from the beginning"
    assert not deadlines._pending
    assert deadlines._timer is None


async def test_what_ends_in_time_hears_of_no_deadline_and_frees_none_of_the_others() -> None:
    deadlines = Deadlines()
    later = asyncio.create_task(wait(deadlines, 0.1))
    for _ in range(3):
        with deadlines.within(0.02):
            await asyncio.sleep(0)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(LATEST):
            await later
    await asyncio.sleep(0)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_one_timer_serves_all() -> None:
    deadlines, timers = Deadlines(), list[object]()
    for seconds in (30, 40, 50, 20, 35):
        with deadlines.within(seconds):
            timers.append(deadlines._timer)
    assert len({id(timer) for timer in timers}) == 2, "another only for what ends earlier than all before"


async def test_a_cancellation_from_elsewhere_stays_one() -> None:
    deadlines = Deadlines()
    waiting = asyncio.create_task(wait(deadlines, LATEST))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not deadlines._pending


async def test_a_cancellation_that_comes_with_the_deadline_is_not_hidden_by_it() -> None:
    deadlines, loop = Deadlines(), asyncio.get_running_loop()
    waiting = asyncio.create_task(wait(deadlines, 0.01))
    await asyncio.sleep(0)
    (deadline,) = deadlines._pending
    deadlines.end(deadline)
    loop.call_soon(deadline.expire)
    loop.call_soon(waiting.cancel)
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_the_inner_of_two_ends_alone_and_the_outer_after_it() -> None:
    deadlines = Deadlines()
    ended: list[str] = []
    with pytest.raises(TimeoutError), deadlines.within(0.1):  # noqa: PT012 - the outer one ends it after the inner
        try:
            await wait(deadlines, 0.01)
        except TimeoutError:
            ended.append("inner")
        await asyncio.get_running_loop().create_future()
    assert ended == ["inner"]
    assert not deadlines._pending


async def test_an_error_under_a_deadline_is_the_callers() -> None:
    deadlines = Deadlines()
    with pytest.raises(KeyError), deadlines.within(LATEST):
        raise KeyError
    assert not deadlines._pending
