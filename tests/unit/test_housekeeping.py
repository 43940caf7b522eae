"""What housekeeping leaves alone while workers come back to a database that was away."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from leadkeeper.connections.connections import Connections
from leadkeeper.delivery import housekeeping
from leadkeeper.delivery.housekeeping import Housekeeping
from leadkeeper.delivery.lease import any_expired, sweep_leases
from leadkeeper.destinations.interface import Context
from leadkeeper.storage.engine import Storage, StorageAway


class Database:
    """Away until it is said to be back; says when leases are swept, and when a whole look has gone by."""

    def __init__(self) -> None:
        self.away = True
        self.tried, self.looked, self.swept = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def write(self, transaction: Any, *_: object) -> int:
        return self._do(transaction)

    async def look(self, _: object, question: Any, *__: object) -> Any:
        self._do(question)
        if question is any_expired:
            return True
        self.looked.set()
        return (False, False, ())

    def _do(self, transaction: Any) -> int:
        self.tried.set()
        if self.away:
            raise StorageAway("away")
        if transaction is sweep_leases:
            self.swept.set()
        return 0


@pytest.mark.parametrize("settled", [False, True])
async def test_no_lease_is_swept_before_workers_had_time_to_write_down_what_they_heard(
    settled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "SWEEP_SECONDS", 0.01)
    monkeypatch.setattr(housekeeping, "SETTLE_SECONDS", 0.0 if settled else 3_600.0)
    database = Database()
    monkeypatch.setattr(housekeeping, "look", database.look)
    keeping = Housekeeping(
        cast("Storage", database),
        cast("Connections", None),
        cast("Context", None),
        lambda _: None,
        clock=lambda: 0,
        random_unit=lambda: 0.0,
    )
    running = asyncio.create_task(keeping.run())
    await database.tried.wait()
    await asyncio.sleep(0)
    database.away = False
    if settled:  # which of the looks comes first is nobody's business
        await database.swept.wait()
    await database.looked.wait()
    assert database.swept.is_set() is settled
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
