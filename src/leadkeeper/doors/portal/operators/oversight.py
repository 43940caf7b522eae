"""For operators: everybody's connections by state, everybody's hooks, what runs and waits, the settings in force."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.access.in_force import Origin
from leadkeeper.clock import to_text
from leadkeeper.connections.state import ConnectionState
from leadkeeper.delivery.schedule import SECOND
from leadkeeper.doors.portal.labels import Label
from leadkeeper.doors.portal.routes import Places, Routes, blank
from leadkeeper.doors.portal.session import Session
from leadkeeper.inbox.oversight.running import MINUTES, MOST_COUNTED
from leadkeeper.offer import PUBLISHER_ID
from leadkeeper.storage.presence import WRONG_MS
from leadkeeper.texts import Language
from leadkeeper.texts import lazy_gettext as _

CONNECTIONS: Final = "/portal/operate/connections"
HOOKS: Final = "/portal/operate/hooks"
WORKERS: Final = "/portal/operate/workers"
SETTINGS: Final = "/portal/operate/settings"
_SHOWN: Final = 50
_CURSOR: Final = re.compile(r"([\w.-]{1,257})/([\w-]{1,64})", re.ASCII)
_LATE_MS: Final = 60 * SECOND
"""What was due this long ago was left lying: no worker runs, or it has too much to do."""
_ROLES: Final[Mapping[str, str]] = {
    "serve": _("pages, API and leads"),
    "api": _("pages and API"),
    "worker": _("carries leads"),
}
OUTCOMES: Final[Mapping[str, Label]] = {
    "delivered": Label(_("delivered"), "ok", "circle-check"),
    "unconfirmed": Label(_("unconfirmed"), "wait", "help-circle"),
    "refused": Label(_("refused"), "wrong", "circle-x"),
    "broken": Label(_("broken"), "wrong", "circle-x"),
    "throttled": Label(_("slowed down by the destination"), "wait", "clock"),
    "failed": Label(_("failed for now"), "wait", "clock"),
    "ambiguous": Label(_("may have arrived"), "wait", "help-circle"),
    "ours": Label(_("our own trouble"), "calm", "info-circle"),
}
_ORIGINS: Final[Mapping[Origin, str]] = {
    Origin.DEFAULT: _("usual"),
    Origin.ENVIRONMENT: _("environment"),
    Origin.GIVEN: _("given: .env or at the start"),
}


class OversightPages:
    """``/portal/operate/connections``, ``/hooks``, ``/workers``, ``/settings``."""

    def __init__(self, routes: Routes) -> None:
        self._routes = routes
        self._services = routes.services

    def places(self) -> Places:
        """The pages."""
        return [
            (CONNECTIONS, self._connections, "GET"),
            (HOOKS, self._hooks, "GET"),
            (WORKERS, self._workers, "GET"),
            (SETTINGS, self._settings, "GET"),
        ]

    async def _connections(self, request: Request, _session: Session) -> Response:
        publisher_id, after = _chosen(request)
        state = next((each for each in ConnectionState if each == request.query_params.get("state")), None)
        found = await self._services.leads.oversight.connections(publisher_id, state, after, _SHOWN + 1)
        shown = found[:_SHOWN]
        of = {"publisher": publisher_id} if publisher_id else {}
        within = of | ({"state": state.value} if state else {})
        following = ""
        if len(found) > _SHOWN:
            last = shown[-1][0]
            following = f"{CONNECTIONS}?{urlencode({**within, 'after': f'{last.offer}/{last.name}'})}"
        tabs: list[tuple[ConnectionState | None, str]] = [(None, f"{CONNECTIONS}?{urlencode(of)}")]
        tabs += [(each, f"{CONNECTIONS}?{urlencode({**of, 'state': each.value})}") for each in ConnectionState]
        return self._routes.page(
            request,
            "all_connections.html",
            found=shown,
            following=following,
            state=state,
            tabs=tabs,
            values=blank(of),
            most=MOST_COUNTED,
        )

    async def _hooks(self, request: Request, _session: Session) -> Response:
        publisher_id, after = _chosen(request)
        found = await self._services.access.hooks.page(publisher_id, after, _SHOWN + 1)
        shown = found[:_SHOWN]
        of = {"publisher": publisher_id} if publisher_id else {}
        following = ""
        if len(found) > _SHOWN:
            following = f"{HOOKS}?{urlencode({**of, 'after': f'{shown[-1].offer}/{shown[-1].id}'})}"
        return self._routes.page(request, "all_hooks.html", found=shown, following=following, values=blank(of))

    async def _workers(self, request: Request, _session: Session) -> Response:
        found, language = await self._services.leads.oversight.running(), self._routes.language_of(request)
        queue, now = found.queue, found.now
        lag = 0 if queue.due_at is None else now - queue.due_at
        carried = sum(found.sends.get(each, 0) for each in ("delivered", "unconfirmed"))
        return self._routes.page(
            request,
            "workers.html",
            processes=[
                (each, to_text(each.started_at), _clock(each.ahead_ms, language), abs(each.ahead_ms) >= WRONG_MS)
                for each in found.processes
            ],
            versions={each.version for each in found.processes},
            carries=any(each.role != "api" for each in found.processes),
            roles=_ROLES,
            leases=[(each, to_text(each.until), each.until < now) for each in found.leases],
            queue=queue,
            oldest=None if queue.oldest_at is None else to_text(queue.oldest_at),
            lag=_span(lag, language),
            late=lag >= _LATE_MS,
            rates=(_a_minute(found.came, language), _a_minute(carried, language)),
            sends=[(OUTCOMES.get(name) or Label(name, "calm", "info-circle"), n) for name, n in found.sends.items()],
            minutes=MINUTES,
            most=MOST_COUNTED,
        )

    async def _settings(self, request: Request, _session: Session) -> Response:
        every = self._services.leads.oversight.settings
        withheld = next((each.value for each in every if each.name == "LEADKEEPER_WITHHELD_DOMAINS"), "")
        domains = [part.strip() for part in withheld.split(",") if part.strip()]
        return self._routes.page(request, "settings.html", settings=every, origins=_ORIGINS, domains=domains)


def _chosen(request: Request) -> tuple[str | None, tuple[str, str] | None]:
    """The publisher, and behind what the page begins; what is none is left out."""
    publisher_id = request.query_params.get("publisher", "").strip()
    place = _CURSOR.fullmatch(request.query_params.get("after", ""))
    return publisher_id if re.match(PUBLISHER_ID, publisher_id) else None, (place[1], place[2]) if place else None


def _span(ms: int, language: Language) -> str:
    seconds = ms // 1_000
    if seconds < 120:
        return language.gettext("%(count)s s", count=seconds)
    if seconds < 7_200:
        return language.gettext("%(count)s min", count=seconds // 60)
    return language.gettext("%(count)s h", count=seconds // 3_600)


def _clock(ahead_ms: int, language: Language) -> str:
    if abs(ahead_ms) < 1_000:
        return language.gettext("right")
    shown = language.number(round(abs(ahead_ms) / 1_000, 1))
    if ahead_ms > 0:
        return language.gettext("%(count)s s ahead", count=shown)
    return language.gettext("%(count)s s behind", count=shown)


def _a_minute(count: int, language: Language) -> str:
    if count > MOST_COUNTED:
        return language.gettext("more than %(count)s", count=language.number(MOST_COUNTED // MINUTES))
    return language.number(round(count / MINUTES, 1))
