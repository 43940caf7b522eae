"""End to end: from the first byte of a lead's request to its arrival at the destination."""

from __future__ import annotations

from typing import Final

from bench.figures import Column, Row, Say, Section, Target, percentile
from bench.installation import https, installation
from bench.place import Kind, Place
from bench.plan import Plan
from bench.wire import stream

RATE: Final = 100
P50: Final = Target("p50 ms", "≤", 5)
P99: Final = Target("p99 ms", "≤", 20)
_WARMUP_SECONDS: Final = 2.0
_COLUMNS: Final = (
    Column("database", "Database"),
    Column("processes", "Processes"),
    Column("leads", "Leads"),
    Column("p50", "p50 ms", 1),
    Column("p95", "p95 ms", 1),
    Column("p99", "p99 ms", 1),
    Column("max", "max ms", 1),
    Column("verdict", "Target"),
)


def measure(place: Place, plan: Plan, say: Say) -> Section:
    """In one process on both databases, and on PostgreSQL with API and worker apart."""
    section = Section(f"From request to arrival, at {RATE} leads a second", _COLUMNS)
    for kind in plan.databases:
        section.rows.append(_measure(place, plan, kind, ("serve",), say))
        if kind == "postgresql":
            section.rows.append(_measure(place, plan, kind, ("api", "worker"), say))
    return section


def _measure(place: Place, plan: Plan, kind: Kind, words: tuple[str, ...], say: Say) -> Row:
    say(f"latency: {kind}, {' + '.join(words)}, {plan.latency_seconds:g} s")
    leads = int(RATE * plan.latency_seconds)
    with installation(place, kind, crm=https()) as made:
        for word in words:
            made.start(word)
        few = int(RATE * _WARMUP_SECONDS)
        stream(place, made.port, made.token, RATE, _WARMUP_SECONDS, ["crm"], wait_for=few)
        took = stream(place, made.port, made.token, RATE, plan.latency_seconds, ["crm"], wait_for=leads)
    p50, p99 = percentile(took, 50), percentile(took, 99)
    lost = f"; {leads - len(took)} of {leads} did not arrive" if len(took) < leads else ""
    return {
        "database": kind,
        "processes": " + ".join(words),
        "leads": leads,
        "p50": p50,
        "p95": percentile(took, 95),
        "p99": p99,
        "max": took[-1],
        "verdict": f"{P50.verdict(p50)}, {P99.verdict(p99)}{lost}",
    }
