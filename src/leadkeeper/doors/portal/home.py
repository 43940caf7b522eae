"""The first page: what needs attention, figures, all offers; and “why do I not see my lead?”."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.connections.standing import ConnectionStanding
from leadkeeper.doors.portal.overview import (
    HEIGHT,
    STATES,
    WIDTH,
    chart,
    ends_text,
    leads_waiting,
    need,
    tiles,
    touched_words,
)
from leadkeeper.doors.portal.questions import every_question
from leadkeeper.doors.portal.routes import THEME_COOKIE, THEMES, Places, Routes, form_of, to
from leadkeeper.doors.portal.session import Session
from leadkeeper.explain.find import explain
from leadkeeper.inbox.attention.attention import mark_of
from leadkeeper.inbox.oversight.figures import overview
from leadkeeper.offer import OfferRef

_OFFERS: Final = 100
"""How many offers the first page shows at once."""
_NEEDS: Final = 50
"""How many causes it names."""
_PASTED: Final = 4_000
_YEAR: Final = 31_536_000


async def _nothing() -> dict[str, Any]:
    """What stands above the offers on the pages behind the first."""
    return {}


class HomePages:
    """``/portal``, ``/portal/find``, ``/portal/help``."""

    def __init__(self, routes: Routes) -> None:
        self._routes = routes
        self._services = routes.services
        self._questions = every_question(routes.services.connections.destinations)

    def places(self) -> Places:
        """The pages."""
        return [
            ("/portal", self._home, "GET"),
            ("/portal/now", self._now, "GET"),
            ("/portal/find", self._find, "POST"),
            ("/portal/help", self._help, "GET"),
            ("/portal/help", self._explain, "POST"),
            ("/portal/theme", self._theme, "POST"),
            ("/portal/publishers/{publisher_id}/withheld-seen", self._withheld_seen, "POST"),
        ]

    async def _home(self, request: Request, session: Session) -> Response:
        content = await self._content(request, session, request.query_params.get("after"))
        return self._routes.page(request, "home.html", **content)

    async def _now(self, request: Request, session: Session) -> Response:
        """What the first page shows, for one that is open while causes come and go."""
        return self._routes.page(request, "_home.html", **await self._content(request, session, None))

    async def _content(self, request: Request, session: Session, after: str | None) -> dict[str, Any]:
        publisher_id = session.caller.publisher_id
        # None of these looks at what another finds: the database is asked for all of them at once.
        found, above = await asyncio.gather(
            self._services.offers.catalogue.offers(publisher_id, after, _OFFERS + 1),
            self._overview(request, session) if after is None else _nothing(),
        )
        offers, more = found[:_OFFERS], len(found) > _OFFERS
        last = (offers[-1].id if publisher_id is not None else str(offers[-1].ref)) if more else None
        refs = [offer.ref for offer in offers]
        connections: defaultdict[OfferRef, list[ConnectionStanding]] = defaultdict(list)
        standings, touched = await asyncio.gather(
            self._services.connections.standings(refs), self._services.leads.punctuality.of_offers(refs)
        )
        for each in standings:
            connections[each.offer].append(each)
        content: dict[str, Any] = {"offers": offers, "connections": connections, "following": last}
        language = self._routes.language_of(request)
        content["touched"] = {ref: touched_words(each, language) for ref, each in touched.items()}
        content |= above
        return content | {"first": after is None}

    async def _overview(self, request: Request, session: Session) -> dict[str, Any]:
        """What stands above the offers: what needs attention, and the figures of the last days."""
        services, language = self._services, self._routes.language_of(request)
        whose, now = session.caller.publisher_id, services.clock()
        attention, figures, counts = await asyncio.gather(
            services.leads.attention.list(whose, now, language),
            services.storage.read(overview, whose, now),
            services.leads.reading.counts(whose, None),
        )
        title = services.connections.destinations.title
        needs = [
            need(each, language, is_operator=whose is None, title=title(each.destination) if each.destination else "")
            for each in attention.entries[:_NEEDS]
        ]
        soon = {each.until: ends_text(each.until, now, language) for each in attention.entries if each.until}
        return {
            "needs": [
                (each, leads_waiting(each.entry, language), soon.get(each.entry.until or "", "")) for each in needs
            ],
            "seen": mark_of(attention.entries),  # as they are shown: what moved since they were read is told of
            "complete": attention.complete and len(attention.entries) <= _NEEDS,
            "tiles": tiles(figures, counts, language),
            "chart": chart(figures),
            "states": STATES,
            "counted_at": figures.counted_at,
            "size": (WIDTH, HEIGHT),
        }

    async def _find(self, request: Request, session: Session) -> Response:
        text = (await form_of(request)).get("text", "")[:200]
        by, whose, language = session.caller.name, session.caller.publisher_id, self._routes.language_of(request)
        found = await self._services.leads.reading.find(text, by=by, publisher_id=whose, language=language)
        return self._routes.page(request, "found.html", found=found, text=text)

    async def _help(self, request: Request, _: Session) -> Response:
        return self._routes.page(request, "help.html", explained=None, every=self._questions)

    async def _explain(self, request: Request, _: Session) -> Response:
        pasted = (await form_of(request)).get("error", "")[:_PASTED]
        services = self._routes.services
        asked = (self._routes.language_of(request), services.languages, services.connections.destinations)
        found = explain(pasted, *asked) if pasted.strip() else ()
        return self._routes.page(request, "help.html", explained=found, every=self._questions)

    async def _withheld_seen(self, request: Request, session: Session) -> Response:
        """Somebody has seen that leads were withheld."""
        publisher_id: str = request.path_params["publisher_id"]
        if not session.caller.may_change(publisher_id):
            self._routes.refused(session, f"{request.method} {request.url.path[:200]}")
            raise HTTPException(404)
        await self._services.leads.attention.see_withheld(publisher_id, self._services.clock(), by=session.caller.name)
        return to("/portal")

    async def _theme(self, request: Request, _: Session) -> Response:
        """Light, dark, or as the system has it: kept in the browser alone."""
        chosen = (await form_of(request)).get("theme", "")
        response = to("/portal")
        if chosen in THEMES:
            response.set_cookie(THEME_COOKIE, chosen, max_age=_YEAR, path="/portal", samesite="lax", httponly=True)
        return response
