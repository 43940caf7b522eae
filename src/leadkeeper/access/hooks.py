"""Hooks: the addresses that an offer's leads may be posted to. The token in the address is the only credential."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import sqlalchemy as sa

from leadkeeper.access.audit import note
from leadkeeper.access.keys import CACHE_MS, hashed, new_token
from leadkeeper.access.payloads import PayloadKeys, SeenPayload, read_payloads
from leadkeeper.access.quotas import USUAL, Quotas, quotas_of, require_room
from leadkeeper.access.uses import Used, Uses
from leadkeeper.clock import Clock, new_id, now_ms, to_text
from leadkeeper.gate import NEWCOMERS, on_behalf_of
from leadkeeper.offer import OfferRef
from leadkeeper.problem import Problem, ProblemType
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage
from leadkeeper.storage.hot import HotStatement
from leadkeeper.storage.known import require_offer
from leadkeeper.texts import lazy_gettext

_CACHE_SIZE = 10_000
OLD_ADDRESS_MS = 14 * 24 * 3_600_000
"""For how long a hook's former address takes leads: changes in Partner Center hold only once the offer is published."""
UNKNOWN_MS = 1_000
"""For how long a token that nobody knew is not looked up again: a hook that another process just made waits so long."""
_TOKEN = re.compile(r"[!-~]{1,200}")
Held = TypeVar("Held")
_Change = Callable[[sa.Connection, int], "dict[str, object] | None"]


@dataclass(frozen=True, slots=True)
class NewHook:
    """A hook that was just made or rotated: the only moment at which its token is known."""

    id: str
    token: str


@dataclass(frozen=True, slots=True)
class KnownHook:
    """The hook that a token opens, and its offer; ``old``: it is the address from before the hook was rotated."""

    id: str
    offer: OfferRef
    old: bool = False


@dataclass(frozen=True, slots=True)
class ListedHook:
    """A hook as it is listed. ``used_at`` is when a lead was posted to its address last, to the minute.

    ``old_until`` is until when the address from before it was rotated takes leads, ``old_used_at`` when that took one
    last; both are ``None`` where there is no such address any more.
    """

    id: str
    created_at: str
    used_at: str | None
    offer: OfferRef
    old_until: str | None
    old_used_at: str | None
    payloads: tuple[SeenPayload, ...]
    offer_title: str = ""
    """What people call the offer, where hooks of many are listed."""


