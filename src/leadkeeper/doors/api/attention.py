"""Reading what needs attention."""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, Query

from leadkeeper.clock import Clock
from leadkeeper.doors.api.language import SUMMARY, Asked
from leadkeeper.doors.api.resource import add
from leadkeeper.doors.api.security import Reader, visible
from leadkeeper.inbox.attention import Attention
from leadkeeper.offer import PUBLISHER_ID
from leadkeeper.texts import lazy_gettext
from leadkeeper.views import AttentionList

AskedPublisher = Annotated[str | None, Query(alias="publisherId", pattern=PUBLISHER_ID)]


class AttentionRoutes:
    """``/v1/attention``."""

    def __init__(self, attention: Attention, clock: Clock) -> None:
        self._attention = attention
        self._clock = clock

    def serve_on(self, app: FastAPI) -> None:
        """Add the route."""
        summary = "List what needs attention, most harmful first"
        add(
            app, "GET", "/v1/attention", self.list_attention, tag="Attention", summary=summary, responses={200: SUMMARY}
        )

    async def list_attention(
        self, caller: Reader, language: Asked, publisher_id: AskedPublisher = None
    ) -> AttentionList:
        """One entry for each cause: since when, how many leads, who must act. A publisher sees its own only."""
        rule = lazy_gettext("A publisher sees only what needs its own attention.")
        return await self._attention.list(visible(caller, publisher_id, rule), self._clock(), language)
