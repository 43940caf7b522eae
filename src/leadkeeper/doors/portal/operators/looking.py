"""An operator looks at a publisher's pages as its members see them: marked on every page, and without changing any."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.doors.portal.routes import Places, Routes, form_of, to
from leadkeeper.doors.portal.session import Session


class LookingPages:
    """``/portal/look`` and ``/portal/look/end``."""

    def __init__(self, routes: Routes) -> None:
        self._routes = routes
        self._sessions = routes.services.access.sign_ins.sessions

    def places(self) -> Places:
        """The pages."""
        return [("/portal/look", self._look, "POST"), ("/portal/look/end", self._end, "POST")]

    async def _look(self, request: Request, session: Session) -> Response:
        publisher_id = (await form_of(request)).get("publisher", "")
        if not session.caller.is_operator:
            self._routes.refused(session, f"{request.method} {request.url.path[:200]}")
        if not publisher_id or not await self._sessions.look_at(session.open, publisher_id):
            raise HTTPException(404)
        return to("/portal")

    async def _end(self, request: Request, session: Session) -> Response:
        publisher_id = session.caller.publisher_id
        if not await self._sessions.look_at(session.open, None):
            raise HTTPException(404)
        return to(f"/portal/publishers/{publisher_id}/members")
