"""The figures as tables on the screen and in the docs page."""

from __future__ import annotations

import platform
import sqlite3
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final

import psutil
from rich.console import Console
from rich.table import Table

from bench.children import ROOT
from bench.figures import Section, middle
from bench.results import Measured, merged

PAGE: Final = ROOT / "docs" / "reference" / "performance.md"
BEGIN: Final = "<!-- measured: written by `make bench ARGS=--write` -->"
END: Final = "<!-- end of what was measured -->"
_PACKAGES: Final = ("uvicorn", "starlette", "aiohttp", "sqlalchemy", "asyncpg")


def machine() -> str:
    """Where figures are taken, without the machine's name."""
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{_processor()}, {psutil.cpu_count()} cores, {memory:.0f} GiB, "
        f"{platform.system()}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {packages}"
    )


def where(measured: Sequence[Measured]) -> str:
    """When and where figures were taken, and how busy others kept the machine meanwhile (percent).

    Raises ``ValueError`` for those of several machines, or of one machine with other packages.
    """
    machines = {each.machine for each in measured}
    if len(machines) != 1:
        raise ValueError(f"the figures are not of one machine: {'; '.join(sorted(machines))}")
    days = sorted({each.day for each in measured})
    others = [busy for each in measured for busy in each.others]
    return (
        f"{' to '.join(dict.fromkeys((days[0], days[-1])))}, {machines.pop()}. "
        f"Between measurements others kept the cores {middle(others):.0f} % busy, at most {max(others):.0f} %."
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "processor unknown"
    )


def show(console: Console, sections: Sequence[Section]) -> None:
    """Print every table."""
    for section in sections:
        table = Table(title=section.title.replace("`", ""), title_justify="left", title_style="bold")
        for place, column in enumerate(section.columns):
            numbers = any(isinstance(row.get(column.key), (int, float)) for row in section.rows)
            table.add_column(column.heading, justify="right" if numbers else "left", no_wrap=place == 0)
        for row in section.cells():
            table.add_row(*(_coloured(cell) for cell in row))
        console.print(table)
        for note in section.notes:
            console.print(note, style="dim")


def _coloured(cell: str) -> str:
    return cell.replace("PASS", "[green]PASS[/green]").replace("MISS", "[red]MISS[/red]")


def as_markdown(measured: Sequence[Measured]) -> str:
    """All tables."""
    parts = [f"Measured {where(measured)}"]
    for section in merged(measured):
        lines = [
            "| " + " | ".join(column.heading for column in section.columns) + " |",
            "|" + " --- |" * len(section.columns),
            *("| " + " | ".join(row) + " |" for row in section.cells()),
        ]
        parts += [f"### {section.title}", "\n".join(lines), *section.notes]
    return "\n\n".join(parts)


def write_page(measured: Sequence[Measured], page: Path = PAGE) -> None:
    """Replace what stands between the marks. Raises ``ValueError`` when the page lacks them, as :func:`where` does."""
    text = page.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page} lacks the marks between which figures stand")
    page.write_text(f"{before}{BEGIN}\n\n{as_markdown(measured)}\n\n{END}{after}", encoding="utf-8")
