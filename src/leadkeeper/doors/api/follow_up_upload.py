"""Follow-up that comes back from a spreadsheet."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import FastAPI, Query, Request

from leadkeeper.access.permissions import Permission
from leadkeeper.doors.api.language import SUMMARY, Asked
from leadkeeper.doors.api.resource import add
from leadkeeper.doors.api.security import Reader, forbidden
from leadkeeper.doors.readable import require_unencoded
from leadkeeper.doors.web import read_body, require_content_type
from leadkeeper.inbox.follow_up.table import MOST_ROWS
from leadkeeper.inbox.follow_up.upload import FollowUpUploads
from leadkeeper.inbox.follow_up.uploaded import MOST_BYTES, UploadResult, take_file
from leadkeeper.texts import Languages
from leadkeeper.texts import lazy_gettext as _

CSV: Final = "text/csv"
_TABLE: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "description": f"A line for each lead, at most {MOST_ROWS:,} and {MOST_BYTES:,} bytes: the list as it was "
        "downloaded, or the columns `Lead id` and one or more of `Follow-up`, `Reason` and `Owner`.",
        "content": {CSV: {"schema": {"type": "string"}}},
    }
}
DryRun = Annotated[bool, Query(alias="dryRun", description="Only say what would be changed.")]


class FollowUpUploadRoutes:
    """``/v1/leads/follow-up``."""

    def __init__(self, uploads: FollowUpUploads, languages: Languages) -> None:
        self._uploads = uploads
        self._languages = languages

    def serve_on(self, app: FastAPI) -> None:
        """Add the route."""
        summary = "Change the follow-up of many leads by a table"
        add(
            app,
            "POST",
            "/v1/leads/follow-up",
            self.upload_follow_up,
            tag="Leads",
            summary=summary,
            responses={200: SUMMARY},
            openapi_extra=_TABLE,
        )

    async def upload_follow_up(
        self, request: Request, caller: Reader, language: Asked, dry_run: DryRun = False
    ) -> UploadResult:
        """Errors are told by line and column; such a line changes nothing, the others do. To repeat it does no harm."""
        if not caller.may(Permission.CHANGE, caller.publisher_id):
            raise forbidden(_("A key of role reader may only read."))
        require_content_type(request.scope, CSV.encode())
        require_unencoded(request.scope)
        content = await read_body(request.receive, MOST_BYTES)
        return await take_file(
            self._uploads,
            self._languages,
            content,
            by=caller.name,
            publisher_id=caller.publisher_id,
            dry_run=dry_run,
            language=language,
        )
