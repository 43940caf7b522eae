"""Reading what needs attention, and how soon somebody turns to customers."""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, Query

from leadkeeper.clock import Clock
from leadkeeper.doors.api.language import SUMMARY, Asked
from leadkeeper.doors.api.resource import add
from leadkeeper.doors.api.security import Reader, visible
from leadkeeper.inbox.attention import Attention
from leadkeeper.inbox.punctuality import Punctuality, PunctualityView
from leadkeeper.offer import OFFER_ID, PUBLISHER_ID
from leadkeeper.problem import FieldError, Problem, ProblemType
from leadkeeper.texts import join_lazily, lazy_gettext
from leadkeeper.views import AttentionList

AskedPublisher = Annotated[str | None, Query(alias="publisherId", pattern=PUBLISHER_ID)]
AskedOffer = Annotated[str | None, Query(alias="offerId", pattern=OFFER_ID)]


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

        summary = "Read to how many leads somebody turned in time"
        add(
            app,
            "GET",
            "/v1/punctuality",
            self.get_punctuality,
            ProblemType.UNKNOWN_OFFER,
            tag="Attention",
            summary=summary,
        )

    async def get_punctuality(
        self, caller: Reader, publisher_id: AskedPublisher = None, offer_id: AskedOffer = None
    ) -> PunctualityView:
        """Of the leads of 30 days: of one offer, of a publisher, or of all. A publisher sees its own only."""
        rule = lazy_gettext("A publisher sees only how soon somebody turned to its own leads.")
        whose = visible(caller, publisher_id, rule)
        if offer_id is not None and whose is None:
            error = FieldError("publisherId", lazy_gettext("is missing: say whose offer it is"))
            raise Problem(ProblemType.INVALID_REQUEST, join_lazily((error.field, error.message)), (error,))
        return await self._punctuality.of(whose, offer_id)

    async def list_attention(
        self, caller: Reader, language: Asked, publisher_id: AskedPublisher = None
    ) -> AttentionList:
        """One entry for each cause: since when, how many leads, who must act. A publisher sees its own only."""
        rule = lazy_gettext("A publisher sees only what needs its own attention.")
        return await self._attention.list(visible(caller, publisher_id, rule), self._clock(), language)
