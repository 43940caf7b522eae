"""Leads taken in while they are carried: whole programs at work, in and out at once, in turn with an echo."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from bench.children import ChildFailed
from bench.contenders import PEER, Contender, ours, peer
from bench.figures import Column, Row, Say, Section, Target, middle, spread
from bench.place import Kind, Place
from bench.plan import Plan
from bench.wire import burst

_STALL_SECONDS: Final = 60.0
_MANY: Final = 64
CPU: Final = Target("CPU", "≤", 0.35)
GOALS: Final[Mapping[tuple[Kind, int], tuple[float, float]]] = {
    ("sqlite", 64): (8, 12),
    ("sqlite", 16): (6, 8),
    ("postgresql", 64): (10, 15),
    ("postgresql", 16): (6, 8),
}
"""How many times as much as the peer is to be accepted and carried, by database and connections."""
_COLUMNS: Final = (
    Column("program", "Program"),
    Column("connections", "Connections"),
    Column("accepted", "Accepted a second"),
    Column("accepted_spread", "least-most"),
    Column("carried", "Carried a second"),
    Column("carried_spread", "least-most"),
    Column("p50", "p50 ms", 1),
    Column("p99", "p99 ms", 1),
    Column("echo", "Accepted, of the echo", 2),
    Column("own", "CPU seconds per 1,000 leads, own", 3),
    Column("cpu", "with its database", 3),
    Column("verdict", "Target"),
)
_AGAINST: Final = (
    Column("program", "Program"),
    Column("connections", "Connections"),
    Column("pairs", "Pairs"),
    Column("accepted", "Accepted, times the peer", 1),
    Column("carried", "Carried, times the peer", 1),
    Column("cpu", "CPU with its database, of the peer's", 2),
    Column("verdict", "Target"),
)


@dataclass(frozen=True, slots=True)
class Round:
    """One contender's turn. CPU seconds are per 1,000 leads: of its own processes, and with its database."""

    accepted: float
    carried: float
    p50: float
    p99: float
    own: float
    cpu: float


def measure(place: Place, plan: Plan, say: Say) -> list[Section]:
    """Rounds in turn: the echo, the peer where it is asked for, our program on each database."""
    sections = [Section("Taken in while carried", _COLUMNS)]
    if plan.peers:
        sections.append(Section("Taken in while carried, beside the peer", _AGAINST))
    with contextlib.ExitStack() as stack:
        contenders = [stack.enter_context(peer(place))] if plan.peers else []
        contenders += [stack.enter_context(ours(place, kind)) for kind in plan.databases]
        for connections in plan.together_connections:
            echoes, rounds = _rounds(place, plan, contenders, connections, say)
            sections[0].rows += [_row(each, connections, rounds[each.name], echoes) for each in contenders]
            if plan.peers:
                sections[1].rows += [_against(each, connections, rounds) for each in contenders if each.kind]
    sections[0].notes.append(
        "Every lead that was accepted arrived, none twice, and every one was written down as done."
    )
    sections[0].notes.append(
        "CPU is that of all processes of a program (with its database: PostgreSQL's or Redis's too) from the first "
        "request until the last lead is written down as delivered."
    )
    return sections


def _rounds(
    place: Place, plan: Plan, contenders: Sequence[Contender], connections: int, say: Say
) -> tuple[list[float], dict[str, list[Round]]]:
    """All rounds over so many connections: the echo's rates, and each contender's turns by its name."""
    echoes: list[float] = []
    rounds: dict[str, list[Round]] = {each.name: [] for each in contenders}
    for number in range(plan.rounds):
        say(f"together: echo, {connections} connections, round {number + 1} of {plan.rounds}")
        echoes.append(burst(place, place.echo_port, 200, connections, plan)["rate"])
        for each in contenders:
            say(f"together: {each.name}, {connections} connections, round {number + 1} of {plan.rounds}")
            rounds[each.name].append(turn(place, each, connections, plan))
    return echoes, rounds


def turn(place: Place, contender: Contender, connections: int, plan: Plan) -> Round:
    """Hand in leads for a while, and wait until all have arrived. Raises :class:`ChildFailed` when one does not.

    What is measured comes after as much that is not: while others have their turns, a system takes memory from whoever
    rests, and gives it back slowly.
    """
    _hand_in(place, contender, connections, replace(plan, accept_seconds=plan.turn_warmup_seconds))
    own, whole = contender.usage()
    done, counted = _hand_in(place, contender, connections, plan)
    own_after, whole_after = contender.usage()
    leads = counted["leads"]
    return Round(
        done["rate"],
        leads / counted["seconds"],
        done["p50"],
        done["p99"],
        own_after.since(own).cpu_seconds * 1_000 / leads,
        whole_after.since(whole).cpu_seconds * 1_000 / leads,
    )


def _hand_in(place: Place, contender: Contender, connections: int, plan: Plan) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the load generator measured, and what the sink counted once all had arrived."""
    place.reset()
    done = burst(place, contender.port, 202, connections, plan, token=contender.token)
    leads = int(done["taken"])
    _await_done(place, contender, leads)
    counted = place.count()
    if counted["leads"] != leads or counted["distinct"] != leads:
        raise ChildFailed(f"{contender.name}: {leads} leads were accepted; the sink counted {counted}")
    return done, counted


def _await_done(place: Place, contender: Contender, leads: int) -> None:
    seen, since = -1, time.monotonic()
    while (now := int(place.count()["distinct"])) < leads or contender.unfinished():
        contender.check()
        if now > seen:
            seen, since = now, time.monotonic()
        if time.monotonic() - since > _STALL_SECONDS:
            raise ChildFailed(
                f"{contender.name}: {leads} leads were accepted; for {_STALL_SECONDS:g} s no more than {now} came"
            )
        time.sleep(0.05)


def _row(contender: Contender, connections: int, rounds: Sequence[Round], echoes: Sequence[float]) -> Row:
    accepted, carried = [one.accepted for one in rounds], [one.carried for one in rounds]
    cpu = middle([one.cpu for one in rounds])
    return {
        "program": contender.name,
        "connections": connections,
        "accepted": middle(accepted),
        "accepted_spread": spread(accepted),
        "carried": middle(carried),
        "carried_spread": spread(carried),
        "p50": middle([one.p50 for one in rounds]),
        "p99": middle([one.p99 for one in rounds]),
        "echo": middle([rate / echo for rate, echo in zip(accepted, echoes, strict=True)]),
        "own": middle([one.own for one in rounds]),
        "cpu": cpu,
        "verdict": CPU.verdict(cpu) if contender.kind and connections == _MANY else "",
    }


def _against(contender: Contender, connections: int, rounds: Mapping[str, Sequence[Round]]) -> Row:
    pairs = list(zip(rounds[contender.name], rounds[PEER], strict=True))
    accepted = middle([one.accepted / other.accepted for one, other in pairs])
    carried = middle([one.carried / other.carried for one, other in pairs])
    assert contender.kind
    goals = GOALS.get((contender.kind, connections))
    return {
        "program": contender.name,
        "connections": connections,
        "pairs": len(pairs),
        "accepted": accepted,
        "carried": carried,
        "cpu": middle([one.cpu / other.cpu for one, other in pairs]),
        "verdict": _verdict(accepted, carried, *goals) if goals else "",
    }


def _verdict(accepted: float, carried: float, least_accepted: float, least_carried: float) -> str:
    first = Target("accepted", "≥", least_accepted).verdict(accepted)
    return f"{first}, {Target('carried', '≥', least_carried).verdict(carried)}"
