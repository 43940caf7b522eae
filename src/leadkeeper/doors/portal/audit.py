"""The audit on pages: who did what, chosen and downloaded, and an offer's history.

Operators see all of it, members their publisher's part.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from leadkeeper.access.acts import ACTS, is_act
from leadkeeper.access.audit import AuditFilter
from leadkeeper.clock import to_datetime
from leadkeeper.doors.audit_words import led_to
from leadkeeper.doors.pages import SAFE_HEADERS
from leadkeeper.doors.portal.act_words import act_word
from leadkeeper.doors.portal.leads.words import outcome_words
from leadkeeper.doors.portal.offers.differing import listing_word, setting_word
from leadkeeper.doors.portal.routes import OFFER, Places, Routes, blank, form_of, offer_address
from leadkeeper.doors.portal.session import Session
from leadkeeper.offer import PUBLISHER_ID
from leadkeeper.problem import Problem, ProblemType
from leadkeeper.publishing.offer_types import type_word
from leadkeeper.spreadsheet import cell
from leadkeeper.texts import Language
from leadkeeper.texts import lazy_gettext as _
from leadkeeper.views import AuditEntry

PAGE: Final = "/portal/audit"
_SHOWN: Final = 50
_CHUNK: Final = 64 * 1024
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
_MORE: Final = re.compile(r"(\d+) more")
_ID: Final = re.compile(r"[0-9a-f-]{36}")
_WHO: Final = re.compile(r"[\w:-]{1,120}")
_FIELDS: Final = ("publisher", "who", "act", "since", "until")
_COLUMNS: Final = (
    _("Line"),
    _("When (UTC)"),
    _("Who"),
    _("Name"),
    _("Act"),
    _("Subject"),
    _("What it led to"),
    _("Publisher"),
)


_BY: Final[Mapping[str, str]] = {
    "anyone": _("Somebody who was not signed in"),
    "cli": _("The command line"),
    "contact": _("A contact"),
    "key": _("An API key"),
    "leadkeeper": "Leadkeeper",
    "person": _("Somebody of the marketplace, or who was a member"),
    "publishing": _("Publishing, by itself"),
}
"""Who did something, where nobody's name is known to the reader: by what their id in the audit begins with."""


def _called(names: Mapping[str, str], who: str) -> str:
    """What people call who did something: their name, or what they are."""
    return names.get(who) or _BY.get(who.partition(":")[0], who)


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """What was done with an offer: when, by whom (``who_id`` as the audit names them), what, with which connection."""

    at: str
    who: str
    who_id: str
    what: str
    connection: str
    led_to: str
    codes: Sequence[str] = ()
    """Names of what was changed that only the API has."""


