"""The command line. Nothing heavy is imported before a command needs it, so that ``--help`` is quick."""

from __future__ import annotations

import gc


def main() -> None:
    """Run the program with the arguments of this process and end it with the command's exit code."""
    # Looking for garbage after each 700 new objects takes a third of a start, which makes a million that stay.
    gc.set_threshold(50_000, 20, 100)
    from leadkeeper.doors.cli.program import run

    raise SystemExit(run())
