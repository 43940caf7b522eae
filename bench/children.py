"""Programs that run beside us: started, asked, measured, and always stopped."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import psutil

ROOT: Final = Path(__file__).parents[1]
_STOP_SECONDS: Final = 30.0


class ChildFailed(RuntimeError):
    """A child ended, or did not do what was asked; the text ends with what it wrote last."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What one process has used so far: user and system time, and the most memory it held."""

    cpu_seconds: float
    peak_bytes: int

    def since(self, before: Usage) -> Usage:
        """The time used after ``before``; the peak stays the whole life's."""
        return Usage(self.cpu_seconds - before.cpu_seconds, self.peak_bytes)


class Child:
    """One Python module as a process of its own, in ``folder``, its errors in a log file there.

    It gets no Ctrl-C: whoever started it stops it, at the latest on leaving the ``with`` block.
    """

    def __init__(
        self,
        folder: Path,
        module: str,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        program: Sequence[str] | None = None,
    ) -> None:
        """``program`` is what to run instead of Python and the module, which then only gives the name."""
        self.name = " ".join((module, *arguments))
        self._log = folder / f"{module}-{time.monotonic_ns()}.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*(program or (sys.executable, "-m", module)), *arguments],
                cwd=folder,
                env=_environment() | dict(env or {}),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE if module.startswith("bench.") else log,
                stderr=log,
                start_new_session=True,
            )
        self._seen = psutil.Process(self._process.pid)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.stop()

    def check(self) -> None:
        """Raise :class:`ChildFailed` if it has ended."""
        if self._process.poll() is not None:
            raise ChildFailed(f"{self.name} ended ({self._process.returncode}).{self._last_words()}")

    def summary(self) -> Any:
        """The next line of JSON that it writes; waits for it."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._process.wait(5)
            self.check()
        return json.loads(line)

    def ask(self, question: Mapping[str, Any] | str) -> Any:
        """Send one line of JSON and wait for the line that answers it."""
        assert self._process.stdin is not None
        self.check()
        self._process.stdin.write(json.dumps(question).encode() + b"\n")
        self._process.stdin.flush()
        return self.summary()

    def usage(self) -> Usage:
        """What it and the processes that it started have used so far. Raises :class:`ChildFailed` if it has ended."""
        self.check()
        return usage_of(self._seen)

    def stop(self) -> None:
        """Ask it to end, wait, kill it if it will not. May be called twice."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def _last_words(self) -> str:
        return "\n" + "\n".join(self._log.read_text(errors="replace").splitlines()[-15:])


def total(usages: Sequence[Usage]) -> Usage:
    """Several processes as one: times added, and peaks as if they came together."""
    return Usage(sum(u.cpu_seconds for u in usages), sum(u.peak_bytes for u in usages))


def usage_of(process: psutil.Process) -> Usage:
    """What a process and its descendants have used so far, those included that ended and were waited for."""
    used = []
    for each in (process, *process.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):  # it ended by itself meanwhile
            times = each.cpu_times()
            seconds = times.user + times.system + times.children_user + times.children_system
            used.append(Usage(seconds, _peak(each)))
    return total(used)


def _environment() -> dict[str, str]:
    """Ours, without settings meant for another installation; modules are found as we find them."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LEADKEEPER_")}
    return kept | {"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}


def _peak(process: psutil.Process) -> int:
    """Linux remembers the peak; elsewhere what is held now has to do."""
    try:
        status = Path(f"/proc/{process.pid}/status").read_text()
    except OSError:
        return int(process.memory_info().rss)
    peaks = (int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))
    return next(peaks, 0)  # a process that has just ended holds none
