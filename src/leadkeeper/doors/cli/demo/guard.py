"""A guard: whatever becomes of this process, its children end and its folders go."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

_PROGRAM = Path(__file__).with_name("guard_process.py")


class Guard:
    """A small process that outlives ours by a moment if ours is killed outright. Costs nothing when all goes well.

    It hears of every child (the leader of a process group of its own) and every folder; leaving the ``with`` block
    tells it that we have cleaned up ourselves.
    """

    def __init__(self) -> None:
        self._known: set[int] = set()

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(  # noqa: S603 (a program of ours)
            [sys.executable, "-I", "-S", str(_PROGRAM)],
            stdin=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C in the terminal is for us
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._tell("done")
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait()

    def child(self, pid: int | None) -> None:
        """End this process group if we cannot; ``None`` and repeats are nothing new."""
        if pid is not None and pid not in self._known:
            self._known.add(pid)
            self._tell(f"child {pid}")

    def gone(self, pid: int | None) -> None:
        """This one has ended."""
        if pid in self._known:
            self._known.discard(pid)
            self._tell(f"gone {pid}")

    def folder(self, path: Path) -> None:
        """Remove this folder if we cannot."""
        self._tell(f"folder {path}")

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(f"{line}\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # somebody ended the guard; we still clean up ourselves
