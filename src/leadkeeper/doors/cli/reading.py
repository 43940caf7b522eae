"""Commands that only look: straight on the database, without what carries leads, so that they start quickly."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from leadkeeper.doors.cli.remote.chosen import require_here

if TYPE_CHECKING:
    from leadkeeper.inbox.reading import Reading
    from leadkeeper.storage.database_clock import DatabaseClock
    from leadkeeper.storage.engine import Storage

R = TypeVar("R")


def with_storage(work: Callable[[Storage, DatabaseClock], Awaitable[R]]) -> R:
    """What ``work`` answers, given the database of this process's settings, up to date, and its clock.

    Raises :class:`Failed` where another installation is meant.
    """
    require_here()
    from leadkeeper.settings import load_settings
    from leadkeeper.storage.database_clock import DatabaseClock
    from leadkeeper.storage.engine import open_storage
    from leadkeeper.storage.migrate import upgrade

    settings = load_settings()

    async def run() -> R:
        storage = open_storage(settings.database_url)
        try:
            await storage.migrate(upgrade)
            clock = DatabaseClock(storage)
            await clock.look()
            return await work(storage, clock)
        finally:
            await storage.close()

    return asyncio.run(run())


def with_reading(work: Callable[[Reading], Awaitable[R]]) -> R:
    """The same for who reads leads: the audit hears of it."""
    from leadkeeper.access.audit import Audit
    from leadkeeper.inbox.inbox import Inbox
    from leadkeeper.inbox.reading import Reading
    from leadkeeper.inbox.trace import Trace

    async def run(storage: Storage, clock: DatabaseClock) -> R:
        audit = Audit(storage, clock)
        try:
            return await work(Reading(Inbox(storage), Trace(storage, ""), audit))
        finally:
            await audit.drained()

    return with_storage(run)
