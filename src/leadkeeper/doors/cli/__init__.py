"""The command line. Nothing heavy is imported before a command needs it, so that ``--help`` is quick."""

from __future__ import annotations

import gc
import os


def main() -> None:
    """Run the program with the arguments of this process and end it with the command's exit code."""
    # A start makes some 250,000 objects that stay: looking for garbage among them takes a tenth of it. What runs on
    # looks for it more often once it has started (``settle`` in ``operating.serve``).
    gc.set_threshold(400_000, 20, 100)
    # Else each program that reads a model asks every installed package whether it has plugins for pydantic.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    from leadkeeper.doors.cli.program import run

    try:
        code = run()
    finally:
        gc.freeze()  # the interpreter's own end looks for garbage among all that there is, and more than once
    raise SystemExit(code)
