"""Operations as they are stored: read and written within others' transactions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
import structlog
from pydantic_core import from_json

from leadkeeper.clock import new_id
from leadkeeper.offer import OfferRef
from leadkeeper.publishing.steps import (
    FailedStep,
    OfferStatus,
    OperationKind,
    OperationState,
    StepId,
    Steps,
    StepStatus,
    after,
    current,
    first_steps,
    steps_from_json,
    steps_to_json,
)
from leadkeeper.publishing.versions import Offer
from leadkeeper.storage import tables as t
from leadkeeper.storage.damage import Damage, Record, remember
from leadkeeper.storage.engine import one_of

NEVER: int = 2**62
"""When an operation is due that waits for a person, or has ended."""
DAMAGED: Final = (
    "What is stored of this operation is damaged and could not be read (recordDamaged). "
    "Publish again; the operator's log names the operation."
)

log: Final = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Operation:
    """An offer on its way: one version of it, through the steps. Times in milliseconds since 1970."""

    id: str
    offer: OfferRef
    kind: OperationKind
    version: int
    state: OperationState
    steps: Steps
    emails: tuple[str, ...]
    started_by: str
    created_at: int
    changed_at: int
    due_at: int
    damaged: bool = False
    """Its row cannot be read: the steps stand in for those that were there, and tell of it."""


def as_operation(row: sa.Row[Any]) -> Operation:
    """The operation in a row of its table. One that is damaged tells so at the step where it then stands."""
    kind = OperationKind(row.kind)
    steps, emails = _steps(row), _emails(row)
    damaged = steps is None or emails is None
    if steps is None:
        steps = first_steps(kind, row.created_at)
    if damaged:
        steps, _ = after(steps, FailedStep((DAMAGED,)), row.changed_at)
    return Operation(
        id=row.id,
        offer=OfferRef.parse(row.offer_ref),
        kind=kind,
        version=row.version,
        state=OperationState(row.state),
        steps=steps,
        emails=emails or (),
        started_by=row.started_by,
        created_at=row.created_at,
        changed_at=row.changed_at,
        due_at=row.due_at,
        damaged=damaged,
    )


def _steps(row: sa.Row[Any]) -> Steps | None:
    try:
        steps = steps_from_json(row.steps)
    except ValueError:
        return None
    at_work = row.state != OperationState.RUNNING.value or current(steps) is not None
    return steps if [step.id for step in steps] == list(StepId) and at_work else None


def _emails(row: sa.Row[Any]) -> tuple[str, ...] | None:
    try:
        emails = from_json(row.emails)
    except (ValueError, TypeError):
        return None
    return tuple(emails) if isinstance(emails, list) and all(isinstance(each, str) for each in emails) else None


def end_damaged(conn: sa.Connection, operation: Operation, now: int) -> None:
    """End an operation whose row is damaged as failed; what could be read of it is written down anew."""
    values = {
        "steps": steps_to_json(operation.steps),
        "emails": json.dumps(list(operation.emails)),
        "state": OperationState.FAILED.value,
        "changed_at": now,
        "due_at": NEVER,
    }
    conn.execute(sa.update(t.operation).where(t.operation.c.id == operation.id, t.RUNNING).values(values))
    remember(conn, [Damage(Record.OPERATION, (operation.id, str(operation.offer)))], now)
    log.error("operation ended: its row is damaged", operation=operation.id, offer=str(operation.offer))


def begin(
    conn: sa.Connection,
    offer: OfferRef,
    kind: OperationKind,
    version: int,
    emails: Sequence[str],
    by: str,
    now: int,
    before: Steps = (),
) -> Operation:
    """A new running operation, due at once; ``before``: the steps of the one that it goes on from."""
    operation_id = new_id()
    values = {
        "id": operation_id,
        "offer_ref": str(offer),
        "kind": kind.value,
        "version": version,
        "state": OperationState.RUNNING.value,
        "steps": steps_to_json(first_steps(kind, now, before)),
        "emails": json.dumps(list(emails)),
        "started_by": by,
        "created_at": now,
        "changed_at": now,
        "due_at": now,
    }
    conn.execute(sa.insert(t.operation).values(values))
    found = find_operation(conn, offer, operation_id)
    assert found is not None
    return found


def look_again(conn: sa.Connection, offer: OfferRef, now: int) -> None:
    """It is known what became of a test lead: an operation of the offer that waits for it is due."""
    for operation in all_of(conn, offer, running=True):
        step = current(operation.steps)
        if step is not None and step.status is StepStatus.WAITING_FOR_REVIEW:
            conn.execute(sa.update(t.operation).where(t.operation.c.id == operation.id, t.RUNNING).values(due_at=now))


def find_operation(conn: sa.Connection, offer: OfferRef, operation_id: str) -> Operation | None:
    """One operation of an offer."""
    o = t.operation.c
    this = (o.id == operation_id, o.offer_ref == str(offer))
    row = conn.execute(sa.select(t.operation).where(*this)).first()
    return None if row is None else as_operation(row)


def latest(conn: sa.Connection, offer: OfferRef, kind: OperationKind | None = None) -> Operation | None:
    """The offer's newest operation (of ``kind``)."""
    o = t.operation.c
    query = sa.select(t.operation).where(o.offer_ref == str(offer)).order_by(o.id.desc()).limit(1)
    row = conn.execute(query if kind is None else query.where(o.kind == kind.value)).first()
    return None if row is None else as_operation(row)


