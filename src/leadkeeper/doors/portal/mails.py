"""Mails that were sent, each with its text and its fate: operators see all, a publisher's owners its own.

Operators say here where they themselves are told of what concerns them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.doors.portal.labels import Label
from leadkeeper.doors.portal.routes import Places, Routes, form_of, to
from leadkeeper.doors.portal.session import Session
from leadkeeper.mail.fates import Fate
from leadkeeper.problem import Problem
from leadkeeper.texts import lazy_gettext as _

PAGE: Final = "/portal/mails"
_ID: Final = re.compile(r"[0-9a-f-]{36}")
FATES: Final[Mapping[Fate, Label]] = {
    Fate.QUEUED: Label(_("waits"), "wait", "clock"),
    Fate.ACCEPTED: Label(_("accepted by the mail server"), "ok", "circle-check"),
    Fate.PUT_OFF: Label(_("put off by the mail server"), "wait", "clock"),
    Fate.REFUSED: Label(_("refused by the mail server"), "wrong", "alert-triangle"),
    Fate.IN_DOUBT: Label(_("perhaps arrived: the mail server did not answer"), "wait", "alert-triangle"),
}


class MailPages:
    """``/portal/mails``."""

    def __init__(self, routes: Routes) -> None:
        self._routes = routes
        self._mails = routes.services.notices.mails
        self._addresses = routes.services.operator_addresses

    def places(self) -> Places:
        """The pages."""
        return [
            (PAGE, self._list, "GET"),
            (PAGE + "/operators", self._operators, "POST"),
            (PAGE + "/{mail_id}", self._one, "GET"),
        ]

    async def _list(self, request: Request, session: Session) -> Response:
        return await self._page(request, session)

    async def _page(self, request: Request, session: Session, entered: str = "", wrong: str = "") -> Response:
        chosen, cursor = request.query_params.get("fate", ""), request.query_params.get("cursor", "")
        fate = Fate(chosen) if chosen in list(Fate) else None
        whose = session.caller.publisher_id
        found = await self._mails.list(whose, fate, cursor if _ID.fullmatch(cursor) else None)
        following = {"cursor": found.next_cursor or ""} | ({} if fate is None else {"fate": fate.value})
        content: dict[str, Any] = {
            "mails": found.mails,
            "fates": FATES,
            "fate": fate,
            "following": f"{PAGE}?{urlencode(following)}" if found.next_cursor else "",
            "of_operator": session.caller.is_operator and whose is None,
            "setting": self._addresses.setting,
            "entered": entered or "\n".join(await self._addresses.entered()),
            "wrong": wrong,
            "saved": "saved" in request.query_params and not wrong,
        }
        return self._routes.page(request, "mails.html", 422 if wrong else 200, **content)

    async def _one(self, request: Request, session: Session) -> Response:
        mail = await self._mails.one(request.path_params["mail_id"], session.caller.publisher_id)
        if mail is None:
            raise HTTPException(404)
        return self._routes.page(request, "mail.html", mail=mail, label=FATES[mail.fate])

    async def _operators(self, request: Request, session: Session) -> Response:
        """Whoever is no operator gets no answer, as if there were no such page."""
        if not session.caller.is_operator:
            self._routes.refused(session, f"POST {PAGE}/operators")
            raise HTTPException(404)
        text = (await form_of(request)).get("addresses", "")
        try:
            await self._addresses.enter(text.replace(",", "\n").splitlines(), by=session.caller.name)
        except Problem as problem:
            return await self._page(request, session, text, problem.detail)
        return to(f"{PAGE}?saved=1")
