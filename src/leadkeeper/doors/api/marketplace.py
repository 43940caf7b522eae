"""The marketplace itself: its name, colour and logo."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import FastAPI, Request
from pydantic import Field

from leadkeeper.access.marketplace import LONGEST, MarketplaceName
from leadkeeper.doors.api.logos import KINDS, PICTURE
from leadkeeper.doors.api.resource import add
from leadkeeper.doors.api.schemas import Body, Text
from leadkeeper.doors.api.security import Operator
from leadkeeper.doors.readable import require_unencoded
from leadkeeper.doors.web import read_body, require_content_type
from leadkeeper.model_errors import COLOUR
from leadkeeper.problem import Problem, ProblemType
from leadkeeper.publishing.branding import Branding
from leadkeeper.publishing.logo_image import MOST_BYTES
from leadkeeper.texts import lazy_gettext
from leadkeeper.views import View

_TAG: Final = "Publishers and offers"
_AT: Final = "/v1/marketplace"


class MarketplaceBody(Body):
    """What may be said of the marketplace; what is left out stays as it is."""

    name: Annotated[Text, Field(min_length=1, max_length=LONGEST)] | None = Field(
        None, examples=["Contoso Marketplace"]
    )
    accent_color: Annotated[str, Field(pattern=COLOUR)] | None = Field(
        None, description="Colour of buttons and links; empty for the usual one.", examples=["#0b5cab"]
    )


class MarketplaceView(View):
    """The marketplace as its pages show it."""

    name: str
    name_is_set: bool = Field(description="Whether a setting gives the name: it holds before what is said here.")
    accent_color: str | None = Field(description="Colour of buttons and links; null for the usual one.")
    accent_color_is_set: bool = Field(description="Whether a setting gives the colour.")
    logo: str | None = Field(description="Where its logo is; null where it has none.")
    logo_is_set: bool = Field(description="Whether a setting gives the logo.")

    @classmethod
    def of(cls, name: MarketplaceName, branding: Branding, base_url: str) -> MarketplaceView:
        """What is shown now."""
        return cls(
            name=str(name),
            name_is_set=name.setting is not None,
            accent_color=branding.accent or None,
            accent_color_is_set=branding.accent_setting is not None,
            logo=None if branding.logo is None else f"{base_url}/store/static/logo{branding.mark}",
            logo_is_set=branding.logo_setting is not None,
        )


class MarketplaceRoutes:
    """``/v1/marketplace``."""

    def __init__(self, name: MarketplaceName, branding: Branding, base_url: str) -> None:
        self._name = name
        self._branding = branding
        self._base_url = base_url

    def serve_on(self, app: FastAPI) -> None:
        """Add the routes."""
        summary = "Read what the marketplace is called and how it looks"
        add(app, "GET", _AT, self.get_marketplace, tag=_TAG, summary=summary)
        summary = "Change what it is called, and its colour"
        add(app, "PUT", _AT, self.put_marketplace, tag=_TAG, summary=summary)
        summary = "Give the marketplace a logo"
        extra = PICTURE
        add(app, "PUT", f"{_AT}/logo", self.put_marketplace_logo, tag=_TAG, summary=summary, openapi_extra=extra)
        summary = "Take the logo from the marketplace"
        problem = ProblemType.NOT_FOUND
        add(app, "DELETE", f"{_AT}/logo", self.delete_marketplace_logo, problem, tag=_TAG, summary=summary, status=204)

    async def get_marketplace(self, _: Operator) -> MarketplaceView:
        """For an operator."""
        return self._view()

    async def put_marketplace(self, body: MarketplaceBody, caller: Operator) -> MarketplaceView:
        """For an operator. What a setting gives is shown whatever is said here."""
        await self._branding.change(name=body.name, accent=body.accent_color, by=caller.name)
        return self._view()

    async def put_marketplace_logo(self, caller: Operator, request: Request) -> MarketplaceView:
        """The body is the picture: PNG, JPEG or WebP. It is drawn anew."""
        require_content_type(request.scope, *(kind.encode() for kind in KINDS))
        require_unencoded(request.scope)
        body = await read_body(request.receive, MOST_BYTES)
        await self._branding.change(logo=body, by=caller.name)
        return self._view()

    async def delete_marketplace_logo(self, caller: Operator) -> None:
        """Pages show ours again, the storefront none."""
        if not self._branding.uploaded:
            raise Problem(ProblemType.NOT_FOUND, lazy_gettext("The marketplace was given no logo."))
        await self._branding.change(without_logo=True, by=caller.name)

    def _view(self) -> MarketplaceView:
        return MarketplaceView.of(self._name, self._branding, self._base_url)
