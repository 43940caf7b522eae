"""What something costs, on a machine that does other things beside it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

_ROUNDS: Final = 5


def least_seconds(act: Callable[[], object]) -> float:
    """The seconds of this thread's processor that ``act`` takes: the least of some rounds.

    Whatever else a machine does only ever adds to one. How quick the machine is counts all the same, so compare one
    cost with another and neither with a number.
    """
    return min(_seconds(act) for _ in range(_ROUNDS))


def _seconds(act: Callable[[], object]) -> float:
    begun = time.thread_time()
    act()
    return time.thread_time() - begun
