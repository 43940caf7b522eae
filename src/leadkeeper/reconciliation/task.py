"""Reads back what was delivered: every connection once a day, and whenever somebody asks for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final

import sqlalchemy as sa
import structlog

from leadkeeper.catalogue import diagnose, to_stored
from leadkeeper.clock import Clock
from leadkeeper.connections.adapters import can_be_read_back, let_go, open_adapter
from leadkeeper.connections.connections import Connections
from leadkeeper.destinations.interface import Adapter, Confirms, Context, LookedUp, Presence, ReadsBack, SentRecord
from leadkeeper.diagnosis import Diagnosis, Kind
from leadkeeper.fault import where
from leadkeeper.gate import on_behalf_of
from leadkeeper.periodic import Job, run_periodically
from leadkeeper.reconciliation.runs import (
    HOLD_MS,
    NEW_ROWS,
    Delivered,
    Held,
    RunState,
    add_rows,
    any_due,
    any_new,
    begin_run,
    drop,
    end_run,
    next_part,
    record_part,
    take_due,
)
from leadkeeper.shares import Shares
from leadkeeper.storage.engine import Storage, StorageAway
from leadkeeper.storage.looks import look

LOOK_SECONDS: Final = 5.0
NEW_SECONDS: Final = 60.0
"""How often it is looked for connections that are on no list yet."""
AT_ONCE: Final = 6
"""How many connections a process reads back at once; a publisher alone has two of them."""
RESERVED: Final = 2
CALL_SECONDS: Final = 120.0
"""One question to a destination is over by then; less than a run is held."""

log: Final = structlog.get_logger(__name__)


class ReconciliationTask:
    """Runs beside every worker; the database shares the work out among them. ``days`` back; 0 reads nothing back."""

    def __init__(
        self,
        storage: Storage,
        connections: Connections,
        context: Context,
        *,
        days: int,
        clock: Clock,
        random_unit: Callable[[], float],
    ) -> None:
        self._storage = storage
        self._connections = connections
        self._context = context
        self._days = days
        self._clock = clock
        self._random_unit = random_unit
        self._shares = Shares(AT_ONCE, RESERVED)
        self._runs: set[asyncio.Task[None]] = set()
        self._new_from = 0.0

    async def run(self) -> None:
        """Look every few seconds until cancelled; a run that is cancelled is gone on with by another process."""
        if not self._days:
            return
        try:
            await run_periodically(Job("reconciliation", self.begin_due, LOOK_SECONDS))
        finally:
            for run in self._runs:
                run.cancel()
            await asyncio.gather(*self._runs, return_exceptions=True)

    async def look(self) -> None:
        """Do once all that is due, and wait for it."""
        await self.begin_due()
        while self._runs:
            await asyncio.gather(*self._runs)
            await self.begin_due()

    async def begin_due(self) -> None:
        """Begin the runs that are due and have room."""
        await self._add_new()
        if not await look(self._storage, any_due, self._clock()):
            return
        if self._shares.taken >= self._shares.places:
            return
        now = self._clock()
        for row in await self._storage.write(take_due, self._shares.copy(), now):
            self._begin(row.publisher_id, self._read_back(row, now + HOLD_MS))

    async def _add_new(self) -> None:
        """Put new connections on the list: nobody waits for that, since their first run is at some time of a day."""
        if time.monotonic() < self._new_from:
            return
        if await self._storage.read(any_new):
            added = NEW_ROWS
            while added == NEW_ROWS:
                spread = [self._random_unit() for _ in range(NEW_ROWS)]
                added = await self._storage.write(add_rows, self._clock(), spread)
        self._new_from = time.monotonic() + NEW_SECONDS

    def _begin(self, publisher_id: str, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name="reconciliation")
        self._runs.add(task)
        self._shares.take(publisher_id)

        def ended(_: asyncio.Task[None]) -> None:
            self._runs.discard(task)
            self._shares.give_back(publisher_id)

        task.add_done_callback(ended)

    async def _read_back(self, row: sa.Row[Any], until: int) -> None:
        """One connection's run, or what is left of it. What fails here by our fault is tried again in some minutes."""
        try:
            with on_behalf_of(row.publisher_id, row.id):
                await self._run_one(row, until)
        except StorageAway:
            pass  # it is due again in some minutes
        except Exception as error:
            log.error("reconciliation failed and is tried again", connection=row.id, error=where(error))

    async def _run_one(self, row: sa.Row[Any], until: int) -> None:
        if row.removed_at is not None:
            await self._storage.write(drop, row.id)
            return
        connection = self._connections.connection_of(row)
        held = Held(row.id, until, row.settings_since, is_first=row.settings_since <= row.created_at)
        if not can_be_read_back(connection.stored):
            await self._storage.write(end_run, held, RunState.WAITING, None, self._clock())
            return
        await self._storage.write(begin_run, held, self._days, self._clock())
        adapter = open_adapter(connection, self._context, self._storage)
        try:
            await self._go_through(adapter, held)
        finally:
            await let_go(adapter)

    async def _go_through(self, adapter: Adapter, held: Held) -> None:
        while (part := await self._storage.read(next_part, held, isinstance(adapter, Confirms))) is not None:
            if part.up_to is None:
                if await self._storage.write(end_run, held, RunState.COMPLETED, None, self._clock()):
                    log.info("delivered leads were read back", connection=held.connection_id)
                return
            size = adapter.find_batch if isinstance(adapter, ReadsBack) else 1
            for begins in range(0, len(part.delivered), size):
                some = part.delivered[begins : begins + size]
                looked = await _presences(adapter, some)
                if isinstance(looked, Diagnosis):
                    await self._fail(held, looked)
                    return
                still = await self._storage.write(record_part, held, looked, some[-1].lead_id, self._clock())
                if still is None:
                    return
                held = still
            still = await self._storage.write(record_part, held, (), part.up_to, self._clock())
            if still is None:
                return
            held = still

    async def _fail(self, held: Held, diagnosis: Diagnosis) -> None:
        await self._storage.write(end_run, held, RunState.FAILED, to_stored(diagnosis), self._clock())
        log.warning("delivered leads could not be read back", connection=held.connection_id, kind=diagnosis.kind)


async def _presences(adapter: Adapter, some: Sequence[Delivered]) -> Sequence[tuple[Delivered, LookedUp]] | Diagnosis:
    """What became of each; what cannot be asked for, since it cannot be read here, is unknown."""
    if not isinstance(adapter, ReadsBack):
        check = await adapter.check()
        return check.diagnosis or diagnose(Kind.SETTINGS_INVALID)
    records: list[SentRecord] = [each.record for each in some if each.record is not None]
    found: Sequence[LookedUp] | Diagnosis = []
    if records:
        try:
            async with asyncio.timeout(CALL_SECONDS):
                found = await _asked(adapter, records)
        except TimeoutError:
            return diagnose(Kind.NO_ANSWER)
    if isinstance(found, Diagnosis):
        return found
    answers = iter(found)
    return [(each, LookedUp(Presence.UNKNOWN) if each.record is None else next(answers)) for each in some]


async def _asked(adapter: ReadsBack, records: Sequence[SentRecord]) -> Sequence[LookedUp] | Diagnosis:
    if isinstance(adapter, Confirms):
        return await adapter.confirm(records)
    found = await adapter.find(records)
    return found if isinstance(found, Diagnosis) else [LookedUp(each) for each in found]
