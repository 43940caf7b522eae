"""What a publisher used of a system's limit, as a line over one of its connections counts it."""

from __future__ import annotations

from leadkeeper.clock import Clock, now_ms
from leadkeeper.connections.connection import Connection
from leadkeeper.connections.resource import restored
from leadkeeper.connections.usage import Usage
from leadkeeper.storage.engine import Storage


def usage_of(storage: Storage, connection: Connection, clock: Clock = now_ms) -> Usage:
    """The count of the connection's system."""
    provider = connection.stored.provider
    return Usage(storage, connection.offer.publisher_id, provider, restored(connection.stored), clock)


async def used(usage: Usage) -> int:
    """How many leads count now; none is added."""
    place = await usage.take(1)
    if place.wait is not None:
        return place.used
    await usage.give_back(place)
    return 0
