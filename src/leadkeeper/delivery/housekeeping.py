"""What a worker does beside carrying: returning what dead workers held, and probing paused connections."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import Any, Final

import sqlalchemy as sa
import structlog

from leadkeeper.clock import Clock
from leadkeeper.connections.connections import Connections
from leadkeeper.connections.health import health_of
from leadkeeper.connections.lines import open_line
from leadkeeper.delivery.breaker import after_probe
from leadkeeper.delivery.lease import SWEEP, sweep_leases
from leadkeeper.delivery.schedule import MINUTE
from leadkeeper.delivery.send import where
from leadkeeper.destinations.http import Network
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage, StorageAway

SWEEP_SECONDS: Final = 1.0
PROBES_AT_ONCE: Final = 20

log: Final = structlog.get_logger(__name__)


class Housekeeping:
    """Runs in every worker; the database makes sure that each thing is done by one of them."""

    def __init__(
        self,
        storage: Storage,
        connections: Connections,
        network: Network,
        wake: Callable[[Collection[str]], None],
        *,
        clock: Clock,
        dice: Callable[[], float],
    ) -> None:
        self._storage = storage
        self._connections = connections
        self._network = network
        self._wake = wake
        self._clock = clock
        self._dice = dice
        self._probes: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Look every second until cancelled."""
        try:
            while True:
                try:
                    await self.look()
                except StorageAway:
                    pass
                except Exception as error:
                    log.error("housekeeping failed", error=where(error))
                await asyncio.sleep(SWEEP_SECONDS)
        finally:
            for probe in self._probes:
                probe.cancel()
            await asyncio.gather(*self._probes, return_exceptions=True)

    async def look(self) -> None:
        """Return what expired leases held, and begin the probes that are due."""
        returned = await self._storage.write(sweep_leases, self._clock())
        while returned:
            log.info("deliveries of a vanished worker returned", deliveries=returned)
            self._wake(())
            returned = await self._storage.write(sweep_leases, self._clock()) if returned == SWEEP else 0
        if len(self._probes) >= PROBES_AT_ONCE or not await self._storage.read(_any_probe_due, self._clock()):
            return
        for row in await self._storage.write(_take_probes, PROBES_AT_ONCE - len(self._probes), self._clock()):
            task = asyncio.create_task(self._probe(row), name="probe")
            self._probes.add(task)
            task.add_done_callback(self._probes.discard)

    async def _probe(self, row: sa.Row[Any]) -> None:
        destination = open_line(self._connections.connection_of(row), self._network)
        try:
            async with asyncio.timeout(MINUTE / 1000):
                check = await destination.check()
            passed = check.ok
        except TimeoutError:
            passed = False
        except Exception as error:
            log.error("check failed", destination=row.destination, connection=row.id, error=where(error))
            passed = False
        finally:
            await destination.aclose()
        await self._storage.write(_end_probe, row.id, row.epoch, passed, self._clock(), self._dice())
        if passed:
            self._wake([row.id])


def _due(now: int) -> tuple[sa.ColumnElement[bool], ...]:
    c = t.connection.c
    return (c.probe_at <= now, c.paused, sa.not_(c.paused_by_person), c.removed_at.is_(None))


def _any_probe_due(conn: sa.Connection, now: int) -> bool:
    return bool(conn.scalar(sa.select(sa.exists().where(*_due(now)))))


def _take_probes(conn: sa.Connection, most: int, now: int) -> list[sa.Row[Any]]:
    c = t.connection.c
    due = sa.select(t.connection).where(*_due(now)).order_by(c.probe_at).limit(most).with_for_update(skip_locked=True)
    rows = list(conn.execute(due).all())
    for row in rows:
        # Should this worker vanish, another probes again after two minutes.
        conn.execute(sa.update(t.connection).where(c.id == row.id).values(probe_at=now + 2 * MINUTE))
    return rows


def _end_probe(conn: sa.Connection, connection_id: str, epoch: int, passed: bool, now: int, dice: float) -> None:
    c = t.connection.c
    row = conn.execute(
        sa.select(t.connection).where(c.id == connection_id, c.epoch == epoch, c.paused).with_for_update()
    ).first()
    if row is not None:
        health = after_probe(health_of(row), passed, now, dice)
        # A new epoch: answers to sends from before the probe must not pause the connection again.
        columns = {**health.columns(), "epoch": epoch + 1} if passed else health.columns()
        conn.execute(sa.update(t.connection).where(c.id == connection_id).values(columns))
