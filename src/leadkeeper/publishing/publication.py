"""Publishing an offer, as people ask for it: begin, go live, cancel, certify, look. ``runner`` does the work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from leadkeeper.access import contacts
from leadkeeper.access.audit import note
from leadkeeper.clock import Clock, now_ms
from leadkeeper.connections.outbox import OPERATION_FAILED, operation_notice
from leadkeeper.offer import OfferRef
from leadkeeper.problem import FieldError, Problem, ProblemType
from leadkeeper.publishing import operations
from leadkeeper.publishing.offer_types import calls_of, destination_required
from leadkeeper.publishing.operations import NEVER, Operation, is_withdrawn, status_of
from leadkeeper.publishing.showcase import shelved
from leadkeeper.publishing.steps import (
    Done,
    FailedStep,
    OfferStatus,
    OperationKind,
    OperationState,
    StepResult,
    StepStatus,
    after,
    canceled,
    current,
    missing_for_publication,
    steps_to_json,
)
from leadkeeper.publishing.versions import Offer, as_offer, offer_row, read_version
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage, change_routes, take_turn
from leadkeeper.texts import join_lazily, lazy_gettext


@dataclass(frozen=True, slots=True)
class Publishing:
    """How an offer's publishing stands: the status, and the newest operation with its steps, if there is one."""

    offer: Offer
    status: OfferStatus
    operation: Operation | None

    @property
    def withdrawn(self) -> bool:
        """Whether customers saw it, and no longer do since it was withdrawn."""
        return is_withdrawn(self.offer, self.operation)

    @property
    def can_cancel(self) -> bool:
        """Whether an operation runs or a preview waits, so that :meth:`Publication.cancel` ends it."""
        return self.status is OfferStatus.RUNNING or self.offer.preview_version is not None


