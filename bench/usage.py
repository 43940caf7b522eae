"""What our processes used up for the leads that they accepted and carried."""

from __future__ import annotations

from typing import Final

from bench.children import Usage
from bench.figures import Column, Section
from bench.place import Kind

_MEBIBYTE: Final = 1 << 20
_COLUMNS: Final = (
    Column("database", "Database"),
    Column("what", "What"),
    Column("leads", "Leads"),
    Column("cpu", "CPU seconds per 1,000 leads", 3),
    Column("peak", "Peak memory MiB"),
)


class UsageLog:
    """Gathers usage while other things are measured."""

    def __init__(self) -> None:
        self._section = Section("What it uses up", _COLUMNS)

    def add(self, kind: Kind, what: str, leads: int, used: Usage) -> None:
        """``used`` is for ``leads`` leads, without the start of the process."""
        self._section.rows.append(
            {
                "database": kind,
                "what": what,
                "leads": leads,
                "cpu": used.cpu_seconds * 1_000 / leads,
                "peak": used.peak_bytes / _MEBIBYTE,
            }
        )

    def section(self) -> Section | None:
        """The table, if there is anything in it."""
        return self._section if self._section.rows else None
