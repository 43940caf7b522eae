"""Whether delivered leads are still at their destination, and what is done about those that are not."""

from __future__ import annotations

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import FastAPI
from pydantic import Field

from leadkeeper.doors.api.language import SUMMARY, Asked
from leadkeeper.doors.api.paging import Paged
from leadkeeper.doors.api.resource import add
from leadkeeper.doors.api.schemas import Body
from leadkeeper.doors.api.security import ConnectionName, Offer, Owner
from leadkeeper.problem import ProblemType
from leadkeeper.reconciliation.reconciliation import MOST, Reconciliation
from leadkeeper.reconciliation.views import MissingLeads, MissingSettled, ReconciliationView

_TAG: Final = "Connections"
_ONE: Final = "/v1/publishers/{publisherId}/offers/{offerId}/connections/{name}"


class MissingBody(Body):
    """Which of the missing leads are meant."""

    lead_ids: Annotated[list[UUID], Field(min_length=1, max_length=MOST)] | None = Field(
        None, description="These alone; left out, all that are missing. What is not missing is passed over."
    )

    @property
    def chosen(self) -> list[str] | None:
        """Their ids, or ``None`` for all."""
        return None if self.lead_ids is None else [str(each) for each in self.lead_ids]


class ReconciliationRoutes:
    """``.../connections/{name}/reconciliation`` and ``.../missing-leads``."""

    def __init__(self, reconciliation: Reconciliation) -> None:
        self._reconciliation = reconciliation

    def serve_on(self, app: FastAPI) -> None:
        """Add the routes."""
        unknown = (ProblemType.UNKNOWN_OFFER, ProblemType.UNKNOWN_CONNECTION)
        path, summarized = f"{_ONE}/reconciliation", {200: SUMMARY}
        summary = "Read whether delivered leads are still there"
        add(app, "GET", path, self.get_reconciliation, *unknown, tag=_TAG, summary=summary, responses=summarized)
        summary = "Look whether delivered leads are still there"
        more: dict[str, Any] = {"status": 202, "no_body": True, "responses": {202: SUMMARY}}
        problems = (*unknown, ProblemType.NOT_POSSIBLE_NOW)
        add(app, "POST", path, self.start_reconciliation, *problems, tag=_TAG, summary=summary, **more)
        path = f"{_ONE}/missing-leads"
        summary = "List delivered leads that are not there"
        add(app, "GET", path, self.list_missing_leads, *unknown, tag=_TAG, summary=summary)
        summary = "Send leads that are not there again"
        add(app, "POST", f"{path}/send-again", self.send_missing_leads, *unknown, tag=_TAG, summary=summary)
        summary = "Say that records were removed on purpose"
        add(app, "POST", f"{path}/accept", self.accept_missing_leads, *unknown, tag=_TAG, summary=summary)

    async def get_reconciliation(
        self, offer: Offer, name: ConnectionName, _: Owner, language: Asked
    ) -> ReconciliationView:
        """The last run, or the one under way. Each connection that can be read back has one every day."""
        return await self._reconciliation.report(offer, name, language)

    async def start_reconciliation(
        self, offer: Offer, name: ConnectionName, caller: Owner, language: Asked
    ) -> ReconciliationView:
        """Begins within seconds, or goes on where one is under way; ask by GET how far it is.

        409 where the destination cannot be asked with these settings. Nothing is written there.
        """
        return await self._reconciliation.ask(offer, name, by=caller.name, language=language)

    async def list_missing_leads(self, offer: Offer, name: ConnectionName, _: Owner, page: Paged) -> MissingLeads:
        """In the order in which they came: what was removed there, or never arrived although it was confirmed.

        What people changed, merged or converted there is not missing.
        """
        return await self._reconciliation.missing(offer, name, after=page.cursor or "", limit=page.limit)

    async def send_missing_leads(
        self, offer: Offer, name: ConnectionName, body: MissingBody, caller: Owner
    ) -> MissingSettled:
        """Those named, or all; no other lead. They go out at once, as if they had just come."""
        return await self._reconciliation.send_again(offer, name, body.chosen, by=caller.name)

    async def accept_missing_leads(
        self, offer: Offer, name: ConnectionName, body: MissingBody, caller: Owner
    ) -> MissingSettled:
        """Those named, or all: they are not listed any more, and stay as they are."""
        return await self._reconciliation.accept(offer, name, body.chosen, by=caller.name)
