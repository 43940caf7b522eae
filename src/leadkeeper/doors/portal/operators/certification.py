"""For operators: the offers that wait for their word, with what each would change; approved, or refused and why."""

from __future__ import annotations

from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.doors.portal.offers.differing import MOST, shown_changes
from leadkeeper.doors.portal.routes import Places, Routes, form_of, to
from leadkeeper.doors.portal.session import Session
from leadkeeper.offer import OfferRef
from leadkeeper.texts import lazy_gettext as _

AT: Final = "/portal/certification"
_OFFERS: Final = 20
"""How many offers one page shows."""
LONGEST_REASON: Final = 2_000


class CertificationPages:
    """``/portal/certification``."""

    def __init__(self, routes: Routes) -> None:
        self._routes = routes
        self._services = routes.services

    def places(self) -> Places:
        """The pages."""
        one = AT + "/{publisher_id}/{offer_id}"
        return [
            (AT, self._list, "GET"),
            (one + "/approve", self._approve, "POST"),
            (one + "/refuse", self._refuse, "POST"),
        ]

    async def _list(self, request: Request, session: Session) -> Response:
        self._require_operator(request, session)
        return await self._page(request)

    async def _approve(self, request: Request, session: Session) -> Response:
        self._require_operator(request, session)
        form = await form_of(request)
        await self._services.offers.publication.certify(
            _offer(request), approved=True, seen=form.get("operation", ""), by=session.caller.name
        )
        return to(AT)

    async def _refuse(self, request: Request, session: Session) -> Response:
        self._require_operator(request, session)
        form = await form_of(request)
        reason, ref = form.get("message", "").strip(), _offer(request)
        wrong = ""
        if not reason:
            wrong = _("Say why: the publisher must learn what to change.")
        elif len(reason) > LONGEST_REASON:
            wrong = _("At most %(most)s characters.", most=format(LONGEST_REASON, ","))
        if wrong:
            return await self._page(request, 422, wrong=(str(ref), wrong, reason))
        await self._services.offers.publication.certify(
            ref, approved=False, message=reason, seen=form.get("operation", ""), by=session.caller.name
        )
        return to(AT)

    async def _page(self, request: Request, status: int = 200, wrong: tuple[str, str, str] = ("", "", "")) -> Response:
        after, language = request.query_params.get("after"), self._routes.language_of(request)
        found = await self._services.offers.differences.waiting(after=after, limit=_OFFERS + 1)
        shown, known = found[:_OFFERS], self._services.connections.destinations
        lines = await self._services.connections.standings([each.offer.ref for each in shown])
        content: dict[str, Any] = {
            "waiting": [
                (
                    each,
                    shown_changes(each.changes, language, known, [x for x in lines if x.offer == each.offer.ref]),
                    max(0, len(each.changes) - MOST),
                )
                for each in shown
            ],
            "wrong": wrong,
            "longest": LONGEST_REASON,
            "following": shown[-1].operation.id if len(found) > _OFFERS else None,
        }
        return self._routes.page(request, "certification.html", status, **content)

    def _require_operator(self, request: Request, session: Session) -> None:
        """Raises ``HTTPException`` for everybody else, as if there were no such page."""
        if not session.caller.is_operator:
            self._routes.refused(session, f"{request.method} {request.url.path[:200]}")
            raise HTTPException(404)


def _offer(request: Request) -> OfferRef:
    return OfferRef(request.path_params["publisher_id"], request.path_params["offer_id"])
