"""What publishing an offer would change: its draft beside what is live, destinations too; and what awaits approval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from leadkeeper.connections.connection import Connection
from leadkeeper.connections.connections import Connections
from leadkeeper.offer import OfferRef
from leadkeeper.problem import Problem, ProblemType
from leadkeeper.publishing.difference import FieldChange, destination_changes, listing_changes
from leadkeeper.publishing.operations import NEVER, Operation, as_operation
from leadkeeper.publishing.steps import StepId, StepStatus, current
from leadkeeper.publishing.versions import Offer, as_offer, offer_row, read_version
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage


@dataclass(frozen=True, slots=True)
class Waiting:
    """An offer that waits for an operator's word, and what it would change for customers."""

    offer: Offer
    operation: Operation
    changes: Sequence[FieldChange]


class Differences:
    """What drafts would change. Every call raises :class:`Problem` for an unknown offer."""

    def __init__(self, storage: Storage, connections: Connections) -> None:
        self._storage = storage
        self._connections = connections

    async def of(self, ref: OfferRef, version: int | None = None) -> tuple[FieldChange, ...]:
        """What ``version`` (the draft where it is ``None``) would change for customers; nothing differs where empty.

        Settings of a connection that are in effect already are no difference: those that wait to be proven are. Of an
        offer that customers do not see, everything is new.
        """
        live, wanted = await self._storage.read(_definitions, ref, version)
        found = list(listing_changes(live, wanted))
        for connection in await self._connections.list(ref):
            found += _of_connection(connection, is_live=live is not None)
        return tuple(found)

    async def waiting(self, *, after: str | None = None, limit: int) -> Sequence[Waiting]:
        """The offers that wait for an operator's word, who waits longest first, behind the operation ``after``."""
        found = await self._storage.read(_waiting, after, limit)
        return [Waiting(offer, each, await self.of(each.offer, each.version)) for offer, each in found]


def _of_connection(connection: Connection, *, is_live: bool) -> tuple[FieldChange, ...]:
    if not is_live:
        return destination_changes(connection.name, None, connection.changed.stored)
    change = connection.change
    return () if change is None else destination_changes(connection.name, connection.stored, change.stored)


def _definitions(
    conn: sa.Connection, ref: OfferRef, version: int | None
) -> tuple[Mapping[str, Any] | None, Mapping[str, Any]]:
    """What customers have, if anything that can be read, and what they would have."""
    offer = as_offer(offer_row(conn, ref))
    wanted = read_version(conn, ref, offer.draft_version if version is None else version)
    assert wanted is not None
    return _live(conn, offer), wanted.definition


def _live(conn: sa.Connection, offer: Offer) -> Mapping[str, Any] | None:
    if offer.production_version is None:
        return None
    try:
        found = read_version(conn, offer.ref, offer.production_version)
    except Problem as problem:
        if problem.type is not ProblemType.RECORD_DAMAGED:
            raise
        return {}
    return None if found is None else found.definition


def _waiting(conn: sa.Connection, after: str | None, limit: int) -> list[tuple[Offer, Operation]]:
    o = t.operation.c
    query = sa.select(t.operation).where(t.RUNNING, o.due_at == NEVER).order_by(o.id)
    # Other operations wait for people, too; which it is, only the steps tell.
    query = query.where(o.steps.contains(StepStatus.WAITING_FOR_APPROVAL.value))
    if after is not None:
        query = query.where(o.id > after)
    operations = [as_operation(row) for row in conn.execute(query.limit(limit))]
    return [(as_offer(offer_row(conn, each.offer)), each) for each in operations if is_waiting(each)]


def is_waiting(operation: Operation) -> bool:
    """Whether an operation waits for an operator's word."""
    step = current(operation.steps)
    return step is not None and step.id is StepId.CERTIFICATION and step.status is StepStatus.WAITING_FOR_APPROVAL
