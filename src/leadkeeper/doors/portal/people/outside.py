"""What pages for whoever is not signed in have in common: whose form it is, how often, and where to go on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from limits import parse
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.access.tries import Tries
from leadkeeper.clock import now_ms
from leadkeeper.doors.origins import Origins
from leadkeeper.gate import NEWCOMERS, charge
from leadkeeper.problem import Problem, ProblemType
from leadkeeper.texts import lazy_gettext as _

LIMIT: Final = parse("60/minute")
"""How often one address may open a link or send a form: links cannot be guessed, this only spares the database."""

Page = Callable[[Request], Awaitable[Response]]


class Outside:
    """Anybody may see such a page, at the expense of newcomers; a form comes from a page of ours, and not too often."""

    def __init__(self, origins: Origins) -> None:
        self.origins = origins
        self._tries = Tries(LIMIT.amount, LIMIT.get_expiry() * 1_000)

    def page(self, show: Page, take: Page | None = None, *, costs: bool = False) -> Page:
        """Both as one; ``costs``: showing it asks for something, too. Links with a token always do."""

        async def handle(request: Request) -> Response:
            charge(NEWCOMERS, self.origins.addresses.of(request.scope))
            if request.method == "POST" and self.origins.from_elsewhere(request.scope):
                raise HTTPException(403)
            counts = costs or request.method == "POST" or "token" in request.path_params
            if counts and self._tries.count(self.origins.addresses.of(request.scope), now_ms()):
                message = _("The page was opened often from your address just now. Try again in a minute.")
                raise Problem(ProblemType.TOO_MANY_REQUESTS, message, retry_after=60)
            return await (take if take is not None and request.method == "POST" else show)(request)

        return handle


def after_of(request: Request) -> str:
    """Where to go on: to a page of the portal alone."""
    after = request.query_params.get("after", "/portal")
    return after if after.startswith("/portal") else "/portal"
