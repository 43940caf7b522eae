"""Sessions of the portal: who is signed in. Rows, so that they end on the server whatever a browser still holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.access.audit import note
from leadkeeper.access.keys import SESSION_PREFIX, hashed, new_token
from leadkeeper.access.permissions import Caller, Role
from leadkeeper.clock import Clock, new_id, now_ms
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage
from leadkeeper.storage.hot import HotStatement

SEEN_EVERY: Final = 60_000
"""When a session was seen is written at most so often (ms)."""
KEPT: Final = 30 * 86_400_000
"""How long (ms) after its time a session's row is kept."""
PENDING: Final = 600_000
"""How long (ms) the second factor may take."""
SHOWN: Final = 100
"""The most sessions of one person that are listed."""


class How(StrEnum):
    """How a session began: by a password or a key, at the identity provider, or by a link into another site's page."""

    OWN = ""
    PROVIDER = "provider"
    FRAME = "frame"


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session that was just begun: the only moment at which its token is known.

    ``pending``: it is good for nothing before the second factor has come.
    """

    id: str
    token: str
    pending: bool = False


@dataclass(frozen=True, slots=True)
class SignInPlace:
    """Where somebody signs in from: the address as limits count it, and what the browser calls itself."""

    address: str = ""
    agent: str = ""


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session that goes on. Of a person ``person_name`` and ``email`` are known, of a key they are empty.

    ``publisher_name`` is what people call the publisher of ``caller``, empty where there is none.
    ``suspended_for`` is why the publisher is suspended, empty where it is not.
    ``looks``: its operator looks at the pages of ``caller.publisher_id`` as its readers see them, and changes nothing.
    """

    id: str
    caller: Caller
    person_name: str = ""
    email: str = ""
    how: How = How.OWN
    looks: bool = False
    suspended_for: str = ""
    publisher_name: str = ""


