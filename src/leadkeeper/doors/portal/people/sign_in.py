"""The pages for whoever is not signed in: sign in, the second factor, invitations, a new password, the first start."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from leadkeeper.access.people.links import Purpose
from leadkeeper.access.permissions import ROLE_NAMES
from leadkeeper.doors.portal.people.outside import Outside, Page, after_of
from leadkeeper.doors.portal.people.start import STEPS
from leadkeeper.doors.portal.routes import Routes, blank, small_form_of, to
from leadkeeper.doors.portal.session import Door
from leadkeeper.problem import Problem
from leadkeeper.texts import lazy_gettext as _

_WRONG_KEY: Final = _("This key is unknown, revoked, or may only hand in leads. Ask your operator for one.")


class SignInPages:
    """``/portal/sign-in``, ``/portal/forgot``, ``/portal/invitation/...``, ``/portal/password/...``, the first page of
    ``/portal/begin``. Opening one changes nothing."""

    def __init__(self, routes: Routes, door: Door, outside: Outside) -> None:
        self._routes = routes
        self._services = routes.services
        self._door = door
        self._outside = outside

    def routes(self) -> list[Route]:
        """The pages."""
        pages: dict[str, tuple[Page, Page]] = {
            "/portal/sign-in": (self._sign_in, self._signed_in),
            "/portal/sign-in/code": (self._code, self._with_code),
            "/portal/forgot": (self._forgot, self._asked),
            "/portal/invitation/{token}": (self._invitation, self._accepted),
            "/portal/password/{token}": (self._password, self._reset),
            "/portal/begin/{token}": (self._begin, self._begun),
        }
        return [Route(path, self._outside.page(*both), methods=["GET", "POST"]) for path, both in pages.items()]

    async def _sign_in(self, request: Request) -> Response:
        return self._sign_in_page(request)

    def _sign_in_page(self, request: Request, problem: Problem | None = None, *, by_key: bool = False) -> Response:
        message, status, headers = "", 200, {}
        if problem is not None:
            message, status = problem.detail, problem.status
            if by_key and problem.retry_after is None:
                message = _WRONG_KEY
            if problem.retry_after is not None:
                headers["Retry-After"] = str(problem.retry_after)
        content = {"after": after_of(request), "wrong": message, "by_key": by_key, "done": ""}
        return self._routes.page(request, "sign_in.html", status, headers, **content)

    async def _signed_in(self, request: Request) -> Response:
        form, after = await small_form_of(request), after_of(request)
        response = RedirectResponse(after, 303)
        if "key" in form:
            try:
                await self._door.sign_in_with_key(form["key"].strip(), request, response)
            except Problem as problem:
                return self._sign_in_page(request, problem, by_key=True)
            return response
        place, device = self._door.place_of(request), self._door.device_of(request)
        try:
            signed_in = await self._services.accounts.sign_ins.with_password(
                form.get("email", ""), form.get("password", ""), place, device
            )
        except Problem as problem:
            return self._sign_in_page(request, problem)
        if signed_in.session.pending:
            response = RedirectResponse(f"/portal/sign-in/code?after={quote(after, safe='/')}", 303)
        self._door.let_in(signed_in, response)
        return response

    async def _code(self, request: Request) -> Response:
        if await self._door.pending(request) is None:
            return to("/portal/sign-in")
        return self._routes.page(request, "sign_in_code.html", after=after_of(request), wrong="")

    async def _with_code(self, request: Request) -> Response:
        pending = await self._door.pending(request)
        if pending is None:
            return to("/portal/sign-in")
        code = (await small_form_of(request)).get("code", "")
        try:
            signed_in = await self._services.accounts.sign_ins.with_code(pending, code, self._door.place_of(request))
        except Problem as problem:
            headers = {} if problem.retry_after is None else {"Retry-After": str(problem.retry_after)}
            content = {"after": after_of(request), "wrong": problem.detail}
            return self._routes.page(request, "sign_in_code.html", problem.status, headers, **content)
        response = RedirectResponse(after_of(request), 303)
        self._door.let_in(signed_in, response)
        return response

    async def _forgot(self, request: Request) -> Response:
        return self._routes.page(request, "forgot.html", sent=False, mails=self._services.accounts.mail.is_possible)

    async def _asked(self, request: Request) -> Response:
        """The answer is the same whoever asks for whom."""
        email = (await small_form_of(request)).get("email", "")
        self._services.accounts.mail.ask_new_password(email, self._outside.origins.addresses.of(request.scope))
        return self._routes.page(request, "forgot.html", sent=True, mails=self._services.accounts.mail.is_possible)

    async def _invitation(self, request: Request) -> Response:
        return await self._chosen(request, Purpose.INVITATION, "invitation.html")

    async def _accepted(self, request: Request) -> Response:
        token, form = request.path_params["token"], await small_form_of(request)
        link = await self._services.accounts.links.find(token, Purpose.INVITATION)
        if link is None:
            raise HTTPException(404)
        password, place = form.get("password", ""), self._door.place_of(request)
        sign_ins = self._services.accounts.sign_ins
        try:
            if link.known:
                person_id = await sign_ins.check(link.email, password, place, self._door.device_of(request))
                await self._services.accounts.links.accept_as(token, person_id)
            else:
                person_id = await self._services.accounts.links.accept(
                    token, name=form.get("name", ""), password=password
                )
            signed_in = await sign_ins.as_person(person_id, place, factor_too=True)
        except Problem as problem:
            return await self._chosen(request, Purpose.INVITATION, "invitation.html", problem)
        response = to("/portal/sign-in/code" if signed_in.session.pending else "/portal")
        self._door.let_in(signed_in, response)
        return response

    async def _password(self, request: Request) -> Response:
        return await self._chosen(request, Purpose.RESET, "new_password.html")

    async def _reset(self, request: Request) -> Response:
        token, form = request.path_params["token"], await small_form_of(request)
        try:
            await self._services.accounts.links.reset(token, form.get("password", ""))
        except Problem as problem:
            return await self._chosen(request, Purpose.RESET, "new_password.html", problem)
        message = _("Your new password is in effect, and all your sessions have ended. Sign in with it.")
        return self._routes.page(request, "sign_in.html", after="/portal", wrong="", by_key=False, done=message)

    async def _begin(self, request: Request) -> Response:
        return await self._chosen(request, Purpose.BEGIN, "begin.html")

    async def _begun(self, request: Request) -> Response:
        token, form = request.path_params["token"], await small_form_of(request)
        given = {name: form.get(name, "") for name in ("email", "name", "password")}
        try:
            person_id = await self._services.accounts.links.begin(token, **given)
            place = self._door.place_of(request)
            signed_in = await self._services.accounts.sign_ins.as_person(person_id, place, factor_too=True)
        except Problem as problem:
            return await self._chosen(request, Purpose.BEGIN, "begin.html", problem)
        response = to("/portal/start/marketplace")
        self._door.let_in(signed_in, response)
        return response

    async def _chosen(
        self, request: Request, purpose: Purpose, template: str, problem: Problem | None = None
    ) -> Response:
        """The page of a link, once more with what was entered (no password) and what is wrong with it."""
        link = await self._services.accounts.links.find(request.path_params["token"], purpose)
        if link is None:
            message = _("This link is over: it was used, revoked, or its time has passed.")
            return self._routes.message(request, 404, message, title=_("This link is over"))
        form = {} if problem is None else await small_form_of(request)
        errors = {} if problem is None else {error.field: error.message for error in problem.errors}
        content: dict[str, Any] = {
            "link": link,
            "form": blank(form),
            "errors": blank(errors),
            "steps": STEPS,
            "least": self._services.accounts.people.passwords.least,
        }
        content["general"] = problem.detail if problem is not None and not errors else ""
        content["role"] = "" if link.role is None else ROLE_NAMES[link.role]
        return self._routes.page(request, template, 200 if problem is None else problem.status, **content)