def preview_of(conn: sa.Connection, offer: Offer) -> Operation | None:
    """The operation that made the preview that waits: the newest completed one that published its version."""
    o = t.operation.c
    made = (o.kind == OperationKind.PUBLISH.value, o.state == OperationState.COMPLETED.value)
    this = (o.offer_ref == str(offer.ref), o.version == offer.preview_version, *made)
    row = conn.execute(sa.select(t.operation).where(*this).order_by(o.id.desc()).limit(1)).first()
    return None if row is None else as_operation(row)


def concerns(conn: sa.Connection, preview: Operation, operation_id: str) -> bool:
    """Whether an operation is the one that made the ``preview``, or one that began to bring just this to customers."""
    named = find_operation(conn, preview.offer, operation_id)
    if named is None or named.version != preview.version:
        return False
    return named.id == preview.id or (named.kind is OperationKind.GO_LIVE and named.id > preview.id)


def all_of(conn: sa.Connection, offer: OfferRef, *, running: bool = False) -> list[Operation]:
    """The offer's operations, newest first."""
    query = sa.select(t.operation).where(t.operation.c.offer_ref == str(offer)).order_by(t.operation.c.id.desc())
    return [as_operation(row) for row in conn.execute(query.where(t.RUNNING) if running else query)]


def write(
    conn: sa.Connection, operation: Operation, steps: Steps, state: OperationState, now: int, due_at: int
) -> bool:
    """Write what became of ``operation``, if it still stands where it was read; false if somebody was first."""
    o = t.operation.c
    unchanged = (o.id == operation.id, t.RUNNING, o.due_at == operation.due_at)
    values = {"steps": steps_to_json(steps), "state": state.value, "changed_at": now, "due_at": due_at}
    return bool(conn.execute(sa.update(t.operation).where(*unchanged).values(values)).rowcount)


def status_of(offer: Offer, newest: Operation | None) -> OfferStatus:
    """How the offer's publishing stands, given its newest operation."""
    if newest is None:
        return OfferStatus.NEVER_PUBLISHED
    match newest.state:
        case OperationState.RUNNING:
            return OfferStatus.RUNNING
        case OperationState.FAILED:
            return OfferStatus.FAILED
        case OperationState.CANCELED:
            return OfferStatus.CANCELED
        case OperationState.COMPLETED:
            waits = newest.kind is OperationKind.PUBLISH and offer.preview_version == newest.version
            if is_withdrawn(offer, newest):
                return OfferStatus.CANCELED
            return OfferStatus.WAITING_FOR_REVIEW if waits else OfferStatus.SUCCEEDED


def is_withdrawn(offer: Offer, newest: Operation | None) -> bool:
    """Whether the offer was live and has been withdrawn from the storefront, with nothing begun since."""
    ended = newest is not None and newest.state is OperationState.COMPLETED and newest.kind is OperationKind.GO_LIVE
    return ended and not offer.is_published


def latest_of(conn: sa.Connection, offers: Sequence[str]) -> dict[str, Operation]:
    """The newest operation of each of these offers (``publisher.offer``) that has had one."""
    o = t.operation.c
    newest = sa.select(sa.func.max(o.id)).where(one_of(conn, o.offer_ref, offers)).group_by(o.offer_ref)
    rows = conn.execute(sa.select(t.operation).where(o.id.in_(newest)))
    return {row.offer_ref: as_operation(row) for row in rows}
