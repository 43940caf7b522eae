"""Offers' logos."""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI, Request, Response
from pydantic import Field

from leadkeeper.doors.api.offers import IfMatch
from leadkeeper.doors.api.resource import add
from leadkeeper.doors.api.security import Offer, Owner
from leadkeeper.doors.readable import require_unencoded
from leadkeeper.doors.web import read_body, require_content_type
from leadkeeper.offer import OfferRef
from leadkeeper.problem import Problem, ProblemType
from leadkeeper.publishing.logo_image import MOST_BYTES, MOST_PIXELS
from leadkeeper.publishing.logos import OfferLogos
from leadkeeper.publishing.precondition import Precondition
from leadkeeper.texts import lazy_gettext
from leadkeeper.views import View

_TAG: Final = "Publishers and offers"
_AT: Final = "/v1/publishers/{publisherId}/offers/{offerId}/logo"
KINDS: Final = ("image/png", "image/jpeg", "image/webp")
PICTURE: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "description": f"At most {MOST_BYTES // 1_024} KiB and {MOST_PIXELS} pixels each way.",
        "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in KINDS},
    }
}


class LogoView(View):
    """The logo of an offer's draft."""

    digest: str = Field(description="SHA-256 of the picture as it is shown: its name.")
    link: str = Field(description="Where customers see it, as PNG, once it is published.")


class Logos:
    """``/v1/publishers/{publisherId}/offers/{offerId}/logo``."""

    def __init__(self, logos: OfferLogos, base_url: str) -> None:
        self._logos = logos
        self._base_url = base_url

    def serve_on(self, app: FastAPI) -> None:
        """Add the routes."""
        p = ProblemType
        summary = "Read where the logo of an offer's draft is"
        add(app, "GET", _AT, self.get_logo, p.UNKNOWN_OFFER, p.NOT_FOUND, tag=_TAG, summary=summary)
        summary = "Give an offer's draft a logo"
        problems = (p.UNKNOWN_OFFER, p.PRECONDITION_FAILED)
        add(app, "PUT", _AT, self.put_logo, *problems, tag=_TAG, summary=summary, openapi_extra=PICTURE)
        summary = "Take the logo from an offer's draft"
        add(app, "DELETE", _AT, self.delete_logo, *problems, tag=_TAG, summary=summary, status=204)

    async def get_logo(self, offer: Offer, _: Owner) -> LogoView:
        """For an operator, or the publisher."""
        digest = await self._logos.of_draft(offer)
        if not digest:
            raise Problem(ProblemType.NOT_FOUND, lazy_gettext("The offer has no logo."))
        return self._view(offer, digest)

    async def put_logo(
        self, offer: Offer, caller: Owner, request: Request, response: Response, if_match: IfMatch = None
    ) -> LogoView:
        """The body is the picture: PNG, JPEG or WebP. It is drawn anew; customers see it once it is published."""
        require_content_type(request.scope, *(kind.encode() for kind in KINDS))
        require_unencoded(request.scope)
        body = await read_body(request.receive, MOST_BYTES)
        changed, digest = await self._logos.put(offer, body, precondition=Precondition(if_match), by=caller.name)
        response.headers["ETag"] = changed.etag
        return self._view(offer, digest)

    async def delete_logo(self, offer: Offer, caller: Owner, if_match: IfMatch = None) -> None:
        """Customers no longer see it once that is published. Nothing changes where there is none."""
        await self._logos.remove(offer, precondition=Precondition(if_match), by=caller.name)

    def _view(self, offer: OfferRef, digest: str) -> LogoView:
        at = f"{self._base_url}/store/logos/{offer.publisher_id}/{offer.offer_id}/{digest}"
        return LogoView(digest=digest, link=at)
