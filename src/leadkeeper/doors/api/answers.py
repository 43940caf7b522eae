"""What people ask: why they do not see a lead, and what it will cost."""

from __future__ import annotations

from fastapi import FastAPI
from pydantic import Field

from leadkeeper.doors.api.language import SUMMARY, Asked
from leadkeeper.doors.api.resource import add
from leadkeeper.doors.api.schemas import Body, Name
from leadkeeper.doors.api.security import Offer, Owner, Reader
from leadkeeper.inbox.cost import CostEstimate, Costs
from leadkeeper.inbox.reading import Reading
from leadkeeper.inbox.trace import Traced
from leadkeeper.problem import ProblemType


class FindBody(Body):
    """What is looked for: in a body, since an address in a URL would stand in logs."""

    text: Name = Field(
        description="An e-mail address, a test lead's marker, a lead's id, or an offer.", examples=["ada@contoso.com"]
    )


class Answers:
    """``/v1/find`` and ``.../cost``."""

    def __init__(self, reading: Reading, costs: Costs) -> None:
        self._reading = reading
        self._costs = costs

    def serve_on(self, app: FastAPI) -> None:
        """Add the routes."""
        summary = "Learn what became of a lead"
        add(app, "POST", "/v1/find", self.find_leads, tag="Leads", summary=summary, responses={200: SUMMARY})
        path = "/v1/publishers/{publisherId}/offers/{offerId}/cost"
        summary = "Estimate what an offer's leads cost"
        add(app, "GET", path, self.get_cost, ProblemType.UNKNOWN_OFFER, tag="Publishers and offers", summary=summary)

    async def find_leads(self, body: FindBody, caller: Reader, language: Asked) -> Traced:
        """In plain words, with what to do; where nothing fits, why that may be. A publisher finds its own."""
        whose = caller.publisher_id
        return await self._reading.find(body.text, by=caller.name, publisher_id=whose, language=language)

    async def get_cost(self, offer: Offer, _: Owner, language: Asked) -> CostEstimate:
        """From its leads of the last 30 days, where anything is known of what a destination costs."""
        return await self._costs.of(offer, language)
