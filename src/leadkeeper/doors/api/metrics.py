"""What is measured, for Prometheus. No label names a person, a publisher or an offer."""

from __future__ import annotations

import asyncio
import time
from collections import Counter as Tally
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from leadkeeper.delivery.sent import Sent
from leadkeeper.doors.api.figures import Figure
from leadkeeper.doors.api.shared_counts import SharedCounts
from leadkeeper.inbox.oversight.backlog import Backlog, backlog
from leadkeeper.privacy.retention import StoredFigures, figures
from leadkeeper.storage import tables as t
from leadkeeper.storage.damage import Record, damage_counts
from leadkeeper.storage.engine import Storage, StorageAway, one_of
from leadkeeper.storage.presence import Running, running

_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_WAITING: Final = {"waiting": "waiting", "held": "held", "sending": "sending", "setAside": "set_aside"}
"""The states that are told, and by which name :class:`Backlog` counts them."""
SETTLE_SECONDS: Final = 5.0
"""How often a process that shares its counts looks up what the sends of its worker were to."""
REST_SECONDS: Final = 1.0
"""How long what waits is not counted anew, at least."""
REST_TIMES: Final = 20
"""How many times as long as counting took is rested before it is counted anew: who asks often costs little."""

MOST_COUNTED: Final = 100_000
"""Of each state no more are counted: a scrape costs no more with ten million waiting."""


