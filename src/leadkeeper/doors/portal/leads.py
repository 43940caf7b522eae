"""Leads: the list, one with its way, and sending it again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.doors.portal.desk import Desk, Places, form_of, to
from leadkeeper.doors.portal.session import Session
from leadkeeper.inbox.inbox import LeadFilter

_PAGE: Final = 50


class LeadPages:
    """``/portal/leads`` and what is below it."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._rooms = desk.rooms

    def places(self) -> Places:
        """The pages."""
        return [
            ("/portal/leads", self._leads, "GET"),
            ("/portal/leads/{lead_id}", self._lead, "GET"),
            ("/portal/deliveries/{delivery_id}/retry", self._retry, "POST"),
        ]

    async def _leads(self, request: Request, session: Session) -> Response:
        query = request.query_params
        wanted = LeadFilter(
            session.caller.publisher_id or query.get("publisher") or None,
            query.get("offer") or None,
            query.get("state") or None,
            test=_test(query),
        )
        found = await self._rooms.reading.leads(wanted, query.get("cursor"), _PAGE, by=session.caller.name)
        return self._desk.page(request, "leads.html", found=found, query=query)

    async def _lead(self, request: Request, session: Session) -> Response:
        lead_id, caller, language = request.path_params["lead_id"], session.caller, self._desk.language_of(request)
        whose = caller.publisher_id
        lead = await self._rooms.reading.lead(lead_id, by=caller.name, publisher_id=whose, language=language)
        if lead is None:
            raise HTTPException(404)
        return self._desk.page(request, "lead.html", lead=lead)

    async def _retry(self, request: Request, session: Session) -> Response:
        delivery_id = request.path_params["delivery_id"]
        offer = await self._rooms.again.offer_of(delivery_id)
        if offer is None or not session.caller.may_change(offer.publisher_id):
            if offer is not None:
                self._desk.refused(session, f"delivery.retry {delivery_id}")
            raise HTTPException(404)
        await self._rooms.again.retry(delivery_id, by=session.caller.name)
        lead = (await form_of(request)).get("lead", "")
        return to(f"/portal/leads/{quote(lead, safe='')}")


def _test(query: Mapping[str, str]) -> bool | None:
    return {"yes": True, "no": False}.get(query.get("test", ""))
