"""``python -m bench``: measure, show, and where asked write it down."""

from __future__ import annotations

import signal
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final, NoReturn

import psutil
import typer
from rich.console import Console

from bench import report
from bench.children import ChildFailed
from bench.contenders import setup_peers
from bench.parts import Work, units
from bench.place import KINDS, Kind, Place
from bench.plan import PARTS, Plan, quick, reaches, resized
from bench.results import Measured, Results, merged
from tests.services.postgres import PostgresFailed, PostgresMissing

_PAUSE: Final = 0.15
"""Seconds between two measurements in which nothing of ours runs."""


def bench(
    short: Annotated[bool, typer.Option("--quick", help="A few minutes; noisier.")] = False,
    only: Annotated[str | None, typer.Option(help=f"Some parts, with commas: {', '.join(PARTS)}.")] = None,
    database: Annotated[str | None, typer.Option(help="sqlite or postgresql; both unless given.")] = None,
    peers: Annotated[
        bool, typer.Option("--peers", help="Let FastAPI with Celery and Redis do what `together` does, in turn.")
    ] = False,
    leads: Annotated[int | None, typer.Option(min=1_000, help="How many leads there are for growth.")] = None,
    size: Annotated[
        list[str] | None, typer.Option(help="A size of the run, as NAME=NUMBER: pinned_seconds=60, rounds=9, ...")
    ] = None,
    json: Annotated[
        Path | None, typer.Option(help="Keep the figures of each part in this file as soon as it has ended.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Leave out what the file of --json has already, as large as asked for.")
    ] = False,
    write: Annotated[
        bool, typer.Option("--write", help="Put the figures into the docs page (whole runs only).")
    ] = False,
) -> None:
    """Measure on this machine: leads accepted, carried, their way's time, and what size and trouble do to them.

    Progress goes to the standard error output, the tables to the standard output.
    """
    plan = _plan(short, only, database, peers, [*([f"growth_leads={leads}"] if leads else []), *(size or [])])
    if resume and json is None:
        raise typer.BadParameter("it needs --json FILE", param_hint="--resume")
    try:
        results = Results.open(json)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--json") from error
    names, whole = [name for name, _ in units(plan)], [name for name, _ in units(Plan())]
    if write:
        _require_whole(results, plan, names, whole)
    due = results.missing(names, plan) if resume else names
    begun = time.monotonic()
    _measure(plan, [(name, work) for name, work in units(plan) if name in due], results)
    chosen = results.chosen(names)
    console = Console(width=None if sys.stdout.isatty() else 200)
    report.show(console, merged(chosen))
    console.print(f"Measured {report.where(chosen)} It took {time.monotonic() - begun:.0f} s.")
    if write:
        report.write_page(results.chosen(whole))


def _require_whole(results: Results, plan: Plan, names: list[str], whole: list[str]) -> None:
    """Before anything is measured: all that the page shows will have been measured, and largely enough."""
    large = names if reaches(plan.sizes, Plan().sizes) else []
    lacking = results.missing([name for name in whole if name not in large], Plan())
    if lacking:
        raise typer.BadParameter(f"only a whole run is written; it lacks {', '.join(lacking)}", param_hint="--write")


def _plan(short: bool, only: str | None, database: str | None, peers: bool, sizes: list[str]) -> Plan:
    parts = tuple(part.strip() for part in only.split(",")) if only else PARTS
    if unknown := set(parts) - set(PARTS):
        raise typer.BadParameter(f"{', '.join(unknown)}: choose among {', '.join(PARTS)}", param_hint="--only")
    kinds: tuple[Kind, ...] = tuple(kind for kind in KINDS if database in (None, kind))
    if not kinds:
        raise typer.BadParameter("sqlite or postgresql", param_hint="--database")
    plan = quick(kinds, parts) if short else Plan(databases=kinds, parts=parts)
    try:
        return resized(replace(plan, peers=peers), sizes)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--size") from error


def _measure(plan: Plan, due: list[tuple[str, Work]], results: Results) -> None:
    """Measure what is due and keep each unit as soon as it is there. One that fails is said at the end."""
    if not due:
        return
    if plan.peers:
        setup_peers()
    failed: list[str] = []
    console = Console(stderr=True, highlight=False)
    with Place() as place, console.status("starting") as status:
        begun = time.monotonic()
        for name, work in due:
            others: list[float] = []

            def say(text: str, others: list[float] = others) -> None:
                status.update(text)
                if not console.is_terminal:
                    console.print(f"{time.monotonic() - begun:6.0f} s  {text}")
                others.append(psutil.cpu_percent(interval=_PAUSE))

            try:
                sections = work(place, say)
            except Exception as error:  # the other parts are worth having
                failed.append(f"{name}: {error!r}")
                console.print_exception()
                continue
            day = f"{datetime.now(UTC):%Y-%m-%d}"
            results.keep(name, Measured(report.machine(), day, plan.peers, plan.sizes, others, sections))
    if failed:
        raise ChildFailed("\n".join(["These were not measured:", *failed]))


def _end(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def main() -> None:
    """Run; on Ctrl-C or SIGTERM everything that was started is stopped, and what was measured stays in the file."""
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
