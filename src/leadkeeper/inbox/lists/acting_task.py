"""Carries on the runs that act on many leads: beside every worker, a part of each in turn."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Final

import structlog

from leadkeeper.clock import Clock
from leadkeeper.fault import where
from leadkeeper.inbox.inbox import Inbox
from leadkeeper.inbox.lists.acting import HeldRun, RunLost, act_on_some, any_run_due, lay_down, pass_over, take_run
from leadkeeper.inbox.lists.filter import MOST
from leadkeeper.periodic import Job, run_periodically
from leadkeeper.storage.engine import Storage, StorageAway
from leadkeeper.storage.looks import look

LOOK_SECONDS: Final = 1.0
TOGETHER: Final = 20
"""So many leads are acted on in one transaction: what comes in waits no longer for it than for one of its own."""

log: Final = structlog.get_logger(__name__)


class BulkRunTask:
    """Works on whatever run waits longest. ``woken`` is told the connections that have work of it."""

    def __init__(self, storage: Storage, inbox: Inbox, woken: Callable[[Collection[str]], None], clock: Clock) -> None:
        self._storage = storage
        self._inbox = inbox
        self._woken = woken
        self._clock = clock

    async def run(self) -> None:
        """Look every second until cancelled; a run that is cancelled is gone on with by another process."""
        await run_periodically(Job("acting on many leads", self.look, LOOK_SECONDS))

    async def look(self) -> None:
        """Go on with the runs that are due until none is."""
        while await look(self._storage, any_run_due, self._clock()):
            held = await self._storage.write(take_run, self._clock())
            if held is None:  # another process took it, or it is not to be gone on with
                return
            try:
                await self._part(held)
            except RunLost:
                continue

    async def _part(self, run: HeldRun) -> None:
        """The next page of the run's leads; then the others have their turn."""
        page = await self._inbox.list(run.filters, run.after or None, MOST)
        ids = [lead.id for lead in page.leads]
        for at in range(0, len(ids), TOGETHER):
            run = await self._some(run, ids[at : at + TOGETHER])
        await self._storage.write(lay_down, run, page.next_cursor, self._clock())

    async def _some(self, run: HeldRun, ids: Sequence[str]) -> HeldRun:
        try:
            until, woken = await self._storage.write(act_on_some, run, ids, self._clock())
        except (RunLost, StorageAway):
            raise
        except Exception as error:
            if len(ids) == 1:
                log.error("a lead could not be acted on and is left", lead=ids[0], error=where(error))
                until, woken = await self._storage.write(pass_over, run, ids[0], self._clock()), ()
            else:
                for each in ids:  # whatever one of them holds, the others are acted on
                    run = await self._some(run, [each])
                return run
        self._woken(woken)
        return replace(run, until=until, after=ids[-1])
