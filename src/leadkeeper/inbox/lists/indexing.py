"""New leads are put into the index that searches ask, and with a new version of the program all that are there."""

from __future__ import annotations

import asyncio
import time
from typing import Final

import sqlalchemy as sa

from leadkeeper.periodic import Job, run_periodically
from leadkeeper.storage.engine import Storage
from leadkeeper.storage.looks import look
from leadkeeper.storage.search_index import any_to_index, index_more, rows_written, settles, write_pending

LOOK_SECONDS: Final = 1.0
REST: Final = 3.0
"""After a step it rests for so many times as long as that took: leads that come in find the database free."""
LEAST_REST: Final = 0.01


class SearchIndexing:
    """Runs beside every worker; one at a time does something."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._settled: int | None = None

    async def run(self) -> None:
        """Look every second until cancelled."""
        await run_periodically(Job("search index", self.look, LOOK_SECONDS))

    async def look(self) -> None:
        """Put in all that is not in it, in small transactions."""
        more, settling, written = await look(self._storage, _state)
        while more:
            begun = time.monotonic()
            more = await self._storage.write(index_more)
            await asyncio.sleep(max(LEAST_REST, REST * (time.monotonic() - begun)) if more else 0)
        # Nobody waits for it, since a search reads also what is not in its place yet: so it may be heard of late.
        if settling and (written is None or written != self._settled):
            await self._storage.write(write_pending)
            self._settled = written


def _state(conn: sa.Connection) -> tuple[bool, bool, int | None]:
    """Whether leads are to be put in, whether pending ones are ever to be put in place, how many rows were written."""
    settling = settles(conn)
    return any_to_index(conn), settling, rows_written(conn) if settling else None
