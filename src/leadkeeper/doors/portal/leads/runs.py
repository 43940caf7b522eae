"""How far an act on all leads that fit has come: a page that moves while somebody looks, and needs nobody to look."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.doors.portal.routes import Places, Routes, to
from leadkeeper.doors.portal.session import Session
from leadkeeper.inbox.lists.acting import BulkRunView

RUNS: Final = "/portal/leads/runs"
_ONE: Final = RUNS + "/{run_id}"


class BulkRunPages:
    """``/portal/leads/runs/<id>``."""

    def __init__(self, routes: Routes) -> None:
        self._routes = routes
        self._runs = routes.services.leads.bulk_runs

    def places(self) -> Places:
        """The page, the part of it that moves, and the form that stops the run."""
        return [
            (_ONE, self._page, "GET"),
            (_ONE + "/progress", self._progress, "GET"),
            (_ONE + "/stop", self._stop, "POST"),
        ]

    async def _page(self, request: Request, session: Session) -> Response:
        return self._routes.page(request, "run.html", run=await self._run(request, session))

    async def _progress(self, request: Request, session: Session) -> Response:
        return self._routes.page(request, "_run.html", run=await self._run(request, session))

    async def _stop(self, request: Request, session: Session) -> Response:
        run = await self._run(request, session)
        await self._runs.stop(run.id, by=session.caller.name, publisher_id=session.caller.publisher_id)
        return to(f"{RUNS}/{quote(run.id)}")

    async def _run(self, request: Request, session: Session) -> BulkRunView:
        """The run that the address names. Raises ``HTTPException`` for another's, as if it were not there."""
        run_id, language = request.path_params["run_id"], self._routes.language_of(request)
        found = await self._runs.find(run_id, session.caller.publisher_id, language)
        if found is None:
            if session.caller.publisher_id and await self._runs.find(run_id, None) is not None:
                self._routes.refused(session, f"{request.method} {request.url.path[:200]}")
            raise HTTPException(404)
        return found
