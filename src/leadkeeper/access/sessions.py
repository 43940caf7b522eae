"""Sessions of the portal: who is signed in. Rows, so that they end on the server whatever a browser still holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.access.audit import note
from leadkeeper.access.keys import SESSION_PREFIX, Caller, Role, hashed, new_token
from leadkeeper.clock import Clock, new_id, now_ms
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage

SEEN_EVERY: Final = 60_000
"""When a session was seen is written at most so often (ms)."""
KEPT: Final = 30 * 86_400_000
"""How long (ms) after its time a session's row is kept."""


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session that was just begun: the only moment at which its token is known."""

    id: str
    token: str


class Sessions:
    """The sessions of one installation. Their tokens (``lks_...``) are good for the portal and for nothing else."""

    def __init__(
        self, storage: Storage, *, lasts_ms: int = 8 * 3_600_000, idle_ms: int = 3_600_000, clock: Clock = now_ms
    ) -> None:
        """A session lasts ``lasts_ms`` at most, and ends when nothing was asked for ``idle_ms``."""
        self._storage = storage
        self._clock = clock
        self.lasts_ms = lasts_ms
        self._idle_ms = idle_ms

    async def begin(self, caller: Caller, *, where: str = "") -> NewSession:
        """Sign ``caller`` in, from the address ``where``."""
        made = NewSession(new_id(), new_token(SESSION_PREFIX.removesuffix("_")))

        def act(conn: sa.Connection) -> None:
            now, s = self._clock(), t.session.c
            conn.execute(sa.delete(t.session).where(s.until < now - KEPT))
            conn.execute(
                sa.insert(t.session).values(
                    id=made.id,
                    token_hash=hashed(made.token),
                    key_id=caller.key_id,
                    created_at=now,
                    seen_at=now,
                    until=now + self.lasts_ms,
                )
            )
            detail = f"from {where}" if where else ""
            note(conn, now, caller.name, "session.begin", made.id, detail, publisher_id=caller.publisher_id)

        await self._storage.write(act)
        return made

    async def caller(self, token: str, *, acts: bool = True) -> Caller | None:
        """Who is signed in with ``token``; ``None`` when the session, its time or its key has ended.

        What a page asks for by itself is no act (``acts``): it does not keep an idle session going.
        """
        if not token.startswith(SESSION_PREFIX):
            return None
        digest, now = hashed(token), self._clock()
        row = await self._storage.read(_find, digest, now, now - self._idle_ms)
        if row is None:
            return None
        if acts and now - row.seen_at >= SEEN_EVERY:
            await self._storage.write(_see, digest, now)
        return Caller(row.key_id, Role(row.role), row.publisher_id)

    async def end(self, token: str) -> bool:
        """End the session of ``token``; false if it has ended."""

        def act(conn: sa.Connection) -> bool:
            now = self._clock()
            row = _find(conn, hashed(token), now, now - self._idle_ms)
            if row is None:
                return False
            conn.execute(sa.update(t.session).where(t.session.c.id == row.id).values(ended_at=now))
            who = Caller(row.key_id, Role(row.role), row.publisher_id).name
            note(conn, now, who, "session.end", row.id, publisher_id=row.publisher_id)
            return True

        return await self._storage.write(act)


def _find(conn: sa.Connection, digest: str, now: int, seen_after: int) -> sa.Row[Any] | None:
    s, k = t.session.c, t.key.c
    query: sa.Select[Any] = sa.select(s.id, s.key_id, s.seen_at, k.role, k.publisher_id)
    query = query.join(t.key, k.id == s.key_id)
    alive = (s.ended_at.is_(None), s.until > now, s.seen_at > seen_after, k.revoked_at.is_(None))
    return conn.execute(query.where(s.token_hash == digest, *alive)).first()


def _see(conn: sa.Connection, digest: str, now: int) -> None:
    conn.execute(sa.update(t.session).where(t.session.c.token_hash == digest).values(seen_at=now))
