"""Uploading follow-up as a table: what it would change is shown first, line by line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import astuple, replace
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.doors.forms import sent_file
from leadkeeper.doors.portal.routes import TABLE, Places, Routes, form_of
from leadkeeper.doors.portal.session import Session
from leadkeeper.doors.readable import require_storable
from leadkeeper.inbox.follow_up.columns import FOLLOW_UP_HEADS, names_in
from leadkeeper.inbox.follow_up.table import MOST_ROWS, Row, RowError, read_file
from leadkeeper.inbox.follow_up.uploaded import MOST_BYTES
from leadkeeper.problem import FieldError, Problem, ProblemType
from leadkeeper.texts import lazy_gettext as _

UPLOAD: Final = "/portal/leads/upload"
_SHOWN: Final = 200
"""How many lines the page shows of what changes, and of what is wrong; it says how many more there are."""


class UploadPages:
    """``/portal/leads/upload``; before a lead's page, whose address is alike."""

    def __init__(self, routes: Routes) -> None:
        self._routes = routes
        self._uploads = routes.services.leads.follow_up_uploads

    def places(self) -> Places:
        """The pages."""
        return [(UPLOAD, self._ask, "GET"), (UPLOAD, self._take, "POST")]

    async def _ask(self, request: Request, session: Session) -> Response:
        return self._page(request)

    async def _take(self, request: Request, session: Session) -> Response:
        form, whose = await form_of(request), session.caller.publisher_id
        if (agreed := form.get("rows")) is not None:
            rows = agreed_rows(agreed)
            count, errors = await self._uploads.apply(rows, by=session.caller.name, publisher_id=whose)
            return self._page(request, done=True, count=count, errors=errors)
        table = read_file(sent_file(request, TABLE), names_in(self._routes.services.languages))
        planned, errors = await self._uploads.plan(table.rows, publisher_id=whose)
        errors = sorted([*table.errors, *errors], key=lambda each: each.number)
        kept = [astuple(each.row) for each in planned]
        agreed = json.dumps(kept, ensure_ascii=False, separators=(",", ":"))
        if len(agreed.encode()) > MOST_BYTES:
            errors, planned = [RowError(1, "", _("The file changes too much at once: split it."))], []
        return self._page(request, planned=planned, errors=errors, rows=agreed, looked=True)

    def _page(self, request: Request, *, errors: Sequence[RowError] = (), **content: Any) -> Response:
        heads = dict(FOLLOW_UP_HEADS)
        nothing: dict[str, Any] = {"done": False, "count": 0, "planned": [], "rows": "", "looked": False}
        found = [replace(each, column=heads.get(each.column, "")) for each in errors]
        status = 422 if errors and not content.get("planned") and not content.get("count") else 200
        content = nothing | content | {"errors": found, "most": MOST_ROWS, "shown": _SHOWN}
        return self._routes.page(request, "upload.html", status, None, **content)


def agreed_rows(text: str) -> list[Row]:
    """The lines that somebody agreed to, as the page before wrote them. Raises :class:`Problem` for anything else."""
    try:
        found = json.loads(text)
        rows = [Row(int(number), *(_text(each) for each in cells)) for number, *cells in found]  # type: ignore[arg-type]
    except (ValueError, TypeError, RecursionError):
        found, rows = [], []
    require_storable(found)
    if not rows or len(rows) > MOST_ROWS:
        message = _("This form cannot be read. Upload the file again.")
        raise Problem(ProblemType.INVALID_REQUEST, message, (FieldError("rows", message),))
    return rows


def _text(value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise TypeError
    return value
