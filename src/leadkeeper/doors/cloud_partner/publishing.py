"""Publishing as Cloud Partner Portal tells it.

Source: ``docs/reference/vendors/marketplace.md#cloud-partner-portal-api``.
"""

from __future__ import annotations

import html
import re
from typing import Annotated, Any, Final

from fastapi import FastAPI, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from leadkeeper.clock import to_text
from leadkeeper.doors.cloud_partner.callers import Offer, Owner
from leadkeeper.doors.cloud_partner.errors import API_VERSION, ERRORS, invalid_field
from leadkeeper.doors.cloud_partner.offers import TAG
from leadkeeper.mail.address import parse_address
from leadkeeper.offer import OfferRef
from leadkeeper.problem import FieldError
from leadkeeper.publishing.operations import Operation
from leadkeeper.publishing.publication import Publication, Publishing
from leadkeeper.publishing.steps import STEP_TEXTS, OperationState, Step, first_steps
from leadkeeper.publishing.steps import OperationKind as Kind
from leadkeeper.publishing.versions import Offer as StoredOffer
from leadkeeper.texts import lazy_gettext

_OFFER: Final = "/api/publishers/{publisherId}/offers/{offerId}"


class Metadata(BaseModel):
    """What goes with a publishing."""

    model_config = ConfigDict(extra="ignore")

    notification_emails: str | None = Field(
        None, alias="notification-emails", max_length=2000, examples=["ops@contoso.com,sales@contoso.com"]
    )


class PublishBody(BaseModel):
    """Who hears how it goes."""

    model_config = ConfigDict(extra="ignore")

    metadata: Metadata | None = None

    def emails(self) -> list[str]:
        """The addresses. Raises :class:`Problem` for one that is none."""
        text = "" if self.metadata is None else self.metadata.notification_emails or ""
        found = [part.strip() for part in re.split(r"[,;]", text) if part.strip()]
        try:
            return [parse_address(one).shown for one in found]
        except ValueError:
            rule = lazy_gettext("holds what is no e-mail address")
            raise invalid_field(FieldError("metadata.notification-emails", rule)) from None


class MessageView(BaseModel):
    """Something to tell of a step, as HTML."""

    messageHtml: str
    level: str
    timestamp: str


class StepView(BaseModel):
    """A step of publishing."""

    estimatedTimeFrame: str
    id: str
    stepName: str
    description: str
    status: str
    messages: list[MessageView]
    progressPercentage: int


class StatusView(BaseModel):
    """How publishing stands, or an operation."""

    status: str
    messages: list[MessageView]
    publishingVersion: int
    offerVersion: int
    cancellationRequestState: str
    steps: list[StepView]
    previewLinks: list[str]
    liveLinks: list[str]
    notificationEmails: str


class OperationStatus(StatusView):
    """An operation."""

    id: str
    submissionType: str
    slot: str


class Emails(BaseModel):
    """Who hears of an operation."""

    emails: str


class OperationDefinition(BaseModel):
    """What an operation was begun with."""

    metadata: Emails


class SubmissionView(BaseModel):
    """An operation in a list."""

    id: str
    offerId: str
    offerVersion: int
    offerTypeId: str
    publisherId: str
    submissionType: str
    submissionState: str
    publishingVersion: int
    slot: str
    version: int
    definition: OperationDefinition
    changedTime: str


