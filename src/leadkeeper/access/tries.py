"""How often something was tried, by person or by address: wrong keys, forms. Pure: no I/O, the time is an argument."""

from __future__ import annotations

from typing import Final

SIZE: Final = 10_000
"""How many persons and addresses are remembered; beyond, whoever began longest ago is forgotten."""


class Tries:
    """Counts within a time that begins with the first try of each; each costs as little, however many there are."""

    def __init__(self, most: int, per_ms: int, size: int = SIZE) -> None:
        """``most`` tries in ``per_ms`` are let pass."""
        self._most = most
        self._per_ms = per_ms
        self._size = size
        self._counts: dict[str, tuple[int, int]] = {}

    def __len__(self) -> int:
        """How many are remembered."""
        return len(self._counts)

    def count(self, whose: str, now: int, parts: int = 1) -> int:
        """Count one; how long (ms) whoever it was shall wait: 0 while they have not tried too often.

        Of ``parts`` that count side by side each lets pass its part, and one at least.
        """
        begun, count = self._counts.pop(whose, (now, 0))
        if now - begun >= self._per_ms or now < begun:
            begun, count = now, 0
        while len(self._counts) >= self._size:
            del self._counts[next(iter(self._counts))]
        self._counts[whose] = (begun, count + 1)
        return 0 if count < max(1, self._most // parts) else max(1, begun + self._per_ms - now)

    def take_back(self, whose: str) -> None:
        """One that was counted beforehand was right."""
        found = self._counts.get(whose)
        if found is not None:
            self._counts[whose] = (found[0], max(0, found[1] - 1))
