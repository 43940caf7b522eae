"""Keys: who may call, in which role. A key is shown once; only its hash is kept."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import sqlalchemy as sa

from leadkeeper.access.audit import note
from leadkeeper.access.permissions import FOR_ALL, Caller, Role
from leadkeeper.access.tokens import PREFIX, Tokens
from leadkeeper.access.uses import Used, Uses
from leadkeeper.clock import Clock, new_id, now_ms, to_text
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage
from leadkeeper.storage.hot import HotStatement
from leadkeeper.storage.known import publisher_exists
from leadkeeper.texts import lazy_gettext


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made: the only moment at which its text is known."""

    id: str
    role: str
    key: str


@dataclass(frozen=True, slots=True)
class ListedKey:
    """A key as it is listed. ``used_at`` is when somebody called with it last, to the minute."""

    id: str
    role: str
    note: str
    created_at: str
    revoked_at: str | None
    used_at: str | None = None
    publisher_id: str | None = None


@dataclass(frozen=True, slots=True)
class KeyChoice:
    """Which keys to list; ``None`` does not choose. Those that were ``revoked`` only if asked for."""

    publisher_id: str | None = None
    role: Role | None = None
    revoked: bool = False


CACHE_MS = 5_000
"""How long a key that was revoked by another process may still be honoured here, and one it made be unknown."""
_CACHE_SIZE = 10_000
OF_KEYS = (Role.PUBLISHER, Role.CONTRIBUTOR, Role.READER)
"""What a key of one publisher can be: ``publisher`` may do all that an owner may."""
SESSION_PREFIX = "lks_"
"""How the tokens of the portal's sessions begin; they are no keys."""


def hashed(token: str) -> str:
    """The hash under which a key or hook token is kept. Tokens are 256 random bits, so a fast hash is enough."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def new_token(prefix: str) -> str:
    """A new token of 256 random bits, e.g. ``lk_...``."""
    return f"{prefix}_{secrets.token_urlsafe(32)}"


def parse_role(text: str) -> tuple[Role, str | None]:
    """``operator``, ``marketplace``, or one of a publisher (``publisher:<id>``, ``contributor:<id>``, ``reader:<id>``).

    Raises ``ValueError`` with the remedy otherwise.
    """
    role, colon, publisher_id = text.partition(":")
    if role in FOR_ALL and not colon:
        return Role(role), None
    if role in OF_KEYS and publisher_id:
        return Role(role), publisher_id
    raise ValueError(
        lazy_gettext("role must be operator, marketplace, or publisher:<id>, contributor:<id>, reader:<id>")
    )


class Keys:
    """The keys of one installation."""

    def __init__(
        self, storage: Storage, clock: Clock = now_ms, tokens: Tokens | None = None, uses: Uses | None = None
    ) -> None:
        self._storage = storage
        self._uses = uses
        self._clock = clock
        self._tokens = tokens
        self._known: dict[str, tuple[int, Caller]] = {}
        self._unknown: dict[str, tuple[int, None]] = {}

    async def create(self, role: str, remark: str = "", *, by: str = "cli") -> NewKey:
        """Make a key. Raises ``ValueError`` for a role that does not exist or a publisher that is not there."""
        parsed, publisher_id = parse_role(role)
        made = NewKey(new_id(), role, new_token("lk"))

        def transaction(conn: sa.Connection) -> None:
            if publisher_id is not None and not publisher_exists(conn, publisher_id):
                raise ValueError(f"there is no publisher {publisher_id!r}; make it first")
            now = self._clock()
            conn.execute(
                sa.insert(t.key).values(
                    id=made.id,
                    role=parsed.value,
                    publisher_id=publisher_id,
                    hash=hashed(made.key),
                    note=remark,
                    created_at=now,
                )
            )
            note(conn, now, by, "key.create", made.id, role, publisher_id=publisher_id)

        await self._storage.write(transaction)
        self._unknown.pop(hashed(made.key), None)
        return made

    async def list(self) -> list[ListedKey]:
        """All keys, oldest first, revoked ones too."""
        query = sa.select(t.key).order_by(t.key.c.id)
        return await self._storage.read(lambda conn: [_listed(row) for row in conn.execute(query)])

    async def page(self, choice: KeyChoice, after: str | None = None, limit: int = 50) -> Sequence[ListedKey]:
        """Up to ``limit`` keys that fit, newest first, behind the id ``after``."""
        k = t.key.c
        query = sa.select(t.key).order_by(k.id.desc()).limit(limit)
        if choice.publisher_id is not None:
            query = query.where(k.publisher_id == choice.publisher_id)
        if choice.role is not None:
            query = query.where(k.role == choice.role.value)
        if not choice.revoked:
            query = query.where(k.revoked_at.is_(None))
        if after is not None:
            query = query.where(k.id < after)
        return await self._storage.read(lambda conn: [_listed(row) for row in conn.execute(query)])

    async def revoke(self, key_id: str, *, by: str = "cli") -> bool:
        """End a key and its sessions; false if there is none of that id.

        Other processes honour the key, but no session of it, for up to :data:`CACHE_MS`.
        """

        def transaction(conn: sa.Connection) -> bool:
            now, k, s = self._clock(), t.key.c, t.session.c
            row = conn.execute(sa.select(t.key).where(k.id == key_id, k.revoked_at.is_(None)).with_for_update()).first()
            if row is None:
                return False
            conn.execute(sa.update(t.key).where(k.id == key_id).values(revoked_at=now))
            open_ones = (s.key_id == key_id, s.ended_at.is_(None))
            ended = conn.execute(sa.update(t.session).where(*open_ones).values(ended_at=now)).rowcount
            summary = f"{ended} session{'' if ended == 1 else 's'} ended"
            note(conn, now, by, "key.revoke", key_id, summary, publisher_id=row.publisher_id)
            return True

        done = await self._storage.write(transaction)
        self._known.clear()
        return done

    async def caller(self, token: str) -> Caller | None:
        """Who stands behind ``token`` (a key, or what :meth:`access_token` made), or ``None`` if nobody (any more).

        One that is unknown costs one indexed read at most. Neither good ones nor bad ones push all others out.
        """
        digest = hashed(token)
        known = self._known.get(digest)
        if known is not None and known[0] > self._clock():
            return self._used(known[1])
        unknown = self._unknown.get(digest)
        if unknown is not None and unknown[0] > self._clock():
            return None
        found = self._lookup(token, digest)
        caller = None if found is None else await self._storage.read(_find, *found)
        until = self._clock() + CACHE_MS
        if caller is None:
            self._known.pop(digest, None)
            _remember(self._unknown, digest, (until, None))
        else:
            _remember(self._known, digest, (until, caller))
            self._used(caller)
        return caller

    def _used(self, caller: Caller) -> Caller:
        if self._uses is not None:
            self._uses.seen(Used.KEY, caller.key_id)
        return caller

    def forget(self) -> None:
        """What is remembered of keys is looked up anew."""
        self._known.clear()

    def _lookup(self, token: str, digest: str) -> tuple[HotStatement, str] | None:
        """How it is found which key it is, if it can be one, and by what."""
        if token.startswith(SESSION_PREFIX):
            return None
        if self._tokens is None or self.is_key(token):
            return _BY_HASH, digest
        key_id = self._tokens.key_id(token, self._clock())
        return None if key_id is None else (_BY_ID, key_id)

    @staticmethod
    def is_key(token: str) -> bool:
        """Whether it can be a key itself: it is neither an access token nor a session's."""
        return not token.startswith((PREFIX, SESSION_PREFIX))

    async def access_token(self, key_id: str, key: str, seconds: int) -> str | None:
        """A token that stands for a key for so long, but no longer than the key is good; ``None`` for a wrong pair."""
        caller = await self.caller(key)
        if self._tokens is None or caller is None or caller.key_id != key_id or not self.is_key(key):
            return None
        return self._tokens.issue(key_id, self._clock() + seconds * 1_000)


