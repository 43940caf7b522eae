"""Hooks: the addresses that an offer's leads may be posted to. The token in the address is the only credential."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import sqlalchemy as sa

from leadkeeper.access.audit import note
from leadkeeper.access.keys import CACHE_MS, hashed, new_token
from leadkeeper.access.quotas import USUAL, Quotas, quotas_of, require_room
from leadkeeper.access.uses import Used, Uses
from leadkeeper.clock import Clock, new_id, now_ms, to_text
from leadkeeper.offer import OfferRef
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage
from leadkeeper.storage.known import require_offer

_CACHE_SIZE = 10_000
UNKNOWN_MS = 1_000
"""For how long a token that nobody knew is not looked up again: a hook that another process just made waits so long."""
_TOKEN = re.compile(r"[!-~]{1,200}")
Held = TypeVar("Held")


@dataclass(frozen=True, slots=True)
class NewHook:
    """A hook that was just made: the only moment at which its token is known."""

    id: str
    token: str


@dataclass(frozen=True, slots=True)
class ListedHook:
    """A hook as it is listed. ``used_at`` is when a lead was posted to it last, to the minute."""

    id: str
    created_at: str
    used_at: str | None
    offer: OfferRef


class Hooks:
    """The hooks of one installation."""

    def __init__(
        self, storage: Storage, clock: Clock = now_ms, quotas: Quotas = USUAL, uses: Uses | None = None
    ) -> None:
        self._storage = storage
        self._uses = uses
        self._clock = clock
        self._quotas = quotas
        self._known: OrderedDict[str, tuple[int, OfferRef, str]] = OrderedDict()
        self._unknown: OrderedDict[str, int] = OrderedDict()

    async def create(self, offer: OfferRef, *, by: str) -> NewHook:
        """Make a hook for the offer; raises :class:`Problem` for an unknown offer or a quota that is reached."""
        made = NewHook(new_id(), new_token("lh"))

        def transaction(conn: sa.Connection) -> None:
            require_offer(conn, offer)
            self._require_room(conn, offer)
            now = self._clock()
            conn.execute(
                sa.insert(t.hook).values(
                    id=made.id, offer_ref=str(offer), token_hash=hashed(made.token), created_at=now
                )
            )
            note(conn, now, by, "hook.create", str(offer), made.id)

        await self._storage.write(transaction)
        self._unknown.clear()
        return made

    def _require_room(self, conn: sa.Connection, offer: OfferRef) -> None:
        quotas = quotas_of(conn, offer.publisher_id, self._quotas, lock=True)
        h, o = t.hook.c, t.offer.c
        there = sa.select(sa.func.count()).select_from(t.hook).where(h.removed_at.is_(None))
        of_publisher = h.offer_ref.in_(sa.select(o.ref).where(o.publisher_id == offer.publisher_id))
        require_room(
            "hooks_per_offer", quotas.hooks_per_offer, conn.scalar(there.where(h.offer_ref == str(offer))) or 0
        )
        require_room("hooks", quotas.hooks, conn.scalar(there.where(of_publisher)) or 0)
        # The audit remembers those that ended; their rows would only gather.
        conn.execute(sa.delete(t.hook).where(h.offer_ref == str(offer), h.removed_at.is_not(None)))

    async def list(self, offer: OfferRef) -> list[ListedHook]:
        """The offer's hooks, oldest first; raises :class:`Problem` for an unknown offer."""

        def transaction(conn: sa.Connection) -> list[ListedHook]:
            require_offer(conn, offer)
            rows = conn.execute(
                sa.select(t.hook)
                .where(t.hook.c.offer_ref == str(offer), t.hook.c.removed_at.is_(None))
                .order_by(t.hook.c.id)
            )
            return [_listed(row) for row in rows]

        return await self._storage.read(transaction)

    async def page(
        self, publisher_id: str | None = None, after: tuple[str, str] | None = None, limit: int = 50
    ) -> Sequence[ListedHook]:
        """Up to ``limit`` hooks of one publisher, or of all, by offer and age, behind this offer's hook ``after``."""
        h, o = t.hook.c, t.offer.c
        query = sa.select(t.hook).where(h.removed_at.is_(None)).order_by(h.offer_ref, h.id).limit(limit)
        if publisher_id is not None:
            query = query.where(h.offer_ref.in_(sa.select(o.ref).where(o.publisher_id == publisher_id)))
        if after is not None:
            offer, hook_id = after
            query = query.where((h.offer_ref > offer) | ((h.offer_ref == offer) & (h.id > hook_id)))
        return await self._storage.read(lambda conn: [_listed(row) for row in conn.execute(query)])

    async def remove(self, offer: OfferRef, hook_id: str, *, by: str) -> bool:
        """End a hook; false if there is none. Other processes take its leads for a few seconds more."""

        def transaction(conn: sa.Connection) -> bool:
            require_offer(conn, offer)
            now = self._clock()
            done = conn.execute(
                sa.update(t.hook)
                .where(t.hook.c.id == hook_id, t.hook.c.offer_ref == str(offer), t.hook.c.removed_at.is_(None))
                .values(removed_at=now)
            ).rowcount
            if done:
                note(conn, now, by, "hook.remove", str(offer), hook_id)
            return bool(done)

        done = await self._storage.write(transaction)
        self._known.clear()
        return done

    async def offer_of(self, token: str) -> OfferRef | None:
        """The offer whose hook has this token, or ``None``. Who has no token costs no query each time."""
        if _TOKEN.fullmatch(token) is None:
            return None
        digest, now = hashed(token), self._clock()
        known = self._known.get(digest)
        if known is not None and known[0] > now:
            return self._used(*known[1:])
        if self._unknown.get(digest, 0) > now:
            return None
        found = await self._storage.read(_find, digest)
        if found is None:
            self._known.pop(digest, None)
            _remember(self._unknown, digest, now + UNKNOWN_MS)
            return None
        offer = OfferRef.parse(found.offer_ref)
        _remember(self._known, digest, (now + CACHE_MS, offer, found.id))
        return self._used(offer, found.id)

    def _used(self, offer: OfferRef, hook_id: str) -> OfferRef:
        if self._uses is not None:
            self._uses.seen(Used.HOOK, hook_id)
        return offer


def _remember(cache: OrderedDict[str, Held], digest: str, value: Held) -> None:
    """The oldest makes room, never all: what nobody knows has a cache of its own."""
    cache[digest] = value
    cache.move_to_end(digest)
    if len(cache) > _CACHE_SIZE:
        cache.popitem(last=False)


def _listed(row: sa.Row[Any]) -> ListedHook:
    used_at = None if row.used_at is None else to_text(row.used_at)
    return ListedHook(row.id, to_text(row.created_at), used_at, OfferRef.parse(row.offer_ref))


def _find(conn: sa.Connection, digest: str) -> sa.Row[Any] | None:
    found = (t.hook.c.token_hash == digest, t.hook.c.removed_at.is_(None))
    query: sa.Select[Any] = sa.select(t.hook.c.offer_ref, t.hook.c.id).where(*found)
    return conn.execute(query).first()
