"""What one answer means for its delivery. Pure: time and randomness are arguments."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from leadkeeper.catalogue import diagnose
from leadkeeper.diagnosis import Answer, AnyKind, Diagnosis, Kind, Outcome, Receipt

SECOND: Final = 1_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE

RETRY_DELAYS: Final = (
    2 * SECOND,
    10 * SECOND,
    1 * MINUTE,
    5 * MINUTE,
    15 * MINUTE,
    1 * HOUR,
    3 * HOUR,
    6 * HOUR,
)
"""How long to wait after the first failures; then every :data:`LAST_DELAY` for 14 days."""
LAST_DELAY: Final = 12 * HOUR
GIVE_UP_AFTER: Final = 14 * 24 * HOUR
MOST_ATTEMPTS: Final = len(RETRY_DELAYS) + GIVE_UP_AFTER // LAST_DELAY
"""After this many counted attempts, and no sooner than :data:`GIVE_UP_AFTER`, a delivery is set aside."""
JITTER: Final = 0.2
LONGEST_THROTTLE: Final = 24 * HOUR
DEFAULT_THROTTLE: Final = 10 * SECOND
CRASH_DELAYS: Final = (0, 1 * SECOND, 5 * SECOND, 15 * SECOND, MINUTE, 5 * MINUTE, 15 * MINUTE)
"""How long a delivery waits after each time in a row that its worker vanished, or failed by our fault, with it."""
BUSY_DELAY: Final = 5 * SECOND
"""How long a delivery waits that we could not send for want of something of ours; it is under no suspicion."""
SOLO_AFTER: Final = 2
"""After this many vanished workers in a row a delivery is sent in a call of its own, apart from unsuspected ones."""
ALONE_AFTER: Final = 3
"""After this many in a row nothing else goes over its connection with it, so that it cannot take others with it."""


class State(StrEnum):
    """The stored states of a delivery (``held`` is derived, see ``storage.tables``)."""

    PENDING = "pending"
    SENDING = "sending"
    WAITING = "waiting"
    DELIVERED = "delivered"
    UNCONFIRMED = "unconfirmed"
    SET_ASIDE = "setAside"
    WITHHELD = "withheld"


class Aside(StrEnum):
    """Why a delivery was set aside. What was so for another reason, or by an older version, has none."""

    REFUSED = "refused"
    MAY_HAVE_ARRIVED = "mayHaveArrived"
    GAVE_UP = "gaveUp"
    """It failed for two weeks while others passed."""
    OUTAGE = "outage"
    """It failed for two weeks as did all others: it goes out by itself once its connection works."""
    DAMAGED = "damaged"


def stored(aside: Aside | None) -> str | None:
    """As it stands in a delivery's row."""
    return None if aside is None else aside.value


@dataclass(frozen=True, slots=True)
class Next:
    """What becomes of a delivery: its state, when it is due (ms), how many attempts count, and what is shown.

    ``crash_count`` counts in a row the sends that ended by our own fault.
    """

    state: State
    due_at: int
    attempts: int
    answer: Answer
    crash_count: int = 0
    aside: Aside | None = None


def next_step(
    answer: Answer, attempts: int, crash_count: int, now: int, random_unit: float, *, repeatable: bool, since: int = 0
) -> Next:
    """What follows from ``answer`` for a delivery with ``attempts`` counted and so many crashes before this one.

    It began at ``since``: when its connection recovers again and again, attempts come faster than their delays.
    ``random_unit`` in [0, 1) spreads retries by ±20 %. The table is in
    ``docs/explanation/the-way-of-a-lead.md#what-follows-from-an-answer``: broken, throttled and our own trouble count
    no attempt; a failure is retried with growing delays and set aside after 14 days; an ambiguous send is retried only
    where the destination tells twice from once.
    """
    if isinstance(answer, Receipt):
        state = State.DELIVERED if answer.confirmed else State.UNCONFIRMED
        return Next(state, now, attempts + 1, answer)
    match answer.outcome:
        case Outcome.BROKEN:
            return Next(State.WAITING, now, attempts, answer)
        case Outcome.THROTTLED:
            return Next(State.WAITING, now + throttle_delay(answer, 0, random_unit), attempts, answer)
        case Outcome.OURS:
            return _ours(answer, attempts, crash_count, now, random_unit)
        case Outcome.FAILED:
            return _again(answer, attempts + 1, since, now, random_unit)
        case Outcome.AMBIGUOUS if repeatable:
            return _again(answer, attempts + 1, since, now, random_unit)
        case Outcome.AMBIGUOUS:
            summary = diagnose(Kind.MAY_HAVE_ARRIVED, answer.evidence, outcome=answer.outcome)
            return Next(State.SET_ASIDE, now, attempts + 1, summary, aside=Aside.MAY_HAVE_ARRIVED)
        case _:
            return Next(State.SET_ASIDE, now, attempts + 1, answer, aside=Aside.REFUSED)


