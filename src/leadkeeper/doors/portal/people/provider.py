"""Signing in with the identity provider: there and back, and the page after signing out."""

from __future__ import annotations

from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from leadkeeper.access.provider.protocol import LASTS
from leadkeeper.access.provider.sign_in import BACK, ProviderSignIns
from leadkeeper.doors.cookies import cookie
from leadkeeper.doors.portal.people.outside import Outside, after_of
from leadkeeper.doors.portal.routes import Routes
from leadkeeper.doors.portal.session import Door
from leadkeeper.problem import Problem
from leadkeeper.texts import lazy_gettext as _

COOKIE: Final = "leadkeeper_provider"
THERE: Final = "/portal/sign-in/provider"
SIGNED_OUT: Final = "/portal/signed-out"
_LONGEST: Final = 4_096


class ProviderPages:
    """``/portal/sign-in/provider`` and below, ``/portal/signed-out``. Without a provider there is nothing there."""

    def __init__(self, routes: Routes, door: Door, outside: Outside) -> None:
        self._routes = routes
        self._door = door
        self._outside = outside

    def routes(self) -> list[Route]:
        """The pages."""
        return [
            Route(THERE, self._outside.page(self._there, costs=True)),
            Route(BACK, self._outside.page(self._back, costs=True)),
            Route(SIGNED_OUT, self._outside.page(self._signed_out, costs=True)),
        ]

    def _provider(self) -> ProviderSignIns:
        provider = self._routes.services.provider
        if provider is None:
            raise HTTPException(404)
        return provider

    async def _there(self, request: Request) -> Response:
        """A link leads here, no form: browsers do not let a form of ours end at another site."""
        try:
            begun = await self._provider().provider.begin(after_of(request))
        except Problem as problem:
            return self._not_signed_in(request, problem)
        response = RedirectResponse(begun.address, 303, {"Cache-Control": "no-store"})
        self._door.keep(response, COOKIE, begun.kept, LASTS, path=THERE)
        return response

    async def _back(self, request: Request) -> Response:
        """What the provider says is in the address of this request alone: the answer leads on from it."""
        provider = self._provider()
        sent = {name: value for name, value in request.query_params.items() if len(value) <= _LONGEST}
        try:
            claims = await provider.provider.finish(sent, cookie(request.scope, COOKIE) or "")
            signed_in = await provider.sign_in(claims, self._door.place_of(request))
        except Problem as problem:
            response = self._not_signed_in(request, problem)
        else:
            response = RedirectResponse(claims.after, 303, {"Cache-Control": "no-store"})
            self._door.let_in(signed_in, response)
        self._door.forget(response, COOKIE, path=THERE)
        return response

    async def _signed_out(self, request: Request) -> Response:
        provider = self._provider()
        address = await provider.provider.sign_out_address()
        return self._routes.page(request, "signed_out.html", address=address)

    def _not_signed_in(self, request: Request, problem: Problem) -> Response:
        headers = {} if problem.retry_after is None else {"Retry-After": str(problem.retry_after)}
        return self._routes.message(request, problem.status, problem.detail, headers, title=_("You are not signed in"))