class Publication:
    """What people do about publishing. ``woken`` is told that an operation is due.

    An offer has one running operation at most. Every call raises :class:`Problem` for an unknown offer.
    """

    def __init__(self, storage: Storage, woken: Callable[[], None] = lambda: None, clock: Clock = now_ms) -> None:
        self._storage = storage
        self._woken = woken
        self._clock = clock

    async def publish(
        self, offer: OfferRef, *, emails: Sequence[str] = (), by: str, trusted: bool = False
    ) -> Operation:
        """Begin to publish the draft as it stands now; later changes are another version.

        ``emails`` hear of the operation's end, once they have confirmed that they want to unless they are ``trusted``
        (an operator's word). Raises :class:`Problem` while one runs, and when the offer lacks
        something: everything that it lacks is named at once.
        """

        def transaction(conn: sa.Connection) -> Operation:
            take_turn(conn, offer.publisher_id)
            found = as_offer(offer_row(conn, offer))
            _require_none_running(conn, offer)
            missing = missing_of(conn, found, found.draft_version)
            if missing:
                summary = join_lazily((join_lazily((error.field, error.message)) for error in missing), "; ")
                raise Problem(
                    ProblemType.NOT_PUBLISHABLE,
                    lazy_gettext("The offer cannot be published yet: %(summary)s.", summary=summary),
                    missing,
                )
            now = self._clock()
            contacts.enter(conn, offer.publisher_id, emails, now, trusted=trusted)
            note(conn, now, by, "offer.publish", str(offer), str(found.draft_version))
            return operations.begin(conn, offer, OperationKind.PUBLISH, found.draft_version, emails, by, now)

        return await self._begun(transaction)

    async def go_live(self, offer: OfferRef, *, by: str, seen: str | None = None) -> Operation:
        """Begin to bring the preview to customers; who heard of the preview hears of it.

        ``seen`` is the operation whose preview the caller means, or one that began to bring it to customers: another
        preview does not go live by mistake. Raises :class:`Problem` while an operation runs, when no preview waits, and
        when it is not the one that is meant.
        """

        def transaction(conn: sa.Connection) -> Operation:
            take_turn(conn, offer.publisher_id)
            found = as_offer(offer_row(conn, offer))
            _require_none_running(conn, offer)
            if found.preview_version is None:
                raise _not_now(lazy_gettext("There is no preview to go live with: publish the offer first."))
            preview = operations.preview_of(conn, found)
            if seen is not None and (preview is None or not operations.concerns(conn, preview, seen)):
                raise _not_now(
                    lazy_gettext("Another preview waits than that of this operation: look at it, then go live.")
                )
            now = self._clock()
            note(conn, now, by, "offer.goLive", str(offer), str(found.preview_version))
            version, kind = found.preview_version, OperationKind.GO_LIVE
            if preview is None:
                return operations.begin(conn, offer, kind, version, (), by, now)
            steps = () if preview.damaged else preview.steps
            return operations.begin(conn, offer, kind, version, preview.emails, by, now, steps)

        return await self._begun(transaction)

    async def _begun(self, transaction: Callable[[sa.Connection], Operation]) -> Operation:
        operation = await self._storage.write(transaction)
        self._woken()
        return operation

    async def cancel(self, offer: OfferRef, *, by: str) -> Operation:
        """End the running operation, or withdraw the preview that waits for the publisher. What is live stays live.

        Raises :class:`Problem` when there is nothing to cancel.
        """

        def transaction(conn: sa.Connection) -> Operation:
            take_turn(conn, offer.publisher_id)
            found = as_offer(offer_row(conn, offer))
            running = operations.all_of(conn, offer, running=True)
            ended = running[0] if running else operations.preview_of(conn, found)
            if ended is None:
                raise _not_now(
                    lazy_gettext("No operation is under way, and no preview waits: there is nothing to cancel.")
                )
            now = self._clock()
            steps = canceled(ended.steps, f"Canceled by {by}.", now)
            values = {"state": OperationState.CANCELED.value, "steps": steps_to_json(steps)}
            conn.execute(
                sa.update(t.operation)
                .where(t.operation.c.id == ended.id)
                .values(**values, changed_at=now, due_at=NEVER)
            )
            if not running:
                _set_offer(conn, offer, now, preview_version=None)
            note(conn, now, by, "offer.cancel", str(offer), ended.id)
            return _again(conn, ended)

        return await self._storage.write(transaction)

    async def withdraw(self, offer: OfferRef, *, by: str) -> Publishing:
        """Take the offer out of the storefront; it can be published again. Leads from elsewhere are still taken.

        Raises :class:`Problem` while an operation runs, and when customers do not see the offer.
        """

        def transaction(conn: sa.Connection) -> Publishing:
            take_turn(conn, offer.publisher_id)
            found = as_offer(offer_row(conn, offer))
            _require_none_running(conn, offer)
            if found.production_version is None:
                raise _not_now(lazy_gettext("Customers do not see the offer: there is nothing to withdraw."))
            now = self._clock()
            _set_offer(conn, offer, now, production_version=None)
            note(conn, now, by, "offer.withdraw", str(offer), str(found.production_version))
            newest = operations.latest(conn, offer)
            found = as_offer(offer_row(conn, offer))
            return Publishing(found, status_of(found, newest), newest)

        return await self._storage.write(transaction)

    async def certify(
        self, offer: OfferRef, *, approved: bool, message: str = "", by: str, seen: str | None = None
    ) -> Operation:
        """The operator's word on an offer that waits for it; a refusal says why, and whoever hears of it is told.

        ``seen`` is the operation that the operator looked at: another is not decided on by mistake.
        Raises :class:`Problem` when nothing waits for approval, or a refusal gives no reason.
        """
        result = _decided(message.strip(), approved=approved)

        def transaction(conn: sa.Connection) -> Operation:
            offer_row(conn, offer)
            now = self._clock()
            running = operations.all_of(conn, offer, running=True)
            step = current(running[0].steps) if running else None
            if step is None or step.status is not StepStatus.WAITING_FOR_APPROVAL:
                raise _not_now(lazy_gettext("The offer does not wait for approval."))
            if seen not in (None, running[0].id):
                raise _not_now(lazy_gettext("Another version of the offer waits by now: look at it, then decide."))
            steps, state = after(running[0].steps, result, now)
            due = now if state is OperationState.RUNNING else NEVER
            if not operations.write(conn, running[0], steps, state, now, due):
                raise _not_now(lazy_gettext("Somebody else has just decided."))
            if not approved:
                conn.execute(sa.insert(t.notice).values(operation_notice(running[0].id, OPERATION_FAILED, now)))
            note(conn, now, by, "offer.certify", str(offer), "approved" if approved else "refused")
            return _again(conn, running[0])

        return await self._begun(transaction)

    async def operation(self, offer: OfferRef, operation_id: str) -> Operation:
        """One operation. Raises :class:`Problem` if the offer has none of that id."""

        def transaction(conn: sa.Connection) -> Operation:
            offer_row(conn, offer)
            found = operations.find_operation(conn, offer, operation_id)
            if found is None:
                detail = lazy_gettext(
                    "The offer %(offer)s has no operation %(operation_id)s.",
                    offer=offer,
                    operation_id=repr(operation_id),
                )
                raise Problem(
                    ProblemType.UNKNOWN_OPERATION,
                    detail,
                    (FieldError("operationId", lazy_gettext("unknown operation")),),
                )
            return found

        return await self._storage.read(transaction)

    async def operations(self, offer: OfferRef, *, running: bool = False) -> list[Operation]:
        """The offer's operations, newest first; with ``running`` those under way."""

        def transaction(conn: sa.Connection) -> list[Operation]:
            offer_row(conn, offer)
            return operations.all_of(conn, offer, running=running)

        return await self._storage.read(transaction)

    async def status(self, offer: OfferRef) -> Publishing:
        """How the offer's publishing stands."""

        def transaction(conn: sa.Connection) -> Publishing:
            found = as_offer(offer_row(conn, offer))
            newest = operations.latest(conn, offer)
            return Publishing(found, status_of(found, newest), newest)

        return await self._storage.read(transaction)

    async def statuses(self, offers: Sequence[Offer]) -> dict[OfferRef, OfferStatus]:
        """How the publishing of each of these offers stands."""
        newest = await self._storage.read(operations.latest_of, [str(offer.ref) for offer in offers])
        return {offer.ref: status_of(offer, newest.get(str(offer.ref))) for offer in offers}

    async def missing(self, offer: OfferRef) -> Sequence[FieldError]:
        """Everything that the draft lacks before it can be published."""

        def transaction(conn: sa.Connection) -> Sequence[FieldError]:
            found = as_offer(offer_row(conn, offer))
            return missing_of(conn, found, found.draft_version)

        return await self._storage.read(transaction)


