"""Whether a healthy endpoint notices that others hang or fail."""

from __future__ import annotations

from typing import Final

from bench.figures import Column, Row, Say, Section, Target, percentile
from bench.installation import https, installation
from bench.place import TROUBLED_HOSTS, Kind, Place
from bench.plan import Plan
from bench.wire import stream

RATE: Final = 50
"""Leads a second to each endpoint."""
RATIO: Final = Target("of calm", "≤", 2)
_COLUMNS: Final = (
    Column("database", "Database"),
    Column("calm_p50", "Calm p50 ms", 1),
    Column("calm_p99", "Calm p99 ms", 1),
    Column("p50", "In trouble p50 ms", 1),
    Column("p99", "In trouble p99 ms", 1),
    Column("ratio", "p99 of calm", 2),
    Column("verdict", "Target"),
)


def measure(place: Place, plan: Plan, say: Say) -> Section:
    """The same endpoint alone, then beside one that hangs for 30 s and one that answers 500."""
    title = f"A healthy endpoint beside one that hangs and one that fails, {RATE} leads a second to each"
    section = Section(title, _COLUMNS)
    for kind in plan.databases:
        section.rows.append(_measure(place, plan, kind, say))
    return section


def _measure(place: Place, plan: Plan, kind: Kind, say: Say) -> Row:
    hangs, fails = TROUBLED_HOSTS
    with installation(place, kind, crm=https(), hangs=https("hangs", hangs), fails=https("fails", fails)) as made:
        made.start("serve")

        def leads(offers: list[str], seconds: float) -> list[float]:
            due = int(RATE * seconds)
            return stream(place, made.port, made.token, RATE * len(offers), seconds, offers, wait_for=due)

        say(f"isolation: {kind}, calm, {plan.calm_seconds:g} s")
        leads(["crm"], 1.0)
        calm = leads(["crm"], plan.calm_seconds)
        say(f"isolation: {kind}, in trouble, {plan.trouble_seconds:g} s")
        troubled = leads(["crm", "hangs", "fails"], plan.trouble_seconds)
        made.stop()
    return _row(kind, calm, troubled, int(RATE * plan.trouble_seconds))


def _row(kind: Kind, calm: list[float], troubled: list[float], due: int) -> Row:
    ratio = percentile(troubled, 99) / percentile(calm, 99)
    lost = f"; {due - len(troubled)} of {due} did not arrive" if len(troubled) < due else ""
    return {
        "database": kind,
        "calm_p50": percentile(calm, 50),
        "calm_p99": percentile(calm, 99),
        "p50": percentile(troubled, 50),
        "p99": percentile(troubled, 99),
        "ratio": ratio,
        "verdict": f"{RATIO.verdict(ratio)}{lost}",
    }
