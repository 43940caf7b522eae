"""Publishing an offer: its six steps as they happen, and the buttons."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.doors.portal.desk import OFFER, Desk, Places, offer_address, to
from leadkeeper.doors.portal.session import Session
from leadkeeper.publishing.steps import STEP_TEXTS


class PublishingPages:
    """``.../publishing``."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._rooms = desk.rooms

    def places(self) -> Places:
        """The pages."""
        return [
            (OFFER + "/publishing", self._show, "GET"),
            (OFFER + "/publishing/steps", self._steps, "GET"),
            (OFFER + "/publish", self._publish, "POST"),
            (OFFER + "/golive", self._go_live, "POST"),
            (OFFER + "/cancel", self._cancel, "POST"),
        ]

    async def _show(self, request: Request, session: Session) -> Response:
        return await self._page(request, session, "publishing.html")

    async def _steps(self, request: Request, session: Session) -> Response:
        """What moves by itself: a page asks for this part again while an operation runs."""
        return await self._page(request, session, "_publishing.html")

    async def _page(self, request: Request, session: Session, template: str) -> Response:
        ref = self._desk.offer_of(request, session)
        missing = await self._rooms.publication.missing(ref)
        return await self._desk.offer_page(request, ref, template, "publishing", missing=missing, texts=STEP_TEXTS)

    async def _publish(self, request: Request, session: Session) -> Response:
        ref = self._desk.offer_of(request, session)
        await self._rooms.publication.publish(ref, by=session.caller.name)
        return to(f"{offer_address(ref)}/publishing")

    async def _go_live(self, request: Request, session: Session) -> Response:
        ref = self._desk.offer_of(request, session)
        await self._rooms.publication.go_live(ref, by=session.caller.name)
        return to(f"{offer_address(ref)}/publishing")

    async def _cancel(self, request: Request, session: Session) -> Response:
        ref = self._desk.offer_of(request, session)
        await self._rooms.publication.cancel(ref, by=session.caller.name)
        return to(f"{offer_address(ref)}/publishing")