class AuditPages:
    """``/portal/audit`` and ``.../history`` of an offer."""

    def __init__(self, routes: Routes) -> None:
        self._routes = routes
        self._audit = routes.services.access.audit

    def places(self) -> Places:
        """The pages."""
        return [
            (PAGE, self._page, "GET"),
            (PAGE + "/download", self._download, "POST"),
            (OFFER + "/history", self._history, "GET"),
        ]

    async def _page(self, request: Request, session: Session) -> Response:
        values = _chosen(request.query_params)
        filters, whose = _filters(values, session.caller.publisher_id), session.caller.publisher_id
        cursor = request.query_params.get("cursor")
        page = await self._audit.list(filters, cursor if cursor and _ID.fullmatch(cursor) else None, _SHOWN)
        known = ((self._routes.language_of(request).tell(act_word(act)), act) for act in ACTS)
        following = ""
        if page.next_cursor is not None:
            following = f"{PAGE}?{urlencode({**values, 'cursor': page.next_cursor})}"
        return self._routes.page(
            request,
            "audit.html",
            entries=page.entries,
            called=partial(_called, await self._audit.names(page.entries, whose)),
            act_word=act_word,
            led_to=self._outcome,
            known=sorted(known, key=lambda each: each[0].casefold()),
            chosen=values,
            values=blank(values),
            following=following,
        )

    async def _history(self, request: Request, session: Session) -> Response:
        """What was done with an offer, its connections and hooks; who read its leads stands in the audit alone."""
        ref = self._routes.offer_of(request, session)
        cursor = request.query_params.get("cursor")
        filters = AuditFilter(offer=str(ref))  # which says whose it is: no second index is to be tried
        page = await self._audit.list(filters, cursor if cursor and _ID.fullmatch(cursor) else None, _SHOWN)
        names = await self._audit.names(page.entries, session.caller.publisher_id)
        standings = await self._routes.services.connections.standings([ref])
        titles = {each.name: each.title for each in standings}
        lines = [self._line(entry, names, titles) for entry in page.entries]
        following = (
            f"{offer_address(ref)}/history?{urlencode({'cursor': page.next_cursor})}" if page.next_cursor else ""
        )
        return await self._routes.offer_page(
            request, ref, "history.html", "history", lines=lines, following=following, earlier=cursor is not None
        )

    def _line(self, entry: AuditEntry, names: Mapping[str, str], titles: Mapping[str, str]) -> HistoryLine:
        named = entry.who.partition(":")[2]
        connection = entry.subject.partition("/")[2]
        detail, codes = self._words_of(entry)
        return HistoryLine(
            at=entry.at,
            who=_called(names, entry.who),
            who_id=entry.who if named else "",
            what=act_word(entry.act),
            connection=titles.get(connection, connection),
            led_to=detail,
            codes=codes,
        )

    def _outcome(self, entry: AuditEntry) -> tuple[str, Sequence[str]]:
        """What an act led to, in words, and the names of settings beside them, as operators look for these."""
        return self._words_of(entry, every=True)

    def _words_of(self, entry: AuditEntry, *, every: bool = False) -> tuple[str, Sequence[str]]:
        """What an act led to, in words, and the names that have none, or ``every`` name."""
        if entry.act == "connection.validate":
            return outcome_words(entry.detail), ()
        destinations, codes = self._routes.services.connections.destinations, list[str]()

        def title(code: str) -> str:
            return type_word(code) or destinations.title(code)

        kind = destinations.find(re.split("; | -> ", entry.detail)[-2 if "; " in entry.detail else -1])

        def word(name: str) -> str:
            if more := _MORE.fullmatch(name):
                return _("%(count)s more", count=more[1])
            offers = entry.act == "offer.put"
            known = listing_word(name) if offers else setting_word(destinations if kind is None else [kind], name)
            if known is None or every:
                codes.append(name)
            return known or ""

        return led_to(entry.detail, title, word, act=entry.act), codes

    async def _download(self, request: Request, session: Session) -> Response:
        """All lines that were chosen as a file, however many they are."""
        whose = session.caller.publisher_id
        filters = _filters(_chosen(await form_of(request)), whose)
        name = f"audit-{to_datetime(self._routes.services.clock()):%Y-%m-%d}.csv"
        headers = {**SAFE_HEADERS, "Cache-Control": "no-store", "Content-Disposition": f'attachment; filename="{name}"'}
        content = self._csv(filters, whose, self._routes.language_of(request))
        return StreamingResponse(content, headers=headers, media_type="text/csv; charset=utf-8")

    async def _csv(self, filters: AuditFilter, whose: str | None, language: Language) -> AsyncIterator[bytes]:
        """In pieces: UTF-8 with a byte order mark, rows ended by CR LF (RFC 4180), no cell a formula."""
        out = io.StringIO(newline="")
        writer = csv.writer(out)
        out.write("\ufeff")
        writer.writerow([language.tell(name) for name in _COLUMNS])
        names: dict[str, str] = {}
        async for entry in self._audit.export(filters):
            if entry.who not in names:
                names |= {entry.who: ""} | await self._audit.names([entry], whose)
            writer.writerow([cell(value) for value in _row(entry, names[entry.who])])
            if out.tell() >= _CHUNK:
                yield out.getvalue().encode("utf-8", "replace")
                out.seek(0)
                out.truncate()
        yield out.getvalue().encode("utf-8", "replace")


def _row(entry: AuditEntry, name: str) -> tuple[str, ...]:
    whose = entry.publisher_id or ""
    return (entry.id, entry.at, entry.who, name, entry.act, entry.subject, entry.detail, whose)


def _chosen(given: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name in _FIELDS if (value := given.get(name, "").strip())}


def _filters(values: Mapping[str, str], publisher_id: str | None) -> AuditFilter:
    """Raises :class:`Problem` for what is none: left out, more would be listed than was asked for."""
    if not all(_is_right(name, value) for name, value in values.items()):
        raise Problem(ProblemType.INVALID_REQUEST, _("There is no such choice. Go back to the audit and choose anew."))
    since, until = _day(values.get("since", "")), _day(values.get("until", ""))
    return AuditFilter(
        publisher_id=publisher_id or values.get("publisher"),
        who=values.get("who"),
        act=values.get("act"),
        since_ms=None if since is None else _ms(since),
        until_ms=None if until is None else _ms(until + timedelta(days=1)),
    )


def _is_right(name: str, value: str) -> bool:
    match name:
        case "publisher":
            return re.fullmatch(PUBLISHER_ID, value) is not None
        case "who":
            return _WHO.fullmatch(value) is not None
        case "act":
            return is_act(value)
        case _:
            return _day(value) is not None


def _day(text: str) -> datetime | None:
    if _DAY.fullmatch(text) is None:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
