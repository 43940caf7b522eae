"""Publishing an offer: what it would change, its six steps as they happen, and the buttons."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.connections.connections import Connection
from leadkeeper.doors.portal.connections.fields import lines_in
from leadkeeper.doors.portal.offers.differing import MOST, shown_changes
from leadkeeper.doors.portal.routes import OFFER, Places, Routes, form_of, offer_address, to
from leadkeeper.doors.portal.session import Session
from leadkeeper.mail.address import parse_address
from leadkeeper.offer import OfferRef
from leadkeeper.publishing.steps import STEP_TEXTS, StepStatus
from leadkeeper.texts import lazy_gettext as _

MOST_EMAILS = 50


class PublishingPages:
    """``.../publishing``."""

    def __init__(self, routes: Routes) -> None:
        self._routes = routes
        self._services = routes.services

    def places(self) -> Places:
        """The pages."""
        return [
            (OFFER + "/publishing", self._show, "GET"),
            (OFFER + "/publishing/steps", self._steps, "GET"),
            (OFFER + "/publish", self._publish, "POST"),
            (OFFER + "/golive", self._go_live, "POST"),
            (OFFER + "/cancel", self._cancel, "POST"),
            (OFFER + "/withdraw", self._ask_withdraw, "GET"),
            (OFFER + "/withdraw", self._withdraw, "POST"),
        ]

    async def _show(self, request: Request, session: Session) -> Response:
        return await self._page(request, session, "publishing.html")

    async def _steps(self, request: Request, session: Session) -> Response:
        """What moves by itself: a page asks for this part again when something has moved."""
        return await self._page(request, session, "_publishing.html", part=True)

    async def _page(
        self,
        request: Request,
        session: Session,
        template: str,
        status: int = 200,
        emails: str = "",
        wrong: str = "",
        **more: bool,
    ) -> Response:
        ref = self._routes.offer_of(request, session)
        missing = await self._services.offers.publication.missing(ref)
        changes = await self._services.offers.differences.of(ref)
        content: dict[str, Any] = {
            "missing": missing,
            "texts": STEP_TEXTS,
            "refused": StepStatus.REJECTED,
            "changes": shown_changes(
                changes,
                self._routes.language_of(request),
                self._services.connections.destinations,
                await self._services.connections.standings([ref]),
            ),
            "more_changes": max(0, len(changes) - MOST),
            "emails": emails or "\n".join(_contacts(await self._services.connections.list(ref))),
            "wrong_emails": wrong,
        }
        return await self._routes.offer_page(request, ref, template, "publishing", status, **(content | more))

    async def _publish(self, request: Request, session: Session) -> Response:
        ref, text = self._routes.offer_of(request, session), (await form_of(request)).get("emails", "")
        try:
            emails = [parse_address(each).shown for each in lines_in(text)]
        except ValueError as error:
            return await self._page(request, session, "publishing.html", 422, text, str(error))
        if len(emails) > MOST_EMAILS:
            message = _("At most %(most)s addresses.", most=MOST_EMAILS)
            return await self._page(request, session, "publishing.html", 422, text, message)
        caller = session.caller
        await self._services.offers.publication.publish(ref, emails=emails, by=caller.name, trusted=caller.is_operator)
        return _back(ref)

    async def _go_live(self, request: Request, session: Session) -> Response:
        ref = self._routes.offer_of(request, session)
        await self._services.offers.publication.go_live(ref, by=session.caller.name)
        return _back(ref)

    async def _cancel(self, request: Request, session: Session) -> Response:
        ref = self._routes.offer_of(request, session)
        await self._services.offers.publication.cancel(ref, by=session.caller.name)
        return _back(ref)

    async def _ask_withdraw(self, request: Request, session: Session) -> Response:
        """What becomes of its leads is said before."""
        ref = self._routes.offer_of(request, session)
        return await self._routes.offer_page(request, ref, "withdraw.html", "publishing")

    async def _withdraw(self, request: Request, session: Session) -> Response:
        ref = self._routes.offer_of(request, session)
        await self._services.offers.publication.withdraw(ref, by=session.caller.name)
        return _back(ref)


def _back(ref: OfferRef) -> Response:
    return to(f"{offer_address(ref)}/publishing")


def _contacts(connections: list[Connection]) -> list[str]:
    """Who hears of publishing unless somebody else is named: the contact e-mails of the offer's connections."""
    return list(dict.fromkeys(email for each in connections for email in each.changed.stored.contacts))[:MOST_EMAILS]
