"""Whether this Python reads hostile cookies in reasonable time: tried out, since distributions fix it quietly."""

from __future__ import annotations

from collections.abc import Callable
from http.cookies import SimpleCookie
from time import process_time
from typing import Final

from leadkeeper.texts import lazy_gettext

WARNING: Final = lazy_gettext(
    "this Python takes time that grows with the square of a quoted cookie's length (CVE-2024-7592); "
    "Leadkeeper reads its cookies without it, other programs may not"
)
REMEDY: Final = lazy_gettext("use Python 3.11.10, 3.12.6, 3.13 or newer, or your distribution's fixed one")
_LENGTH: Final = 250
_TIMES: Final = 8


def reads_cookies_slowly(clock: Callable[[], float] = process_time) -> bool:
    """Whether a cookie eight times as long takes far more than eight times as long. Takes 0.03 s of CPU if so."""
    return _seconds(_LENGTH * _TIMES, clock) > 3 * _TIMES * _seconds(_LENGTH, clock)


def _seconds(length: int, clock: Callable[[], float]) -> float:
    """The least of three tries: whatever else the machine does only adds to them."""
    text = 'a="' + "\\" * length + '"'
    tries = []
    for _ in range(3):
        begun = clock()
        SimpleCookie(text)
        tries.append(clock() - begun)
    return min(tries)
