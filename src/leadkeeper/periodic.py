"""The one runner for everything that a process does again and again: publishing, notices, checks, inspection.

Each job has a task of its own, so that one that is slow or fails keeps no other waiting.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import structlog

from leadkeeper.fault import where
from leadkeeper.storage.away import StorageAway

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """``look`` is awaited every ``seconds``; where it takes half of that or longer, so long after it has ended.

    The first time that is at once, if ``at_once``, and the second time sooner: from then on all jobs of a process keep
    time with each other, so that those who ask the database ask together (see ``storage.looks``). ``name`` stands in
    the log. ``away`` is called whenever ``look`` raised :class:`StorageAway`.
    """

    name: str
    look: Callable[[], Awaitable[object]]
    seconds: float
    at_once: bool = True
    away: Callable[[], None] | None = None


async def run_periodically(*jobs: Job) -> None:
    """Run these jobs side by side until cancelled; when this ends, none of them runs any more.

    What a job raises ends neither it nor another: a database that is away is waited for, anything else is logged.
    """
    over = asyncio.Event()
    running = [asyncio.create_task(_run(job, over), name=job.name) for job in jobs]
    try:
        await asyncio.wait(running)
    finally:
        # Not by cancelling alone: what a look waits for may take that for something of its own, and go on.
        over.set()
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _run(job: Job, over: asyncio.Event) -> None:
    if not job.at_once:
        await asyncio.sleep(job.seconds)
    while not over.is_set():
        begun = time.monotonic()
        await _look(job)
        await asyncio.sleep(rest(job.seconds, begun - _BEGUN, time.monotonic() - _BEGUN))


_BEGUN: Final = time.monotonic()
"""From when the time is counted that jobs keep: several processes do not keep the same, and so do not ask at once."""


_EARLY: Final = 0.02
"""A look that begins so little before its time (the loop counts in milliseconds) is not done again at it."""


def rest(seconds: float, begun: float, ended: float) -> float:
    """How long a job rests that looks every ``seconds``: its look began and ended at these moments, in seconds.

    As long as that after a long look, else until the next whole number of ``seconds`` after it began.
    """
    if ended - begun >= seconds / 2:
        return seconds
    return max(0.0, ((begun + _EARLY) // seconds + 1) * seconds - ended)


async def _look(job: Job) -> None:
    try:
        await job.look()
    except StorageAway:
        log.debug("a job waits: the database is away", job=job.name)
        if job.away is not None:
            job.away()
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        # What it waited for was cancelled, and not the job.
        log.error("a job failed and is tried again", job=job.name, seconds=job.seconds, error=where(error))
    except Exception as error:
        log.error("a job failed and is tried again", job=job.name, seconds=job.seconds, error=where(error))
