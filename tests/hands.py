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
        """The clock of an installation. It sees no jump: both clocks of its machine go on alike."""
        return DatabaseClock(storage, lambda: now_ms() + self.later, lambda: time.monotonic() + self.later / 1_000)
