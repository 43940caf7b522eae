"""``python -m bench``: measure, show, and where asked write it down."""

from __future__ import annotations

import signal
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final, NoReturn

import psutil
import typer
from rich.console import Console

from bench import accept, carry, growth, hostile, isolation, latency, limits, report, together
from bench.children import ChildFailed
from bench.figures import Section
from bench.place import KINDS, Kind, Place
from bench.plan import PARTS, Plan, quick
from bench.usage import UsageLog
from tests.services.postgres import PostgresFailed, PostgresMissing

_PAUSE: Final = 0.15
"""Seconds between two measurements in which nothing of ours runs."""


def bench(
    short: Annotated[bool, typer.Option("--quick", help="About a minute and a half; noisier.")] = False,
    only: Annotated[str | None, typer.Option(help=f"Some parts, with commas: {', '.join(PARTS)}.")] = None,
    database: Annotated[str | None, typer.Option(help="sqlite or postgresql; both unless given.")] = None,
    leads: Annotated[int | None, typer.Option(min=1_000, help="How many leads there are for growth.")] = None,
    json: Annotated[Path | None, typer.Option(help="Write all figures to this file.")] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Put the figures into the docs page (whole runs only).")
    ] = False,
) -> None:
    """Measure on this machine: leads accepted, carried, their way's time, and what trouble elsewhere does to them."""
    plan = _plan(short, only, database)
    plan = plan if leads is None else replace(plan, growth_leads=leads)
    if write and not plan.whole:
        raise typer.BadParameter("only a whole run is written into the docs", param_hint="--write")
    console = Console(width=None if sys.stdout.isatty() else 200)
    others: list[float] = []
    begun = time.monotonic()
    sections = _measured(plan, console, others)
    where = report.machine(others)
    report.show(console, sections)
    console.print(f"Measured {where} It took {time.monotonic() - begun:.0f} s.")
    if json is not None:
        json.write_text(report.as_json(where, sections), encoding="utf-8")
    if write:
        report.write_page(where, sections)


def _plan(short: bool, only: str | None, database: str | None) -> Plan:
    parts = tuple(part.strip() for part in only.split(",")) if only else PARTS
    if unknown := set(parts) - set(PARTS):
        raise typer.BadParameter(f"{', '.join(unknown)}: choose among {', '.join(PARTS)}", param_hint="--only")
    kinds: tuple[Kind, ...] = tuple(kind for kind in KINDS if database in (None, kind))
    if not kinds:
        raise typer.BadParameter("sqlite or postgresql", param_hint="--database")
    return quick(kinds, parts) if short else Plan(databases=kinds, parts=parts)


def _measured(plan: Plan, console: Console, others: list[float]) -> list[Section]:
    """All tables. ``others`` gets how busy the cores are (percent) at moments when nothing of ours runs."""
    usage = UsageLog()
    with Place() as place, console.status("starting") as status:

        def say(text: str) -> None:
            status.update(text)
            if not console.is_terminal:
                console.print(text, style="dim")
            others.append(psutil.cpu_percent(interval=_PAUSE))

        sections = [limits.measure(place, plan, say)]
        if "accept" in plan.parts:
            sections.append(accept.measure(place, plan, usage, say))
        if "carry" in plan.parts:
            sections.append(carry.measure(place, plan, usage, say))
        if "together" in plan.parts:
            sections.append(together.measure(place, plan, say))
        if "latency" in plan.parts:
            sections.append(latency.measure(place, plan, say))
        if "isolation" in plan.parts:
            sections.append(isolation.measure(place, plan, say))
        if "hostile" in plan.parts:
            sections.append(hostile.measure(place, plan, say))
        if "growth" in plan.parts:
            sections.append(growth.measure(place, plan, say))
        used = usage.section()
    return [*sections, used] if used else sections


def _end(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def main() -> None:
    """Run; on Ctrl-C or SIGTERM everything that was started is stopped."""
    for summary in (signal.SIGINT, signal.SIGTERM):
        signal.signal(summary, _end)
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(bench)
    try:
        app()
    except (ChildFailed, PostgresFailed, PostgresMissing) as error:
        print(error, file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
