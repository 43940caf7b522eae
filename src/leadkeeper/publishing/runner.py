"""Carries out the steps of publishing, one after another, in whichever worker process takes the operation.

An operation is taken by moving its ``due_at`` on, and held by moving it on again. A result counts only while it stands
where its holder left it, so what a vanished or slow process did late moves nothing, and another begins the step anew.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any, Final

import sqlalchemy as sa
import structlog

from leadkeeper.access.audit import note
from leadkeeper.access.quotas import USUAL, Quotas
from leadkeeper.clock import Clock, now_ms
from leadkeeper.connections.connections import Connections
from leadkeeper.connections.outbox import (
    OFFER_LIVE,
    OPERATION_FAILED,
    OPERATION_WAITS,
    PREVIEW_READY,
    operation_notice,
)
from leadkeeper.fault import where
from leadkeeper.gate import NOBODY, on_behalf_of
from leadkeeper.periodic import Job, run_periodically
from leadkeeper.problem import Problem
from leadkeeper.publisher_turns import PUBLISHING, PublisherTurn, PublisherTurns
from leadkeeper.publishing.check_pace import CheckPace
from leadkeeper.publishing.operations import NEVER, Operation, as_operation, end_damaged, write
from leadkeeper.publishing.publication import enter_preview, enter_production, missing_of
from leadkeeper.publishing.registration import BY, Registration
from leadkeeper.publishing.step_words import FAULT_IS_OURS, OPERATOR_LOOKS, RULES_ALONE
from leadkeeper.publishing.steps import (
    Done,
    FailedStep,
    OperationState,
    Step,
    StepId,
    StepResult,
    StepStatus,
    Unconfirmed,
    Waits,
    after,
    current,
)
from leadkeeper.publishing.versions import as_offer, offer_row
from leadkeeper.shares import Shares, pick
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage, StorageAway, one_of, take_turn
from leadkeeper.storage.looks import any_until_now, look
from leadkeeper.texts import ENGLISH, Language
from leadkeeper.validation.validator import Validator

LOOK_SECONDS: Final = 0.5
AT_ONCE: Final = 40
"""How many operations a process works on at once; a publisher alone has 15 of them."""
RESERVED: Final = 10

log: Final = structlog.get_logger(__name__)


class PublishingRunner:
    """Runs in every worker. ``by_operator``: an operator certifies offers; else they are certified by themselves."""

    def __init__(
        self,
        storage: Storage,
        connections: Connections,
        validator: Validator,
        *,
        by_operator: bool = False,
        base_url: str = "",
        language: Language = ENGLISH,
        unconfirmed: Unconfirmed = Unconfirmed.WARN,
        lease_seconds: float = 15,
        clock: Clock = now_ms,
        quotas: Quotas = USUAL,
        turns: PublisherTurns | None = None,
    ) -> None:
        self._storage = storage
        self._registration = Registration(
            connections,
            validator,
            CheckPace(storage, quotas, clock),
            unconfirmed=unconfirmed,
            base_url=base_url,
            language=language,
        )
        self._waits_for_word = unconfirmed == Unconfirmed.WAIT
        self._by_operator = by_operator
        self._lease_ms = int(lease_seconds * 1000)
        self._clock = clock
        self._working: dict[str, asyncio.Task[None]] = {}
        self._shares = Shares(AT_ONCE, RESERVED)
        self._turns = turns or PublisherTurns()

    async def run(self) -> None:
        """Look twice a second until cancelled; what is under way then is begun anew by whoever looks next."""
        try:
            await run_periodically(Job("publishing", self.look, LOOK_SECONDS))
        finally:
            for task in self._working.values():
                task.cancel()
            await asyncio.gather(*self._working.values(), return_exceptions=True)

    async def look(self) -> Sequence[asyncio.Task[None]]:
        """Take what is due and begin to work on it; answers what was begun."""
        if len(self._working) >= AT_ONCE or not await look(self._storage, _any_due, self._clock()):
            return []
        taken = await self._storage.write(_take, self._shares.copy(), self._clock(), self._lease_ms)
        begun = []
        for operation in taken:
            task = asyncio.create_task(self._work(operation), name="publishing")
            self._working[operation.id] = task
            self._shares.take(operation.offer.publisher_id)
            task.add_done_callback(functools.partial(self._ended, operation))
            begun.append(task)
        return begun

    def _ended(self, operation: Operation, task: asyncio.Task[None]) -> None:
        self._shares.give_back(operation.offer.publisher_id)
        if self._working.get(operation.id) is task:
            del self._working[operation.id]

    async def _work(self, operation: Operation) -> None:
        """Step after step until the operation ends, waits for a person, or is somebody else's."""
        held: Operation | None = operation
        with on_behalf_of(operation.offer.publisher_id):
            while held is not None:
                held = await self._step(held)

    async def _step(self, operation: Operation) -> Operation | None:
        """Carry out the current step; the operation as it goes on, if it does and is still ours."""
        step = current(operation.steps)
        if step is None:
            return None
        hold, turn = _Hold(self._storage, operation, self._lease_ms, self._clock), PublisherTurn(self._turns)
        with on_behalf_of(NOBODY):
            beating = asyncio.create_task(hold.beat())
        try:
            try:
                await turn.take(operation.offer.publisher_id, PUBLISHING)
                result = await self._result(operation, step)
            finally:
                beating.cancel()
                await asyncio.gather(beating, return_exceptions=True)
            if result is None:
                return None
            return await self._storage.write(
                _end_step, hold.operation, result, self._clock(), self._lease_ms, waits_for_word=self._waits_for_word
            )
        finally:
            turn.end()

    async def _result(self, operation: Operation, step: Step) -> StepResult | None:
        """What comes of the step; ``None`` where the database went away, so that somebody begins it anew."""
        waited = step.status is StepStatus.WAITING_FOR_REVIEW
        try:
            return await self._carry_out(operation, step.id, waited=waited)
        except StorageAway:
            return None
        except Problem as problem:
            return FailedStep((problem.detail,))
        except Exception as error:
            log.error("step failed", step=step.id.value, operation=operation.id, error=where(error))
            return FailedStep((FAULT_IS_OURS,))

    async def _carry_out(self, operation: Operation, step: StepId, *, waited: bool) -> StepResult:
        match step:
            case StepId.PREREQUISITES:
                return await self._storage.read(_prerequisites, operation)
            case StepId.CERTIFICATION:
                return self._certified()
            case StepId.PROVISIONING:
                return await self._registration.checked(operation.offer)
            case StepId.PACKAGING:
                return await self._registration.registered(operation.offer, again=waited)
            case StepId.LIVE:
                lacks = await self._storage.read(_prerequisites, operation)
                return lacks if isinstance(lacks, FailedStep) else await self._registration.completed(operation.offer)
            case _:
                return Done()

    def _certified(self) -> StepResult:
        if self._by_operator:
            return Waits(StepStatus.WAITING_FOR_APPROVAL, OPERATOR_LOOKS)
        return Done((RULES_ALONE,))


