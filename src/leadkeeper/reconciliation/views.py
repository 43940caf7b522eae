"""What people see of reconciliation, as JSON writes it (camelCase)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from leadkeeper.views import DiagnosisView, View


class ReconciliationView(View):
    """Whether what was delivered over a connection is still there: the last run, or the one under way."""

    possible: bool = Field(description="Whether the destination can be asked, with these settings, what is there.")
    message: str = Field(description="How it stands, in plain words.")
    state: Literal["waiting", "running", "completed", "failed"] = Field(
        description="waiting: for its first run, or for one that somebody asked for."
    )
    started_at: str | None = Field(None, description="When the last run began; null before the first.")
    ended_at: str | None = Field(None, description="When it ended; null while it is under way.")
    due_at: str | None = Field(None, description="When the next one begins; null while one is under way.")
    days: int = Field(description="Leads of so many days are looked for.")
    looked: int = Field(0, description="How many leads the run looked for.")
    missing: int = Field(0, description="How many of these it did not find; what was accepted is not counted.")
    unknown: int = Field(0, description="Of how many the destination does not say whether they are there.")
    open: int = Field(0, description="How many wait in missing-leads by now; 10001 means more than 10000.")
    diagnosis: DiagnosisView | None = Field(None, description="Why the run failed: nothing is known by it.")


class MissingLead(View):
    """A lead that was delivered and is not there."""

    lead_id: str
    delivery_id: str
    created_time: str = Field(description="When the lead came.")
    delivered_at: str
    found_at: str = Field(description="When it was found to be missing.")


class MissingLeads(View):
    """Leads that were delivered and are not there, in the order in which they came."""

    leads: tuple[MissingLead, ...]
    next_cursor: str | None = None


class MissingSettled(View):
    """Of how many leads the missing records were sent again, or accepted."""

    leads: int
