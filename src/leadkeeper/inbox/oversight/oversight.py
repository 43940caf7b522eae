"""What operators oversee: all publishers with their counts, all connections by state, what runs and what waits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.access.in_force import SettingInForce
from leadkeeper.clock import Clock, now_ms
from leadkeeper.connections.by_state import STATE, ListedConnection, connections_by_state
from leadkeeper.connections.state import ConnectionState
from leadkeeper.inbox.attention.waiting import waiting_counts
from leadkeeper.inbox.oversight.running import RunningNow, running_now
from leadkeeper.publishing.catalogue import OfferCatalogue, Publisher
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage

MOST: Final = 100
"""The most publishers or connections on one page."""


@dataclass(frozen=True, slots=True)
class PublisherCounts:
    """What a publisher has: offers, connections by state, hooks, and keys that are good."""

    offers: int
    connections: Mapping[ConnectionState, int]
    hooks: int
    keys: int


@dataclass(frozen=True, slots=True)
class Overseen:
    """A publisher in the operator's list."""

    publisher: Publisher
    counts: PublisherCounts


class Oversight:
    """What an operator sees of one installation. ``settings`` are those in force in this process."""

    def __init__(
        self,
        storage: Storage,
        catalogue: OfferCatalogue,
        clock: Clock = now_ms,
        settings: Sequence[SettingInForce] = (),
    ) -> None:
        self.settings: Final = settings
        self._storage = storage
        self._catalogue = catalogue
        self._clock = clock

    async def publishers(self, after: str | None = None, limit: int = MOST, text: str = "") -> Sequence[Overseen]:
        """Up to ``limit`` publishers by id behind ``after``: those whose id or name holds ``text``."""
        found = await self._catalogue.publishers(after, min(limit, MOST + 1), text=text)
        counts = await self._storage.read(_counts, [each.id for each in found])
        return [Overseen(each, counts[each.id]) for each in found]

    async def counts(self, publisher_id: str) -> PublisherCounts:
        """What one publisher has."""
        return (await self._storage.read(_counts, [publisher_id]))[publisher_id]

    async def connections(
        self,
        publisher_id: str | None = None,
        state: ConnectionState | None = None,
        after: tuple[str, str] | None = None,
        limit: int = MOST,
    ) -> Sequence[tuple[ListedConnection, int]]:
        """Up to ``limit`` connections by offer and name behind ``after``, and how many leads wait for each.

        Of one publisher, in one state, or all. No more leads are counted than ``inbox.attention.waiting`` says.
        """

        def transaction(conn: sa.Connection) -> list[tuple[ListedConnection, int]]:
            few = min(limit, MOST + 1)
            found = connections_by_state(
                conn, self._clock(), publisher_id=publisher_id, state=state, after=after, limit=few
            )
            waiting = waiting_counts(conn, [each.id for each in found])
            return [(each, waiting[each.id]) for each in found]

        return await self._storage.read(transaction)

    async def running(self) -> RunningNow:
        """Which processes run, what waits for them, and how fast leads come and go."""
        return await self._storage.read(running_now, self._clock())


def _counts(conn: sa.Connection, publishers: Sequence[str]) -> dict[str, PublisherCounts]:
    """Looks at what these publishers have, which quotas bound, and at nobody else's."""
    o, c, h, k = t.offer.c, t.connection.c, t.hook.c, t.key.c
    theirs = o.publisher_id.in_(publishers)
    offers = _by_publisher(conn, sa.select(o.publisher_id, sa.func.count()).where(theirs).group_by(o.publisher_id))
    of_hooks = sa.select(o.publisher_id, sa.func.count()).join(t.hook, h.offer_ref == o.ref)
    hooks = _by_publisher(conn, of_hooks.where(theirs, h.removed_at.is_(None)).group_by(o.publisher_id))
    good = (k.publisher_id.in_(publishers), k.revoked_at.is_(None))
    keys = _by_publisher(conn, sa.select(k.publisher_id, sa.func.count()).where(*good).group_by(k.publisher_id))
    states = {id: dict.fromkeys(ConnectionState, 0) for id in publishers}
    of_connections = sa.select(o.publisher_id, STATE.label("state")).join(t.connection, c.offer_ref == o.ref)
    each = of_connections.where(theirs, c.removed_at.is_(None)).subquery()
    grouped = sa.select(*each.c, sa.func.count()).group_by(*each.c)
    for row in conn.execute(grouped):
        states[row[0]][ConnectionState(row[1])] = row[2]
    return {id: PublisherCounts(offers.get(id, 0), states[id], hooks.get(id, 0), keys.get(id, 0)) for id in publishers}


def _by_publisher(conn: sa.Connection, query: sa.Select[Any]) -> dict[str, int]:
    return {row[0]: row[1] for row in conn.execute(query)}