class Keeping:
    """How large the database is, and what was removed from it since it was kept long enough."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._bytes = Figure(
            "leadkeeper_database_bytes",
            "Bytes that the database takes, and those of them that hold nothing.",
            ["part"],
            registry,
        )
        self._removed = Figure(
            "leadkeeper_expired_rows",
            "Rows whose data were removed, since they were kept long enough, by kind, since ever.",
            ["kind"],
            registry,
        )
        self._oldest = Figure(
            "leadkeeper_oldest_kept_timestamp_seconds",
            "When the oldest row came whose data are kept, by kind; what waits beyond its time is not looked at.",
            ["kind"],
            registry,
        )

    def set(self, found: StoredFigures) -> None:
        """As they are now."""
        self._bytes.set(found.room.taken, "all")
        self._bytes.set(found.room.free, "free")
        self._oldest.clear()
        for kind, kept in found.kept.items():
            self._removed.set(kept.removed, kind.value)
            if kept.oldest_at is not None:
                self._oldest.set(kept.oldest_at / 1000, kind.value)


class _Counted:
    """What this process counts of its own work."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.leads = Counter(
            "leadkeeper_leads",
            "Leads handed in, by door and what became of them.",
            ["door", "result"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "leadkeeper_request_seconds",
            "Time to answer, of the routes that take leads.",
            ["route"],
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.sends = Counter(
            "leadkeeper_deliveries",
            "Sends of leads that ended, by destination and outcome.",
            ["destination", "outcome"],
            registry=self.registry,
        )
        self.starts = Counter(
            "leadkeeper_process_starts",
            "Processes that were started, those that were started again too, by role.",
            ["role"],
            registry=self.registry,
        )


class _Stored:
    """What the database says when the measurements are read."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.waiting = Figure(
            "leadkeeper_deliveries_waiting",
            f"Deliveries that have not ended, by state; no more than {MOST_COUNTED} of a state are counted.",
            ["state"],
            self.registry,
        )
        self.clocks = Figure(
            "leadkeeper_clock_difference_seconds",
            "How far the clock of each running process's machine is ahead of the database's.",
            ["process", "role"],
            self.registry,
        )
        self.damaged = Figure(
            "leadkeeper_damaged_records",
            "Records in the database that are known to be damaged, by kind: leadkeeper doctor names them.",
            ["kind"],
            self.registry,
        )
        self.keeping = Keeping(self.registry)


class Metrics:
    """The measurements of one process, or with ``shared`` of all that count there."""

    def __init__(self, shared: SharedCounts | None = None) -> None:
        if shared is not None:
            shared.begin()
        self._shared = shared
        self._counted, self._stored = _Counted(), _Stored()
        self._ended: Tally[tuple[str, str]] = Tally()
        # Looking a label up takes longer than counting.
        self._by_result: dict[tuple[str, str], Counter] = {}
        self._by_route: dict[str, Histogram] = {}
        self._fresh_until = 0.0
        self._counting = asyncio.Lock()

    def counted(self, door: str, result: str) -> None:
        """A lead came in by ``door``: ``kept``, ``repeat``, or the type of the problem it was refused with."""
        counter = self._by_result.get((door, result))
        if counter is None:
            counter = self._by_result[door, result] = self._counted.leads.labels(door, result)
        counter.inc()

    def started(self, role: str) -> None:
        """This process, of ``role``, takes part from now on."""
        self._counted.starts.labels(role).inc()

    def took(self, route: str, seconds: float) -> None:
        """A request on one of the hot routes was answered."""
        histogram = self._by_route.get(route)
        if histogram is None:
            histogram = self._by_route[route] = self._counted.seconds.labels(route)
        histogram.observe(seconds)

    def observe_sends(self, sends: Sequence[Sent]) -> None:
        """Sends ended; their destinations are looked up when the measurements are read."""
        self._ended.update((sent.connection_id, sent.answer.outcome.value) for sent in sends)

    async def text(self, storage: Storage, now: int) -> bytes:
        """All measurements as Prometheus reads them; without those that need the database while it is away."""
        async with self._counting:
            if time.monotonic() >= self._fresh_until:
                await self._count(storage, now)
        counted = self._counted.registry if self._shared is None else self._shared.registry()
        return generate_latest(counted) + generate_latest(self._stored.registry)

    async def settle(self, storage: Storage) -> None:
        """Count the sends that ended since, where another process answers for this one. Raises ``StorageAway``."""
        if self._shared is None or not self._ended:
            return
        ended, self._ended = self._ended, Tally()
        try:
            destinations = await storage.read(_destinations, {connection for connection, _ in ended})
        except BaseException:
            self._ended.update(ended)
            raise
        self._count_sends(ended, destinations)

    async def _count(self, storage: Storage, now: int) -> None:
        begun = time.monotonic()
        self._stored.clocks.clear()
        try:
            found = await storage.read(_snapshot, now)
            self._stored.keeping.set(await storage.read(figures, now))
        except StorageAway:
            self._stored.waiting.clear()
            self._stored.damaged.clear()
            return
        for process in found.processes:
            self._stored.clocks.set(process.ahead_ms / 1000, process.id, process.role)
        for record, count in found.damaged.items():
            self._stored.damaged.set(count, record.value)
        for state, field in _WAITING.items():
            self._stored.waiting.set(min(getattr(found.waiting, field), MOST_COUNTED), state)
        self._count_ended(found.destinations)
        ended = time.monotonic()
        self._fresh_until = ended + max(REST_SECONDS, REST_TIMES * (ended - begun))

    def _count_ended(self, destinations: Mapping[str, str]) -> None:
        ended, self._ended = self._ended, Tally()
        self._count_sends(ended, destinations)

    def _count_sends(self, ended: Mapping[tuple[str, str], int], destinations: Mapping[str, str]) -> None:
        for (connection_id, outcome), count in ended.items():
            self._counted.sends.labels(destinations.get(connection_id, "unknown"), outcome).inc(count)


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """The destination of every connection, what waits, which processes run, and what is damaged."""

    destinations: Mapping[str, str]
    waiting: Backlog
    processes: Sequence[Running]
    damaged: Mapping[Record, int]


def _snapshot(conn: sa.Connection, now: int) -> _Snapshot:
    """From partial indexes alone, and from what the program remembers."""
    c = t.connection.c
    destinations = {row.id: row.destination for row in conn.execute(sa.select(c.id, c.destination))}
    waiting = backlog(conn, now, MOST_COUNTED, MOST_COUNTED)
    return _Snapshot(destinations, waiting, running(conn, now), damage_counts(conn))


def _destinations(conn: sa.Connection, connections: Collection[str]) -> Mapping[str, str]:
    c = t.connection.c
    rows = conn.execute(sa.select(c.id, c.destination).where(one_of(conn, c.id, connections)))
    return {row.id: row.destination for row in rows}
