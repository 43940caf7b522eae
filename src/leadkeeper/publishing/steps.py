"""The steps of publishing, and what follows when one of them ends. Pure: the time is given.

Ids, names and statuses are those of Microsoft's portal:
``docs/reference/vendors/marketplace.md#cloud-partner-portal-api``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Literal

from pydantic import TypeAdapter

from leadkeeper.problem import FieldError
from leadkeeper.publishing.listing import LONGEST, Listing
from leadkeeper.publishing.offer_types import calls_of, destination_required, offer_type
from leadkeeper.texts import _, lazy_gettext


class StepId(StrEnum):
    """The six steps, in their order."""

    PREREQUISITES = "displaydummycertify"
    CERTIFICATION = "displaycertify"
    PROVISIONING = "displayprovision"
    PACKAGING = "displaypackage"
    SIGN_OFF = "publisher-signoff"
    LIVE = "live"


class StepStatus(StrEnum):
    """How a step stands; ``blocked`` is what one that failed is called."""

    NOT_STARTED = "notStarted"
    IN_PROGRESS = "inProgress"
    WAITING_FOR_REVIEW = "waitingForPublisherReview"
    WAITING_FOR_APPROVAL = "waitingForApproval"
    BLOCKED = "blocked"
    REJECTED = "rejected"
    COMPLETE = "complete"
    CANCELED = "canceled"


class OperationKind(StrEnum):
    """What is under way: the draft to its preview, or the preview to customers."""

    PUBLISH = "publish"
    GO_LIVE = "goLive"


class OperationState(StrEnum):
    """How an operation stands. A ``publish`` has completed when its preview waits for the publisher."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELED = "canceled"


class OfferStatus(StrEnum):
    """How an offer's publishing stands, as Microsoft's portal tells it."""

    NEVER_PUBLISHED = "neverPublished"
    WAITING_FOR_REVIEW = "waitingForPublisherReview"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    CANCELED = "canceled"
    FAILED = "failed"


class Unconfirmed(StrEnum):
    """What publishing does where a destination takes its test lead and does not confirm it.

    ``wait``: until somebody says that it was found; ``warn``: pass with a warning; ``pass``.
    """

    WAIT = "wait"
    WARN = "warn"
    PASS = "pass"


@dataclass(frozen=True, slots=True)
class StepText:
    """What a step is called, what happens in it, and how long it takes at most by itself."""

    name: str
    description: str
    estimate: str


STEP_TEXTS: Final = {
    StepId.PREREQUISITES: StepText(
        _("Validate Pre-Requisites"),
        _("Everything that the offer needs is looked for, and all that is missing named."),
        _("1 min"),
    ),
    StepId.CERTIFICATION: StepText(
        _("Certification"),
        _("The marketplace agrees to the offer: by itself, or an operator does."),
        _("as the operator decides"),
    ),
    StepId.PROVISIONING: StepText(
        _("Provisioning"), _("Every connection of the offer is checked without writing."), _("2 min")
    ),
    StepId.PACKAGING: StepText(
        _("Packaging and Lead Generation Registration"),
        _(
            "A test lead is sent over every connection, and must be taken; where a destination does not confirm it, "
            "somebody may have to find it there. Then the preview is there."
        ),
        _("5 min"),
    ),
    StepId.SIGN_OFF: StepText(
        _("Publisher signoff"),
        _("The publisher looks at the preview, tries it, and lets the offer go live."),
        _("as you decide"),
    ),
    StepId.LIVE: StepText(_("Live"), _("Customers see the offer."), _("1 min")),
}
COMPLETED_MESSAGE: Final = "Step completed."
NOT_STARTED_MESSAGE: Final = "This step has not started yet."