class _Hold:
    """Keeps an operation ours while a step takes its time."""

    def __init__(self, storage: Storage, operation: Operation, lease_ms: int, clock: Clock) -> None:
        self.operation = operation
        self._storage = storage
        self._lease_ms = lease_ms
        self._clock = clock

    async def beat(self) -> None:
        """Until cancelled, or until it is somebody else's."""
        while True:
            await asyncio.sleep(self._lease_ms / 3000)
            until = self._clock() + self._lease_ms
            try:
                held = await self._storage.write(_move_on, self.operation, until)
            except StorageAway:
                continue
            if not held:
                return
            self.operation = replace(self.operation, due_at=until)


def _due(now: int) -> sa.ColumnElement[bool]:
    return t.RUNNING & (t.operation.c.due_at <= now)


_ANY_DUE: Final = any_until_now(t.operation.c.due_at, t.RUNNING)


def _any_due(conn: sa.Connection, now: int) -> bool:
    return bool(_ANY_DUE.scalar(conn, {"now": now}))


def _take(conn: sa.Connection, shares: Shares, now: int, lease_ms: int) -> list[Operation]:
    """What is due, as much of each publisher as ``shares`` have room for."""
    o = t.offer.c
    due = sa.select(t.operation, o.publisher_id).join(t.offer, o.ref == t.operation.c.offer_ref).where(_due(now))
    due = due.order_by(t.operation.c.due_at).with_for_update(of=t.operation, skip_locked=True)

    def offered(without: Collection[str], most: int) -> Sequence[sa.Row[Any]]:
        others = due.where(sa.not_(one_of(conn, o.publisher_id, without))) if without else due
        return conn.execute(others.limit(most)).all()

    rows = pick(shares, offered, lambda row: str(row.publisher_id), lambda row: str(row.id))
    found = [as_operation(row) for row in rows]
    for operation in found:
        if operation.damaged:
            end_damaged(conn, operation, now)
            conn.execute(sa.insert(t.notice).values(operation_notice(operation.id, OPERATION_FAILED, now)))
    until = now + lease_ms
    whole = [operation for operation in found if not operation.damaged]
    return [replace(operation, due_at=until) for operation in whole if _move_on(conn, operation, until)]


