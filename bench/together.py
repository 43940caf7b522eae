"""Leads taken in while they are carried: the whole program at work, in and out at once."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from bench.children import Child, ChildFailed, Usage, total
from bench.figures import Column, Row, Say, Section, middle, spread
from bench.installation import Installation, https, installation
from bench.place import Kind, Place
from bench.plan import Plan
from bench.wire import burst

_STALL_SECONDS: Final = 20.0
_PROCESSES: Final[dict[Kind, tuple[str, ...]]] = {"sqlite": ("serve",), "postgresql": ("api", "worker")}
_COLUMNS: Final = (
    Column("database", "Database"),
    Column("processes", "Processes"),
    Column("connections", "Connections"),
    Column("accepted", "Accepted a second"),
    Column("accepted_spread", "least-most"),
    Column("carried", "Carried a second"),
    Column("carried_spread", "least-most"),
    Column("p50", "p50 ms", 1),
    Column("p99", "p99 ms", 1),
    Column("cpu", "CPU seconds per 1,000 leads", 3),
)


@dataclass(frozen=True, slots=True)
class _Round:
    accepted: float
    carried: float
    p50: float
    p99: float
    leads: int
    used: Usage


def measure(place: Place, plan: Plan, say: Say) -> Section:
    """``serve`` on SQLite, ``api`` and ``worker`` on PostgreSQL, over few and many connections."""
    section = Section("Taken in while carried", _COLUMNS)
    for kind in plan.databases:
        with installation(place, kind, crm=https()) as made:
            children = [made.start(word) for word in _PROCESSES[kind]]
            _round(place, made, children, 16, plan)  # nothing is measured while programs and caches are cold
            for connections in plan.together_connections:
                rounds = []
                for number in range(plan.rounds):
                    say(f"together: {kind}, {connections} connections, round {number + 1} of {plan.rounds}")
                    rounds.append(_round(place, made, children, connections, plan))
                section.rows.append(_row(kind, connections, rounds))
    section.notes.append("Every lead that was accepted arrived, none twice, and every delivery was written down.")
    section.notes.append("CPU is that of the program's processes until the last lead is written down as delivered.")
    return section


def _round(place: Place, made: Installation, children: list[Child], connections: int, plan: Plan) -> _Round:
    place.reset()
    before = total([child.usage() for child in children])
    done = burst(place, made.port, 202, connections, plan, token=made.token)
    leads = int(done["taken"])
    _await_written(place, made, children, leads)
    used = total([child.usage() for child in children]).since(before)
    counted = place.count()
    if counted["leads"] != leads or counted["distinct"] != leads:
        raise ChildFailed(f"{leads} leads were accepted; the sink counted {counted}")
    return _Round(done["rate"], leads / counted["seconds"], done["p50"], done["p99"], leads, used)


def _await_written(place: Place, made: Installation, children: list[Child], leads: int) -> None:
    """Wait until all have arrived and are written down. Raises :class:`ChildFailed` when no more come."""
    seen, since = -1, time.monotonic()
    while (now := int(place.count()["distinct"])) < leads or made.undelivered():
        for child in children:
            child.check()
        if now > seen:
            seen, since = now, time.monotonic()
        if time.monotonic() - since > _STALL_SECONDS:
            raise ChildFailed(f"{leads} leads were accepted; for {_STALL_SECONDS:g} s no more than {now} came")
        time.sleep(0.05)


def _row(kind: Kind, connections: int, rounds: list[_Round]) -> Row:
    accepted, carried = [one.accepted for one in rounds], [one.carried for one in rounds]
    return {
        "database": kind,
        "processes": " + ".join(_PROCESSES[kind]),
        "connections": connections,
        "accepted": middle(accepted),
        "accepted_spread": spread(accepted),
        "carried": middle(carried),
        "carried_spread": spread(carried),
        "p50": middle([one.p50 for one in rounds]),
        "p99": middle([one.p99 for one in rounds]),
        "cpu": middle([one.used.cpu_seconds * 1_000 / one.leads for one in rounds]),
    }
