"""What is done again and again: each job by itself, whatever becomes of another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest
import structlog

from leadkeeper.periodic import Job, rest, run_periodically
from leadkeeper.storage.away import StorageAway


@asynccontextmanager
async def running(*jobs: Job) -> AsyncIterator[None]:
    task = asyncio.create_task(run_periodically(*jobs))
    try:
        yield
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class Count:
    """A job that counts how often it was done, and may raise each time."""

    def __init__(self, error: Exception | None = None) -> None:
        self._error, self.times, self.often = error, 0, asyncio.Event()

    async def look(self) -> None:
        self.times += 1
        if self.times == 3:
            self.often.set()
        if self._error is not None:
            raise self._error


def job(name: str, look: Callable[[], Awaitable[object]]) -> Job:
    return Job(name, look, 0.0)


async def test_a_job_that_fails_is_tried_again_and_stops_no_other() -> None:
    bad, good = Count(ValueError("ada@example.com")), Count()
    with structlog.testing.capture_logs() as logged:
        async with running(job("bad", bad.look), job("good", good.look)):
            await asyncio.gather(bad.often.wait(), good.often.wait())
    assert {(entry["job"], entry["log_level"]) for entry in logged} == {("bad", "error")}
    assert "ValueError at " in str(logged)
    assert "ada@example.com" not in str(logged)


async def test_a_job_that_hangs_keeps_no_other_waiting() -> None:
    other = Count()
    async with running(job("hangs", asyncio.Event().wait), job("other", other.look)):
        await other.often.wait()


async def test_a_database_that_is_away_is_waited_for_and_whoever_asked_hears_of_it() -> None:
    away, heard = Count(StorageAway("no route to db.internal")), Count()
    with structlog.testing.capture_logs() as logged:
        async with running(Job("waits", away.look, 0.0, away=lambda: setattr(heard, "times", heard.times + 1))):
            await away.often.wait()
            await asyncio.sleep(0)
    assert heard.times >= 3
    assert {entry["log_level"] for entry in logged} == {"debug"}


@pytest.mark.parametrize("at_once", [True, False])
async def test_a_job_begins_at_once_unless_it_is_to_wait_first(at_once: bool) -> None:
    count = Count()
    async with running(Job("one", count.look, 3600, at_once=at_once)):
        for _ in range(5):
            await asyncio.sleep(0)
        assert count.times == (1 if at_once else 0)


async def test_when_the_runner_is_cancelled_no_job_runs_any_more() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def look() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with running(job("one", look)):
        await begun.wait()
    assert ended.is_set()


@pytest.mark.parametrize(
    ("begun", "ended", "expected"),
    [
        (10.0, 10.0, 2.0),
        (10.0, 10.5, 1.5),
        (11.3, 11.3, 0.7),  # the first time; the next look is with the others
        (11.99, 11.99, 2.01),  # the loop's timer was early
        (10.0, 11.0, 2.0),  # a long look
        (10.0, 30.0, 2.0),
    ],
)
def test_jobs_keep_time_with_each_other_unless_their_looks_are_long(
    begun: float, ended: float, expected: float
) -> None:
    assert rest(2.0, begun, ended) == pytest.approx(expected)


async def test_a_look_that_does_not_hear_that_it_is_cancelled_is_the_last_one() -> None:
    """As ``asyncio.wait_for`` does until Python 3.12, when what it waited for comes at the same moment."""
    begun, go_on, looks = asyncio.Event(), asyncio.Event(), Count()

    async def deaf() -> None:
        await looks.look()
        begun.set()
        while not go_on.is_set():
            with suppress(asyncio.CancelledError):
                await go_on.wait()

    task = asyncio.create_task(run_periodically(job("deaf", deaf)))
    await begun.wait()
    task.cancel()
    await asyncio.sleep(0.01)
    go_on.set()
    done, _ = await asyncio.wait({task}, timeout=2)
    assert done
    assert looks.times == 1


async def test_what_a_job_waits_for_may_be_cancelled_and_the_job_goes_on() -> None:
    looks = Count()

    async def look() -> None:
        await looks.look()
        given_up = asyncio.get_running_loop().create_future()
        given_up.cancel()
        await given_up

    with structlog.testing.capture_logs() as logged:
        async with running(job("waits", look), job("other", asyncio.Event().wait)), asyncio.timeout(30):
            await looks.often.wait()
    assert {(entry["job"], entry["log_level"]) for entry in logged} == {("waits", "error")}
