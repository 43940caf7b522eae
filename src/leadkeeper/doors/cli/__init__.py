"""The command line. Nothing heavy is imported before a command needs it, so that ``--help`` is quick."""

from __future__ import annotations


def main() -> None:
    """Run the program with the arguments of this process and end it with the command's exit code."""
    from leadkeeper.doors.cli.program import run

    raise SystemExit(run())
