"""The list of leads as somebody wants it: its columns in their order, and views saved under a name."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.access.permissions import Permission
from leadkeeper.doors.portal.leads.choice import Choice, chosen
from leadkeeper.doors.portal.routes import Places, Routes, form_of, to
from leadkeeper.doors.portal.session import Session
from leadkeeper.inbox.lists.columns import COLUMNS


class LeadViewPages:
    """The forms of the list that change how it looks, for whoever sends them."""

    def __init__(self, routes: Routes) -> None:
        self._routes = routes
        self._lists = routes.services.leads.lists

    def places(self) -> Places:
        """The pages."""
        return [
            ("/portal/leads/columns", self._columns, "POST"),
            ("/portal/leads/views", self._save, "POST"),
            ("/portal/leads/views/{view_id}/remove", self._remove, "POST"),
        ]

    async def _columns(self, request: Request, session: Session) -> Response:
        form = await form_of(request)
        await self._lists.choose(session.caller.name, session.caller.publisher_id, ordered(form))
        return to(back_of(form).address())

    async def _save(self, request: Request, session: Session) -> Response:
        form = await form_of(request)
        choice, caller = back_of(form), session.caller
        shared = form.get("shared") == "yes" and caller.may(Permission.CHANGE, caller.publisher_id)
        query = choice.address().partition("?")[2]
        await self._lists.save(caller.name, caller.publisher_id, form.get("name", ""), query, shared=shared)
        return to(choice.address())

    async def _remove(self, request: Request, session: Session) -> Response:
        caller, view_id = session.caller, request.path_params["view_id"]
        others = caller.may(Permission.CHANGE, caller.publisher_id)
        if not await self._lists.remove(caller.name, caller.publisher_id, view_id, others=others):
            raise HTTPException(404)
        return to(back_of(await form_of(request)).address())


def ordered(form: Mapping[str, str]) -> list[str]:
    """The columns that a form shows, by the number of their place; of one number in the order in which they stand."""
    places = {name: form.get(f"col-{name}", "") for name in COLUMNS}
    shown = [name for name in COLUMNS if places[name].isdecimal() and len(places[name]) < 3 and int(places[name])]
    return sorted(shown, key=lambda name: int(places[name]))


def back_of(form: Mapping[str, str]) -> Choice:
    """The list from which a form was sent: its address's part behind the question mark."""
    return chosen(dict(parse_qsl(form.get("list", ""))))
