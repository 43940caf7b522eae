"""Several processes on this machine: what starts them, and how."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import typer

from leadkeeper.doors.cli.operating.child import LIMIT_SECONDS
from leadkeeper.doors.cli.operating.serve import say_begin, say_listening, stop_at_signals
from leadkeeper.processes.plan import ProcessPlan
from leadkeeper.processes.supervisor import Launch, Supervisor

if TYPE_CHECKING:
    from leadkeeper.settings import Settings

_PROGRAM: Final = (sys.executable, "-m", "leadkeeper.doors.cli.operating.child")


def supervise(plan: Sequence[ProcessPlan], settings: Settings) -> None:
    """Run them until this program is told to end. Ends it with the exit code that says how they ended."""
    with tempfile.TemporaryDirectory(prefix="leadkeeper-counts-", ignore_cleanup_errors=True) as counts:
        launch = Launch(
            settings.host,
            settings.port,
            (*_PROGRAM, counts),
            {**os.environ, "LEADKEEPER_HOST": settings.host, "LEADKEEPER_PORT": str(settings.port)},
            settings.shutdown_seconds + LIMIT_SECONDS,
        )
        code = asyncio.run(_supervise(plan, launch, settings))
    if code:
        raise typer.Exit(code)


async def _supervise(plan: Sequence[ProcessPlan], launch: Launch, settings: Settings) -> int:
    supervisor = Supervisor(plan, launch, ready=lambda: say_listening(settings, plan), begin=say_begin)
    return await supervisor.run(stop_at_signals())
