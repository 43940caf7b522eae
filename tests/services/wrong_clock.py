"""The wall clock of a process, as it is on a machine whose clock is wrong.

A file says by how many seconds, and may say otherwise at any moment. The monotonic clock is the real one, as on any
machine whose wall clock is set.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path


class Wall:
    """The wall clock of processes that are started with this."""

    def __init__(self, file: Path, seconds: int = 0) -> None:
        self.file = file
        self.set(seconds)

    def set(self, seconds: int) -> None:
        """Let it be so many seconds ahead of the real one (behind, if negative) from now on."""
        draft = self.file.with_suffix(".draft")
        draft.write_text(str(seconds))
        draft.replace(self.file)


def take_clock_from_files() -> Callable[[str], None]:
    """From now on this process's clock is read anew each time it is asked; what is given says by which file.

    To be called before anything is imported that keeps the clock which it finds. Until a file is named, the clock is
    the real one.
    """
    real = time.time_ns
    named: str | None = None
    known = (0, 0)

    def time_ns() -> int:
        nonlocal known
        if named is None:
            return real()
        changed = os.stat(named).st_mtime_ns
        if changed != known[0]:
            known = (changed, int(Path(named).read_text()))
        return real() + known[1] * 1_000_000_000

    def live_by(file: str) -> None:
        nonlocal named
        named = file

    time.time_ns = time_ns
    time.time = lambda: time_ns() / 1e9
    return live_by
