"""The one runner for everything that a process does again and again: publishing, notices, checks, inspection.

Each job has a task of its own, so that one that is slow or fails keeps no other waiting.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from leadkeeper.fault import where
from leadkeeper.storage.away import StorageAway

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """``look`` is awaited, then ``seconds`` pass, then it is awaited again; the first time at once, if ``at_once``.

    ``name`` stands in the log. ``away`` is called whenever ``look`` raised :class:`StorageAway`.
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
    async with asyncio.TaskGroup() as group:
        for job in jobs:
            group.create_task(_run(job), name=job.name)


async def _run(job: Job) -> None:
    if not job.at_once:
        await asyncio.sleep(job.seconds)
    while True:
        await _look(job)
        await asyncio.sleep(job.seconds)


async def _look(job: Job) -> None:
    try:
        await job.look()
    except StorageAway:
        log.debug("a job waits: the database is away", job=job.name)
        if job.away is not None:
            job.away()
    except Exception as error:
        log.error("a job failed and is tried again", job=job.name, seconds=job.seconds, error=where(error))
