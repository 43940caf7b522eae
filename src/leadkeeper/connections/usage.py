"""How many leads a publisher sent to a system that takes so many in 24 hours: counted before each is sent.

The count has a table of its own. Deliveries and attempts tell what became of leads, and change when a lead is found
there, sent again or removed, or when its connection is; what a remote system counted does not.
"""

from __future__ import annotations

import functools
import hashlib
import json
from typing import Final

import sqlalchemy as sa
import structlog

from leadkeeper.clock import Clock, now_ms
from leadkeeper.destinations.interface import Config, Provider, QuotaPlace
from leadkeeper.storage import tables as t
from leadkeeper.storage.conflicts import insert_into
from leadkeeper.storage.database_clock import by_what_was_seen
from leadkeeper.storage.engine import Storage, StorageAway
from leadkeeper.storage.unshared import Unshared

SLOT_MS: Final = 300_000
_SLOTS: Final = 289
"""Five minutes each: together never less than 24 hours, whatever minute it is."""
_DIGITS: Final = 32
_PRUNED: Final = 1_000
"""So many rows are removed in one transaction."""

log: Final = structlog.get_logger(__name__)


def account_of(provider: Provider, config: Config) -> str:
    """Which system these settings name, among all that share a limit: 32 digits that say nothing else of it."""
    settings = config.model_dump(mode="json", by_alias=True)
    named = json.dumps([provider.name, *(settings[name] for name in provider.account)])
    return hashlib.sha256(named.encode()).hexdigest()[:_DIGITS]


class Usage:
    """What a publisher sent to one system, over all its connections that name it, in all processes.

    The system's id may be public: what another publisher sends there is neither shown nor counted.
    """

    def __init__(
        self, storage: Storage, publisher_id: str, provider: Provider, config: Config, clock: Clock = now_ms
    ) -> None:
        self._storage = Unshared(storage)  # delivery has bounds of its own
        self._publisher = publisher_id
        self._settings = (provider, config)
        self._clock = clock

    @property
    def owner(self) -> str:
        """The publisher: what is used is counted for each by itself, so that none learns of another's volume."""
        return self._publisher

    @functools.cached_property
    def _account(self) -> str:
        """Made for those alone whose leads are counted."""
        return account_of(*self._settings)

    async def take(self, limit: int) -> QuotaPlace:
        """See :meth:`~leadkeeper.destinations.interface.Quota.take`.

        Leads are counted by five minutes, each for 24 hours at least and five minutes more at most.
        """
        return await self._storage.write(_take, self._publisher, self._account, limit, self._clock())

    async def give_back(self, place: QuotaPlace) -> None:
        """See :meth:`~leadkeeper.destinations.interface.Quota.give_back`.

        What cannot be given back because the database is away stays counted: rather one too many than one too few.
        """
        try:
            await self._storage.write(_give_back, self._publisher, self._account, place.slot)
        except StorageAway:
            log.warning("a lead that was refused stays counted: the database is away", publisher=self._publisher)


def prune_uses(conn: sa.Connection, now: int) -> int:
    """Remove up to a thousand rows that count no more; how many there were."""
    u = t.account_use.c
    names = (u.publisher_id, u.account, u.slot)
    # One more: another process's clock may be behind.
    old = sa.select(*names).where(u.slot < _oldest(now // SLOT_MS) - 1).limit(_PRUNED).with_for_update(skip_locked=True)
    return conn.execute(sa.delete(t.account_use).where(sa.tuple_(*names).in_(old))).rowcount


def _take(conn: sa.Connection, publisher_id: str, account: str, limit: int, now: int) -> QuotaPlace:
    now = by_what_was_seen(conn, now)
    slot = now // SLOT_MS
    p, u = t.publisher.c, t.account_use.c
    # Whoever counts for this publisher waits here for the other to have counted; nobody else does.
    conn.execute(sa.select(p.id).where(p.id == publisher_id).with_for_update(key_share=True))
    mine = (u.publisher_id == publisher_id, u.account == account)
    counted = sa.select(u.slot, u.leads).where(*mine, u.slot >= _oldest(slot)).order_by(u.slot)
    by_slot = [(row.slot, row.leads) for row in conn.execute(counted)]
    used = sum(leads for _, leads in by_slot)
    # A clock that was ahead counted these: from now on they count for as long as all others, and not for its error.
    # The slot that comes next may be another process's by now.
    ahead = sum(leads for at, leads in by_slot if at > slot + 1)
    if ahead:
        conn.execute(sa.delete(t.account_use).where(*mine, u.slot > slot + 1))
        by_slot = [*((at, leads) for at, leads in by_slot if at <= slot + 1), (slot, ahead)]
    granted = used < limit
    if granted or ahead:
        _add(conn, publisher_id, account, slot, ahead + granted)
    if granted:
        return QuotaPlace(used + 1, slot)
    return QuotaPlace(used, slot, (_free_from(sorted(by_slot), used - limit + 1) * SLOT_MS - now) / 1_000)


def _add(conn: sa.Connection, publisher_id: str, account: str, slot: int, leads: int) -> None:
    row = {"publisher_id": publisher_id, "account": account, "slot": slot, "leads": leads}
    insert = insert_into(conn, t.account_use).values(row)
    more = {"leads": t.account_use.c.leads + leads}
    conn.execute(insert.on_conflict_do_update(index_elements=["publisher_id", "account", "slot"], set_=more))


def _give_back(conn: sa.Connection, publisher_id: str, account: str, slot: int) -> None:
    u = t.account_use.c
    this = (u.publisher_id == publisher_id, u.account == account, u.slot == slot, u.leads > 0)
    conn.execute(sa.update(t.account_use).where(*this).values(leads=u.leads - 1))


def _oldest(slot: int) -> int:
    """The first slot that counts in ``slot``."""
    return slot - _SLOTS + 1


def _free_from(by_slot: list[tuple[int, int]], leads: int) -> int:
    """The slot in which so many of the oldest that count no longer do."""
    for slot, here in by_slot:
        leads -= here
        if leads <= 0:
            return slot + _SLOTS
    raise ValueError(leads)
