"""What the marketplace is called, and how its pages look: its name, colour and logo. For operators."""

from __future__ import annotations

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.access.marketplace import NAME_FIELD
from leadkeeper.doors.forms import sent_file
from leadkeeper.doors.portal.routes import LOGO, Places, Routes, blank, form_of, to
from leadkeeper.doors.portal.session import Session
from leadkeeper.problem import Problem
from leadkeeper.publishing.branding import ACCENT_FIELD
from leadkeeper.publishing.logo_image import MOST_BYTES, MOST_PIXELS

AT: Final = "/portal/operate/branding"


class BrandingPages:
    """``/portal/operate/branding``. What a setting gives is shown, and no form changes it."""

    def __init__(self, routes: Routes) -> None:
        self._routes = routes
        self._branding = routes.services.branding
        self._name = routes.services.marketplace

    def places(self) -> Places:
        """The pages."""
        return [
            (AT, self._show, "GET"),
            (AT, self._change, "POST"),
            (AT + "/logo/remove", self._remove, "POST"),
        ]

    async def _show(self, request: Request, _session: Session) -> Response:
        return self._page(request)

    async def _change(self, request: Request, session: Session) -> Response:
        """All of it in one act: nothing is changed where something cannot be taken."""
        form = await form_of(request)
        shown = self._branding
        name = form.get(NAME_FIELD, "") if self._name.setting is None else None
        if not self._name.is_given:
            name = name or None  # it may stay without one
        accent = form.get(ACCENT_FIELD, "").strip() if shown.accent_setting is None else None
        logo = sent_file(request, LOGO) if shown.logo_setting is None else b""
        try:
            await shown.change(name=name, accent=accent, logo=logo or None, by=session.caller.name)
        except Problem as problem:
            if not problem.errors:
                raise
            return self._page(request, 422, form, {error.field: error.message for error in problem.errors})
        return to(f"{AT}?saved=1")

    async def _remove(self, _request: Request, session: Session) -> Response:
        await self._branding.change(without_logo=True, by=session.caller.name)
        return to(f"{AT}?saved=1")

    def _page(
        self,
        request: Request,
        status: int = 200,
        form: dict[str, str] | None = None,
        wrong: dict[str, str] | None = None,
    ) -> Response:
        shown = {"name": str(self._name) if self._name.is_given else "", ACCENT_FIELD: self._branding.accent}
        content: dict[str, Any] = {"most_bytes": MOST_BYTES // 1_024, "most_pixels": MOST_PIXELS}
        content |= {"form": blank(form or shown), "wrong": blank(wrong), "named": self._name}
        content["saved"] = "saved" in request.query_params and status == 200
        return self._routes.page(request, "branding.html", status, **content)
