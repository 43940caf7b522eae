"""Publishing an offer: begin, look, approve, go live, cancel."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import FastAPI, Path
from pydantic import Field

from leadkeeper.clock import to_text
from leadkeeper.doors.api.resource import add
from leadkeeper.doors.api.schemas import Body, Text
from leadkeeper.doors.api.security import Offer, Operator, Owner
from leadkeeper.json_types import Flag
from leadkeeper.mail.address import ContactEmail
from leadkeeper.problem import ProblemType
from leadkeeper.publishing.operations import Operation
from leadkeeper.publishing.publication import Publication
from leadkeeper.publishing.steps import STEP_TEXTS, OfferStatus, OperationKind, OperationState, Step, StepStatus
from leadkeeper.views import View

_TAG: Final = "Publishing"
_OFFER: Final = "/v1/publishers/{publisherId}/offers/{offerId}"


class MessageView(View):
    """Something to tell of a step."""

    text: str = Field(description="Several lines; a failed step names the cause, who acts, and the steps.")
    level: str = Field(description="information, warning or error.")
    at: str


class StepView(View):
    """One step of publishing."""

    id: str
    name: str
    description: str
    estimate: str
    status: StepStatus
    progress: int = Field(description="In percent.")
    messages: tuple[MessageView, ...]

    @classmethod
    def of(cls, step: Step) -> StepView:
        """The view of a step."""
        text = STEP_TEXTS[step.id]
        summary = tuple(MessageView(text=m.text, level=m.level, at=to_text(m.at)) for m in step.messages)
        return cls(
            id=step.id.value,
            name=text.name,
            description=text.description,
            estimate=text.estimate,
            status=step.status,
            progress=step.progress,
            messages=summary,
        )


class OperationView(View):
    """A version of the offer on its way: to its preview (publish), or to customers (goLive)."""

    id: str
    kind: OperationKind
    version: int
    state: OperationState = Field(description="A publish has completed when its preview waits for you to go live.")
    steps: tuple[StepView, ...]
    notification_emails: tuple[str, ...]
    started_by: str
    created_time: str
    changed_time: str

    @classmethod
    def of(cls, operation: Operation) -> OperationView:
        """The view of an operation."""
        return cls(
            id=operation.id,
            kind=operation.kind,
            version=operation.version,
            state=operation.state,
            steps=tuple(StepView.of(step) for step in operation.steps),
            notification_emails=operation.emails,
            started_by=operation.started_by,
            created_time=to_text(operation.created_at),
            changed_time=to_text(operation.changed_at),
        )


class OperationList(View):
    """Operations, newest first."""

    operations: tuple[OperationView, ...]


class PublishingView(View):
    """How the offer's publishing stands."""

    status: OfferStatus
    draft_version: int
    preview_version: int | None
    production_version: int | None
    preview_link: str | None = Field(description="Whoever has it sees the preview.")
    live_link: str | None
    operation: OperationView | None = Field(description="The newest operation.")


class PublishBody(Body):
    """Who hears of it."""

    notification_emails: list[ContactEmail] = Field(
        default_factory=list, max_length=50, description="Told when the preview is ready, it failed, or it is live."
    )


class CertificationBody(Body):
    """The operator's word on an offer."""

    approved: Flag
    message: Text = Field("", max_length=2000, description="What the publisher is told; a refusal needs it.")


OperationId = Annotated[str, Path(alias="operationId", max_length=64)]


class PublishingRoutes:
    """``.../publish`` and what belongs to it."""

    def __init__(self, publication: Publication, base_url: str) -> None:
        self._publication = publication
        self._base_url = base_url

    def serve_on(self, app: FastAPI) -> None:
        """Add the routes."""
        p = ProblemType
        offer, running, not_now = p.UNKNOWN_OFFER, p.OPERATION_RUNNING, p.NOT_POSSIBLE_NOW
        summary = "Publish an offer's draft: to its preview"
        problems: tuple[ProblemType, ...] = (offer, running, p.NOT_PUBLISHABLE, p.RECORD_DAMAGED)
        add(app, "POST", f"{_OFFER}/publish", self.publish_offer, *problems, tag=_TAG, summary=summary, status=202)
        summary = "Go live with the preview"
        more: dict[str, Any] = {"status": 202, "no_body": True}
        add(app, "POST", f"{_OFFER}/golive", self.go_live, offer, running, not_now, tag=_TAG, summary=summary, **more)
        summary = "Cancel the operation, or withdraw the preview"
        path = f"{_OFFER}/cancel"
        add(app, "POST", path, self.cancel_publishing, offer, not_now, tag=_TAG, summary=summary, no_body=True)
        summary = "Approve an offer, or refuse it"
        path = f"{_OFFER}/certification"
        add(app, "POST", path, self.certify_offer, offer, not_now, tag=_TAG, summary=summary)
        summary = "See how an offer's publishing stands"
        add(app, "GET", f"{_OFFER}/status", self.get_status, offer, tag=_TAG, summary=summary)
        summary = "List an offer's operations"
        add(app, "GET", f"{_OFFER}/operations", self.list_operations, offer, tag=_TAG, summary=summary)
        path, unknown = f"{_OFFER}/operations/{{operationId}}", p.UNKNOWN_OPERATION
        add(app, "GET", path, self.get_operation, offer, unknown, tag=_TAG, summary="Read an operation")

    async def publish_offer(self, offer: Offer, body: PublishBody, caller: Owner) -> OperationView:
        """The draft as it stands now. Refused with everything that is missing; otherwise watch the operation."""
        begun = await self._publication.publish(
            offer, emails=body.notification_emails, by=caller.name, trusted=caller.is_operator
        )
        return OperationView.of(begun)

    async def go_live(self, offer: Offer, caller: Owner) -> OperationView:
        """Customers see the preview's version once every connection is proven. Who heard of the preview hears of it."""
        return OperationView.of(await self._publication.go_live(offer, by=caller.name))

    async def cancel_publishing(self, offer: Offer, caller: Owner) -> OperationView:
        """What is live stays live."""
        return OperationView.of(await self._publication.cancel(offer, by=caller.name))

    async def certify_offer(self, offer: Offer, body: CertificationBody, caller: Operator) -> OperationView:
        """For an operator, where `LEADKEEPER_CERTIFICATION=operator`."""
        done = await self._publication.certify(offer, approved=body.approved, message=body.message, by=caller.name)
        return OperationView.of(done)

    async def get_status(self, offer: Offer, _: Owner) -> PublishingView:
        """The status, the slots, and the newest operation with its steps."""
        found = await self._publication.status(offer)
        shown = f"{self._base_url}/store/offers/{offer.publisher_id}/{offer.offer_id}"
        is_shown = found.offer.live and found.offer.is_published
        return PublishingView(
            status=found.status,
            draft_version=found.offer.draft_version,
            preview_version=found.offer.preview_version,
            production_version=found.offer.production_version,
            preview_link=None if found.offer.preview_version is None else f"{shown}?preview={found.offer.preview_key}",
            live_link=shown if is_shown else None,
            operation=None if found.operation is None else OperationView.of(found.operation),
        )

    async def list_operations(self, offer: Offer, _: Owner, running: bool = False) -> OperationList:
        """Newest first; with `running` those under way."""
        found = await self._publication.operations(offer, running=running)
        return OperationList(operations=tuple(OperationView.of(operation) for operation in found))

    async def get_operation(self, offer: Offer, operation_id: OperationId, _: Owner) -> OperationView:
        """With its steps and what they tell."""
        return OperationView.of(await self._publication.operation(offer, operation_id))
