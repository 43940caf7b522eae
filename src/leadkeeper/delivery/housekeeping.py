"""What a worker does beside carrying: returning what dead workers held, and looking at connections."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
import structlog

from leadkeeper.catalogue import diagnose
from leadkeeper.channels.subscriptions import NOBODY, Subscriptions
from leadkeeper.check import Check
from leadkeeper.clock import Clock
from leadkeeper.connections.adapters import let_go, open_adapter
from leadkeeper.connections.changes import any_unasked, take_unasked
from leadkeeper.connections.connections import CHECK_EVERY, Connections
from leadkeeper.connections.expiry import ends_at, remind
from leadkeeper.connections.health import health_of
from leadkeeper.connections.outage import recalls
from leadkeeper.connections.outbox import connection_paused
from leadkeeper.connections.usage import prune_uses
from leadkeeper.delivery.breaker import after_check, after_probe
from leadkeeper.delivery.hasten import hasten, hastened
from leadkeeper.delivery.lease import SWEEP, any_expired, sweep_forgotten, sweep_leases
from leadkeeper.delivery.outages import any_to_tell, tell_of_outages
from leadkeeper.delivery.recall import any_to_recall, recall
from leadkeeper.delivery.schedule import MINUTE
from leadkeeper.destinations.interface import Context
from leadkeeper.diagnosis import Diagnosis, Kind
from leadkeeper.fault import where
from leadkeeper.gate import on_behalf_of
from leadkeeper.offer import OfferRef
from leadkeeper.periodic import Job, run_periodically
from leadkeeper.problem import Problem
from leadkeeper.shares import Shares, pick
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage, StorageAway, one_of
from leadkeeper.storage.looks import any_until_now, look

SWEEP_SECONDS: Final = 1.0
FORGOTTEN_SECONDS: Final = 60.0
"""How often deliveries are looked for whose lease nobody remembers: there should be none."""
PRUNE_SECONDS: Final = 3_600.0
"""How often what counts no more towards limits of remote systems is removed."""
CHECKS: Final = 64
"""How many checks and validations that nobody asked for run at once; a publisher alone has 24 of them."""
CHECKS_RESERVED: Final = 16
RECALLS: Final = 20
"""How many batches of what outages set aside are called back in one look; carrying needs the database, too."""
HASTENINGS: Final = 20
"""How many steps are gone in one look for connections that have recovered."""
SETTLE_SECONDS: Final = 3.0
"""After the database was away nobody's lease is swept for so long: workers renew theirs and write down first what they
heard meanwhile. What is swept before that is sent again."""
Prove = Callable[[OfferRef, str], Awaitable[object]]
"""Validates a connection's new settings; it belongs to a package above."""

log: Final = structlog.get_logger(__name__)


