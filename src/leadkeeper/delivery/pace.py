"""How many calls to one destination run at once: a little more while it goes well, half as many when it does not."""

from __future__ import annotations

from collections.abc import Sequence

from leadkeeper.diagnosis import Answer, Outcome, Receipt

START = 8
MOST = 64


class Pace:
    """Additive increase, multiplicative decrease. Not shared between processes: each finds its own."""

    def __init__(self, start: int = START, most: int = MOST) -> None:
        self.limit = start
        self._most = most
        self._good = 0

    def observed(self, answers: Sequence[Answer]) -> None:
        """Learn from the answers of one call."""
        outcomes = {Outcome.DELIVERED if isinstance(a, Receipt) else a.outcome for a in answers}
        if outcomes & {Outcome.THROTTLED, Outcome.FAILED, Outcome.AMBIGUOUS}:
            self.limit = max(1, self.limit // 2)
            self._good = 0
        elif Outcome.DELIVERED in outcomes:
            self._good += 1
            if self._good >= self.limit and self.limit < self._most:
                self.limit += 1
                self._good = 0
