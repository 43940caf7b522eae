"""A publisher's pages in a page of the operator's own site: a link that is good once begins a session in a frame."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from leadkeeper.doors.portal.people.outside import Outside, after_of
from leadkeeper.doors.portal.routes import Routes
from leadkeeper.doors.portal.session import Door
from leadkeeper.texts import lazy_gettext as _


class EmbeddingPages:
    """``/portal/embedded/{token}``: what a frame's address is at first."""

    def __init__(self, routes: Routes, door: Door, outside: Outside) -> None:
        self._routes = routes
        self._door = door
        self._outside = outside

    def routes(self) -> list[Route]:
        """The page."""
        return [Route("/portal/embedded/{token}", self._outside.page(self._open))]

    async def _open(self, request: Request) -> Response:
        begun = await self._routes.services.access.portal_links.open(
            request.path_params["token"], self._door.place_of(request)
        )
        if begun is None:
            return self.over(request, 404)
        response = RedirectResponse(after_of(request), 303, {"Cache-Control": "no-store"})
        self._door.let_into_frame(begun, response)
        return response

    def over(self, request: Request, status: int = 401) -> Response:
        """Instead of a sign-in page, which no frame may show."""
        request.state.in_frame = True
        message = _("The time of this page is over. Load the page around it again to go on.")
        return self._routes.message(request, status, message, title=_("Load the page again"))
