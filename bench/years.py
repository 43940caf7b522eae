"""What it costs the leads of today that those of long ago lose their personal data, and a month its evidence."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from bench import month_of_evidence
from bench.children import ChildFailed
from bench.contenders import WORDS
from bench.figures import Column, Row, Say, Section, Target
from bench.flow import Flow, Slice, p99, together
from bench.growth import DAYS, fill
from bench.installation import Installation, https, installation
from bench.payload import PUBLISHER
from bench.place import Kind, Place
from bench.plan import Plan
from leadkeeper.privacy.periods import DataKind, Own
from leadkeeper.storage import tables as t

RATE: Final = 100
"""Leads a second of today."""
SQLITE: Final = Target("accept p99 of calm", "≤", 1.5)
POSTGRESQL: Final = Target("arrival p99 of calm", "≤", 1.2)
MONTH: Final = Target("seconds", "≤", 1)
_MONTH: Final = 30
_SLICE_SECONDS: Final = 1.0
"""Of calm as of all else: each slice opens its connections anew, and its first leads wait for that."""
_STALL_SECONDS: Final = 900.0
_COLUMNS: Final = (
    Column("database", "Database"),
    Column("what", "What expires"),
    Column("removed", "Leads, attempts"),
    Column("seconds", "Seconds", 1),
    Column("calm_accept", "Accept p99 ms, calm", 1),
    Column("accept", "meanwhile", 1),
    Column("calm_arrival", "Arrival p99 ms, calm", 1),
    Column("arrival", "meanwhile", 1),
    Column("verdict", "Target"),
)


@dataclass(frozen=True, slots=True)
class _Expiry:
    """Of how many leads data were removed, within how many seconds, and the flow meanwhile."""

    removed: int
    seconds: float
    meanwhile: Slice


def measure(place: Place, plan: Plan, say: Say) -> Section:
    """Days of the oldest leads come to their end one by one beside a steady flow; on PostgreSQL a month too."""
    section = Section(f"What is old expires beside {RATE} leads a second, {plan.years_leads:,} leads kept", _COLUMNS)
    for kind in plan.databases:
        section.rows += _measure(place, plan, kind, say)
    return section


def _measure(place: Place, plan: Plan, kind: Kind, say: Say) -> list[Row]:
    with installation(place, kind, crm=https()) as made:
        say(f"years: {kind}, {plan.years_leads:,} leads are made")
        made.do(lambda services: fill(services, plan.years_leads, waiting=False))
        if kind == "postgresql":
            made.do(lambda services: month_of_evidence.fill(services.storage))
        for word in WORDS[kind]:
            made.start(word)
        flow = Flow(place, made, RATE)
        flow.slice(min(2.0, plan.slice_seconds))
        flow.rest(_STALL_SECONDS)  # the worker takes some seconds to start, which belong to no calm
        say(f"years: {kind}, calm, {plan.years_calm_seconds:g} s")
        calm = together(flow.several(plan.years_calm_seconds, _SLICE_SECONDS))
        days = [_expire(made, flow, DAYS - number - 1, say) for number in range(plan.rounds)]
        more = {}
        if kind == "postgresql":  # SQLite's leads go at leisure: a month differs from a day only in how long it takes
            more["a month"] = _expire(made, flow, DAYS - plan.rounds - _MONTH, say)
            more["a month of evidence"] = _drop(made, flow, say)
    seconds = sum(each.seconds for each in days)
    day = _Expiry(sum(each.removed for each in days), seconds, together([each.meanwhile for each in days]))
    return [_row(kind, what, calm, each) for what, each in {f"a day, {plan.rounds} times": day, **more}.items()]


def _drop(made: Installation, flow: Flow, say: Say) -> _Expiry:
    """The evidence of a month comes to its end."""
    say("years: a month of evidence is dropped")
    found: list[month_of_evidence.Dropped] = []
    dropping = threading.Thread(
        target=lambda: found.append(made.do(lambda services: month_of_evidence.drop(services.storage)))
    )
    dropping.start()
    slices: list[tuple[float, Slice]] = []
    while dropping.is_alive() or not slices:
        begun = time.time() * 1_000
        slices.append((begun, flow.slice(_SLICE_SECONDS)))
    if not found:
        raise ChildFailed("the month was not dropped")
    (dropped,) = found
    during = [each for begun, each in slices if begun <= dropped.end_ms and begun + 1_000 >= dropped.begun_ms]
    return _Expiry(dropped.attempts, dropped.seconds, together(during or [slices[-1][1]]))


def _expire(made: Installation, flow: Flow, days: int, say: Say) -> _Expiry:
    """Keep data for so many days from now on, and wait until older ones are gone."""
    say(f"years: what is older than {days} days expires")
    before = _expired(made, 0)[0]
    changed_at = int(time.time() * 1_000)
    made.do(lambda services: services.retention.change(PUBLISHER, Own(personal_days=days), by="bench"))
    slices: list[tuple[float, Slice]] = []
    end = time.monotonic() + _STALL_SECONDS
    while not (_is_over(made, changed_at) and slices):  # it may be over before anything was measured beside it
        if time.monotonic() > end:
            raise ChildFailed(f"what is older than {days} days had not expired within {_STALL_SECONDS:g} s")
        begun = time.time() * 1_000
        slices.append((begun, flow.slice(_SLICE_SECONDS)))
    count, first, last = _expired(made, changed_at)
    if not count:
        raise ChildFailed(f"nothing is older than {days} days")
    during = [each for begun, each in slices if begun <= last and begun + each.seconds * 1_000 >= first]
    removed = _expired(made, 0)[0] - before
    return _Expiry(removed, (last - first) / 1_000, together(during or [slices[-1][1]]))


def _expired(made: Installation, since: int) -> tuple[int, int, int]:
    """Of how many leads data were removed since that moment, and when those of the first and the last (ms)."""
    at = t.lead.c.expired_at
    count, first, last = (
        made.scalar(sa.select(sa.func.coalesce(each, 0)).where(at >= since))
        for each in (sa.func.count(), sa.func.min(at), sa.func.max(at))
    )
    return count, first, last


def _is_over(made: Installation, changed_at: int) -> bool:
    """Whether the publisher's leads were gone through since the change."""
    w = t.retention_walk.c
    mine = (w.publisher_id == PUBLISHER, w.kind == DataKind.PERSONAL.value)
    passed = sa.select(sa.func.coalesce(sa.func.max(w.passed_at), 0)).where(*mine)
    return int(made.scalar(passed)) >= changed_at


def _row(kind: Kind, what: str, calm: Slice, expiry: _Expiry) -> Row:
    now = expiry.meanwhile
    ratios = [_ratio(calm.answered, now.answered), _ratio(calm.arrived, now.arrived)]
    verdict = SQLITE.verdict(ratios[0]) if kind == "sqlite" else POSTGRESQL.verdict(ratios[1])
    if kind == "postgresql" and what.startswith("a month"):
        verdict = f"{MONTH.verdict(expiry.seconds)}, {verdict}"
    return {
        "database": kind,
        "what": what,
        "removed": expiry.removed,
        "seconds": expiry.seconds,
        "calm_accept": p99(calm.answered),
        "accept": p99(now.answered),
        "calm_arrival": p99(calm.arrived),
        "arrival": p99(now.arrived),
        "verdict": verdict,
    }


def _ratio(calm: Sequence[float], now: Sequence[float]) -> float | None:
    before, after = p99(calm), p99(now)
    return None if before is None or after is None else after / before
