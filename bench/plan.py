"""How much is measured: everything, or quickly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bench.place import KINDS, Kind

PARTS: Final = ("accept", "carry", "together", "latency", "isolation", "hostile", "growth")


@dataclass(frozen=True, slots=True)
class Plan:
    """The sizes of one run. Seconds are those measured; each measurement warms up before."""

    databases: tuple[Kind, ...] = KINDS
    parts: tuple[str, ...] = PARTS
    connections: tuple[int, ...] = (1, 16, 64)
    together_connections: tuple[int, ...] = (16, 64)
    rounds: int = 3
    limit_seconds: float = 1.0
    echo_seconds: float = 1.0
    accept_seconds: float = 2.0
    carry_rounds: int = 2
    workers: tuple[int, ...] = (1, 2)
    https_leads: int = 6_000
    table_leads: int = 20_000
    latency_seconds: float = 20.0
    calm_seconds: float = 12.0
    trouble_seconds: float = 20.0
    hostile_seconds: float = 120.0
    growth_leads: int = 1_000_000

    @property
    def whole(self) -> bool:
        """Whether this is the run whose figures may be published."""
        return self == Plan()


def quick(databases: tuple[Kind, ...], parts: tuple[str, ...]) -> Plan:
    """A run of about a minute and a half: the same figures, noisier."""
    return Plan(
        databases=databases,
        parts=parts,
        connections=(1, 64),
        rounds=1,
        limit_seconds=0.5,
        echo_seconds=0.7,
        accept_seconds=1.2,
        carry_rounds=1,
        workers=(1,),
        https_leads=3_000,
        table_leads=6_000,
        latency_seconds=3.0,
        calm_seconds=3.0,
        trouble_seconds=5.0,
        hostile_seconds=10.0,
        growth_leads=100_000,
    )
