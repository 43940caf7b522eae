"""Leads carried a second: kept beforehand, then a worker is started; timed at the sink, from first to last."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from bench.children import Child, ChildFailed, Usage, total
from bench.figures import Column, Row, Say, Section, Target, middle, spread
from bench.installation import Installation, https, installation, table
from bench.place import Kind, Place
from bench.plan import Plan
from bench.usage import UsageLog
from bench.wire import posts

RATIO: Final = Target("of the bare client", "≥", 0.5)
TABLE: Final = Target("a second", "≥", 10_000)
MORE: Final = Target("of one worker", "≥", 1.6)
CONNECTIONS: Final = 64
"""The most calls that a worker has running over one connection: what the bare client is given too."""
_STALL_SECONDS: Final = 20.0
_BATCH: Final = 100
_COLUMNS: Final = (
    Column("database", "Database"),
    Column("to", "To"),
    Column("workers", "Workers"),
    Column("leads", "Leads"),
    Column("rate", "Carried a second"),
    Column("spread", "least-most"),
    Column("requests", "Leads per request", 1),
    Column("bare", "Bare aiohttp, leads a second"),
    Column("ratio", "Of the bare", 2),
    Column("verdict", "Target"),
)


@dataclass(frozen=True, slots=True)
class _Case:
    kind: Kind
    batch: bool
    workers: int


@dataclass(frozen=True, slots=True)
class Carried:
    """One round. What was ``used`` is for ``measured`` leads, since starting up is not carrying."""

    rate: float
    per_request: float
    measured: int
    used: Usage


@dataclass(frozen=True, slots=True)
class _Round:
    carried: Carried
    bare: float


def measure(place: Place, plan: Plan, usage: UsageLog, say: Say) -> Section:
    """Both databases to both sinks; PostgreSQL with two workers too."""
    section = Section("Leads carried", _COLUMNS)
    for kind in plan.databases:
        for batch in (False, True):
            one = 0.0
            for workers in plan.workers if kind == "postgresql" else (1,):
                case = _Case(kind, batch, workers)
                rounds = _measure(place, plan, case, usage, say)
                section.rows.append(_row(case, plan, rounds, one))
                one = one or middle([each.carried.rate for each in rounds])
    section.notes.append("Every lead arrived, none twice, and every delivery was written down before the next round.")
    return section


def _measure(place: Place, plan: Plan, case: _Case, usage: UsageLog, say: Say) -> list[_Round]:
    leads, to = _work(plan, case)
    rounds = []
    with installation(place, case.kind, crm=table() if case.batch else https()) as made:
        for number in range(plan.carry_rounds):
            where = f"{case.kind}, {to}, {case.workers} worker{'s'[: case.workers - 1]}"
            say(f"carry: {where}, round {number + 1} of {plan.carry_rounds}")
            bare = posts(place, CONNECTIONS, plan, operations=_BATCH if case.batch else 0)
            made.preload("crm", leads)
            bare *= _BATCH if case.batch else 1
            rounds.append(_Round(carry(place, made, leads, case.workers), bare))
    if case.workers == 1:
        used = total([one.carried.used for one in rounds])
        peak = max(one.carried.used.peak_bytes for one in rounds)
        what = f"carried ({to})"
        usage.add(case.kind, what, sum(one.carried.measured for one in rounds), Usage(used.cpu_seconds, peak))
    return rounds


def _work(plan: Plan, case: _Case) -> tuple[int, str]:
    """How many leads a round carries, and to what."""
    if case.batch:
        return plan.table_leads, "Azure Table, 100 at a time"
    return plan.https_leads, "HTTPS, one at a time"


def carry(place: Place, made: Installation, leads: int, workers: int) -> Carried:
    """Let workers carry the leads that wait, which are so many. Raises :class:`ChildFailed` unless each came once."""
    place.reset()
    children = [made.start("worker") for _ in range(workers)]
    # Starting up is not carrying: what is used counts from the moment at which leads are seen to arrive.
    already = _await_leads(place, children, 1)
    before = total([child.usage() for child in children])
    _await_leads(place, children, leads)
    _await_written(made)
    used = total([child.usage() for child in children]).since(before)
    made.stop()
    counted = place.count()
    if counted["leads"] != leads or counted["distinct"] != leads:
        raise ChildFailed(f"{leads} leads were to be carried; the sink counted {counted}")
    return Carried(leads / counted["seconds"], leads / counted["requests"], leads - already, used)


def _await_leads(place: Place, children: list[Child], leads: int) -> int:
    """Wait until at least so many leads have arrived; how many did. Raises :class:`ChildFailed` when no more come."""
    seen, since = -1, time.monotonic()
    while (now := int(place.count()["distinct"])) < leads:
        for child in children:
            child.check()
        if now > seen:
            seen, since = now, time.monotonic()
        if time.monotonic() - since > _STALL_SECONDS:
            raise ChildFailed(f"{leads} leads were to be carried; for {_STALL_SECONDS:g} s no more than {now} came")
        time.sleep(0.02)
    return now


def _await_written(made: Installation) -> None:
    end = time.monotonic() + _STALL_SECONDS
    while left := made.undelivered():
        if time.monotonic() > end:
            raise ChildFailed(f"{left} deliveries that arrived were not written down")
        time.sleep(0.1)


def _row(case: _Case, plan: Plan, rounds: list[_Round], one: float) -> Row:
    """``one`` is the rate of one worker, where there are more; their target is a ratio to it."""
    leads, to = _work(plan, case)
    rates = [each.carried.rate for each in rounds]
    rate, ratio = middle(rates), middle([each.carried.rate / each.bare for each in rounds])
    usual = TABLE.verdict(rate) if case.batch else RATIO.verdict(ratio)
    return {
        "database": case.kind,
        "to": to,
        "workers": case.workers,
        "leads": leads,
        "rate": rate,
        "spread": spread(rates),
        "requests": middle([each.carried.per_request for each in rounds]),
        "bare": middle([each.bare for each in rounds]),
        "ratio": ratio,
        "verdict": f"{MORE.verdict(rate / one)}: {rate / one:.2f}" if case.workers > 1 else usual,
    }
