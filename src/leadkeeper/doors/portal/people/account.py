"""What somebody changes about themselves: name, password, second factor, sessions, and whom they act for."""

from __future__ import annotations

from typing import Any, Final
from zoneinfo import available_timezones

import segno
from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.access.permissions import ROLE_NAMES
from leadkeeper.doors.portal.routes import Places, Routes, blank, form_of, to
from leadkeeper.doors.portal.session import Session
from leadkeeper.notices.quiet import Quiet
from leadkeeper.problem import Problem, ProblemType
from leadkeeper.texts import lazy_gettext as _

_SECRET: Final = 64
_ZONES: Final = sorted(available_timezones())


class AccountPages:
    """``/portal/account``: for everybody who is signed in; a key has sessions alone."""

    def __init__(self, routes: Routes) -> None:
        self._routes = routes
        self._services = routes.services

    def places(self) -> Places:
        """The pages."""
        return [
            ("/portal/account", self._account, "GET"),
            ("/portal/account/name", self._rename, "POST"),
            ("/portal/account/quiet", self._quiet, "POST"),
            ("/portal/account/password", self._password, "POST"),
            ("/portal/account/act-for", self._act_for, "POST"),
            ("/portal/account/sessions/end-others", self._end_others, "POST"),
            ("/portal/account/sessions/{session_id}/end", self._end, "POST"),
            ("/portal/account/second-factor", self._factor, "GET"),
            ("/portal/account/second-factor", self._set_up, "POST"),
            ("/portal/account/second-factor/remove", self._remove_factor, "POST"),
        ]

    async def _account(self, request: Request, session: Session) -> Response:
        summary = {
            "password": _("Your password is changed, and your other sessions have ended."),
            "sessions": _("Your other sessions have ended."),
            "quiet": _("You are written to as you chose."),
        }.get(request.query_params.get("done", ""), "")
        return await self._page(request, session, summary=summary)

    async def _page(self, request: Request, session: Session, problem: Problem | None = None, **more: Any) -> Response:
        person, theirs = None, ()
        if session.caller.person_id is not None:
            person, theirs = await self._services.accounts.people.one(session.caller.person_id)  # type: ignore[assignment]
        content: dict[str, Any] = {
            "person": person,
            "memberships": theirs,
            "role_names": ROLE_NAMES,
            "sessions": await self._services.access.sign_ins.sessions.list(session.caller),
            "errors": blank({} if problem is None else {error.field: error.message for error in problem.errors}),
            "least": self._services.accounts.people.passwords.least,
            "summary": "",
        }
        if person is not None:
            content |= {"quiet": await self._services.notices.quiet_hours.of(person.id), "zones": _ZONES}
        if person is not None and person.has_factor:
            content["codes_left"] = await self._services.accounts.second_factor.left(person.id)
        status = 200 if problem is None else problem.status
        return self._routes.page(request, "account.html", status, None, **(content | more))

    async def _rename(self, request: Request, session: Session) -> Response:
        person_id = _person(session)
        try:
            await self._services.accounts.people.rename(person_id, (await form_of(request)).get("name", ""))
        except Problem as problem:
            return await self._page(request, session, problem)
        return to("/portal/account")

    async def _quiet(self, request: Request, session: Session) -> Response:
        person_id, form = _person(session), await form_of(request)
        begins, ends, zone = (form.get(name, "").strip()[:64] for name in ("begins", "ends", "zone"))
        chosen = Quiet(begins, ends, zone, digest=form.get("digest") == "daily")
        try:
            await self._services.notices.quiet_hours.choose(person_id, chosen)
        except Problem as problem:
            return await self._page(request, session, problem, quiet=chosen)
        return to("/portal/account?done=quiet")

    async def _password(self, request: Request, session: Session) -> Response:
        _person(session)
        form = await form_of(request)
        now_is, new = form.get("password", ""), form.get("new", "")
        # Whoever sits down at an open page must not try passwords there without end.
        await self._services.accounts.sign_ins.require_guess(session.caller)
        try:
            await self._services.accounts.people.change_password(session.caller, session.open.id, now_is, new)
        except Problem as problem:
            return await self._page(request, session, problem)
        return to("/portal/account?done=password")

    async def _act_for(self, request: Request, session: Session) -> Response:
        _person(session)
        publisher_id = (await form_of(request)).get("publisher", "") or None
        if not await self._services.access.sign_ins.sessions.act_for(session.open, publisher_id):
            raise HTTPException(404)
        return to("/portal")

    async def _end_others(self, request: Request, session: Session) -> Response:
        await self._services.access.sign_ins.sessions.end_some(session.caller, but=session.open.id)
        return to("/portal/account?done=sessions")

    async def _end(self, request: Request, session: Session) -> Response:
        if not await self._services.access.sign_ins.sessions.end_some(
            session.caller, only=request.path_params["session_id"]
        ):
            raise HTTPException(404)
        return to("/portal/account")

    async def _factor(self, request: Request, session: Session) -> Response:
        _person(session)
        return self._factor_page(request, session, self._services.accounts.second_factor.new_secret())

    def _factor_page(self, request: Request, session: Session, secret: str, problem: Problem | None = None) -> Response:
        address = self._services.accounts.second_factor.address(
            secret, session.open.email, str(self._services.marketplace)
        )
        content: dict[str, Any] = {"secret": secret, "picture": _picture(address), "codes": ()}
        content["wrong"] = "" if problem is None else problem.detail
        return self._routes.page(request, "factor.html", 200 if problem is None else problem.status, **content)

    async def _set_up(self, request: Request, session: Session) -> Response:
        """The recovery codes are shown in this answer alone."""
        person_id, form = _person(session), await form_of(request)
        secret = form.get("secret", "")
        if not (16 <= len(secret) <= _SECRET and secret.isascii() and secret.isalnum()):
            raise HTTPException(422)
        person, _theirs = await self._services.accounts.people.one(person_id)
        if person.has_factor:
            message = _("There is a second factor already: remove it first.")
            raise Problem(ProblemType.NOT_POSSIBLE_NOW, message)
        try:
            codes = await self._services.accounts.second_factor.set_up(session.caller, secret, form.get("code", ""))
        except Problem as problem:
            return self._factor_page(request, session, secret, problem)
        return self._routes.page(request, "factor.html", codes=codes, wrong="", secret="", picture="")

    async def _remove_factor(self, request: Request, session: Session) -> Response:
        """With the password, so that an open page is not enough."""
        person_id, form = _person(session), await form_of(request)
        try:
            await self._services.accounts.sign_ins.require_guess(session.caller)
            await self._services.accounts.people.require_password(person_id, form.get("factor_password", ""))
        except Problem as problem:
            errors = {"factor_password": problem.detail}
            return await self._page(request, session, problem, errors=blank(errors))
        await self._services.accounts.second_factor.remove(person_id, by=session.caller)
        return to("/portal/account")


def _person(session: Session) -> str:
    """Who it is. Raises ``HTTPException`` for a key, which has none of this."""
    if session.caller.person_id is None:
        raise HTTPException(404)
    return session.caller.person_id


def _picture(address: str) -> Markup:
    """A QR code as SVG, dark on light in both themes, so that every app reads it."""
    code = segno.make(address, error="m", micro=False)
    return Markup(code.svg_inline(scale=5, border=3, dark="#000", light="#fff", omitsize=False))  # noqa: S704
