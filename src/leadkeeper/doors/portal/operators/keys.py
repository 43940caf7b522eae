"""For operators: who may call the API, in which role, since when, last when; keys made and revoked."""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.access.keys import OF_KEYS, KeyChoice, NewKey
from leadkeeper.access.permissions import FOR_ALL, ROLE_NAMES, Role
from leadkeeper.doors.portal.routes import Places, Routes, blank, form_of, to
from leadkeeper.doors.portal.session import Session
from leadkeeper.offer import PUBLISHER_ID
from leadkeeper.problem import Problem, ProblemType
from leadkeeper.texts import lazy_gettext as _

AT: Final = "/portal/operate/keys"
_SHOWN: Final = 50
_LONGEST_NOTE: Final = 200
_ID: Final = re.compile(r"[0-9a-f-]{36}")
_ROLES: Final = (*OF_KEYS, *sorted(FOR_ALL))


class KeyPages:
    """``/portal/operate/keys``."""

    def __init__(self, routes: Routes) -> None:
        self._routes = routes
        self._keys = routes.services.access.keys

    def places(self) -> Places:
        """The pages."""
        return [
            (AT, self._list, "GET"),
            (AT, self._make, "POST"),
            (AT + "/{key_id}/revoke", self._revoke, "POST"),
        ]

    async def _list(self, request: Request, _session: Session) -> Response:
        return await self._page(request)

    async def _make(self, request: Request, session: Session) -> Response:
        """The key is shown in this answer alone."""
        form = await form_of(request)
        role, publisher_id = form.get("role", ""), form.get("publisher", "").strip()
        remark = " ".join(form.get("note", "").split())
        wrong: dict[str, str] = {}
        if role not in _ROLES:
            wrong["role"] = _("Choose a role.")
        elif role not in FOR_ALL and not re.match(PUBLISHER_ID, publisher_id):
            wrong["publisher"] = _("Enter the id of the publisher whose key it is.")
        if len(remark) > _LONGEST_NOTE:
            wrong["note"] = _("At most %(most)s characters.", most=_LONGEST_NOTE)
        if not wrong:
            try:
                whole = role if role in FOR_ALL else f"{role}:{publisher_id}"
                made = await self._keys.create(whole, remark, by=session.caller.name)
                return await self._page(request, made=made)
            except ValueError:
                wrong["publisher"] = _("There is no publisher of that id.")
        return await self._page(request, 422, form=form, wrong=wrong)

    async def _revoke(self, request: Request, session: Session) -> Response:
        key_id = request.path_params["key_id"]
        if not _ID.fullmatch(key_id) or not await self._keys.revoke(key_id, by=session.caller.name):
            raise Problem(ProblemType.NOT_FOUND, _("There is no key %(key)s to revoke.", key=key_id))
        return to(AT)

    async def _page(
        self,
        request: Request,
        status: int = 200,
        *,
        made: NewKey | None = None,
        form: dict[str, str] | None = None,
        wrong: dict[str, str] | None = None,
    ) -> Response:
        query = request.query_params
        publisher_id = query.get("publisher", "").strip()
        role, revoked = query.get("role", ""), "revoked" in query
        choice = KeyChoice(
            publisher_id if re.match(PUBLISHER_ID, publisher_id) else None,
            Role(role) if role in _ROLES else None,
            revoked,
        )
        cursor = query.get("cursor", "")
        found = await self._keys.page(choice, cursor if _ID.fullmatch(cursor) else None, _SHOWN + 1)
        shown = found[:_SHOWN]
        chosen: dict[str, Any] = {"publisher": choice.publisher_id, "role": choice.role and choice.role.value}
        chosen = {name: value for name, value in chosen.items() if value} | ({"revoked": "1"} if revoked else {})
        following = f"{AT}?{urlencode({**chosen, 'cursor': shown[-1].id})}" if len(found) > _SHOWN else ""
        return self._routes.page(
            request,
            "keys.html",
            status,
            found=shown,
            following=following,
            chosen=chosen,
            values=blank({name: str(value) for name, value in chosen.items()}),
            roles={each: ROLE_NAMES[Role(each)] for each in _ROLES},
            made=made,
            form=blank(
                form or {"publisher": choice.publisher_id or "", "role": "publisher" if choice.publisher_id else ""}
            ),
            wrong=blank(wrong),
        )
