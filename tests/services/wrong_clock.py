"""``python -m tests.services.wrong_clock FILE WORD...``: the program on a machine whose clock is wrong.

``FILE`` says by how many seconds, and may say otherwise at any moment. The monotonic clock is the real one, as on any
machine whose wall clock is set.
"""

from __future__ import annotations

import os
import runpy
import sys
import time
from pathlib import Path


class Wall:
    """The wall clock of processes that are started with :attr:`program`."""

    def __init__(self, file: Path, seconds: int = 0) -> None:
        self._file = file
        self.set(seconds)

    @property
    def program(self) -> tuple[str, ...]:
        """What stands after ``python -m``."""
        return ("tests.services.wrong_clock", str(self._file))

    def set(self, seconds: int) -> None:
        """Let it be so many seconds ahead of the real one (behind, if negative) from now on."""
        draft = self._file.with_suffix(".draft")
        draft.write_text(str(seconds))
        draft.replace(self._file)


def _live_by(file: str) -> None:
    real = time.time_ns
    known = (0, 0)

    def time_ns() -> int:
        nonlocal known
        changed = os.stat(file).st_mtime_ns
        if changed != known[0]:
            known = (changed, int(Path(file).read_text()))
        return real() + known[1] * 1_000_000_000

    time.time_ns = time_ns
    time.time = lambda: time_ns() / 1e9


if __name__ == "__main__":
    _live_by(sys.argv[1])
    sys.argv[1:2] = []
    runpy.run_module("leadkeeper", run_name="__main__", alter_sys=True)