def _found_by(column: sa.Column[str]) -> sa.Select[Any]:
    k, p = t.key.c, t.publisher.c
    suspended = sa.exists().where(p.id == k.publisher_id, p.suspended_at.is_not(None)).label("suspended")
    query = sa.select(k.id, k.role, k.publisher_id, suspended)
    return query.where(column == sa.bindparam("this"), k.revoked_at.is_(None))


_BY_HASH: Final = HotStatement(lambda _: _found_by(t.key.c.hash))
_BY_ID: Final = HotStatement(lambda _: _found_by(t.key.c.id))


def _find(conn: sa.Connection, found_by: HotStatement, this: str) -> Caller | None:
    for row in found_by.rows(conn, {"this": this}):
        return Caller(row.id, Role(row.role), row.publisher_id, suspended=bool(row.suspended))
    return None


def key_in_force(conn: sa.Connection, key_id: str) -> Caller | None:
    """Who stands behind the key of this id; ``None`` where there is none, or it was revoked."""
    return _find(conn, _BY_ID, key_id)


def _listed(row: sa.Row[Any]) -> ListedKey:
    return ListedKey(
        id=row.id,
        role=row.role if row.publisher_id is None else f"{row.role}:{row.publisher_id}",
        note=row.note,
        created_at=to_text(row.created_at),
        revoked_at=None if row.revoked_at is None else to_text(row.revoked_at),
        used_at=None if row.used_at is None else to_text(row.used_at),
        publisher_id=row.publisher_id,
    )


_T = TypeVar("_T")


def _remember(among: dict[str, _T], digest: str, what: _T) -> None:
    """Remember it as the newest, at the cost of the oldest."""
    among.pop(digest, None)
    while len(among) >= _CACHE_SIZE:
        del among[next(iter(among))]
    among[digest] = what
