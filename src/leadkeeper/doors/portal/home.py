"""The first page: all offers, what needs attention; and “why do I not see my lead?”."""

from __future__ import annotations

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.connections.outbox import DAY_MS
from leadkeeper.doors.portal.lines import ends_soon
from leadkeeper.doors.portal.questions import QUESTIONS
from leadkeeper.doors.portal.routes import THEME_COOKIE, THEMES, Places, Routes, connection_address, form_of, to
from leadkeeper.doors.portal.session import Session
from leadkeeper.explain.find import explain
from leadkeeper.inbox.inbox import LeadFilter

_OFFERS: Final = 100
"""How many offers the first page shows at once."""
_BROKEN: Final = 50
"""How many of the connections that need somebody it names."""
_PASTED: Final = 4_000
_YEAR: Final = 31_536_000


class HomePages:
    """``/portal``, ``/portal/find``, ``/portal/help``."""

    def __init__(self, routes: Routes) -> None:
        self._routes = routes
        self._services = routes.services

    def places(self) -> Places:
        """The pages."""
        return [
            ("/portal", self._home, "GET"),
            ("/portal/find", self._find, "POST"),
            ("/portal/help", self._help, "GET"),
            ("/portal/help", self._explain, "POST"),
            ("/portal/theme", self._theme, "POST"),
        ]

    async def _home(self, request: Request, session: Session) -> Response:
        publisher_id, after = session.caller.publisher_id, request.query_params.get("after")
        found = await self._services.catalogue.offers(publisher_id, after, _OFFERS + 1)
        offers, more = found[:_OFFERS], len(found) > _OFFERS
        last = (offers[-1].id if publisher_id is not None else str(offers[-1].ref)) if more else None
        broken = await self._services.connections.troubled(publisher_id, _BROKEN)
        wanted = LeadFilter(publisher_id, state="setAside", to_decide=True)
        aside = await self._services.reading.leads(wanted, limit=10, by=session.caller.name)
        ending = await self._endings(request, publisher_id)
        content: dict[str, Any] = {
            "ending": ending,
            "offers": offers,
            "broken": broken,
            "aside": aside.leads,
            "following": last,
        }
        return self._routes.page(request, "home.html", **content)

    async def _endings(self, request: Request, publisher_id: str | None) -> list[tuple[str, str, str]]:
        """Connections whose credentials end soon: their page, what they are called, and how soon that is."""
        now, language = self._services.clock(), self._routes.language_of(request)
        found = await self._services.connections.ending(publisher_id, _BROKEN)
        return [
            (
                connection_address(each.offer, each.name),
                f"{each.offer}/{each.name}",
                ends_soon((each.ends_at - now) / DAY_MS, language),
            )
            for each in found
        ]

    async def _find(self, request: Request, session: Session) -> Response:
        text = (await form_of(request)).get("text", "")[:200]
        by, whose, language = session.caller.name, session.caller.publisher_id, self._routes.language_of(request)
        found = await self._services.reading.find(text, by=by, publisher_id=whose, language=language)
        return self._routes.page(request, "found.html", found=found, text=text)

    async def _help(self, request: Request, _: Session) -> Response:
        return self._routes.page(request, "help.html", explained=None, every=QUESTIONS)

    async def _explain(self, request: Request, _: Session) -> Response:
        pasted = (await form_of(request)).get("error", "")[:_PASTED]
        services = self._routes.services
        asked = (self._routes.language_of(request), services.languages, services.connections.destinations)
        found = explain(pasted, *asked) if pasted.strip() else ()
        return self._routes.page(request, "help.html", explained=found, every=QUESTIONS)

    async def _theme(self, request: Request, _: Session) -> Response:
        """Light, dark, or as the system has it: kept in the browser alone."""
        chosen = (await form_of(request)).get("theme", "")
        response = to("/portal")
        if chosen in THEMES:
            response.set_cookie(THEME_COOKIE, chosen, max_age=_YEAR, path="/portal", samesite="lax", httponly=True)
        return response
