"""What a measurement gives: rows of figures, some beside a target, and sentences that go with them."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

Cell = str | float | None
Row = dict[str, Cell]
Say = Callable[[str], None]
"""Told what is being measured now."""


@dataclass(frozen=True, slots=True)
class Column:
    """``key`` in a row, the heading, and how many decimals a number is shown with."""

    key: str
    heading: str
    decimals: int = 0


@dataclass(frozen=True, slots=True)
class Target:
    """A figure must be at least or at most ``limit`` to pass."""

    name: str
    kind: Literal["≥", "≤"]
    limit: float

    def passes(self, value: float) -> bool:
        """Whether ``value`` is good enough."""
        return value >= self.limit if self.kind == "≥" else value <= self.limit

    def verdict(self, value: float | None) -> str:
        """``PASS`` or ``MISS`` and the target, or that nothing was measured."""
        if value is None:
            return "not measured"
        return f"{'PASS' if self.passes(value) else 'MISS'} ({self.name} {self.kind} {self.limit:g})"


@dataclass(slots=True)
class Section:
    """One table of the report."""

    title: str
    columns: Sequence[Column]
    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def cells(self) -> list[list[str]]:
        """The rows as they are shown."""
        return [[shown(row.get(column.key), column.decimals) for column in self.columns] for row in self.rows]


DASH: Final = "–"


def shown(value: Cell, decimals: int) -> str:
    """A cell as text: numbers with thousands parted by commas, a dash for what was not measured."""
    if value is None:
        return DASH
    return value if isinstance(value, str) else f"{value:,.{decimals}f}"


def middle(values: Sequence[float]) -> float:
    """The median."""
    return statistics.median(values)


def spread(values: Sequence[float]) -> str:
    """The least and the greatest of several rounds, which tells how noisy the machine was; empty for one round."""
    return f"{min(values):,.0f}-{max(values):,.0f}" if len(values) > 1 else ""


def percentile(ordered: Sequence[float], percent: float) -> float:
    """The value below which ``percent`` of the ``ordered`` (not empty) ones lie."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]