def _move_on(conn: sa.Connection, operation: Operation, until: int) -> bool:
    o = t.operation.c
    ours = (o.id == operation.id, t.RUNNING, o.due_at == operation.due_at)
    return bool(conn.execute(sa.update(t.operation).where(*ours).values(due_at=until)).rowcount)


def _prerequisites(conn: sa.Connection, operation: Operation) -> StepResult:
    missing = missing_of(conn, as_offer(offer_row(conn, operation.offer)), operation.version)
    if missing:
        return FailedStep(tuple(f"{error.field} {error.message}." for error in missing))
    return Done(("Everything that the offer needs is there.",))


def _end_step(
    conn: sa.Connection, operation: Operation, result: StepResult, now: int, lease_ms: int, *, waits_for_word: bool
) -> Operation | None:
    """Write down what came of the current step, and what follows from it for the offer; all of it, or nothing."""
    take_turn(conn, operation.offer.publisher_id)
    step = current(operation.steps)
    assert step is not None
    if step.id is StepId.LIVE and isinstance(result, Done) and not _may_go_live(conn, operation, waits_for_word):
        # A connection was changed while the last one was tried: once more, with what is there now.
        again = replace(operation, due_at=now + lease_ms)
        return again if write(conn, operation, again.steps, again.state, now, again.due_at) else None
    steps, state = after(operation.steps, result, now)
    goes_on = state is OperationState.RUNNING and not isinstance(result, Waits)
    due_at = now + lease_ms if goes_on else NEVER
    if not write(conn, operation, steps, state, now, due_at):
        return None
    if isinstance(result, Waits) and step.status is StepStatus.IN_PROGRESS and step.id is not StepId.CERTIFICATION:
        conn.execute(sa.insert(t.notice).values(operation_notice(operation.id, OPERATION_WAITS, now)))
    elif isinstance(result, FailedStep):
        conn.execute(sa.insert(t.notice).values(operation_notice(operation.id, OPERATION_FAILED, now)))
    elif isinstance(result, Done) and step.id is StepId.PACKAGING:
        enter_preview(conn, operation.offer, operation.version, now)
        conn.execute(sa.insert(t.notice).values(operation_notice(operation.id, PREVIEW_READY, now)))
    elif isinstance(result, Done) and step.id is StepId.LIVE:
        enter_production(conn, operation.offer, operation.version, now)
        conn.execute(sa.insert(t.notice).values(operation_notice(operation.id, OFFER_LIVE, now)))
    note(conn, now, BY, f"offer.step.{step.id.value}", str(operation.offer), type(result).__name__.lower())
    return replace(operation, steps=steps, state=state, due_at=due_at) if goes_on else None


def _may_go_live(conn: sa.Connection, operation: Operation, waits_for_word: bool) -> bool:
    """Whether every connection of the offer took a test lead with the settings that it has now, and lost none.

    With ``waits_for_word`` one must also be known to be there.
    """
    c = t.connection.c
    # A test lead that was taken lifts every pause but that of one that somebody did not find.
    lacks = sa.not_(c.proven if waits_for_word else c.tried) | c.paused
    return not conn.scalar(
        sa.select(sa.exists().where(c.offer_ref == str(operation.offer), c.removed_at.is_(None), lacks))
    )
