"""The list of leads: chosen, searched, counted, downloaded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from leadkeeper.access.people.records import Person
from leadkeeper.access.permissions import Role
from leadkeeper.doors.action_words import ACTIONS, SOURCES
from leadkeeper.doors.leads_csv import CSV_TYPE, TOTAL_HEADER, csv_name, csv_of, total_text
from leadkeeper.doors.pages import SAFE_HEADERS
from leadkeeper.doors.portal.leads.choice import MINE, Choice, chosen, lists_ones_own
from leadkeeper.doors.portal.leads.words import FOLLOW_UP_FILTERS, SORT_WORDS, TABS
from leadkeeper.doors.portal.routes import Places, Routes, form_of, to
from leadkeeper.doors.portal.session import Session
from leadkeeper.inbox.lists.narrowing import COUNTED
from leadkeeper.inbox.lists.selection import MOST
from leadkeeper.inbox.lists.sorting import SORTED
from leadkeeper.texts import lazy_gettext as _

_PAGE: Final = 50
_OFFERS: Final = 200
SEARCH: Final = "/portal/leads/search"
ARRIVED: Final = "/portal/leads/arrived"
DOWNLOAD: Final = "/portal/leads/download"
WITHHELD: Final = {"no": _("without those withheld"), "yes": _("only those withheld for privacy")}
TESTS: Final = {"": _("without test leads"), "yes": _("only test leads"), "all": _("with test leads")}


class LeadPages:
    """``/portal/leads`` and its forms."""

    def __init__(self, routes: Routes) -> None:
        self._routes = routes
        self._services = routes.services

    def places(self) -> Places:
        """The pages."""
        return [
            ("/portal/leads", self._leads, "GET"),
            (SEARCH, self._search, "POST"),
            (DOWNLOAD, self._download, "POST"),
            (ARRIVED, self._arrived, "POST"),
        ]

    async def _leads(self, request: Request, session: Session) -> Response:
        return await self._page(request, session, chosen(request.query_params))

    async def _search(self, request: Request, session: Session) -> Response:
        """What was chosen in the form. A text that may name a customer is answered at once, not by an address."""
        choice = chosen(await form_of(request), by_form=True)
        if choice.text:
            return await self._page(request, session, choice)
        places = {name: value for name, value in choice.values.items() if name in ("cursor", "newer")}
        return to(choice.address(**places))

    async def _arrived(self, request: Request, session: Session) -> Response:
        """How many leads came since the page was made, for the page to say: what is read stays where it is."""
        form = await form_of(request)
        choice, seen = chosen(form, by_form=True), form.get("seen", "")
        filters = choice.filters(session.caller.publisher_id, session.caller.person_id, self._services.clock())
        arrived = await self._services.leads.arrivals.since(filters, seen)
        return self._routes.page(request, "_arrived.html", arrived=arrived)

    async def _page(self, request: Request, session: Session, choice: Choice) -> Response:
        whose, values = session.caller.publisher_id, choice.values
        filters = choice.filters(whose, session.caller.person_id, self._services.clock())
        newest = await self._services.leads.arrivals.newest(whose)  # before the list: what comes meanwhile is told of
        newer = "newer" in values
        place = values.get("newer") or values.get("cursor")
        found = await self._services.leads.reading.leads(filters, place, _PAGE, by=session.caller.name, newer=newer)
        content: dict[str, Any] = {"found": found, "choice": choice, "values": values, "now": self._services.clock()}
        content["counts"] = await self._services.leads.reading.counts(filters.publisher_id, filters.offer_id)
        content |= {"tabs": TABS, "counted": COUNTED, "most": MOST, "sorted": SORTED, "newest": newest}
        who = session.caller.name
        content["columns"] = await self._services.leads.lists.columns(who, whose)
        person = session.caller.person_id is not None  # nobody else owns leads
        views = await self._services.leads.lists.views(who, whose)
        content["views"] = [each for each in views if person or not lists_ones_own(each.query)]
        content["runs"] = await self._services.leads.bulk_runs.under_way(whose)
        content["query"] = choice.address().partition("?")[2]
        owners = {each.id: each.name for each in await workers(self._routes, whose or values.get("publisher"))}
        content |= {"owners": owners, "options": await self._options(whose, values, owners, person=person)}
        return self._routes.page(request, "leads.html", **content)

    async def _options(
        self, publisher_id: str | None, values: Mapping[str, str], owners: Mapping[str, str], *, person: bool
    ) -> dict[str, Mapping[str, str]]:
        """What each field of the form offers, by its value."""
        whose = publisher_id or values.get("publisher")
        offers = await self._services.offers.catalogue.offers(whose, None, _OFFERS) if whose else []
        found: dict[str, Mapping[str, str]] = {
            "offer": {offer.id: offer.title for offer in offers},
            "action": ACTIONS,
            "source": SOURCES,
            "follow": FOLLOW_UP_FILTERS,
            "owner": ({MINE: _("mine")} if person else {}) | {"nobody": _("nobody's")} | dict(owners),
            "withheld": WITHHELD,
            "test": TESTS,
            "sort": SORT_WORDS,
            "destination": {each.name: each.title for each in self._services.connections.destinations},
        }
        for name, options in found.items():  # what came by a link stands in the form, too
            if (value := values.get(name)) and value not in options:
                found[name] = dict(options) | {value: value}
        return found

    async def _download(self, request: Request, session: Session) -> Response:
        """All leads that were chosen as a file, however many they are."""
        choice = chosen(await form_of(request), by_form=True)
        filters = choice.filters(session.caller.publisher_id, session.caller.person_id, self._services.clock())
        reading, language = self._services.leads.reading, self._routes.language_of(request)
        total = await reading.total(filters)
        leads = reading.export(filters, by=session.caller.name)
        headers = {**SAFE_HEADERS, "Cache-Control": "no-store"}
        headers["Content-Disposition"] = f'attachment; filename="{csv_name(self._services.clock())}"'
        if total is not None:
            headers[TOTAL_HEADER] = total_text(total)
        content = csv_of(leads, language, self._services.connections.destinations.title)
        return StreamingResponse(content, headers=headers, media_type=CSV_TYPE)


async def workers(routes: Routes, publisher_id: str | None) -> list[Person]:
    """The people who may own a lead of this publisher; none where no publisher is named."""
    if publisher_id is None:
        return []
    members = await routes.services.accounts.people.members(publisher_id)
    allowed = (Role.OWNER, Role.CONTRIBUTOR)
    return [each for each in members if each.role in allowed and not each.is_disabled]
