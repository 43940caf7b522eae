"""Very many leads that a broken connection held go out once it works again, beside one that always worked."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from bench.carry import carry
from bench.children import Child, ChildFailed, total
from bench.contenders import WORDS
from bench.figures import Column, Row, Say, Section, Target, middle
from bench.flow import Flow, Slice, p99, together
from bench.installation import https, installation
from bench.payload import PUBLISHER
from bench.place import TROUBLED_HOSTS, Kind, Place
from bench.plan import Plan
from bench.visitor import Api
from leadkeeper.connections.state import ConnectionState

RATE: Final = 100
"""Leads a second over the healthy connection."""
SHARE: Final = Target("of the carry rate", "≥", 0.8)
BESIDE: Final = Target("p99 of calm", "≤", 2)
MEMORY: Final = Target("memory", "≤", 1.2)
_BROKEN_SECONDS: Final = 120.0
_STALL_SECONDS: Final = 120.0
_SLICE_SECONDS: Final = 1.0
"""Of calm as of all else: each slice opens its connections anew, and its first leads wait for that."""
_CLOSED: Final = "closed"
_CONNECTION: Final = f"/v1/publishers/{PUBLISHER}/offers/{_CLOSED}/connections/primary"
_COLUMNS: Final = (
    Column("database", "Database"),
    Column("leads", "Held leads"),
    Column("carry", "Carried a second otherwise"),
    Column("rate", "Drained a second"),
    Column("share", "Of it", 2),
    Column("calm_p99", "Healthy p99 ms, calm", 1),
    Column("p99", "meanwhile", 1),
    Column("before", "Peak MiB before"),
    Column("after", "and after"),
    Column("verdict", "Target"),
)


def measure(place: Place, plan: Plan, say: Say) -> Section:
    """The rate of workers with nothing else to do, then the same leads behind a connection that refuses its key."""
    section = Section(f"Held leads go out beside {RATE} leads a second of another connection", _COLUMNS)
    for kind in plan.databases:
        section.rows.append(_measure(place, plan, kind, say))
    return section


def _measure(place: Place, plan: Plan, kind: Kind, say: Say) -> Row:
    host = TROUBLED_HOSTS[0]
    with installation(place, kind, crm=https(), closed=https("closed", host)) as made:
        rates = []
        for number in range(plan.rounds):
            say(f"drain: {kind}, the usual rate, round {number + 1} of {plan.rounds}")
            made.preload("crm", plan.https_leads)
            rates.append(carry(place, made, plan.https_leads, 1).rate)
        say(f"drain: {kind}, {plan.drain_leads:,} leads are handed in")
        made.preload(_CLOSED, plan.drain_leads)
        children = [made.start(word) for word in WORDS[kind]]
        operator = Api(made.port, made.make_key("operator"))
        _await_broken(operator)
        flow = Flow(place, made, RATE)
        flow.slice(min(2.0, plan.slice_seconds))
        say(f"drain: {kind}, calm, {plan.drain_calm_seconds:g} s")
        calm = together(flow.several(plan.drain_calm_seconds, _SLICE_SECONDS))
        before = total([child.usage() for child in children]).peak_bytes
        place.sink.ask({"order": "open"})
        operator.ask("POST", f"{_CONNECTION}/resume")
        drained = _drain(flow, plan, kind, children, say)
        after = total([child.usage() for child in children]).peak_bytes
    return _row(kind, plan, rates, calm, drained, (before, after))


def _await_broken(operator: Api) -> None:
    """Wait until the connection that refuses is known to be broken, so that its leads are held."""
    end = time.monotonic() + _BROKEN_SECONDS
    while time.monotonic() < end:
        found = operator.ask("GET", _CONNECTION)
        if found["health"]["state"] == ConnectionState.BROKEN.value:
            return
        time.sleep(0.1)
    raise ChildFailed("the connection that refuses its key was not found to be broken")


def _drain(flow: Flow, plan: Plan, kind: Kind, children: Sequence[Child], say: Say) -> Slice:
    """The flow goes on until all that was held has arrived."""
    slices: list[Slice] = []
    came, since = 0, time.monotonic()
    while came < plan.drain_leads:
        say(f"drain: {kind}, {came:,} of {plan.drain_leads:,} have come")
        slices.append(flow.slice(_SLICE_SECONDS))
        for child in children:
            child.check()
        if slices[-1].others:
            came, since = came + len(slices[-1].others), time.monotonic()
        elif time.monotonic() - since > _STALL_SECONDS:
            raise ChildFailed(f"{plan.drain_leads} leads were held; for {_STALL_SECONDS:g} s no more than {came} came")
    if came != plan.drain_leads:
        raise ChildFailed(f"{plan.drain_leads} leads were held; {came} came")
    return together(slices)


def _row(kind: Kind, plan: Plan, rates: Sequence[float], calm: Slice, drained: Slice, peaks: tuple[int, int]) -> Row:
    took = max((drained.others[-1] - drained.others[0]) / 1e9, 1e-3)
    rate, usual = plan.drain_leads / took, middle(rates)
    beside = (p99(drained.arrived) or 0) / (p99(calm.arrived) or 1)
    verdicts = (SHARE.verdict(rate / usual), BESIDE.verdict(beside), MEMORY.verdict(peaks[1] / peaks[0]))
    return {
        "database": kind,
        "leads": plan.drain_leads,
        "carry": usual,
        "rate": rate,
        "share": rate / usual,
        "calm_p99": p99(calm.arrived),
        "p99": p99(drained.arrived),
        "before": peaks[0] / 2**20,
        "after": peaks[1] / 2**20,
        "verdict": ", ".join(verdicts),
    }