class PublishingRoutes:
    """``.../publish`` and what belongs to it."""

    def __init__(self, publication: Publication, base_url: str) -> None:
        self._publication = publication
        self._base_url = base_url

    def serve_on(self, app: FastAPI) -> None:
        """Add the routes."""
        more: dict[str, Any] = {"tags": [TAG], "responses": ERRORS}
        path = f"{_OFFER}/status"
        app.add_api_route(path, self.get_status, methods=["GET"], summary="See how publishing stands", **more)
        path, begun = f"{_OFFER}/publish", "Begun; Operation-Location tells where to watch."
        begins: dict[str, Any] = {**more, "status_code": 202, "response_description": begun}
        app.add_api_route(path, self.publish, methods=["POST"], summary="Publish an offer", **begins)
        path = f"{_OFFER}/golive"
        app.add_api_route(path, self.go_live, methods=["POST"], summary="Go live with the preview", **begins)
        path = f"{_OFFER}/cancel"
        app.add_api_route(path, self.cancel, methods=["POST"], summary="Cancel the operation under way", **more)
        for path, shown in ((f"{_OFFER}/submissions", True), (f"{_OFFER}/submissions/", False)):
            summary, more["include_in_schema"] = "List operations", shown
            app.add_api_route(path, self.list_submissions, methods=["GET"], summary=summary, **more)
        more["include_in_schema"] = True
        path = f"{_OFFER}/operations"
        app.add_api_route(path, self.list_operations, methods=["GET"], summary="List operations", **more)
        path = f"{_OFFER}/operations/{{operationId}}"
        app.add_api_route(path, self.get_operation, methods=["GET"], summary="Watch an operation", **more)

    async def get_status(self, offer: Offer, _: Owner) -> StatusView:
        """The newest operation's steps, or those that are to come."""
        return self._status(await self._publication.status(offer))

    async def publish(self, offer: Offer, caller: Owner, body: PublishBody | None = None) -> Response:
        """The draft as it stands now, to its preview. 422 names everything that is missing."""
        emails = [] if body is None else body.emails()
        return _begun(await self._publication.publish(offer, emails=emails, by=caller.name, trusted=caller.is_operator))

    async def go_live(self, offer: Offer, caller: Owner) -> Response:
        """Customers see the preview's version. Who heard of the preview hears of it."""
        return _begun(await self._publication.go_live(offer, by=caller.name))

    async def cancel(self, offer: Offer, caller: Owner, body: PublishBody | None = None) -> OperationStatus:
        """Done at once. What is live stays live; a preview that waits is withdrawn."""
        operation = await self._publication.cancel(offer, by=caller.name)
        return self._operation((await self._publication.status(offer)).offer, operation)

    async def list_submissions(
        self,
        offer: Offer,
        _: Owner,
        status: Annotated[str | None, Query(examples=["running"], max_length=50)] = None,
    ) -> list[SubmissionView]:
        """With `status=running` those under way."""
        found = await self._publication.operations(offer, running=(status or "").casefold() == "running")
        kind = (await self._publication.status(offer)).offer.offer_type
        return [_submission(operation, kind) for operation in found]

    async def list_operations(self, offer: Offer, caller: Owner) -> list[SubmissionView]:
        """Newest first."""
        return await self.list_submissions(offer, caller)

    async def get_operation(
        self, offer: Offer, operation_id: Annotated[str, Path(alias="operationId", max_length=64)], _: Owner
    ) -> OperationStatus:
        """With its steps and what they tell."""
        operation = await self._publication.operation(offer, operation_id)
        return self._operation((await self._publication.status(offer)).offer, operation)

    def _status(self, found: Publishing) -> StatusView:
        operation = found.operation
        return StatusView(
            status=found.status,
            messages=[],
            publishingVersion=found.offer.draft_version if operation is None else operation.version,
            offerVersion=found.offer.draft_version if operation is None else operation.version,
            cancellationRequestState="canCancel" if found.can_cancel else "none",
            steps=[_step(step) for step in (_to_come() if operation is None else operation.steps)],
            previewLinks=self._preview_links(found.offer),
            liveLinks=self._live_links(found.offer),
            notificationEmails="" if operation is None else ",".join(operation.emails),
        )

    def _operation(self, offer: StoredOffer, operation: Operation) -> OperationStatus:
        running = operation.state is OperationState.RUNNING
        return OperationStatus(
            id=operation.id,
            submissionType=_kind(operation),
            slot=_slot(operation),
            status=operation.state,
            messages=[],
            publishingVersion=operation.version,
            offerVersion=operation.version,
            cancellationRequestState="canCancel" if running else "none",
            steps=[_step(step) for step in operation.steps],
            previewLinks=self._preview_links(offer),
            liveLinks=self._live_links(offer),
            notificationEmails=",".join(operation.emails),
        )

    def _preview_links(self, offer: StoredOffer) -> list[str]:
        return [f"{self._page(offer)}?preview={offer.preview_key}"] if offer.preview_version is not None else []

    def _live_links(self, offer: StoredOffer) -> list[str]:
        return [self._page(offer)] if offer.is_published and offer.live else []

    def _page(self, offer: StoredOffer) -> str:
        return f"{self._base_url}/store/offers/{offer.publisher_id}/{offer.id}"


def _to_come() -> tuple[Step, ...]:
    return tuple(Step(step.id) for step in first_steps(Kind.PUBLISH, 0))


def _step(step: Step) -> StepView:
    text = STEP_TEXTS[step.id]
    return StepView(
        estimatedTimeFrame=text.estimate,
        id=step.id.value,
        stepName=text.name,
        description=text.description,
        status=step.status.value,
        messages=[
            MessageView(
                messageHtml="<br>".join(html.escape(line) for line in message.text.splitlines()),
                level=message.level,
                timestamp=to_text(message.at),
            )
            for message in step.messages
        ],
        progressPercentage=step.progress,
    )


def _kind(operation: Operation) -> str:
    return "publish" if operation.kind is Kind.PUBLISH else "GoLive"


def _slot(operation: Operation) -> str:
    return "staging" if operation.kind is Kind.PUBLISH else "production"


def _submission(operation: Operation, offer_type: str) -> SubmissionView:
    return SubmissionView(
        id=operation.id,
        offerId=operation.offer.offer_id,
        offerVersion=operation.version,
        offerTypeId=offer_type,
        publisherId=operation.offer.publisher_id,
        submissionType=_kind(operation),
        submissionState=operation.state.value,
        publishingVersion=operation.version,
        slot=_slot(operation),
        version=operation.version,
        definition=OperationDefinition(metadata=Emails(emails=",".join(operation.emails))),
        changedTime=to_text(operation.changed_at),
    )


def _begun(operation: Operation) -> Response:
    """As the portal answers: no body, and where to watch."""
    place = operation_path(operation.offer, operation.id)
    return Response(status_code=202, headers={"Operation-Location": place, "Location": place})


def operation_path(offer: OfferRef, operation_id: str) -> str:
    """Where an operation is watched."""
    at = f"/api/publishers/{offer.publisher_id}/offers/{offer.offer_id}/operations/{operation_id}"
    return f"{at}?api-version={API_VERSION}"
