"""The log of a module, as structlog writes it. Asking for one costs nothing until something is written.

Importing structlog takes as long as most commands that only look: these import what may write to a log, and write
nothing.
"""

from __future__ import annotations

import functools
from typing import Any


class LazyLog:
    """The log called ``name``, made when its first line is written."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, method: str) -> Any:
        return getattr(_made(self._name), method)


@functools.cache
def _made(name: str) -> Any:
    import structlog  # noqa: PLC0415 - see above

    return structlog.get_logger(name)