class Hooks:
    """The hooks of one installation."""

    def __init__(
        self, storage: Storage, clock: Clock = now_ms, quotas: Quotas = USUAL, uses: Uses | None = None
    ) -> None:
        self._storage = storage
        self._uses = uses
        self._clock = clock
        self._quotas = quotas
        self._known: OrderedDict[str, tuple[int, KnownHook]] = OrderedDict()
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
            now = self._clock()
            return [_listed(row, now) for row in rows]

        return await self._storage.read(transaction)

    async def page(
        self, publisher_id: str | None = None, after: tuple[str, str] | None = None, limit: int = 50
    ) -> Sequence[ListedHook]:
        """Up to ``limit`` hooks of one publisher, or of all, by offer and age, behind this offer's hook ``after``."""
        h, o = t.hook.c, t.offer.c
        query = sa.select(t.hook, o.title).join(t.offer, o.ref == h.offer_ref)
        query = query.where(h.removed_at.is_(None)).order_by(h.offer_ref, h.id).limit(limit)
        if publisher_id is not None:
            query = query.where(h.offer_ref.in_(sa.select(o.ref).where(o.publisher_id == publisher_id)))
        if after is not None:
            offer, hook_id = after
            query = query.where((h.offer_ref > offer) | ((h.offer_ref == offer) & (h.id > hook_id)))
        now = self._clock()
        return await self._storage.read(lambda conn: [_listed(row, now, row.title) for row in conn.execute(query)])

    async def rotate(self, offer: OfferRef, hook_id: str, *, by: str) -> NewHook | None:
        """Give a hook a new address; ``None`` if there is no such hook.

        The address of now takes leads for :data:`OLD_ADDRESS_MS` more, or until :meth:`end_old`; one from before it
        takes none any more. Other processes know the new one within :data:`UNKNOWN_MS`.
        """
        token = new_token("lh")

        def change(_conn: sa.Connection, now: int) -> dict[str, object]:
            of_now = {"old_token_hash": t.hook.c.token_hash, "old_used_at": t.hook.c.used_at}
            return of_now | {"old_until": now + OLD_ADDRESS_MS, "token_hash": hashed(token), "used_at": None}

        if not await self._change(offer, hook_id, "hook.rotate", change, by):
            return None
        self._unknown.clear()
        return NewHook(hook_id, token)

    async def end_old(self, offer: OfferRef, hook_id: str, *, by: str) -> bool:
        """Let the address from before the hook was rotated take no more leads; false if there is no such address."""

        def change(conn: sa.Connection, now: int) -> dict[str, object] | None:
            there = t.hook.c.old_until > now
            if conn.scalar(sa.select(t.hook.c.id).where(t.hook.c.id == hook_id, there)) is None:
                return None
            return dict.fromkeys(("old_token_hash", "old_until", "old_used_at"))

        return await self._change(offer, hook_id, "hook.endOld", change, by)

    async def remove(self, offer: OfferRef, hook_id: str, *, by: str) -> bool:
        """End a hook; false if there is none. Other processes take its leads for a few seconds more."""
        return await self._change(offer, hook_id, "hook.remove", lambda _conn, now: {"removed_at": now}, by)

    async def require(self, offer: OfferRef, hook_id: str) -> None:
        """Raise :class:`Problem` unless the offer has this hook."""
        if hook_id not in {each.id for each in await self.list(offer)}:
            raise unknown_hook(offer, hook_id)

    async def _change(self, offer: OfferRef, hook_id: str, act: str, change: _Change, by: str) -> bool:
        """Write what ``change`` answers into the hook's row, and the act into the audit; false if there is nothing."""

        def transaction(conn: sa.Connection) -> bool:
            require_offer(conn, offer)
            now, c = self._clock(), t.hook.c
            one = (c.id == hook_id, c.offer_ref == str(offer), c.removed_at.is_(None))
            there = conn.scalar(sa.select(c.id).where(*one).with_for_update())
            values = None if there is None else change(conn, now)
            if values is None:
                return False
            conn.execute(sa.update(t.hook).where(*one).values(**values))
            note(conn, now, by, act, str(offer), hook_id)
            return True

        done = await self._storage.write(transaction)
        self._known.clear()
        return done

    async def hook_of(self, token: str) -> KnownHook | None:
        """The hook that has this token, or ``None``. Who has no token costs no query each time."""
        if _TOKEN.fullmatch(token) is None:
            return None
        digest, now = hashed(token), self._clock()
        known = self._known.get(digest)
        if known is not None and known[0] > now:
            return self._used(known[1])
        if self._unknown.get(digest, 0) > now:
            return None
        with on_behalf_of(NEWCOMERS, "hooks"):
            found = await self._storage.read(_find, digest, now)
        if found is None:
            self._known.pop(digest, None)
            _remember(self._unknown, digest, now + UNKNOWN_MS)
            return None
        hook = KnownHook(found.id, OfferRef.parse(found.offer_ref), old=found.token_hash != digest)
        _remember(self._known, digest, (now + CACHE_MS, hook))
        return self._used(hook)

    def took(self, hook_id: str, keys: PayloadKeys) -> None:
        """A payload with these keys was posted to the hook, whatever becomes of it."""
        if self._uses is not None:
            self._uses.took(hook_id, keys)

    def _used(self, hook: KnownHook) -> KnownHook:
        if self._uses is not None:
            self._uses.seen(Used.OLD_ADDRESS if hook.old else Used.HOOK, hook.id)
        return hook


def unknown_hook(offer: OfferRef, hook_id: str) -> Problem:
    """What is said of a hook that there is not."""
    return Problem(
        ProblemType.NOT_FOUND, lazy_gettext("The offer %(offer)s has no hook %(hook)s.", offer=offer, hook=hook_id)
    )


def no_old_address(hook_id: str) -> Problem:
    """What is said where no address from before can be ended."""
    return Problem(
        ProblemType.NOT_FOUND,
        lazy_gettext(
            "The hook %(hook)s has only one address: it was not rotated, or the old one has ended.", hook=hook_id
        ),
    )


def _remember(cache: OrderedDict[str, Held], digest: str, value: Held) -> None:
    """The oldest makes room, never all: what nobody knows has a cache of its own."""
    cache[digest] = value
    cache.move_to_end(digest)
    if len(cache) > _CACHE_SIZE:
        cache.popitem(last=False)


def _listed(row: sa.Row[Any], now: int, offer_title: str = "") -> ListedHook:
    old = row.old_until is not None and row.old_until > now
    return ListedHook(
        row.id,
        to_text(row.created_at),
        _text(row.used_at),
        OfferRef.parse(row.offer_ref),
        old_until=_text(row.old_until) if old else None,
        old_used_at=_text(row.old_used_at) if old else None,
        payloads=read_payloads(row.payloads),
        offer_title=offer_title,
    )


def _text(moment: int | None) -> str | None:
    return None if moment is None else to_text(moment)


def _by_token(_: str) -> sa.Select[Any]:
    c = t.hook.c
    digest = sa.bindparam("digest", type_=c.token_hash.type)
    now_or_before = (c.token_hash == digest) | (
        (c.old_token_hash == digest) & (c.old_until > sa.bindparam("now", type_=sa.BigInteger))
    )
    return sa.select(c.offer_ref, c.id, c.token_hash).where(c.removed_at.is_(None), now_or_before)


_BY_TOKEN: Final = HotStatement(_by_token)


def _find(conn: sa.Connection, digest: str, now: int) -> Any | None:
    rows = _BY_TOKEN.rows(conn, {"digest": digest, "now": now})
    return rows[0] if rows else None
