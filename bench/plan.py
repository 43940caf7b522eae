"""How much is measured: everything, or quickly, or as large as somebody asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from bench.place import KINDS, Kind

PARTS: Final = (
    "accept",
    "carry",
    "together",
    "latency",
    "isolation",
    "hostile",
    "growth",
    "pinned",
    "drain",
    "years",
)
_CHOICES: Final = frozenset({"databases", "parts", "peers"})


@dataclass(frozen=True, slots=True)
class Plan:
    """The sizes of one run. Seconds are those measured; each measurement warms up before."""

    databases: tuple[Kind, ...] = KINDS
    parts: tuple[str, ...] = PARTS
    peers: bool = False
    connections: tuple[int, ...] = (1, 16, 64)
    together_connections: tuple[int, ...] = (16, 64)
    rounds: int = 5
    limit_seconds: float = 1.0
    echo_seconds: float = 1.0
    accept_seconds: float = 2.0
    turn_warmup_seconds: float = 2.0
    carry_rounds: int = 5
    workers: tuple[int, ...] = (1, 2)
    https_leads: int = 6_000
    table_leads: int = 20_000
    latency_seconds: float = 20.0
    calm_seconds: float = 12.0
    trouble_seconds: float = 20.0
    hostile_seconds: float = 120.0
    growth_leads: int = 1_000_000
    growth_connections: int = 10_000
    idle_seconds: float = 30.0
    idle_after_seconds: float = 300.0
    slice_seconds: float = 5.0
    pinned_rate: int = 800
    pinned_calm_seconds: float = 60.0
    pinned_seconds: float = 600.0
    drain_leads: int = 200_000
    drain_calm_seconds: float = 30.0
    years_leads: int = 400_000
    years_calm_seconds: float = 30.0

    @property
    def sizes(self) -> dict[str, list[float]]:
        """Every size by its name, each as a list of numbers."""
        named = {each.name: getattr(self, each.name) for each in fields(self) if each.name not in _CHOICES}
        return {name: [*size] if isinstance(size, tuple) else [size] for name, size in named.items()}


def reaches(sizes: Mapping[str, Sequence[float]], asked: Mapping[str, Sequence[float]]) -> bool:
    """Whether what was measured with ``sizes`` is as large as what is asked for, in every size."""

    def reached(name: str, wanted: Sequence[float]) -> bool:
        had = sizes.get(name, ())
        return set(had) >= set(wanted) or (len(had) == len(wanted) == 1 and had[0] >= wanted[0])

    return all(reached(name, wanted) for name, wanted in asked.items())


def resized(plan: Plan, given: Sequence[str]) -> Plan:
    """``plan`` with sizes such as ``rounds=9`` or ``connections=1,64``. Raises ``ValueError`` with the reason."""
    usual = plan.sizes
    changed: dict[str, Any] = {}
    for each in given:
        name, _, text = each.partition("=")
        if name not in usual:
            raise ValueError(f"{name}: there is no such size; choose among {', '.join(usual)}")
        before = getattr(plan, name)
        of = type(before[0] if isinstance(before, tuple) else before)
        numbers = tuple(of(number) for number in text.split(","))
        if min(numbers) <= 0 or (not isinstance(before, tuple) and len(numbers) > 1):
            raise ValueError(f"{each}: enter a number above 0")
        changed[name] = numbers if isinstance(before, tuple) else numbers[0]
    return replace(plan, **changed)


def quick(databases: tuple[Kind, ...], parts: tuple[str, ...]) -> Plan:
    """A run of a few minutes: the same figures, noisier."""
    return Plan(
        databases=databases,
        parts=parts,
        connections=(1, 64),
        rounds=1,
        limit_seconds=0.5,
        echo_seconds=0.7,
        accept_seconds=1.2,
        turn_warmup_seconds=0.7,
        carry_rounds=1,
        workers=(1,),
        https_leads=3_000,
        table_leads=6_000,
        latency_seconds=3.0,
        calm_seconds=3.0,
        trouble_seconds=5.0,
        hostile_seconds=10.0,
        growth_leads=100_000,
        growth_connections=500,
        idle_seconds=5.0,
        idle_after_seconds=20.0,
        slice_seconds=2.0,
        pinned_calm_seconds=6.0,
        pinned_seconds=20.0,
        drain_leads=10_000,
        drain_calm_seconds=6.0,
        years_leads=40_000,
        years_calm_seconds=6.0,
    )
