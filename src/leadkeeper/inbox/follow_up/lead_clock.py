"""How long a lead took: to its first destination, and until somebody turned to the customer. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from leadkeeper.views import LeadView


@dataclass(frozen=True, slots=True)
class LeadClock:
    """Milliseconds since the lead was kept; ``None`` for what has not happened."""

    to_destination: int | None
    to_touch: int | None


def clock_of(lead: LeadView) -> LeadClock:
    """The lead's times. It is at a destination once that confirmed it: what nobody confirmed may not be there.

    A time before the lead was kept, by a clock that jumped, counts as none at all (0).
    """
    came = datetime.fromisoformat(lead.created_time)
    arrived = [
        _ms(came, attempt.at) + attempt.took_ms
        for way in lead.deliveries
        for attempt in way.attempts
        if attempt.receipt is not None and attempt.receipt.confirmed
    ]
    touched = None if lead.follow_up is None else lead.follow_up.touched_at
    return LeadClock(min(arrived, default=None), None if touched is None else _ms(came, touched))


def _ms(came: datetime, at: str) -> int:
    return max(0, round((datetime.fromisoformat(at) - came).total_seconds() * 1_000))
