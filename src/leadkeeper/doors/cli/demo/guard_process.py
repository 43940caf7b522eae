"""Run as a program of its own: ends what a killed demo left behind. See ``guard``.

Reads lines: ``child <pid>`` (leader of a process group), ``gone <pid>`` (it has ended, its number may become
another's), ``folder <path>``, ``done``. When its input ends without
``done``, whoever wrote was killed outright: the children are ended and the folders removed. Imports only the standard
library, so that it starts at once and costs little.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time

PATIENCE = 5.0


def main() -> None:
    """Read to the end of the input, then do what is left to do."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    children: list[int] = []
    folders: list[str] = []
    for line in sys.stdin:
        word, _, rest = line.rstrip("\n").partition(" ")
        if word == "done":
            return
        if word == "child":
            children.append(int(rest))
        elif word == "gone":
            children = [child for child in children if child != int(rest)]
        elif word == "folder":
            folders.append(rest)
    _end(children)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def _end(children: list[int]) -> None:
    end = time.monotonic() + PATIENCE
    for summary in (signal.SIGTERM, signal.SIGKILL):
        for child in children:
            _signal(child, summary)
        while any(_signal(child, 0) for child in children) and time.monotonic() < end:
            time.sleep(0.05)


def _signal(group: int, summary: int) -> bool:
    """Whether the group was there to be told."""
    try:
        os.killpg(group, summary)
    except (ProcessLookupError, PermissionError):
        return False
    return True


if __name__ == "__main__":
    main()
