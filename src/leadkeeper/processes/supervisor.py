"""Starts the processes of an installation on this machine, starts again those that end, and ends them in good order.

It holds the sockets, so that who connects while a process is started again is not refused, and takes no part in the
work: it has no database and no secrets, and whatever happens to a lead happens in one of the processes. Each hears
through its standard input whether this program is still there, and says through its standard output that it is ready.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog

from leadkeeper.network.listening import listening_socket
from leadkeeper.processes.plan import HELD_SECONDS, ProcessPlan, ends_in_a_row, pause, why

READY: Final = b"ready"
BEGIN: Final = b"begin "
"""What a process says on its standard output, a line each: it works; and where an installation begins."""
BACKLOG: Final = 2048

log: Final = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Launch:
    """Where all of them listen, what they run, and what stands in their environment.

    ``program`` is the command of a process without its name and socket. ``patience`` is how many seconds they may take
    to end.
    """

    host: str
    port: int
    program: Sequence[str]
    environment: Mapping[str, str]
    patience: float


@dataclass(slots=True)
class _Slot:
    """One of the processes, whichever child is it just now."""

    planned: ProcessPlan
    bound: socket.socket | None = None
    child: asyncio.subprocess.Process | None = None
    in_a_row: int = 0
    ready: asyncio.Event = field(default_factory=asyncio.Event)

    def close(self) -> None:
        """Whoever waits for this process goes elsewhere."""
        if self.bound is not None:
            self.bound.close()
            self.bound = None


class Supervisor:
    """The processes of ``plan``. ``ready`` is called once all of them work, ``begin`` with an address to begin at."""

    def __init__(
        self,
        plan: Sequence[ProcessPlan],
        launch: Launch,
        *,
        ready: Callable[[], None] = lambda: None,
        begin: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._slots = [_Slot(each) for each in plan]
        self._launch = launch
        self._ready = ready
        self._begin = begin
        self._hearing: set[asyncio.Task[None]] = set()

    async def run(self, stop: asyncio.Event) -> int:
        """Keep them running until ``stop`` is set; the exit code of this program.

        Where the first of them does not come up, no other is started, and its exit code is this program's: a wrong
        setting or a database that is away is said once. Raises ``OSError`` when the port is taken.
        """
        if any(slot.planned.role.listens for slot in self._slots):
            listening_socket(self._launch.host, self._launch.port).close()
        for slot in self._slots:
            self._bind(slot)
        stopping = asyncio.create_task(stop.wait(), name="stopping")
        keeping = asyncio.create_task(self._keep_all(), name="keeping")
        await asyncio.wait({stopping, keeping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        failed = keeping.result() if keeping.done() else 0
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        return failed or await self._end()

    async def _keep_all(self) -> int:
        """Until cancelled; ends by itself with an exit code when the first process does not come up."""
        first = self._slots[0]
        await self._start(first)
        assert first.child is not None  # from now on
        up = asyncio.create_task(first.ready.wait())
        ended = asyncio.create_task(first.child.wait())
        await asyncio.wait({up, ended}, return_when=asyncio.FIRST_COMPLETED)
        if not first.ready.is_set():
            up.cancel()
            return ended.result() if ended.result() > 0 else 1
        async with asyncio.TaskGroup() as group:
            for slot in self._slots:
                group.create_task(self._keep(slot))
            await asyncio.gather(*(slot.ready.wait() for slot in self._slots))
            self._ready()
        return 1

    async def _keep(self, slot: _Slot) -> None:
        """Start it whenever it does not run."""
        while True:
            begun = time.monotonic()
            reason = await self._run(slot)
            slot.in_a_row = ends_in_a_row(slot.in_a_row, time.monotonic() - begun)
            seconds = pause(slot.in_a_row)
            log.warning(
                "a process ended and is started again", process=slot.planned.name, why=reason, in_seconds=seconds
            )
            if seconds > HELD_SECONDS:
                slot.close()
            await asyncio.sleep(seconds)

    async def _run(self, slot: _Slot) -> str:
        """From its start, unless it runs already, to its end; why it ended."""
        try:
            if slot.child is None:
                await self._start(slot)
        except OSError as error:
            return f"it could not be started: {error.strerror}"
        assert slot.child is not None
        code = await slot.child.wait()
        slot.child = None
        return why(code)

    def _bind(self, slot: _Slot) -> None:
        """Each process that listens has a socket of its own at the one port, among which the system deals out."""
        if slot.planned.role.listens and slot.bound is None:
            slot.bound = listening_socket(self._launch.host, self._launch.port, backlog=BACKLOG, shared=True)

    async def _start(self, slot: _Slot) -> None:
        self._bind(slot)
        files = [] if slot.bound is None else [slot.bound.fileno()]
        child = await asyncio.create_subprocess_exec(
            *self._launch.program,
            slot.planned.name,
            *map(str, files),
            env=self._launch.environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            pass_fds=files,
        )
        slot.child = child
        log.info("a process is started", process=slot.planned.name, pid=child.pid)
        hearing = asyncio.create_task(self._hear(slot, child), name="hearing")
        self._hearing.add(hearing)
        hearing.add_done_callback(self._hearing.discard)

    async def _hear(self, slot: _Slot, child: asyncio.subprocess.Process) -> None:
        assert child.stdout is not None
        async for line in child.stdout:
            if line.startswith(BEGIN):
                self._begin(line.removeprefix(BEGIN).decode().strip())
            elif line.strip() == READY:
                slot.ready.set()

    async def _end(self) -> int:
        """Tell all to end, and wait; 0 when each did so in good order."""
        for slot in self._slots:
            slot.close()
        children = [(slot.planned.name, slot.child) for slot in self._slots if slot.child is not None]
        for _, child in children:
            _tell(child, signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._launch.patience):
                await asyncio.gather(*(child.wait() for _, child in children))
        for name, child in children:
            if child.returncode is None:
                log.error("a process did not end in time and is killed", process=name, seconds=self._launch.patience)
                _tell(child, signal.SIGKILL)
                await child.wait()
            elif child.returncode not in (0, -signal.SIGTERM):
                log.warning("a process did not end in good order", process=name, why=why(child.returncode))
        return int(any(child.returncode not in (0, -signal.SIGTERM) for _, child in children))


def cores() -> int:
    """How many processor cores this program may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def _tell(child: asyncio.subprocess.Process, signum: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        child.send_signal(signum)