def missing_of(conn: sa.Connection, offer: Offer, number: int) -> tuple[FieldError, ...]:
    """What version ``number`` of the offer lacks."""
    version = read_version(conn, offer.ref, number)
    assert version is not None
    return missing_for_publication(offer.offer_type, version.listing, has_connection=has_connection(conn, offer.ref))


def has_connection(conn: sa.Connection, offer: OfferRef) -> bool:
    """Whether the offer's leads go anywhere."""
    c = t.connection.c
    return bool(conn.scalar(sa.select(sa.exists().where(c.offer_ref == str(offer), c.removed_at.is_(None)))))


def keeps_last_connection(conn: sa.Connection, offer: OfferRef) -> None:
    """Raise :class:`Problem` if customers see the offer and its type must have a lead destination."""
    found = as_offer(offer_row(conn, offer))
    if found.production_version is None or not found.live:
        return
    version = read_version(conn, offer, found.production_version)
    assert version is not None
    if destination_required(found.offer_type, calls_of(found.offer_type, version.listing.calls_to_action)):
        detail = lazy_gettext(
            "The offer %(offer)s is live, and one of its type keeps a lead destination: change it instead.", offer=offer
        )
        raise Problem(
            ProblemType.DESTINATION_REQUIRED,
            detail,
            (FieldError("leadDestination", lazy_gettext("may not be removed")),),
        )


def enter_preview(conn: sa.Connection, offer: OfferRef, version: int, now: int) -> None:
    """Put a version into the preview."""
    _set_offer(conn, offer, now, preview_version=version)


def enter_production(conn: sa.Connection, offer: OfferRef, version: int, now: int) -> None:
    """Show a version to customers, and let the offer take leads; the preview is over."""
    found = read_version(conn, offer, version)
    assert found is not None
    values = shelved(found.listing, offer, offer_row(conn, offer).offer_type)
    _set_offer(conn, offer, now, preview_version=None, production_version=version, live=True, **values)


def _set_offer(conn: sa.Connection, offer: OfferRef, now: int, **values: Any) -> None:
    change_routes(conn, offer.publisher_id)
    conn.execute(sa.update(t.offer).where(t.offer.c.ref == str(offer)).values(changed_at=now, **values))


def _again(conn: sa.Connection, operation: Operation) -> Operation:
    found = operations.find_operation(conn, operation.offer, operation.id)
    assert found is not None
    return found


def _require_none_running(conn: sa.Connection, offer: OfferRef) -> None:
    if operations.all_of(conn, offer, running=True):
        detail = lazy_gettext("An operation of %(offer)s is under way. Wait for its end, or cancel it.", offer=offer)
        raise Problem(
            ProblemType.OPERATION_RUNNING, detail, (FieldError("offerId", lazy_gettext("an operation runs")),)
        )


def _not_now(detail: str) -> Problem:
    return Problem(ProblemType.NOT_POSSIBLE_NOW, detail)


def _decided(why: str, *, approved: bool) -> StepResult:
    """What the operator's word makes of the step. Raises :class:`Problem` for a refusal without a reason."""
    if not approved and not why:
        rule = lazy_gettext("is needed for a refusal: the publisher must learn what to change")
        raise Problem(
            ProblemType.INVALID_REQUEST, lazy_gettext("message %(rule)s.", rule=rule), (FieldError("message", rule),)
        )
    reason = f": {why}" if why else "."
    if approved:
        return Done((f"Approved by the operator{reason}",))
    return FailedStep((f"Refused by the operator{reason}",), StepStatus.REJECTED)
