"""The parts of a run in their order, each cut into units that are measured and kept one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from bench import accept, carry, drain, growth, hostile, isolation, latency, limits, pinned, together, years
from bench.figures import Say, Section
from bench.place import Place
from bench.plan import Plan
from bench.usage import UsageLog

Work = Callable[[Place, Say], list[Section]]

LIMITS = "limits"


def units(plan: Plan) -> Iterator[tuple[str, Work]]:
    """The name of each unit and what measures it: the limits, then each part on each database.

    What compares our databases with others takes them in turn, and is one unit.
    """
    yield LIMITS, lambda place, say: [limits.measure(place, plan, say)]
    for part in plan.parts:
        if part == "together":
            yield part, lambda place, say: together.measure(place, plan, say)
            continue
        for kind in plan.databases:
            if part != "pinned" or kind == "postgresql":  # SQLite's readers hold up no one who writes
                yield f"{part}/{kind}", _work(part, replace(plan, databases=(kind,)))


def _work(part: str, plan: Plan) -> Work:
    def work(place: Place, say: Say) -> list[Section]:
        if part in {"accept", "carry"}:
            usage = UsageLog()
            measure = accept.measure if part == "accept" else carry.measure
            section = measure(place, plan, usage, say)
            used = usage.section()
            return [section, used] if used else [section]
        if part == "growth":
            return growth.measure(place, plan, say)
        one = {
            "latency": latency.measure,
            "isolation": isolation.measure,
            "hostile": hostile.measure,
            "pinned": pinned.measure,
            "drain": drain.measure,
            "years": years.measure,
        }[part]
        return [one(place, plan, say)]

    return work
