"""Reading the audit."""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, Query
from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic.alias_generators import to_camel

from leadkeeper.access.acts import PATTERN, is_act
from leadkeeper.access.audit import MOST, Audit, AuditFilter
from leadkeeper.doors.api.resource import add
from leadkeeper.doors.api.schemas import IsoMoment, Text, to_ms
from leadkeeper.doors.api.security import Reader, visible
from leadkeeper.model_errors import CURSOR
from leadkeeper.offer import PUBLISHER_ID
from leadkeeper.texts import lazy_gettext
from leadkeeper.views import AuditPage


class AuditQuery(BaseModel):
    """Which lines to list. An unknown filter is refused: left out, it would list more than was asked for."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")

    publisher_id: Annotated[str, Field(pattern=PUBLISHER_ID)] | None = None
    who: Text | None = Field(None, description="As `who` is written: `key:<id>`, `cli`, `anyone`.")
    act: Text | None = Field(
        None, description="One act of the list.", examples=["lead.read"], json_schema_extra={"pattern": PATTERN}
    )
    since: IsoMoment | None = Field(None, description="At or after this moment (ISO 8601, UTC if unsaid).")
    until: IsoMoment | None = Field(None, description="Before this moment.")
    limit: int = Field(50, ge=1, le=MOST)
    cursor: Annotated[str, Field(pattern=CURSOR)] | None = Field(None, description="The nextCursor of the page before.")

    @field_validator("act")
    @classmethod
    def _act(cls, value: str | None) -> str | None:
        if value is not None and not is_act(value):
            raise ValueError(lazy_gettext("there is no such act; docs/reference/audit.md lists them"))
        return value


class AuditRoutes:
    """``/v1/audit``."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit

    def serve_on(self, app: FastAPI) -> None:
        """Add the route."""
        add(app, "GET", "/v1/audit", self.list_audit, tag="Audit", summary="List who did what, newest first")

    async def list_audit(self, query: Annotated[AuditQuery, Query()], caller: Reader) -> AuditPage:
        """An operator sees all; a publisher what concerns its own things. Follow `nextCursor` until there is none."""
        rule = lazy_gettext("A publisher sees its own part of the audit only.")
        publisher_id = visible(caller, query.publisher_id, rule)
        filters = AuditFilter(publisher_id, query.who, query.act, to_ms(query.since), to_ms(query.until))
        return await self._audit.list(filters, query.cursor, query.limit)
