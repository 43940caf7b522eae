"""``python -m leadkeeper.doors.cli.operating.child``: one of several, as :mod:`leadkeeper.processes` starts it.

Arguments: the folder of the counts, the process's name, and the number of the file that is its socket, if it listens.
Its standard input ends when the program that started it is gone, however that ended: then this ends in good order too.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from leadkeeper.processes.plan import ProcessPlan
from leadkeeper.processes.supervisor import BEGIN, READY

if TYPE_CHECKING:
    from leadkeeper.settings import Settings

LIMIT_SECONDS: Final = 15.0
"""How long ending may take beside ``LEADKEEPER_SHUTDOWN_SECONDS``: requests have ten of them."""


def main(arguments: Sequence[str]) -> int:
    """Run until told to end; the exit code. What is expected to go wrong is one line on standard error."""
    import uvloop

    from leadkeeper.app import configure_logging
    from leadkeeper.doors.cli.failing import explanation
    from leadkeeper.doors.cli.showing import complain
    from leadkeeper.settings import load_settings

    folder, name, *files = arguments
    bound = socket.socket(fileno=int(files[0])) if files else None
    try:
        settings = load_settings()
        configure_logging(settings)
        uvloop.run(_run(settings, Path(folder), ProcessPlan.parse(name), bound))
    except Exception as error:
        summary = explanation(error)
        if summary is None:
            raise
        complain(f"{name}: {summary}")
        return 1
    return 0


async def _run(settings: Settings, folder: Path, planned: ProcessPlan, bound: socket.socket | None) -> None:
    from leadkeeper.doors.api.shared_counts import SharedCounts
    from leadkeeper.doors.cli.operating.serve import settle, stop_at_signals
    from leadkeeper.serving import serve

    stop = stop_at_signals()
    watch = _Watch(stop, settings.shutdown_seconds + LIMIT_SECONDS)

    def ready() -> None:
        settle()
        _tell(READY)

    def begin(address: str) -> None:
        _tell(BEGIN + address.encode())

    shared = SharedCounts(folder, planned.name)
    # Each would make a link of its own.
    first = begin if planned.number == 1 else None
    await serve(settings, planned.role, stop=stop, ready=ready, begin=first, bound=bound, shared=shared)
    if watch.alone:
        shared.leave()


class _Watch:
    """Sets ``stop`` when nobody watches over this process any more, and ends it should that take ``seconds``."""

    def __init__(self, stop: asyncio.Event, seconds: float) -> None:
        self.alone = False
        self._loop = asyncio.get_running_loop()
        self._stop = stop
        self._seconds = seconds
        # A thread, since a loop that hangs hears of nothing.
        threading.Thread(target=self._wait, name="watch", daemon=True).start()

    def _wait(self) -> None:
        while os.read(sys.stdin.fileno(), 1):
            pass
        self.alone = True
        self._loop.call_soon_threadsafe(self._stop.set)
        time.sleep(self._seconds)
        os._exit(1)


def _tell(line: bytes) -> None:
    with contextlib.suppress(BrokenPipeError):  # nobody watches any more, and the thread that reads knows it
        os.write(sys.stdout.fileno(), line + b"\n")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
