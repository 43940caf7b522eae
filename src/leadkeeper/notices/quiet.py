"""When a person wants to be written to: quiet hours, and one mail a day. Pure.

It holds for mails about causes, and for reminders. What is urgent passes at once, whatever somebody chose: leads do not
get through, or cannot be read. All else waits until the quiet hours end; with a digest it comes together, once a day,
when they end.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo, available_timezones

from pydantic_core import from_json

from leadkeeper.inbox.attention.causes import Cause

URGENT: Final = frozenset(
    {
        *(Cause.CONNECTION_BROKEN, Cause.CONNECTION_FAILING, Cause.LEADS_DAMAGED),
        *(Cause.WORKERS_AWAY, Cause.DISK_NEARLY_FULL, Cause.CHANNEL_OFF),
    }
)
"""Causes for which leads are held, may be lost, or soon cannot be kept, or systems hear of them no more."""
_TIME: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


@dataclass(frozen=True, slots=True)
class Quiet:
    """``begins`` and ``ends`` are times of day (``22:00``) in ``zone``; both alike: there are no quiet hours.

    ``digest``: what is not urgent comes together once a day, at ``ends``.
    """

    begins: str = "00:00"
    ends: str = "00:00"
    zone: str = "UTC"
    digest: bool = False

    @property
    def is_none(self) -> bool:
        """Whether nothing ever waits."""
        return not self.digest and self.begins == self.ends

    def to_text(self) -> str:
        """As it is stored."""
        return json.dumps({"begins": self.begins, "ends": self.ends, "zone": self.zone, "digest": self.digest})


def wrong_fields(quiet: Quiet) -> list[str]:
    """The names of what is no time of day or no zone."""
    found = [name for name in ("begins", "ends") if not _TIME.fullmatch(getattr(quiet, name))]
    return [*found, *(() if quiet.zone in available_timezones() else ("zone",))]


def read_quiet(text: str | None) -> Quiet:
    """What is stored; none or a damaged text lets everything pass."""
    try:
        found: dict[str, Any] = from_json(text or "{}")
        quiet = Quiet(**found)
    except (ValueError, TypeError):
        return Quiet()
    return Quiet() if wrong_fields(quiet) else quiet


def due_at(quiet: Quiet, now: int, *, urgent: bool) -> int:
    """When (ms) a mail of ``now`` may go out."""
    if urgent or quiet.is_none:
        return now
    zone = ZoneInfo(quiet.zone)
    local = datetime.fromtimestamp(now / 1_000, UTC).astimezone(zone)
    clock = f"{local:%H:%M}"
    if not quiet.digest and not _within(clock, quiet.begins, quiet.ends):
        return now
    day = local.date() + timedelta(days=clock >= quiet.ends)
    hour, minute = map(int, quiet.ends.split(":"))
    ends = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)
    return max(now, round(ends.timestamp() * 1_000))


def _within(clock: str, begins: str, ends: str) -> bool:
    return begins <= clock < ends if begins <= ends else clock >= begins or clock < ends
