"""Processes of the program that begin as copies of one that has imported it already.

A start costs 1.8 s of a processor, most of it for imports; journeys make hundreds. Everything after the imports
(settings, database, doors, worker, signals, end) is the program's own, in a process of its own that is killed like any
other. The whole way start the demo, the tutorial, the commands of the docs, and every hub that has a ``program``.

``python -m tests.journeys.forking SOCKET`` is the process that copies itself: it starts no thread and opens nothing.
With ``wrong-clock`` behind it, each copy has the wall clock of a file.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import gc
import json
import os
import resource
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from tests.services.wrong_clock import take_clock_from_files

ROOT: Final = Path(__file__).parents[2]
_IMPORTED: Final = (
    "babel.messages.mofile",
    "babel.messages.pofile",
    "leadkeeper.doors.cli.operating.permissions",
    "leadkeeper.doors.cli.program",
    "leadkeeper.doors.cli.operating.python_check",
    "leadkeeper.entrances",
    "leadkeeper.serving",
    "leadkeeper.storage.migrate",
    "leadkeeper.storage.postgresql",
    "leadkeeper.storage.sqlite",
    "pydantic.v1",
    "uvicorn.lifespan.off",
    "uvloop",
)
_END: Final = b"\n"
_WRONG_CLOCK: Final = "wrong-clock"


def die_with_parent(files: int | None = None) -> None:
    """Runs in a child: whatever ends its parent, even SIGKILL, ends it too. It may open so many ``files``."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    if files is not None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))


@dataclass(frozen=True)
class Order:
    """What to run: the program with ``word``, in ``folder``, with that environment; what it writes goes to ``log``."""

    word: str
    folder: str
    environment: Mapping[str, str]
    log: str
    files: int | None = None
    clock: str | None = None
    """The file that says how wrong its wall clock is; without, it is right."""


class Copy:
    """A process that was copied, as :class:`subprocess.Popen` shows one."""

    def __init__(self, source: Source, pid: int) -> None:
        self._source, self.pid = source, pid

    @property
    def returncode(self) -> int | None:
        """Its exit code once it has ended; of a signal, with a minus before it."""
        return self._source.ended.get(self.pid)

    def poll(self) -> int | None:
        """The same, after a look."""
        self._source.look()
        return self.returncode

    def wait(self) -> int:
        """Wait for its end."""
        while (code := self.poll()) is None:
            time.sleep(0.002)
        return code

    def send_signal(self, signum: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):  # it ended just now
                os.kill(self.pid, signum)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)


class Source:
    """The process that copies itself, and what it told of its copies. It ends with this process, and they with it."""

    def __init__(self, *more: str) -> None:
        ours, its = socket.socketpair()
        environment = dict(os.environ)
        environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), environment.get("PYTHONPATH", "")])
        self._child = subprocess.Popen(
            [sys.executable, "-m", "tests.journeys.forking", str(its.fileno()), *more],
            env=environment,
            pass_fds=[its.fileno()],
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the tests
            preexec_fn=die_with_parent,  # noqa: PLW1509 (starts no threads, takes no locks)
        )
        its.close()
        self._socket = ours
        self._read = b""
        self._lock = threading.Lock()
        self.ended: dict[int, int] = {}

    def copy(self, order: Order) -> Copy:
        """Begin a process."""
        with self._lock:
            self._socket.setblocking(True)
            self._socket.sendall(json.dumps(asdict(order)).encode() + _END)
            while True:
                for told in self._told(self._socket.recv(65_536)):
                    if "began" in told:
                        return Copy(self, told["began"])

    def look(self) -> None:
        """Take down which copies have ended."""
        with self._lock, contextlib.suppress(BlockingIOError):
            self._socket.setblocking(False)
            while True:
                self._told(self._socket.recv(65_536))

    def _told(self, received: bytes) -> list[dict[str, int]]:
        if not received:
            raise RuntimeError(f"the process that copies itself has ended with {self._child.wait()}")
        *lines, self._read = (self._read + received).split(_END)
        told: list[dict[str, int]] = [json.loads(line) for line in lines]
        self.ended |= {each["ended"]: each["code"] for each in told if "ended" in each}
        return told


@functools.cache
def source() -> Source:
    """The one of this process, started when first asked for."""
    return Source()


@functools.cache
def source_of_wrong_clocks() -> Source:
    """The one of this process for orders with a ``clock``: what is imported may keep the clock which it finds."""
    return Source(_WRONG_CLOCK)


def _serve(ours: socket.socket) -> Order:
    """Copy this process for each order, and tell of each copy's end; returns in the copies, with their order."""
    read = b""
    wake, woken = socket.socketpair()
    woken.setblocking(False)
    signal.set_wakeup_fd(woken.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)  # else nothing is written there
    while True:
        ready, _, _ = select.select([ours, wake], [], [])
        if wake in ready:
            wake.recv(1024)
            for pid, code in _buried():
                ours.sendall(json.dumps({"ended": pid, "code": code}).encode() + _END)
        if ours in ready:
            received = ours.recv(65_536)
            if not received:
                os._exit(0)
            *lines, read = (read + received).split(_END)
            for line in lines:
                pid = os.fork()
                if pid == 0:
                    signal.set_wakeup_fd(-1)
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    for each in (ours, wake, woken):
                        each.close()
                    return Order(**json.loads(line))
                ours.sendall(json.dumps({"began": pid}).encode() + _END)


def _buried() -> list[tuple[int, int]]:
    """The copies that have ended, each with its exit code."""
    found = []
    with contextlib.suppress(ChildProcessError):  # there are none any more
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            found.append((ended[0], os.waitstatus_to_exitcode(ended[1])))
    return found


def _become(order: Order) -> None:
    """Be the process that was ordered."""
    die_with_parent(order.files)
    os.setsid()
    log = os.open(order.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    for stream in (1, 2):
        os.dup2(log, stream)
    os.close(log)
    os.chdir(order.folder)
    os.environ.clear()
    os.environ.update(order.environment)
    sys.argv = ["leadkeeper", *order.word.split()]


def main(descriptor: int, *more: str) -> Any:
    """Import the program; then copy for each order. Whoever gets on from here is such a copy."""
    live_by = take_clock_from_files() if _WRONG_CLOCK in more else None
    for name in _IMPORTED:
        import_module(name)
    from leadkeeper.languages import installed

    installed()
    assert threading.active_count() == 1, "a process with threads cannot be copied"
    gc.collect()
    gc.freeze()
    order = _serve(socket.socket(fileno=descriptor))
    _become(order)
    if live_by is not None and order.clock is not None:
        live_by(order.clock)
    runpy.run_module("leadkeeper", run_name="__main__")


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
