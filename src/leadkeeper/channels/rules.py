"""What follows from an answer to an event: for it, and for its channel. Pure: the clock and randomness are given."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from leadkeeper.diagnosis import Diagnosis, Kind, Outcome

SECOND: Final = 1_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
DELAYS: Final = (5 * SECOND, MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 6 * HOUR, 12 * HOUR)
"""How long after each failure an event is tried again; then every twelve hours."""
RESTS_AFTER: Final = 3
"""After so many failures in a row the channel itself rests, and is tried with one event."""
GIVE_UP_AFTER: Final = 3 * DAY
"""An event that nobody took for so long is given up."""
OFF_AFTER: Final = 5 * DAY
"""A channel that failed for so long is switched off."""
JITTER: Final = 0.2
MOST_WAITING: Final = 100_000
"""So many events may wait for a channel: one that takes less than comes, or nothing, is switched off beyond that."""


class WhyOff(StrEnum):
    """Why a channel was switched off: it said that it is gone, failed for five days, or too many events waited."""

    GONE = "gone"
    FAILED = "failed"
    TOO_MANY_WAIT = "tooManyWait"


@dataclass(frozen=True, slots=True)
class EventStep:
    """What becomes of an event: tried again at ``due_at`` (ms), or ended; ``taken`` says whether it came through."""

    due_at: int | None
    taken: bool


@dataclass(frozen=True, slots=True)
class ChannelStanding:
    """How a channel stands: failures in a row, since when, and until when it rests; ``off``: why it ends."""

    failures: int = 0
    failing_since: int | None = None
    rests_until: int = 0
    off: WhyOff | None = None


def after_event(answer: Diagnosis | None, tries: int, created_at: int, now: int, random_unit: float) -> EventStep:
    """What becomes of an event that was tried ``tries`` times before; ``None`` is an answer that takes it."""
    if answer is None:
        return EventStep(None, taken=True)
    if now - created_at >= GIVE_UP_AFTER:
        return EventStep(None, taken=False)
    return EventStep(now + _delay(answer, tries, random_unit), taken=False)


def after_answer(before: ChannelStanding, answer: Diagnosis | None, now: int, random_unit: float) -> ChannelStanding:
    """How the channel stands after one more answer."""
    if answer is None:
        return ChannelStanding()
    failures, since = before.failures + 1, before.failing_since or now
    lasted = WhyOff.FAILED if now - since >= OFF_AFTER else None
    off = WhyOff.GONE if answer.kind is Kind.ENDPOINT_GONE else lasted
    waits = answer.outcome is Outcome.THROTTLED or failures >= RESTS_AFTER
    rests = now + _delay(answer, failures - RESTS_AFTER, random_unit) if waits else 0
    return ChannelStanding(failures, since, max(rests, before.rests_until), off)


def most_when_switched_on(waiting: int, usual: int) -> int | None:
    """How many events may wait for a channel that is switched on while ``waiting`` do; ``None``: as many as usual.

    A tenth of the usual more than wait, at most twice the usual: it is not off at once again, but off where it takes
    less than comes.
    """
    return None if waiting <= usual else min(waiting + usual // 10, 2 * usual)


def most_from_now_on(may_wait: int | None, waiting: int, usual: int) -> int | None:
    """The same once ``waiting`` are left of what waited: it becomes less with them, and never more."""
    if may_wait is None or waiting <= usual:
        return None
    return min(may_wait, waiting + usual // 10)


def _delay(answer: Diagnosis, times: int, random_unit: float) -> int:
    delay = int(DELAYS[max(0, min(times, len(DELAYS) - 1))] * (1 + JITTER * (2 * random_unit - 1)))
    return max(delay, min(int((answer.retry_after or 0) * SECOND), DAY))
