"""All leads that fit as a file for spreadsheets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Final

from fastapi import FastAPI, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from leadkeeper.clock import Clock
from leadkeeper.destinations.registry import Destinations
from leadkeeper.doors.api.language import Asked, language_headers
from leadkeeper.doors.api.leads import LeadFilters, OwnedBy
from leadkeeper.doors.api.resource import add
from leadkeeper.doors.api.schemas import Text
from leadkeeper.doors.api.security import Reader, visible
from leadkeeper.doors.leads_csv import CSV_TYPE, TOTAL_HEADER, csv_name, csv_of, total_text
from leadkeeper.inbox.reading import Reading
from leadkeeper.texts import lazy_gettext

_FILE: Final[Mapping[int | str, dict[str, Any]]] = {
    200: {
        "description": "The file: UTF-8 with a byte order mark, one row for each lead, the newest first.",
        "content": {"text/csv": {"schema": {"type": "string"}}},
        "headers": {
            TOTAL_HEADER: {
                "description": "How many leads it will hold, such as `84210`, or `about 1250000`; missing where only "
                "reading them tells.",
                "schema": {"type": "string"},
            }
        },
    }
}


class DownloadBody(LeadFilters):
    """Which leads the file holds; all that may be seen where nothing is said. A sort is passed over."""

    owner: OwnedBy | None = Field(None, description="The member who follows it up, or `nobody`.")
    email: Annotated[Text, Field(min_length=1)] | None = Field(
        None, description="The customer's whole e-mail address, in any case.", examples=["ada@contoso.com"]
    )
    text: Annotated[Text, Field(min_length=1, max_length=200)] | None = Field(
        None, description="A part of the customer's name, company or e-mail address, in any case."
    )


class LeadDownloadRoutes:
    """``/v1/leads/download``."""

    def __init__(self, reading: Reading, destinations: Destinations, clock: Clock) -> None:
        self._reading = reading
        self._destinations = destinations
        self._clock = clock

    def serve_on(self, app: FastAPI) -> None:
        """Add the route."""
        summary = "Download leads as CSV"
        more: dict[str, Any] = {"responses": dict(_FILE), "response_class": StreamingResponse}
        add(app, "POST", "/v1/leads/download", self.download_leads, tag="Leads", summary=summary, **more)

    async def download_leads(self, body: DownloadBody, caller: Reader, language: Asked) -> Response:
        """However many they are, as a stream, with the filters of `POST /v1/leads/find`, in the language asked for.

        An operator downloads all, a publisher its own. No cell is a formula. Where the connection is closed without
        an end, the file is not whole.
        """
        whose = visible(caller, body.publisher_id, lazy_gettext("A publisher sees its own leads only."))
        now = self._clock()
        filters = body.filters(whose, body.email, body.text, now)
        if body.destination is not None:
            filters = replace(filters, destination=self._destinations.name_of(body.destination) or body.destination)
        total = await self._reading.total(filters)
        headers = language_headers(language) | {"Cache-Control": "no-store"}
        headers["Content-Disposition"] = f'attachment; filename="{csv_name(now)}"'
        if total is not None:
            headers[TOTAL_HEADER] = total_text(total)
        content = csv_of(self._reading.export(filters, by=caller.name), language, self._destinations.title)
        return StreamingResponse(content, headers=headers, media_type=CSV_TYPE)
