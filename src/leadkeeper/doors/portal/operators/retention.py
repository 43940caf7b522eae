"""For how long data are kept: what holds here and what was removed, and a shorter time for one publisher."""

from __future__ import annotations

from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.access.chain import oldest_line_at
from leadkeeper.clock import to_text
from leadkeeper.doors.portal.routes import Places, Routes, blank, form_of, to
from leadkeeper.doors.portal.session import Session
from leadkeeper.privacy.periods import DataKind, Own
from leadkeeper.problem import Problem
from leadkeeper.texts import lazy_gettext as _

AT: Final = "/portal/retention"
OF_PUBLISHER: Final = "/portal/publishers/{publisher_id}/retention"
_MEGABYTE: Final = 1_000_000
_KINDS: Final = {
    DataKind.PERSONAL: _("Personal data of leads"),
    DataKind.EVIDENCE: _("What destinations said in failed attempts"),
    DataKind.MAILS: _("Texts and recipients of mails"),
}
_FIELDS: Final = ("personalDays", "evidenceDays")


class RetentionPages:
    """``/portal/retention`` for operators, ``/portal/publishers/{publisher_id}/retention`` for members."""

    def __init__(self, routes: Routes) -> None:
        self._routes = routes
        self._retention = routes.services.retention

    def places(self) -> Places:
        """The pages."""
        return [(AT, self._overview, "GET"), (OF_PUBLISHER, self._one, "GET"), (OF_PUBLISHER, self._change, "POST")]

    async def _overview(self, request: Request, session: Session) -> Response:
        if not session.caller.is_operator:
            self._routes.refused(session, f"GET {AT}")
            raise HTTPException(404)
        found, usual = await self._retention.figures(), self._retention.usual
        days = {
            DataKind.PERSONAL: usual.personal_days,
            DataKind.EVIDENCE: usual.evidence_days,
            DataKind.MAILS: usual.mail_days,
        }
        rows = [(_KINDS[kind], days[kind], found.kept[kind], _moment(found.kept[kind].oldest_at)) for kind in DataKind]
        language, size = self._routes.language_of(request), found.room
        taken, free = (language.number(round(each / _MEGABYTE, 1)) for each in (size.taken, size.free))
        oldest = await self._routes.services.storage.read(oldest_line_at)
        audit = (usual.audit_days, _moment(oldest))
        return self._routes.page(
            request, "retention.html", rows=rows, taken=taken, free=free, shrinks=size.shrinks, audit=audit
        )

    def _publisher(self, request: Request, session: Session) -> str:
        """Whose data. Raises ``HTTPException`` for another's, as if it were not there."""
        publisher_id: str = request.path_params["publisher_id"]
        if not session.caller.may_see(publisher_id):
            self._routes.refused(session, f"{request.method} {request.url.path[:200]}")
            raise HTTPException(404)
        return publisher_id

    async def _one(self, request: Request, session: Session) -> Response:
        publisher_id = self._publisher(request, session)
        own = await self._retention.own(publisher_id)
        form = {"personalDays": str(own.personal_days or ""), "evidenceDays": str(own.evidence_days or "")}
        return await self._page(request, publisher_id, own, form, {})

    async def _change(self, request: Request, session: Session) -> Response:
        publisher_id, form = self._publisher(request, session), await form_of(request)
        given = {name: form.get(name, "").strip() for name in _FIELDS}
        most = dict(
            zip(_FIELDS, (self._retention.usual.personal_days, self._retention.usual.evidence_days), strict=True)
        )
        wrong: dict[str, str] = {
            name: _("Enter a number from 1 to %(most)s.", most=most[name])
            for name, text in given.items()
            if text and not (text.isascii() and text.isdecimal() and len(text) < 7)
        }
        if not wrong:
            own = Own(*(int(given[name]) if given[name] else None for name in _FIELDS))
            try:
                await self._retention.change(publisher_id, own, by=session.caller.name)
                return to(f"{request.url.path}?saved=1")
            except Problem as problem:
                if not problem.errors or problem.errors[0].field not in _FIELDS:
                    raise
                wrong = {error.field: error.message for error in problem.errors}
        return await self._page(request, publisher_id, await self._retention.own(publisher_id), given, wrong, 422)

    async def _page(
        self,
        request: Request,
        publisher_id: str,
        own: Own,
        form: dict[str, str],
        wrong: dict[str, str],
        status: int = 200,
    ) -> Response:
        publisher = await self._routes.services.offers.catalogue.publisher(publisher_id)
        return self._routes.page(
            request,
            "retention_own.html",
            status,
            publisher=publisher,
            usual=self._retention.usual,
            mine=self._retention.usual.of(own),
            form=blank(form),
            wrong=blank(wrong),
            saved="saved" in request.query_params and status == 200,
        )


def _moment(at: int | None) -> str | None:
    return None if at is None else to_text(at)
