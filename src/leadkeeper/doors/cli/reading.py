"""Commands that only look: straight on the database, without what carries leads, so that they start quickly."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from leadkeeper.doors.cli.remote.chosen import require_here, written_setting

if TYPE_CHECKING:
    from leadkeeper.inbox.listing import LeadListing
    from leadkeeper.inbox.reading import Reading
    from leadkeeper.storage.database_clock import DatabaseClock
    from leadkeeper.storage.engine import Storage

R = TypeVar("R")


def with_storage(work: Callable[[Storage, DatabaseClock], Awaitable[R]]) -> R:
    """What ``work`` answers, given the database of this process's settings, up to date, and its clock.

    Of the settings only that one is read: all of them take longer to read than most looks. Raises :class:`Failed` where
    another installation is meant.
    """
    require_here()
    import asyncio

    from leadkeeper.storage.database_clock import DatabaseClock
    from leadkeeper.storage.engine import DEFAULT_DATABASE, open_storage, parsed_address
    from leadkeeper.storage.migrate import bring_up_to_date

    address = written_setting("LEADKEEPER_DATABASE_URL") or DEFAULT_DATABASE
    try:
        parsed_address(address)
    except ValueError:
        from leadkeeper.settings import load_settings

        load_settings()  # which tells it as every command does
        raise

    async def run() -> R:
        storage = open_storage(address)
        try:
            await bring_up_to_date(storage)
            clock = DatabaseClock(storage)
            await clock.look()
            return await work(storage, clock)
        finally:
            await storage.close()

    return asyncio.run(run())


def with_listing(work: Callable[[LeadListing], Awaitable[R]]) -> R:
    """The same for who lists leads: the audit hears of it."""
    from leadkeeper.access.audit import Audit
    from leadkeeper.inbox.inbox import Inbox
    from leadkeeper.inbox.listing import LeadListing

    async def run(storage: Storage, clock: DatabaseClock) -> R:
        audit = Audit(storage, clock)
        try:
            return await work(LeadListing(Inbox(storage), audit))
        finally:
            await audit.drained()

    return with_storage(run)


def with_reading(work: Callable[[Reading], Awaitable[R]]) -> R:
    """The same for who reads single leads, whose diagnoses are those of every destination."""
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