class Housekeeping:
    """Runs in every worker; the database makes sure that each thing is done by one of them."""

    def __init__(
        self,
        storage: Storage,
        connections: Connections,
        context: Context,
        wake: Callable[[Collection[str]], None],
        *,
        clock: Clock,
        random_unit: Callable[[], float],
        prove: Prove | None = None,
        events: Subscriptions = NOBODY,
    ) -> None:
        self._prove = prove
        self._events = events
        self._storage = storage
        self._connections = connections
        self._context = context
        self._wake = wake
        self._clock = clock
        self._random_unit = random_unit
        self._checks: set[asyncio.Task[None]] = set()
        self._shares = Shares(CHECKS, CHECKS_RESERVED)
        self._sweeps_from = self._forgotten_from = self._prune_from = 0.0

    async def run(self) -> None:
        """Look every second until cancelled."""
        try:
            await run_periodically(
                *(Job(name, each, SWEEP_SECONDS, away=self._settle) for name, each in self._looks.items())
            )
        finally:
            for check in self._checks:
                check.cancel()
            await asyncio.gather(*self._checks, return_exceptions=True)

    async def look(self) -> None:
        """Do once what :meth:`run` does again and again; raises what the first that fails raises."""
        for each in self._looks.values():
            await each()

    @property
    def _looks(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        return {
            "leases": self._sweep,
            "outages": self._look_after_outages,
            "checks": self._begin_checks,
            "changes": self._begin_changes,
            "uses": self._prune,
        }

    def _settle(self) -> None:
        self._sweeps_from = time.monotonic() + SETTLE_SECONDS

    async def _begin_checks(self) -> None:
        if self._room and await look(self._storage, _any_due, self._clock()):
            for row in await self._storage.write(_take_due, self._shares.copy(), self._clock()):
                self._begin(OfferRef.parse(row.offer_ref).publisher_id, self._look_at(row))

    async def _begin_changes(self) -> None:
        """Validate new settings that nobody has asked to validate."""
        if self._room and self._prove is not None and await look(self._storage, any_unasked, self._clock()):
            for offer, name in await self._storage.write(take_unasked, self._shares.copy(), self._clock()):
                self._begin(offer.publisher_id, self._try_change(self._prove, offer, name))

    async def _sweep(self) -> None:
        """Return what expired leases held, unless the database has only just come back."""
        if time.monotonic() < self._sweeps_from:
            return
        if await look(self._storage, any_expired, self._clock()):
            await self._return_all(sweep_leases)
        if time.monotonic() >= self._forgotten_from:
            self._forgotten_from = time.monotonic() + FORGOTTEN_SECONDS
            await self._return_all(sweep_forgotten)

    async def _prune(self) -> None:
        """Now and then remove what counts no more; while there is more than one step takes, in every look."""
        if time.monotonic() >= self._prune_from and not await self._storage.write(prune_uses, self._clock()):
            self._prune_from = time.monotonic() + PRUNE_SECONDS

    async def _return_all(self, sweep: Callable[[sa.Connection, int, Subscriptions], int]) -> None:
        returned = SWEEP
        while returned == SWEEP:
            returned = await self._storage.write(sweep, self._clock(), self._events)
            if returned:
                log.info("deliveries of a vanished worker returned", deliveries=returned)
                self._wake(())

    async def _look_after_outages(self) -> None:
        """People are told of those that last and that are over; what they set aside goes out again."""
        to_tell, to_recall, to_hasten = await look(self._storage, _outages_due, self._clock())
        await self._make_due(to_hasten)
        summary = await self._storage.write(tell_of_outages, self._clock()) if to_tell else 0
        if summary:
            log.warning("people are told of connections that fail, or work again", notices=summary)
        for _ in range(RECALLS if to_recall else 0):
            recalled = await self._storage.write(recall, self._clock(), self._random_unit())
            if recalled is None:
                break
            if recalled.deliveries:
                log.info("set-aside leads go out again", connection=recalled.connection_id, leads=recalled.deliveries)
                self._wake([recalled.connection_id])

    async def _make_due(self, connection_ids: Sequence[str]) -> None:
        """What waits for connections that have recovered, a step for each in turn; the rest in the next look."""
        steps = 0
        while connection_ids and steps < HASTENINGS:
            left = []
            for connection_id in connection_ids:
                more = await self._storage.write(hasten, connection_id, self._clock())
                left += [connection_id] if more else []
            self._wake(connection_ids)
            steps, connection_ids = steps + len(connection_ids), left

    @property
    def _room(self) -> bool:
        """Whether somebody's check may begin now."""
        return self._shares.taken < self._shares.places

    def _begin(self, publisher_id: str, check: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(check, name="check")
        self._checks.add(task)
        self._shares.take(publisher_id)

        def ended(_: asyncio.Task[None]) -> None:
            self._checks.discard(task)
            self._shares.give_back(publisher_id)

        task.add_done_callback(ended)

    async def _try_change(self, prove: Prove, offer: OfferRef, name: str) -> None:
        """Validate new settings that nobody has validated; should this worker vanish, another does so later."""
        try:
            await prove(offer, name)
        except (Problem, StorageAway):
            pass  # removed meanwhile, or tried again once the database is back
        except Exception as error:
            log.error("change not validated", offer=str(offer), connection=name, error=where(error))

    async def _look_at(self, row: sa.Row[Any]) -> None:
        """Check one connection; should what it found not be written down, it is looked at again soon."""
        try:
            await self._checked(row)
        except StorageAway:
            log.debug("check not recorded: the database is away", connection=row.id)
        except Exception as error:
            log.error("check not recorded", connection=row.id, error=where(error))

    async def _checked(self, row: sa.Row[Any]) -> None:
        stored = self._connections.connection_of(row).stored
        if ends_at(stored) is not None and await self._storage.write(remind, row.id, stored, self._clock()):
            log.info("people are told that credentials end soon", connection=row.id)
        found = await self._check(row)
        act = _end_probe if row.paused else _end_check
        changed = await self._storage.write(act, row.id, row.generation, found, self._clock(), self._random_unit())
        if changed and row.paused:
            self._wake([row.id])
        elif changed:
            log.warning("connection paused by its check", connection=row.id)

    async def _check(self, row: sa.Row[Any]) -> Diagnosis | None:
        """What the connection's check found wrong, if anything."""
        connection = self._connections.connection_of(row)
        destination = open_adapter(connection, self._context, self._storage)
        try:
            with on_behalf_of(connection.offer.publisher_id, connection.id):
                async with asyncio.timeout(MINUTE / 1000):
                    check: Check = await destination.check()
        except TimeoutError:
            return diagnose(Kind.NO_ANSWER)
        except Exception as error:
            log.error("check failed", destination=row.destination, connection=row.id, error=where(error))
            return diagnose(Kind.INTERNAL_ERROR)
        finally:
            await let_go(destination)
        return None if check.ok else check.diagnosis or diagnose(Kind.SETTINGS_INVALID)


def _outages_due(conn: sa.Connection, now: int) -> tuple[bool, bool, Sequence[str]]:
    return any_to_tell(conn, now), any_to_recall(conn, now), hastened(conn)


def _due(now: int) -> sa.ColumnElement[bool]:
    """Paused ones whose probe is due, and working ones that nobody has looked at for long."""
    c = t.connection.c
    return (_PROBED & (c.probe_at <= now)) | (t.CHECKED & (c.check_at <= now))


_PROBED: Final = t.connection.c.removed_at.is_(None) & sa.not_(t.connection.c.paused_by_person) & t.connection.c.paused
_ANY_PROBE_DUE: Final = any_until_now(t.connection.c.probe_at, _PROBED)
_ANY_CHECK_DUE: Final = any_until_now(t.connection.c.check_at, t.CHECKED)


def _any_due(conn: sa.Connection, now: int) -> bool:
    return any(each.scalar(conn, {"now": now}) for each in (_ANY_PROBE_DUE, _ANY_CHECK_DUE))


def _take_due(conn: sa.Connection, shares: Shares, now: int) -> list[sa.Row[Any]]:
    """What is due, as much of each publisher as ``shares`` have room for."""
    c, o = t.connection.c, t.offer.c
    order = (c.paused.desc(), c.probe_at, c.check_at)
    due = sa.select(t.connection, o.publisher_id).join(t.offer, o.ref == c.offer_ref).where(_due(now)).order_by(*order)
    due = due.with_for_update(of=t.connection, skip_locked=True)

    def offered(without: Collection[str], most: int) -> Sequence[sa.Row[Any]]:
        others = due.where(sa.not_(one_of(conn, o.publisher_id, without))) if without else due
        return conn.execute(others.limit(most)).all()

    rows = pick(shares, offered, lambda row: str(row.publisher_id), lambda row: str(row.id))
    for row in rows:
        # Should this worker vanish, another looks again after two minutes.
        again = {"probe_at" if row.paused else "check_at": now + 2 * MINUTE}
        conn.execute(sa.update(t.connection).where(c.id == row.id).values(again))
    return rows


def _end_check(
    conn: sa.Connection, connection_id: str, generation: int, found: Diagnosis | None, now: int, random_unit: float
) -> bool:
    """Pause a working connection whose check found what every lead would meet; whether it was paused.

    If not, it is looked at again after :data:`CHECK_EVERY`.
    """
    c = t.connection.c
    row = conn.execute(
        sa.select(t.connection)
        .where(c.id == connection_id, c.generation == generation, sa.not_(c.paused))
        .with_for_update()
    ).first()
    if row is None:
        return False
    change = after_check(health_of(row), found, now, random_unit)
    columns = change.health.columns() if change.health != health_of(row) else {}
    conn.execute(sa.update(t.connection).where(c.id == connection_id).values(check_at=now + CHECK_EVERY, **columns))
    if change.paused_now:
        conn.execute(sa.insert(t.notice).values(connection_paused(connection_id, change.health.diagnosis or "", now)))
    return change.paused_now


def _end_probe(
    conn: sa.Connection, connection_id: str, generation: int, found: Diagnosis | None, now: int, random_unit: float
) -> bool:
    """Half-open a paused connection whose probe passed; whether it passed."""
    c = t.connection.c
    row = conn.execute(
        sa.select(t.connection).where(c.id == connection_id, c.generation == generation, c.paused).with_for_update()
    ).first()
    if row is None:
        return False
    passed = found is None
    health = after_probe(health_of(row), found, now, random_unit)
    # A new generation: answers to sends from before the probe must not pause the connection again.
    columns = {**health.columns(), **recalls(now), "generation": generation + 1} if passed else health.columns()
    conn.execute(sa.update(t.connection).where(c.id == connection_id).values(columns))
    return passed