def _ours(answer: Diagnosis, attempts: int, crash_count: int, now: int, random_unit: float) -> Next:
    match answer.kind:
        case Kind.MAY_HAVE_ARRIVED:
            return Next(State.SET_ASIDE, now, attempts, answer, crash_count, Aside.MAY_HAVE_ARRIVED)
        case Kind.INTERRUPTED:
            return Next(State.WAITING, now, attempts, answer, crash_count)
        case Kind.INTERNAL_ERROR:
            return Next(State.WAITING, now + _crash_delay(crash_count + 1), attempts, answer, crash_count + 1)
        case _:
            return Next(State.WAITING, now + spread(BUSY_DELAY, random_unit), attempts, answer, crash_count)


def _again(answer: Diagnosis, attempts: int, since: int, now: int, random_unit: float) -> Next:
    if attempts >= MOST_ATTEMPTS and now - since >= GIVE_UP_AFTER:
        summary = diagnose(Kind.GAVE_UP, answer.evidence, outcome=answer.outcome)
        return Next(State.SET_ASIDE, now, attempts, summary, aside=Aside.GAVE_UP)
    delay = spread(RETRY_DELAYS[attempts - 1] if attempts <= len(RETRY_DELAYS) else LAST_DELAY, random_unit)
    asked = int((answer.retry_after or 0) * SECOND)
    return Next(State.WAITING, now + max(delay, min(asked, LONGEST_THROTTLE)), attempts, answer)


def spread(delay: int, random_unit: float) -> int:
    """``delay`` moved by up to ±:data:`JITTER`, so that what failed together does not come back together."""
    return int(delay * (1 + JITTER * (2 * random_unit - 1)))


def throttle_delay(answer: Diagnosis, throttles: int, random_unit: float) -> int:
    """How long (ms) a connection rests after a throttled answer, the ``throttles``-th in a row before this one.

    What the destination asked for is kept to the letter (at most a day), otherwise the rest doubles each time.
    """
    if answer.retry_after is not None:
        return min(int(answer.retry_after * SECOND), LONGEST_THROTTLE)
    return spread(min(DEFAULT_THROTTLE * 2 ** min(throttles, 10), HOUR), random_unit)


SENT_ONCE: Final = 0
"""``due_at`` of a delivery that is made as it is sent, and is not sent again: that of a validation's test lead."""


def after_crash(
    attempts: int, crash_count: int, now: int, *, repeatable: bool, kind: AnyKind = Kind.INTERRUPTED
) -> Next:
    """What becomes of a delivery whose send nobody can tell the end of, ``crash_count`` times in a row before this one.

    It waits and is sent again, later each time; where the destination cannot tell twice from once it is set aside,
    since it may have arrived.
    """
    if not repeatable:
        summary = diagnose(Kind.MAY_HAVE_ARRIVED, outcome=Outcome.OURS)
        return Next(State.SET_ASIDE, now, attempts, summary, crash_count + 1, Aside.MAY_HAVE_ARRIVED)
    return Next(State.WAITING, now + _crash_delay(crash_count + 1), attempts, diagnose(kind), crash_count + 1)


def _crash_delay(crash_count: int) -> int:
    return CRASH_DELAYS[min(crash_count, len(CRASH_DELAYS)) - 1]
