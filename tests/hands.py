"""A clock for tests whose hands are put forward while an installation lives by it."""

from __future__ import annotations

import time
from typing import Final

from leadkeeper.clock import now_ms
from leadkeeper.storage.database_clock import DatabaseClock
from leadkeeper.storage.engine import Storage

MINUTE: Final = 60_000
HOUR: Final = 60 * MINUTE


class Hands:
    """A clock whose hands are put forward; time passes as it does everywhere else, too."""

    def __init__(self) -> None:
        self.later = 0

    def of(self, storage: Storage) -> DatabaseClock:
        """The clock of an installation. It sees no jump: its machine's clocks and the database's go on alike."""
        return _HandsClock(storage, self)


class _HandsClock(DatabaseClock):
    def __init__(self, storage: Storage, hands: Hands) -> None:
        super().__init__(storage, lambda: now_ms() + hands.later, lambda: time.monotonic() + hands.later / 1_000)
        self._hands = hands

    def _compare(self, server: int | None, begun: float) -> tuple[int, int, float]:
        return super()._compare(None if server is None else server + self._hands.later, begun)
