"""For how long data are kept."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from leadkeeper.clock import to_text
from leadkeeper.doors.api.resource import add
from leadkeeper.doors.api.security import Operator, Owner, PublisherId
from leadkeeper.json_types import WHOLE
from leadkeeper.privacy.periods import LONGEST_DAYS, Own, Periods
from leadkeeper.privacy.retention import KeptKind, Retention, StoredFigures
from leadkeeper.problem import ProblemType
from leadkeeper.views import View

_TAG: Final = "Publishers and offers"
_PATH: Final = "/v1/publishers/{publisherId}/retention"
Days = Annotated[int, WHOLE, Field(ge=1, le=LONGEST_DAYS)]


class RetentionBody(BaseModel):
    """For how many days a publisher's data are kept; null for as long as this installation keeps them."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)

    personal_days: Days | None = Field(None, description="Personal data of leads that were delivered.", examples=[180])
    evidence_days: Days | None = Field(None, description="What destinations said in attempts.", examples=[30])


class RetentionView(View):
    """For how many days data are kept after their end."""

    personal_days: int = Field(description="Personal data of leads that were delivered.")
    evidence_days: int = Field(description="What destinations said in attempts of leads that were delivered.")
    mail_days: int = Field(description="What notices said, and to whom.")
    audit_days: int = Field(description="Lines of the audit.")
    own_personal_days: int | None = Field(None, description="What the publisher said itself; null for the usual.")
    own_evidence_days: int | None = Field(None, description="What the publisher said itself; null for the usual.")

    @classmethod
    def of(cls, periods: Periods, own: Own) -> RetentionView:
        """The periods that hold for whoever said ``own``."""
        days = {"own_personal_days": own.personal_days, "own_evidence_days": own.evidence_days}
        mine = periods.of(own)
        return cls(
            personal_days=mine.personal_days,
            evidence_days=mine.evidence_days,
            mail_days=mine.mail_days,
            audit_days=mine.audit_days,
            **days,
        )


class KeptView(View):
    """What is known of one kind of data."""

    removed: int = Field(description="Of how many rows they were removed, since ever.")
    left: int = Field(description="How many are old enough and wait for their own end; 10000 are counted at most.")
    left_since: str | None = Field(description="When the oldest of these came.")
    oldest: str | None = Field(description="When the oldest came whose time is not over.")
    late: bool = Field(description="Whether some should have been removed by now: no worker runs.")

    @classmethod
    def of(cls, kept: KeptKind) -> KeptView:
        """The view of ``kept``."""
        left_since = None if kept.left_at is None else to_text(kept.left_at)
        oldest = None if kept.oldest_at is None else to_text(kept.oldest_at)
        return cls(removed=kept.removed, left=kept.left, left_since=left_since, oldest=oldest, late=kept.late)


class RetentionReport(View):
    """For how long this installation keeps data, what it removed, and the room that its database takes."""

    periods: RetentionView
    personal: KeptView
    evidence: KeptView
    mails: KeptView
    database_bytes: int
    free_bytes: int = Field(description="Of these, bytes in pages that hold nothing.")

    @classmethod
    def of(cls, periods: Periods, found: StoredFigures) -> RetentionReport:
        """The report on ``found``."""
        kinds = {kind.value: KeptView.of(kept) for kind, kept in found.kept.items()}
        size = {"database_bytes": found.room.taken, "free_bytes": found.room.free}
        return cls.model_validate({"periods": RetentionView.of(periods, Own()), **kinds, **size})


class RetentionRoutes:
    """``/v1/retention`` and ``/v1/publishers/{publisherId}/retention``."""

    def __init__(self, retention: Retention) -> None:
        self._retention = retention

    def serve_on(self, app: FastAPI) -> None:
        """Add the routes."""
        unknown = ProblemType.UNKNOWN_PUBLISHER
        summary = "Say for how long data are kept, and what was removed"
        add(app, "GET", "/v1/retention", self.get_report, tag="System", summary=summary)
        summary = "Read for how long a publisher's data are kept"
        add(app, "GET", _PATH, self.get_retention, unknown, tag=_TAG, summary=summary)
        summary = "Keep a publisher's data for a shorter time"
        add(app, "PUT", _PATH, self.put_retention, unknown, tag=_TAG, summary=summary)

    async def get_report(self, _: Operator) -> RetentionReport:
        """For an operator."""
        return RetentionReport.of(self._retention.usual, await self._retention.figures())

    async def get_retention(self, publisher_id: PublisherId, _: Owner) -> RetentionView:
        """For an operator, or the publisher itself."""
        return RetentionView.of(self._retention.usual, await self._retention.own(publisher_id))

    async def put_retention(self, publisher_id: PublisherId, body: RetentionBody, caller: Owner) -> RetentionView:
        """For an operator, or the publisher itself. No longer than the installation keeps data.

        What is too old by then is removed within a day, and does not come back.
        """
        own = Own(body.personal_days, body.evidence_days)
        changed = await self._retention.change(publisher_id, own, by=caller.name)
        return RetentionView.of(self._retention.usual, changed)
