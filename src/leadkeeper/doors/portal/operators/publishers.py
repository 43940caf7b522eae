"""For operators: all publishers with what they have and how it goes; each one's name, contact, quotas, suspension."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.access.quotas import NAMES, SUMMARY, json_name
from leadkeeper.connections.state import ConnectionState
from leadkeeper.doors.portal.routes import Places, Routes, blank, form_of, to
from leadkeeper.doors.portal.session import Session
from leadkeeper.problem import Problem
from leadkeeper.publishing.suspension import LONGEST_REASON
from leadkeeper.texts import lazy_gettext as _

AT: Final = "/portal/operate/publishers"
ONE: Final = AT + "/{publisher_id}"
_SHOWN: Final = 25
_LONGEST_NAME: Final = 80
_LONGEST_CONTACT: Final = 300
_MOST: Final = 2**31 - 1
_DONE: Final = {
    "saved": _("Saved."),
    "suspended": _("The publisher is suspended."),
    "released": _("The publisher goes on: what was held is on its way."),
}


class PublisherPages:
    """``/portal/operate/publishers``."""

    def __init__(self, routes: Routes) -> None:
        self._routes = routes
        self._services = routes.services

    def places(self) -> Places:
        """The pages."""
        return [
            (AT, self._list, "GET"),
            (ONE, self._one, "GET"),
            (ONE + "/change", self._change, "POST"),
            (ONE + "/quotas", self._quotas, "POST"),
            (ONE + "/suspend", self._suspend, "POST"),
            (ONE + "/release", self._release, "POST"),
        ]

    async def _list(self, request: Request, _session: Session) -> Response:
        after, text = request.query_params.get("after"), request.query_params.get("text", "").strip()[:100]
        after = None if after is None else after.replace("\0", "")
        text = text.replace("\0", "")
        found = await self._services.leads.oversight.publishers(after, _SHOWN + 1, text)
        shown = found[:_SHOWN]
        following = ""
        if len(found) > _SHOWN:
            following = f"{AT}?{urlencode({'after': shown[-1].publisher.id} | ({'text': text} if text else {}))}"
        return self._routes.page(
            request, "publishers.html", found=shown, text=text, following=following, states=ConnectionState
        )

    async def _one(self, request: Request, _session: Session) -> Response:
        return await self._page(request, done=_DONE.get(request.query_params.get("done", ""), ""))

    async def _change(self, request: Request, session: Session) -> Response:
        form = await form_of(request)
        name, contact = (" ".join(form.get(field, "").split()) for field in ("name", "contact"))
        wrong: dict[str, str] = {}
        if not name or len(name) > _LONGEST_NAME:
            wrong["name"] = _("Enter a name of at most %(most)s characters.", most=_LONGEST_NAME)
        if len(contact) > _LONGEST_CONTACT:
            wrong["contact"] = _("At most %(most)s characters.", most=_LONGEST_CONTACT)
        if wrong:
            return await self._page(request, 422, form={"name": name, "contact": contact}, wrong=wrong)
        await self._put(request, session, name=name, contact=contact)
        return _done(request, "saved")

    async def _quotas(self, request: Request, session: Session) -> Response:
        form = await form_of(request)
        given = {json_name(name): form.get(json_name(name), "").strip() for name in NAMES}
        wrong = {
            name: _("Enter a whole number from 1 to %(most)s, or nothing.", most=_MOST)
            for name, text in given.items()
            if text and not (text.isascii() and text.isdecimal() and len(text) <= 10 and 1 <= int(text) <= _MOST)
        }
        if wrong:
            return await self._page(request, 422, form=given, wrong=wrong)
        await self._put(request, session, quotas={name: int(text) if text else None for name, text in given.items()})
        return _done(request, "saved")

    async def _put(self, request: Request, session: Session, *, name: str | None = None, **more: Any) -> None:
        """Change a publisher. Raises :class:`Problem` for one that is not there: none is made here."""
        publisher_id = request.path_params["publisher_id"]
        await self._services.offers.catalogue.publisher(publisher_id)
        await self._services.offers.catalogue.put_publisher(publisher_id, name, by=session.caller.name, **more)

    async def _suspend(self, request: Request, session: Session) -> Response:
        publisher_id, form = request.path_params["publisher_id"], await form_of(request)
        reason = form.get("reason", "").strip()
        try:
            await self._services.offers.suspensions.suspend(publisher_id, reason, by=session.caller.name)
        except Problem as problem:
            if not problem.errors or problem.errors[0].field != "reason":
                raise
            return await self._page(request, 422, form={"reason": reason}, wrong={"reason": problem.detail})
        return _done(request, "suspended")

    async def _release(self, request: Request, session: Session) -> Response:
        await self._services.offers.suspensions.release(request.path_params["publisher_id"], by=session.caller.name)
        return _done(request, "released")

    async def _page(
        self,
        request: Request,
        status: int = 200,
        *,
        form: Mapping[str, str] | None = None,
        wrong: Mapping[str, str] | None = None,
        done: str = "",
    ) -> Response:
        publisher = await self._services.offers.catalogue.publisher(request.path_params["publisher_id"])
        counts = await self._services.leads.oversight.counts(publisher.id)
        usual = self._services.access.rates.usual.named()
        own = {name: str(value) for name, value in publisher.own_quotas.items()}
        shown = {"name": publisher.display_name, "contact": publisher.contact, "reason": publisher.suspended_for}
        return self._routes.page(
            request,
            "publisher.html",
            status,
            publisher=publisher,
            counts=counts,
            states=ConnectionState,
            here=_address(publisher.id),
            quotas=[(json_name(name), SUMMARY[name], usual[json_name(name)]) for name in NAMES],
            form=blank(shown | own | dict(form or {})),
            wrong=blank(wrong),
            opens="quotas" if wrong and not {"name", "contact", "reason"} & wrong.keys() else "",
            longest=LONGEST_REASON,
            done=done,
        )


def _address(publisher_id: str) -> str:
    return f"{AT}/{quote(publisher_id)}"


def _done(request: Request, what: str) -> Response:
    return to(f"{_address(request.path_params['publisher_id'])}?done={what}")
