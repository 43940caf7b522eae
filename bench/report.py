"""The figures as tables on the screen, as JSON, and in the docs page."""

from __future__ import annotations

import json
import platform
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

import psutil
from rich.console import Console
from rich.table import Table

from bench.children import ROOT
from bench.figures import Section, middle

PAGE: Final = ROOT / "docs" / "reference" / "performance.md"
BEGIN: Final = "<!-- measured: written by `make bench ARGS=--write` -->"
END: Final = "<!-- end of what was measured -->"
_PACKAGES: Final = ("uvicorn", "starlette", "aiohttp", "sqlalchemy", "asyncpg")


def machine(others: Sequence[float]) -> str:
    """Where the figures were taken, without the machine's name, and how busy ``others`` kept it meanwhile (percent)."""
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {_processor()}, {psutil.cpu_count()} cores, {memory:.0f} GiB, "
        f"{platform.system()}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {packages}. "
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


def as_json(where: str, sections: Sequence[Section]) -> str:
    """All figures, unrounded."""
    tables = [{"title": section.title, "rows": section.rows, "notes": section.notes} for section in sections]
    return json.dumps({"machine": where, "tables": tables}, indent=2, ensure_ascii=False) + "\n"


def as_markdown(where: str, sections: Sequence[Section]) -> str:
    """All tables."""
    parts = [f"Measured {where}"]
    for section in sections:
        lines = [
            "| " + " | ".join(column.heading for column in section.columns) + " |",
            "|" + " --- |" * len(section.columns),
            *("| " + " | ".join(row) + " |" for row in section.cells()),
        ]
        parts += [f"### {section.title}", "\n".join(lines), *section.notes]
    return "\n\n".join(parts)


def write_page(where: str, sections: Sequence[Section], page: Path = PAGE) -> None:
    """Replace what stands between the marks. Raises ``ValueError`` when the page lacks them."""
    text = page.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page} lacks the marks between which figures stand")
    page.write_text(f"{before}{BEGIN}\n\n{as_markdown(where, sections)}\n\n{END}{after}", encoding="utf-8")
