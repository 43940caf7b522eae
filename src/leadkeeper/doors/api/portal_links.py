"""Making links that show a publisher's pages in the operator's own site."""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlencode

from fastapi import FastAPI
from pydantic import Field

from leadkeeper.access.permissions import Role
from leadkeeper.access.portal_links import PortalLinks
from leadkeeper.clock import to_text
from leadkeeper.doors.api.resource import add
from leadkeeper.doors.api.schemas import Body
from leadkeeper.doors.api.security import Operator, PublisherId
from leadkeeper.model_errors import PORTAL_PATH
from leadkeeper.problem import ProblemType
from leadkeeper.views import View


class PortalLinkBody(Body):
    """Who looks, and at what first."""

    role: Literal["owner", "contributor", "reader"] = Field(
        "contributor", description="What they are in the publisher, as a member would be."
    )
    path: str = Field(
        "/portal",
        pattern=PORTAL_PATH,
        max_length=500,
        description="The page that is shown first, such as /portal/leads.",
    )


class PortalLinkView(View):
    """A link that was just made: the only moment at which it is known."""

    url: str
    expires_at: str = Field(alias="expiresTime")


class PortalLinkRoutes:
    """``/v1/publishers/{publisherId}/portal-links``. ``base_url`` starts the links."""

    def __init__(self, links: PortalLinks, base_url: str) -> None:
        self._links = links
        self._base_url = base_url

    def serve_on(self, app: FastAPI) -> None:
        """Add the route."""
        path = "/v1/publishers/{publisherId}/portal-links"
        unknown, not_now = ProblemType.UNKNOWN_PUBLISHER, ProblemType.NOT_POSSIBLE_NOW
        summary = "Make a link to a publisher's pages, for a frame in your own site"
        add(
            app,
            "POST",
            path,
            self.create_portal_link,
            unknown,
            not_now,
            tag="Publishers and offers",
            summary=summary,
            status=201,
        )

    async def create_portal_link(
        self, publisher_id: PublisherId, body: PortalLinkBody, caller: Operator
    ) -> PortalLinkView:
        """For operators. It is good once, for a minute: make it when your page is asked for."""
        made = await self._links.create(publisher_id, Role(body.role), by=caller)
        after = "" if body.path == "/portal" else f"?{urlencode({'after': body.path})}"
        url = f"{self._base_url}/portal/embedded/{made.token}{after}"
        return PortalLinkView(url=url, expires_at=to_text(made.until))