@dataclass(frozen=True, slots=True)
class ListedSession:
    """A session as its owner sees it; times in ms."""

    id: str
    created_at: int
    seen_at: int
    address: str
    agent: str


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

    async def begin(
        self, caller: Caller, place: SignInPlace = SignInPlace(), *, pending: bool = False, how: How = How.OWN
    ) -> NewSession:
        """Sign ``caller`` in; ``pending`` until their second factor has come.

        In a frame they are what ``caller`` says, in its publisher alone, for as long as its key is good.
        """
        made = NewSession(new_id(), new_token(SESSION_PREFIX.removesuffix("_")), pending)

        def transaction(conn: sa.Connection) -> None:
            now, s = self._clock(), t.session.c
            conn.execute(sa.delete(t.session).where(s.until < now - KEPT))
            conn.execute(
                sa.insert(t.session).values(
                    id=made.id,
                    token_hash=hashed(made.token),
                    key_id=caller.key_id if caller.person_id is None else None,
                    person_id=caller.person_id,
                    publisher_id=None if caller.person_id is None and how is not How.FRAME else caller.publisher_id,
                    how=how.value,
                    role=caller.role.value if how is How.FRAME else None,
                    pending=pending,
                    address=place.address[:64],
                    agent=_plain(place.agent)[:200],
                    created_at=now,
                    seen_at=now,
                    until=now + (PENDING if pending else self.lasts_ms),
                )
            )
            if not pending:
                detail = f"from {place.address}" if place.address else ""
                note(conn, now, caller.name, "session.begin", made.id, detail, publisher_id=caller.publisher_id)

        await self._storage.write(transaction)
        return made

    async def find(self, token: str, *, pending: bool = False, acts: bool = True) -> OpenSession | None:
        """The session of ``token``, or ``None`` when it, its time, its key or its person's role has ended.

        One that waits for its second factor is found with ``pending`` alone, and any other without. What a page asks
        for by itself is no act (``acts``): it does not keep an idle session going.
        """
        if not token.startswith(SESSION_PREFIX):
            return None
        digest, now = hashed(token), self._clock()
        row = await self._storage.read(_find, digest, now, now - self._idle_ms, pending)
        if row is None:
            return None
        if acts and now - row.seen_at >= SEEN_EVERY:
            await self._storage.write(_see, digest, now)
        return _open(row)

    async def caller(self, token: str) -> Caller | None:
        """Who is signed in with ``token``."""
        found = await self.find(token)
        return None if found is None else found.caller

    async def end(self, token: str) -> bool:
        """End the session of ``token``; false if it has ended."""

        def transaction(conn: sa.Connection) -> bool:
            now = self._clock()
            row = _find(conn, hashed(token), now, now - self._idle_ms, False)
            if row is None:
                return False
            conn.execute(sa.update(t.session).where(t.session.c.id == row.id).values(ended_at=now))
            caller = _open(row).caller
            note(conn, now, caller.name, "session.end", row.id, publisher_id=caller.publisher_id)
            return True

        return await self._storage.write(transaction)

    async def drop_pending(self, session_id: str) -> None:
        """Forget a session whose second factor never came."""
        s = t.session.c
        ended = sa.delete(t.session).where(s.id == session_id, s.pending)
        await self._storage.write(lambda conn: conn.execute(ended) and None)

    async def act_for(self, session: OpenSession, publisher_id: str | None) -> bool:
        """A person goes on for another publisher of theirs, or as an operator (``None``); false if that is not theirs.

        Whether it is theirs is seen with the next page too: see :meth:`find`.
        """

        def transaction(conn: sa.Connection) -> bool:
            if not may_act_for(conn, session.caller.person_id or "", publisher_id):
                return False
            s = t.session.c
            conn.execute(sa.update(t.session).where(s.id == session.id).values(publisher_id=publisher_id))
            return True

        return await self._storage.write(transaction)

    async def look_at(self, session: OpenSession, publisher_id: str | None) -> bool:
        """An operator goes on to look at a publisher's pages as its readers see them, or (``None``) looks no more.

        False for whoever is no operator, and for no such publisher. Both ends stand in the audit.
        """

        def transaction(conn: sa.Connection) -> bool:
            now, s, by = self._clock(), t.session.c, session.caller
            there = sa.select(t.publisher.c.id).where(t.publisher.c.id == publisher_id)
            if publisher_id is None:
                if not session.looks:
                    return False
                note(conn, now, by.name, "look.end", by.publisher_id or "", publisher_id=by.publisher_id)
            elif session.looks or not by.is_operator or conn.execute(there).first() is None:
                return False
            else:
                note(conn, now, by.name, "look.begin", publisher_id, publisher_id=publisher_id)
            conn.execute(sa.update(t.session).where(s.id == session.id).values(looks_at=publisher_id))
            return True

        return await self._storage.write(transaction)

    async def list(self, caller: Caller) -> Sequence[ListedSession]:
        """The open sessions of the same key or person, newest first."""

        def transaction(conn: sa.Connection) -> list[ListedSession]:
            s, now = t.session.c, self._clock()
            alive = (s.ended_at.is_(None), s.until > now, s.seen_at > now - self._idle_ms, sa.not_(s.pending))
            query = sa.select(t.session).where(_theirs(caller), *alive).order_by(s.id.desc()).limit(SHOWN)
            return [
                ListedSession(row.id, row.created_at, row.seen_at, row.address, row.agent)
                for row in conn.execute(query)
            ]

        return await self._storage.read(transaction)

    async def end_some(self, caller: Caller, *, only: str | None = None, but: str | None = None) -> int:
        """End the caller's session ``only``, or all of theirs ``but`` that one; how many were ended."""

        def transaction(conn: sa.Connection) -> int:
            s = t.session.c
            these = [_theirs(caller), s.id == only if only is not None else s.id != (but or "")]
            return end_sessions(conn, self._clock(), caller, *these)

        return await self._storage.write(transaction)


def end_sessions(conn: sa.Connection, now: int, by: Caller, *these: sa.ColumnElement[bool]) -> int:
    """End the open ones among ``these``; each gets its line in the audit."""
    s = t.session.c
    rows = conn.execute(sa.select(s.id, s.publisher_id).where(*these, s.ended_at.is_(None))).all()
    for row in rows:
        conn.execute(sa.update(t.session).where(s.id == row.id).values(ended_at=now))
        note(conn, now, by.name, "session.end", row.id, publisher_id=row.publisher_id)
    return len(rows)


def may_act_for(conn: sa.Connection, person_id: str, publisher_id: str | None) -> bool:
    """Whether this person is a member of the publisher, or, of none, an operator."""
    p, m = t.person.c, t.membership.c
    if publisher_id is None:
        query = sa.select(p.id).where(p.id == person_id, p.is_operator)
    else:
        query = sa.select(m.person_id).where(m.person_id == person_id, m.publisher_id == publisher_id)
    return conn.execute(query).first() is not None


def _theirs(caller: Caller) -> sa.ColumnElement[bool]:
    s = t.session.c
    if caller.person_id is not None:
        return s.person_id == caller.person_id
    return sa.and_(s.key_id == caller.key_id, s.how != How.FRAME.value)


