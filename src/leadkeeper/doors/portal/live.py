"""What moves by itself: a stream of server-sent events for each page that is open, which only say that something moved.

The page then asks for the part that shows it, so that a stream carries no data. Streams are bounded for a session,
for a publisher and for the process; a tab that is closed frees its place. What many pages of one offer wait for is
looked at once.
"""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from leadkeeper.doors.pages import SAFE_HEADERS
from leadkeeper.doors.portal.movements import CausesOf, LeadsOf, Shown
from leadkeeper.doors.portal.routes import OFFER, Places, Routes
from leadkeeper.doors.portal.session import Session
from leadkeeper.storage.engine import StorageAway

BY_ITSELF: Final = ("/events", "/publishing/steps", "/lines", "/progress", "/arrived", "/portal/now")
"""The ends of addresses that pages ask for by themselves: no act of whoever is signed in."""
_HEADERS: Final = {
    **SAFE_HEADERS,
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # a proxy in front hands each event on at once
}


class LivePages:
    """``.../events``."""

    def __init__(self, routes: Routes) -> None:
        self._routes = routes

    def places(self) -> Places:
        """The pages."""
        return [
            (OFFER + "/events", self._events, "GET"),
            ("/portal/leads/events", self._of_leads, "GET"),
            ("/portal/events", self._of_causes, "GET"),
        ]

    async def _events(self, request: Request, session: Session) -> Response:
        ref = self._routes.offer_of(request, session)
        await self._routes.services.offers.catalogue.offer(ref)
        return await self._stream(request, session, ref)

    async def _of_leads(self, request: Request, session: Session) -> Response:
        return await self._stream(request, session, LeadsOf(session.caller.publisher_id))

    async def _of_causes(self, request: Request, session: Session) -> Response:
        return await self._stream(request, session, CausesOf(session.caller.publisher_id))

    async def _stream(self, request: Request, session: Session, shown: Shown) -> Response:
        movements = self._routes.movements
        who = session.caller.publisher_id or ""
        if not movements.enter(who, session.form_token):
            return Response(status_code=503, headers=_HEADERS | {"Retry-After": "30"})
        seen = request.headers.get("last-event-id") or request.query_params.get("seen")

        async def lines() -> AsyncIterator[str]:
            try:
                yield "retry: 3000\n\n"
                async for name, now in movements.events(shown, seen, self._routes.ending):
                    yield f"event: {name}\nid: {now}\ndata: {now}\n\n" if name else ":\n\n"
            except StorageAway:
                return  # the browser asks again

        return EventStream(lines(), functools.partial(movements.leave, who, session.form_token))


class EventStream(StreamingResponse):
    """Ends what it streams when the other side has gone, at once, and says so with ``ended``.

    Not what it streams does that: where the other side goes before the first line, it never begins.
    """

    def __init__(self, lines: AsyncIterator[str], ended: Callable[[], None]) -> None:
        super().__init__(lines, headers=_HEADERS, media_type="text/event-stream")
        self._ended = ended

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._ended()
            close = getattr(self.body_iterator, "aclose", None)
            if close is not None:
                await close()
