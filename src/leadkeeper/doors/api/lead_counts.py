"""How many leads stand on each tab of the list."""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, Query

from leadkeeper.doors.api.resource import add
from leadkeeper.doors.api.security import Reader, visible
from leadkeeper.inbox.lists.counted import LeadCounts
from leadkeeper.inbox.reading import Reading
from leadkeeper.offer import OFFER_ID, PUBLISHER_ID
from leadkeeper.texts import lazy_gettext

OfPublisher = Annotated[str | None, Query(alias="publisherId", pattern=PUBLISHER_ID)]
OfOffer = Annotated[str | None, Query(alias="offerId", pattern=OFFER_ID)]


class LeadCountRoutes:
    """``/v1/leads/counts``; served before a lead, whose path is alike."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def serve_on(self, app: FastAPI) -> None:
        """Add the route."""
        summary = "Count the leads that wait, are held, were set aside, or need attention"
        add(app, "GET", "/v1/leads/counts", self.count_leads, tag="Leads", summary=summary)

    async def count_leads(
        self, caller: Reader, publisher_id: OfPublisher = None, offer_id: OfOffer = None
    ) -> LeadCounts:
        """Test leads are left out. An operator counts all, a publisher its own."""
        whose = visible(caller, publisher_id, lazy_gettext("A publisher sees its own leads only."))
        return LeadCounts.of(await self._reading.counts(whose, offer_id))
