"""What was measured, part by part, in a file: a run that was broken off goes on from there, and a page is written."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from bench.figures import Column, Section
from bench.plan import Plan, reaches


@dataclass(frozen=True, slots=True)
class Measured:
    """One part on one database (or, of the parts that compare, on all): its tables, and where they were taken.

    ``others`` is how busy, in percent, the cores were at moments when nothing of ours ran.
    """

    machine: str
    day: str
    peers: bool
    sizes: Mapping[str, Sequence[float]]
    others: Sequence[float]
    sections: Sequence[Section]

    def serves(self, plan: Plan) -> bool:
        """Whether it need not be measured again for ``plan``."""
        return reaches(self.sizes, plan.sizes) and (self.peers or not plan.peers)

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        """What :meth:`Results.keep` wrote."""
        sections = [
            Section(each["title"], [Column(**column) for column in each["columns"]], each["rows"], each["notes"])
            for each in stored["sections"]
        ]
        return cls(**{**stored, "sections": sections})


@dataclass(slots=True)
class Results:
    """All that was measured, by unit (``together``, ``growth/sqlite``, ...), kept in ``path`` where there is one."""

    path: Path | None
    units: dict[str, Measured] = field(default_factory=dict)

    @classmethod
    def open(cls, path: Path | None) -> Results:
        """With what is in the file already. Raises ``ValueError`` for a file that is none of ours."""
        if path is None or not path.exists():
            return cls(path)
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))["units"]
            return cls(path, {name: Measured.read(each) for name, each in stored.items()})
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path} holds no results of this bench: {error!r}") from error

    def keep(self, unit: str, measured: Measured) -> None:
        """Remember it, on disk as well; the file is whole at any moment."""
        self.units[unit] = measured
        if self.path is None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        stored = {"units": {name: asdict(each) for name, each in self.units.items()}}
        new = self.path.with_name(self.path.name + ".new")
        new.write_text(json.dumps(stored, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        new.replace(self.path)

    def missing(self, units: Sequence[str], plan: Plan) -> list[str]:
        """Those of ``units`` that were not measured, or not as largely as ``plan`` asks."""
        return [unit for unit in units if unit not in self.units or not self.units[unit].serves(plan)]

    def chosen(self, units: Sequence[str]) -> list[Measured]:
        """Those of ``units`` that are there, in that order."""
        return [self.units[unit] for unit in units if unit in self.units]


def merged(measured: Sequence[Measured]) -> list[Section]:
    """The tables of all of them; those of one title become one table."""
    by_title: dict[str, Section] = {}
    for each in measured:
        for section in each.sections:
            into = by_title.setdefault(section.title, Section(section.title, section.columns))
            into.rows += section.rows
            into.notes += [note for note in section.notes if note not in into.notes]
    return [*by_title.values()]
