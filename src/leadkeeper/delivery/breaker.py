"""What a connection's answers mean for its health. Pure: time and randomness are arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from leadkeeper.catalogue import diagnose, to_stored
from leadkeeper.connections import outage
from leadkeeper.connections.health import OPEN_AFTER, Health
from leadkeeper.delivery.schedule import HOUR, MINUTE, SECOND, spread, throttle_delay
from leadkeeper.diagnosis import Answer, Diagnosis, Kind, Outcome, Receipt

HANGS: Final = 2 * SECOND
"""A failure that took this long held something of ours meanwhile: it is slow."""
HANG_WEIGHT: Final = 3
"""So many failures one slow failure counts as while the breaker is closed: two in a row open it."""
BROKEN_AFTER: Final = 5
"""This many refusals in a row, with no lead taken between, mean that the connection is broken."""
FIRST_REST: Final = 1 * SECOND
LONGEST_REST: Final = 5 * SECOND
"""A remote system that fails fast and is back is found within seconds, however long it was away; one lead at a time."""
LONGEST_HANG_REST: Final = 10 * MINUTE
HANG_RESTS: Final = 16
"""A connection rests so many times as long as its half-open send hung: it holds a place a seventeenth of the time."""
FIRST_PROBE: Final = 30 * SECOND
LONGEST_PROBE: Final = 1 * HOUR
HALF_OPEN: Final = 1
"""How many leads are sent at a time while a connection has yet to prove itself."""


@dataclass(frozen=True, slots=True)
class HealthChange:
    """A connection's health after some answers, and what the rest of the installation must hear of it.

    ``paused_now``: people are told, once. ``recovered``: what waits for a retry is due at once.
    ``works_again``: an outage is over.
    ``take_back_since``: leads set aside as refused since then were not to blame; they wait with the others.
    ``learned``: columns of the connection that say more than was known of its settings; ``calm``: nothing else changed.
    """

    health: Health
    paused_now: bool = False
    recovered: bool = False
    works_again: bool = False
    take_back_since: int | None = None
    learned: Mapping[str, Any] = field(default_factory=dict)
    calm: bool = False


def is_half_open(health: Health) -> bool:
    """Whether only one lead at a time may be sent: the breaker is half-open, or a probe has just resumed it."""
    return health.failures >= OPEN_AFTER or health.probes > 0


@dataclass(frozen=True, slots=True)
class ObservedResult:
    """An answer, and whether it is that of the one lead which a half-open connection was sent.

    ``known``: this lead was refused before, so that it is refused again says nothing new about the connection.
    ``took_ms`` is how long it was waited for.
    """

    answer: Answer
    half_open: bool = False
    known: bool = False
    took_ms: int = 0


def after_answers(health: Health, observed: Sequence[ObservedResult], now: int, random_unit: float) -> HealthChange:
    """The health after these answers, in the order in which they came."""
    change = HealthChange(health)
    taken = False
    for one in observed:
        taken_before, taken = taken, isinstance(one.answer, Receipt)
        if taken_before and taken:  # nearly all are, and the second in a row changes nothing
            continue
        step = _after(change.health, one, now, random_unit)
        change = HealthChange(
            step.health,
            paused_now=change.paused_now or step.paused_now,
            recovered=change.recovered or step.recovered,
            works_again=_is_down(health) and not _is_down(step.health),
            take_back_since=step.take_back_since if change.take_back_since is None else change.take_back_since,
        )
    return change


def _is_down(health: Health) -> bool:
    return outage.is_failing(health) or is_half_open(health)


def _after(health: Health, observed: ObservedResult, now: int, random_unit: float) -> HealthChange:
    if health.paused:
        return HealthChange(health)
    answer = observed.answer
    if isinstance(answer, Receipt):
        recovered = is_half_open(health) or health.throttles > 0
        well = outage.works(health, Health(paused_by_person=health.paused_by_person), now)
        return HealthChange(well, recovered=recovered)
    # While it is closed, only the half-open send's answer is news; the others were sent before it closed.
    stale = health.closed_until > now and not observed.half_open
    health = replace(health, closed_until=0) if observed.half_open else health
    match answer.outcome:
        case Outcome.BROKEN:
            return HealthChange(_paused(health, answer, now, random_unit), paused_now=health.probes == 0)
        case Outcome.THROTTLED:
            return HealthChange(_throttled(health, answer, now, random_unit, stale=stale))
        case Outcome.FAILED | Outcome.AMBIGUOUS:
            return HealthChange(health if stale else _failed(health, answer, observed.took_ms, now, random_unit))
        case Outcome.REFUSED:
            return _refused(health, observed, answer, now, random_unit)
        case _:
            return HealthChange(health)


def _throttled(health: Health, answer: Diagnosis, now: int, random_unit: float, *, stale: bool) -> Health:
    closed = max(health.closed_until, now + throttle_delay(answer, health.throttles, random_unit))
    throttles = health.throttles if stale else health.throttles + 1
    health = outage.fails(health, now)
    return replace(health, throttles=throttles, closed_until=closed, diagnosis=to_stored(answer))


def _failed(health: Health, answer: Diagnosis, took: int, now: int, random_unit: float) -> Health:
    failures = health.failures + 1
    if took >= HANGS and failures < OPEN_AFTER:
        failures = min(health.failures + HANG_WEIGHT, OPEN_AFTER)
    health = replace(outage.fails(health, now), failures=failures, diagnosis=to_stored(answer))
    if failures < OPEN_AFTER:
        return health
    return replace(health, closed_until=now + spread(_rest(failures - OPEN_AFTER, took), random_unit))


def _rest(times: int, took: int) -> int:
    """How long a connection rests after a failure that took ``took``, having rested ``times`` times before."""
    doubled = int(2 ** min(times, 10))
    rest = min(FIRST_REST * doubled, LONGEST_REST)
    return rest if took < HANGS else max(rest, min(took * min(doubled, HANG_RESTS), LONGEST_HANG_REST))


def _refused(health: Health, observed: ObservedResult, answer: Diagnosis, now: int, random_unit: float) -> HealthChange:
    """A lead was refused for what it holds: the destination is there, but an outage under way is not over by that."""
    since = now if health.refused_since is None else health.refused_since
    health = replace(outage.judged(health) if health.failures < OPEN_AFTER else health, failures=0)
    if observed.known and not observed.half_open:
        return HealthChange(replace(health, refused_since=since))
    health = replace(health, refusals=health.refusals + 1, refused_since=since, diagnosis=to_stored(answer))
    if health.refusals < BROKEN_AFTER:
        return HealthChange(health)
    summary = diagnose(Kind.EVERY_LEAD_REFUSED, answer.evidence)
    return HealthChange(
        _paused(health, summary, now, random_unit), paused_now=health.probes == 0, take_back_since=since
    )


def _paused(health: Health, answer: Diagnosis, now: int, random_unit: float) -> Health:
    rest = spread(min(FIRST_PROBE * 2 ** min(health.probes, 10), LONGEST_PROBE), random_unit)
    health = outage.breaks(health, now, notifies=health.probes == 0)
    return replace(health, paused=True, probe_at=now + rest, diagnosis=to_stored(answer))


def after_check(health: Health, found: Diagnosis | None, now: int, random_unit: float) -> HealthChange:
    """The health of a connection that was looked at unasked: only what every lead would meet pauses it."""
    if found is None or found.outcome is not Outcome.BROKEN or health.paused:
        return HealthChange(health)
    return HealthChange(_paused(health, found, now, random_unit), paused_now=health.probes == 0)


def after_probe(health: Health, found: Diagnosis | None, now: int, random_unit: float) -> Health:
    """The health after a probe of a paused connection: half-open with one lead, or paused for longer.

    A probe that could not be made for our own trouble says nothing of the connection: it is made again soon.
    """
    if found is not None and found.outcome is Outcome.OURS:
        return replace(health, probe_at=now + spread(FIRST_PROBE, random_unit))
    probes = health.probes + 1
    if found is None:
        well = outage.works(health, health, now)
        return replace(well, paused=False, probe_at=None, probes=probes, failures=0, closed_until=0)
    rest = spread(min(FIRST_PROBE * 2 ** min(probes, 10), LONGEST_PROBE), random_unit)
    return replace(health, probes=probes, probe_at=now + rest)
