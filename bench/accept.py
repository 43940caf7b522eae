"""Leads accepted a second: each one on disk, with its delivery, before its answer."""

from __future__ import annotations

from typing import Any, Final

from bench.children import ChildFailed, Usage
from bench.figures import Column, Row, Say, Section, Target, middle, spread
from bench.installation import Installation, https, installation
from bench.place import Kind, Place
from bench.plan import Plan
from bench.usage import UsageLog
from bench.wire import burst

RATIO: Final = Target("of the echo", "≥", 0.5)
_COLUMNS: Final = (
    Column("database", "Database"),
    Column("connections", "Connections"),
    Column("rate", "Accepted a second"),
    Column("spread", "least-most"),
    Column("p50", "p50 ms", 1),
    Column("p99", "p99 ms", 1),
    Column("echo", "Echo a second"),
    Column("ratio", "Of the echo", 2),
    Column("verdict", "Target"),
)


def measure(place: Place, plan: Plan, usage: UsageLog, say: Say) -> Section:
    """Rounds of echo and of the API in turn, so that what disturbs the machine disturbs both."""
    section = Section("Leads accepted, durable (`POST /v1/leads`)", _COLUMNS)
    for kind in plan.databases:
        with installation(place, kind, crm=https()) as made:
            section.rows += _measure(place, plan, kind, made, usage, say)
    section.notes.append(
        "After each row the database held exactly the leads that were answered 202, and a delivery each."
    )
    return section


def _measure(place: Place, plan: Plan, kind: Kind, made: Installation, usage: UsageLog, say: Say) -> list[Row]:
    rows, taken = [], 0
    api = made.start("api")
    before = api.usage()
    for connections in plan.connections:
        rounds: list[dict[str, Any]] = []
        echoes: list[float] = []
        for number in range(plan.rounds):
            say(f"accept: {kind}, {connections} connections, round {number + 1} of {plan.rounds}")
            echoes.append(burst(place, place.echo_port, 200, connections, plan)["rate"])
            rounds.append(burst(place, made.port, 202, connections, plan, token=made.token))
        taken += sum(one["taken"] for one in rounds)
        if made.kept() != (taken, taken):
            raise ChildFailed(f"{taken} leads were accepted, the database holds {made.kept()} leads and deliveries")
        rows.append(_row(kind, connections, rounds, echoes))
    used: Usage = api.usage().since(before)
    usage.add(kind, "accepted (api)", taken, used)
    made.stop()
    return rows


def _row(kind: Kind, connections: int, rounds: list[dict[str, Any]], echoes: list[float]) -> Row:
    rates = [one["rate"] for one in rounds]
    ratio = middle([rate / echo for rate, echo in zip(rates, echoes, strict=True)])
    row: Row = {
        "database": kind,
        "connections": connections,
        "rate": middle(rates),
        "spread": spread(rates),
        "p50": middle([one["p50"] for one in rounds]),
        "p99": middle([one["p99"] for one in rounds]),
        "echo": middle(echoes),
        "ratio": ratio,
        "verdict": "",
    }
    if connections == 64:
        row["verdict"] = RATIO.verdict(ratio)
    return row
