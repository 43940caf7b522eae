"""Reading what needs attention, and how soon somebody turns to customers."""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, Query

from leadkeeper.clock import Clock
from leadkeeper.doors.api.language import SUMMARY, Asked
from leadkeeper.doors.api.resource import add
from leadkeeper.doors.api.security import Offer, Owner, PublisherId, Reader, visible
from leadkeeper.inbox.attention.attention import Attention
from leadkeeper.inbox.follow_up.punctuality import Punctuality, PunctualityView
from leadkeeper.inbox.withheld import WithheldSeen
from leadkeeper.offer import PUBLISHER_ID
from leadkeeper.problem import ProblemType
from leadkeeper.texts import lazy_gettext
from leadkeeper.views import AttentionList

AskedPublisher = Annotated[str | None, Query(alias="publisherId", pattern=PUBLISHER_ID)]


class AttentionRoutes:
    """``/v1/attention`` and ``/v1/punctuality``."""

    def __init__(self, attention: Attention, punctuality: Punctuality, clock: Clock) -> None:
        self._attention = attention
        self._punctuality = punctuality
        self._clock = clock

    def serve_on(self, app: FastAPI) -> None:
        """Add the routes."""
        summary = "List what needs attention, most harmful first"
        add(
            app, "GET", "/v1/attention", self.list_attention, tag="Attention", summary=summary, responses={200: SUMMARY}
        )

        path, unknown = "/v1/publishers/{publisherId}/withheld-seen", ProblemType.UNKNOWN_PUBLISHER
        summary = "Say that somebody has seen how many leads were withheld"
        add(app, "POST", path, self.see_withheld, unknown, tag="Attention", summary=summary, no_body=True)

        summary = "Read to how many leads somebody turned in time"
        add(app, "GET", "/v1/punctuality", self.get_punctuality, tag="Attention", summary=summary)
        path, unknown = "/v1/publishers/{publisherId}/offers/{offerId}/punctuality", ProblemType.UNKNOWN_OFFER
        summary = "Read to how many of an offer's leads somebody turned in time"
        add(app, "GET", path, self.get_offer_s, unknown, tag="Attention", summary=summary)

    async def get_punctuality(self, caller: Reader, publisher_id: AskedPublisher = None) -> PunctualityView:
        """Of the leads of 30 days: of a publisher, or of all. A publisher sees its own only."""
        rule = lazy_gettext("A publisher sees only how soon somebody turned to its own leads.")
        return await self._punctuality.of(visible(caller, publisher_id, rule))

    async def get_offer_s(self, offer: Offer, _: Owner) -> PunctualityView:
        """Of its leads of 30 days."""
        return await self._punctuality.of(offer.publisher_id, offer.offer_id)

    async def see_withheld(self, publisher_id: PublisherId, caller: Owner) -> WithheldSeen:
        """They stand no more among what needs attention; leads that are withheld from now on do."""
        return await self._attention.see_withheld(publisher_id, self._clock(), by=caller.name)

    async def list_attention(
        self, caller: Reader, language: Asked, publisher_id: AskedPublisher = None
    ) -> AttentionList:
        """One entry for each cause: since when, how many leads, who must act. A publisher sees its own only."""
        rule = lazy_gettext("A publisher sees only what needs its own attention.")
        return await self._attention.list(visible(caller, publisher_id, rule), self._clock(), language)