def _open(row: sa.Row[Any]) -> OpenSession:
    how, stopped, name = How(row.how), row.suspended_for is not None, row.publisher_name or ""
    if how is How.FRAME:
        caller = Caller(row.key_id, Role(row.role), row.publisher_id, suspended=stopped)
        return OpenSession(row.id, caller, how=how, suspended_for=row.suspended_for or "", publisher_name=name)
    key, person = row.key_id or "", row.person_id
    if person is None:
        caller = Caller(key, Role(row.key_role), row.key_publisher, suspended=stopped)
    else:
        role = Role.OPERATOR if row.publisher_id is None else Role(row.member_role)
        caller = Caller("", role, row.publisher_id, person, suspended=stopped)
    looks = row.looks_at is not None and caller.is_operator
    if looks:
        caller = Caller(key, Role.READER, row.looks_at, person)
    suspended_for = "" if looks else row.suspended_for or ""
    return OpenSession(row.id, caller, row.person_name or "", row.email or "", how, looks, suspended_for, name)


_SUSPENDED_FOR: Final = (
    sa.select(t.publisher.c.suspended_for)
    .where(
        t.publisher.c.id == sa.func.coalesce(t.session.c.publisher_id, t.key.c.publisher_id),
        t.publisher.c.suspended_at.is_not(None),
    )
    .correlate(t.session, t.key)
    .scalar_subquery()
)
"""Why the publisher for which they act is suspended, if it is; needs ``session`` and ``key`` in the query."""

_PUBLISHER_NAME: Final = (
    sa.select(t.publisher.c.display_name)
    .where(t.publisher.c.id == sa.func.coalesce(t.session.c.looks_at, t.session.c.publisher_id, t.key.c.publisher_id))
    .correlate(t.session, t.key)
    .scalar_subquery()
)
"""What people call the publisher whose pages they see; needs ``session`` and ``key`` in the query."""


def _by_token(_: str) -> sa.Select[Any]:
    s, k, p, m = t.session.c, t.key.c, t.person.c, t.membership.c
    joined = (
        t.session.outerjoin(t.key, k.id == s.key_id)
        .outerjoin(t.person, p.id == s.person_id)
        .outerjoin(t.membership, sa.and_(m.person_id == s.person_id, m.publisher_id == s.publisher_id))
    )
    query: sa.Select[Any] = sa.select(
        s.id,
        s.key_id,
        s.person_id,
        s.publisher_id,
        s.how,
        s.role,
        s.looks_at,
        s.seen_at,
        k.role.label("key_role"),
        k.publisher_id.label("key_publisher"),
        m.role.label("member_role"),
        p.name.label("person_name"),
        p.email,
        _SUSPENDED_FOR.label("suspended_for"),
        _PUBLISHER_NAME.label("publisher_name"),
    ).select_from(joined)
    by_key = sa.and_(k.id.is_not(None), k.revoked_at.is_(None))
    as_operator = sa.and_(s.publisher_id.is_(None), p.is_operator)
    by_person = sa.and_(p.id.is_not(None), p.disabled_at.is_(None), sa.or_(m.role.is_not(None), as_operator))
    now, seen_after = (sa.bindparam(name, type_=sa.BigInteger) for name in ("now", "seen_after"))
    pending = s.pending == sa.bindparam("pending", type_=sa.Boolean)
    alive = (s.ended_at.is_(None), s.until > now, s.seen_at > seen_after, pending)
    return query.where(s.token_hash == sa.bindparam("digest"), *alive, sa.or_(by_key, by_person))


_BY_TOKEN: Final = HotStatement(_by_token)


def _find(conn: sa.Connection, digest: str, now: int, seen_after: int, pending: bool) -> Any | None:
    given = {"digest": digest, "now": now, "seen_after": seen_after, "pending": pending}
    rows = _BY_TOKEN.rows(conn, given)
    return rows[0] if rows else None


_SEEN: Final = HotStatement(
    lambda _: (
        sa.update(t.session)
        .where(t.session.c.token_hash == sa.bindparam("digest"))
        .values(seen_at=sa.bindparam("now", type_=sa.BigInteger))
    )
)


def _see(conn: sa.Connection, digest: str, now: int) -> None:
    _SEEN.run(conn, {"digest": digest, "now": now})


def _plain(text: str) -> str:
    return "".join(each for each in text if each.isprintable())