Level = Literal["information", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Message:
    """Something to tell of a step; several lines. ``at`` in milliseconds since 1970."""

    text: str
    level: Level
    at: int


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an operation."""

    id: StepId
    status: StepStatus = StepStatus.NOT_STARTED
    messages: tuple[Message, ...] = ()

    @property
    def progress(self) -> int:
        """How far it is, in percent."""
        return {StepStatus.COMPLETE: 100, StepStatus.NOT_STARTED: 0}.get(self.status, 50)


Steps = tuple[Step, ...]
_STEPS: Final = TypeAdapter(Steps)


def steps_to_json(steps: Steps) -> str:
    """The steps as they are stored."""
    return _STEPS.dump_json(steps).decode()


def steps_from_json(text: str) -> Steps:
    """The steps as they were stored."""
    return _STEPS.validate_json(text)


@dataclass(frozen=True, slots=True)
class Done:
    """The step ended well; ``texts`` tell what was seen, ``warnings`` what nobody knows."""

    texts: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Waits:
    """The step waits for a person; ``text`` says for what, ``texts`` what was seen so far."""

    status: StepStatus
    text: str
    texts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FailedStep:
    """The step failed; ``texts`` tell why, who must act, and how."""

    texts: tuple[str, ...]
    status: StepStatus = StepStatus.BLOCKED


StepResult = Done | Waits | FailedStep


def first_steps(kind: OperationKind, now: int, before: Steps = ()) -> Steps:
    """The steps of an operation that begins now.

    Going live begins where the preview ended: what the steps ``before`` said stays with those that are done.
    """
    done = 5 if kind is OperationKind.GO_LIVE else 0
    summary = (Message(COMPLETED_MESSAGE, "information", now),)
    message = {step.id: step.messages for step in before if step.status is StepStatus.COMPLETE and step.messages}
    return tuple(
        Step(id, StepStatus.COMPLETE, message.get(id, summary))
        if number < done
        else Step(id, StepStatus.IN_PROGRESS if number == done else StepStatus.NOT_STARTED)
        for number, id in enumerate(StepId)
    )


def current(steps: Steps) -> Step | None:
    """The step that is under way or waits; ``None`` when all are done."""
    return next((step for step in steps if step.status is not StepStatus.COMPLETE), None)


def after(steps: Steps, result: StepResult, now: int) -> tuple[Steps, OperationState]:
    """The steps and the operation's state once the current step has come to ``result``."""
    step = current(steps)
    if step is None:
        return steps, OperationState.COMPLETED
    match result:
        case Done(texts, warnings):
            summary = _summary(_summary(step, texts, "information", now), warnings, "warning", now)
            summary = _summary(summary, (COMPLETED_MESSAGE,), "information", now)
            changed = _with(steps, replace(summary, status=StepStatus.COMPLETE))
            return _next(changed)
        case Waits(status, text, texts):
            summary = _summary(step, (*texts, text), "information", now)
            return _with(steps, replace(summary, status=status)), OperationState.RUNNING
        case FailedStep(texts, status):
            return _with(steps, replace(_summary(step, texts, "error", now), status=status)), OperationState.FAILED


def _next(steps: Steps) -> tuple[Steps, OperationState]:
    step = current(steps)
    if step is None:
        return steps, OperationState.COMPLETED
    if step.id is StepId.SIGN_OFF:
        return _with(steps, replace(step, status=StepStatus.WAITING_FOR_REVIEW)), OperationState.COMPLETED
    return _with(steps, replace(step, status=StepStatus.IN_PROGRESS)), OperationState.RUNNING


def canceled(steps: Steps, text: str, now: int) -> Steps:
    """The steps of an operation that a person ended."""
    step = current(steps)
    if step is None:
        return steps
    return _with(steps, replace(_summary(step, (text,), "information", now), status=StepStatus.CANCELED))


def _summary(step: Step, texts: Sequence[str], level: Level, now: int) -> Step:
    """The step with these messages; one that waited and goes on tells nothing twice."""
    known = {message.text for message in step.messages}
    new = [Message(text, level, now) for text in texts if text not in known]
    return replace(step, messages=(*step.messages, *new))


def _with(steps: Steps, changed: Step) -> Steps:
    return tuple(changed if step.id is changed.id else step for step in steps)


def missing_for_publication(offer_type_id: str, listing: Listing, *, has_connection: bool) -> tuple[FieldError, ...]:
    """Everything that an offer lacks before it can be published, named at once."""
    found = []
    for name, text, rule in (
        ("title", listing.title, lazy_gettext("customers read it everywhere; at most 200 characters")),
        ("summary", listing.summary, lazy_gettext("one sentence for the list of offers")),
        ("description", listing.description, lazy_gettext("what customers read on the offer's page")),
    ):
        if not text:
            found.append(FieldError(name, lazy_gettext("is missing: %(rule)s", rule=rule)))
    too_long = _("is longer than the %(most)s characters that customers are shown: shorten it")
    for name, most in LONGEST.items():
        if len(getattr(listing, name)) > most:
            found.append(FieldError(name, lazy_gettext(too_long, most=format(most, ","))))
    unknown = [lazy_gettext("%(call)s is none that we know", call=repr(call)) for call in listing.wrong_calls]
    found += [FieldError("callToAction", message) for message in unknown]
    calls = calls_of(offer_type_id, listing.calls_to_action)
    if destination_required(offer_type_id, calls) and not has_connection:
        kind = lazy_gettext("%(type)s offers", type=offer_type(offer_type_id).title)
        why = lazy_gettext("an offer with a test drive") if listing.has_test_drive else kind
        rule = lazy_gettext("%(offer)s must have a lead destination; connect one", offer=why)
        found.append(FieldError("leadDestination", lazy_gettext("is missing: %(rule)s", rule=rule)))
    return tuple(found)
