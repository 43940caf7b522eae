"""Links that are good once: to begin with an empty installation, to accept an invitation, to choose a new password.

Their token (``lko_...``) is shown or mailed once, only its hash is kept. Opening one changes nothing, since scanners of
mail open links; what a form of its page sends does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.access.audit import note
from leadkeeper.access.keys import hashed, new_token
from leadkeeper.access.people.passwords import Passwords
from leadkeeper.access.people.people import set_password
from leadkeeper.access.people.records import add_person, by_email, email_of, join, name_of, wrong
from leadkeeper.access.permissions import Caller, Role
from leadkeeper.access.sessions import end_sessions
from leadkeeper.clock import Clock, new_id, now_ms
from leadkeeper.problem import Problem, ProblemType
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage
from leadkeeper.texts import lazy_gettext as _


class Purpose(StrEnum):
    """What a link is good for."""

    BEGIN = "begin"
    INVITATION = "invitation"
    RESET = "reset"
    PORTAL = "portal"


HOUR: Final = 3_600_000
VALID_MS: Final[Mapping[Purpose, int]] = {
    Purpose.BEGIN: 24 * HOUR,
    Purpose.INVITATION: 7 * 24 * HOUR,
    Purpose.RESET: 24 * HOUR,
    Purpose.PORTAL: 60_000,
}
MAILED_RESET_MS: Final = HOUR
"""How long a link to a new password is good that somebody had mailed to themselves."""
MOST_OPEN: Final = 100
"""The most invitations of one publisher that wait."""
KEPT: Final = 90 * 24 * HOUR
"""How long (ms) after its time a link's row is kept."""


@dataclass(frozen=True, slots=True)
class NewLink:
    """A link that was just made: the only moment at which its token is known."""

    id: str
    token: str
    email: str


@dataclass(frozen=True, slots=True)
class Link:
    """A link that can be used. ``known``: its address is that of a person already. Times in ms."""

    id: str
    purpose: Purpose
    email: str
    publisher_id: str | None
    publisher_name: str
    role: Role | None
    until: int
    person_id: str | None = None
    known: bool = False


class Links:
    """Makes such links, and does what they are good for."""

    def __init__(self, storage: Storage, passwords: Passwords, clock: Clock = now_ms) -> None:
        self._storage = storage
        self._passwords = passwords
        self._clock = clock

    async def first(self) -> NewLink | None:
        """A link to begin with; ``None`` where somebody can sign in already, with a key or as a person."""

        def transaction(conn: sa.Connection) -> NewLink | None:
            if not _is_empty(conn):
                return None
            return _make(conn, self._clock(), Purpose.BEGIN, "leadkeeper")

        return await self._storage.write(transaction)

    async def begin(self, token: str, *, email: str, name: str, password: str) -> str:
        """The first person, an operator; their id. Raises :class:`Problem`."""
        await self._usable(token, Purpose.BEGIN)
        address, message = email_of(email), name_of(name)
        kept = await self._chosen(password, address, message)

        def transaction(conn: sa.Connection) -> str:
            now = self._clock()
            if not _is_empty(conn):
                raise over()
            _use(conn, token, Purpose.BEGIN, now)
            person_id = add_person(conn, now, address, message, kept, operator=True)
            note(conn, now, f"person:{person_id}", "person.create", person_id, "operator, by the first link")
            return person_id

        return await self._storage.write(transaction)

    async def invite(self, email: str, publisher_id: str | None, role: Role, *, by: Caller) -> NewLink:
        """Invite somebody to become this, of the publisher or of none. Raises :class:`Problem`."""
        address = email_of(email)

        def transaction(conn: sa.Connection) -> NewLink:
            now, o = self._clock(), t.one_time_link.c
            conn.execute(sa.delete(t.one_time_link).where(o.until < now - KEPT))
            there = conn.execute(sa.select(t.publisher.c.id).where(t.publisher.c.id == publisher_id)).first()
            if publisher_id is not None and there is None:
                raise wrong("publisher", _("There is no such publisher."))
            waiting = conn.execute(sa.select(o.id, o.email).where(*_waiting(publisher_id, now))).all()
            if len(waiting) >= MOST_OPEN:
                message = _("At most %(most)s invitations may wait: revoke some first.", most=MOST_OPEN)
                raise Problem(ProblemType.QUOTA_EXCEEDED, message)
            # A second invitation takes the place of the first.
            again = [row.id for row in waiting if row.email == address]
            conn.execute(sa.update(t.one_time_link).where(o.id.in_(again)).values(ended_at=now))
            more: dict[str, Any] = {"email": address, "publisher_id": publisher_id, "role": role.value}
            made = _make(conn, now, Purpose.INVITATION, by.name, **more)
            note(conn, now, by.name, "invitation.create", made.id, role.value, publisher_id=publisher_id)
            return made

        return await self._storage.write(transaction)

    async def invitations(self, publisher_id: str | None) -> Sequence[Link]:
        """The invitations of the publisher, or (``None``) of operators, that wait; newest first."""

        def transaction(conn: sa.Connection) -> list[Link]:
            o = t.one_time_link.c
            query = sa.select(t.one_time_link).where(*_waiting(publisher_id, self._clock()))
            return [_as_link(row, "", known=False) for row in conn.execute(query.order_by(o.id.desc()))]

        return await self._storage.read(transaction)

    async def revoke(self, link_id: str, publisher_id: str | None, *, by: Caller) -> bool:
        """End an invitation that waits; false if there is none of that id there."""

        def transaction(conn: sa.Connection) -> bool:
            now, o = self._clock(), t.one_time_link.c
            this = sa.update(t.one_time_link).where(o.id == link_id, *_waiting(publisher_id, now))
            if not conn.execute(this.values(ended_at=now)).rowcount:
                return False
            note(conn, now, by.name, "invitation.revoke", link_id, publisher_id=publisher_id)
            return True

        return await self._storage.write(transaction)

    async def find(self, token: str, purpose: Purpose) -> Link | None:
        """The link of ``token``, if it can be used for this."""

        def transaction(conn: sa.Connection) -> Link | None:
            row = _find(conn, token, purpose, self._clock())
            if row is None or (purpose is Purpose.BEGIN and not _is_empty(conn)):
                return None
            name = conn.scalar(sa.select(t.publisher.c.display_name).where(t.publisher.c.id == row.publisher_id))
            known = row.email is not None and by_email(conn, row.email) is not None
            return _as_link(row, name or "", known=known)

        return await self._storage.read(transaction)

    async def accept(self, token: str, *, name: str, password: str) -> str:
        """Somebody new accepts an invitation, and chooses a name and a password; their id. Raises :class:`Problem`."""
        link = await self._usable(token, Purpose.INVITATION)
        message = name_of(name)
        kept = await self._chosen(password, link.email, message)

        def transaction(conn: sa.Connection) -> str:
            if by_email(conn, link.email) is not None:
                raise over()
            person_id = add_person(conn, self._clock(), link.email, message, kept, operator=False)
            self._join(conn, token, link, person_id, "person.create")
            return person_id

        return await self._storage.write(transaction)

    async def accept_as(self, token: str, person_id: str) -> None:
        """Somebody who is known, and who it is for, accepts an invitation. Raises :class:`Problem`."""
        link = await self._usable(token, Purpose.INVITATION)

        def transaction(conn: sa.Connection) -> None:
            row = by_email(conn, link.email)
            if row is None or row.id != person_id:
                raise over()
            self._join(conn, token, link, person_id, "member.join")

        await self._storage.write(transaction)

    def _join(self, conn: sa.Connection, token: str, link: Link, person_id: str, what: str) -> None:
        now, role = self._clock(), link.role or Role.READER
        _use(conn, token, Purpose.INVITATION, now)
        join(conn, now, person_id, link.publisher_id, role.value)
        detail = f"{role.value}, by invitation {link.id}"
        note(conn, now, f"person:{person_id}", what, person_id, detail, publisher_id=link.publisher_id)

    async def reset_link(self, person_id: str, *, by: Caller) -> NewLink | None:
        """A link with which a person chooses a new password, made by an operator; ``None`` for nobody."""

        def transaction(conn: sa.Connection) -> NewLink | None:
            email = conn.scalar(sa.select(t.person.c.email).where(t.person.c.id == person_id))
            if email is None:
                return None
            now = self._clock()
            made = _make(conn, now, Purpose.RESET, by.name, person_id=person_id, email=email)
            note(conn, now, by.name, "password.link", person_id)
            return made

        return await self._storage.write(transaction)

    async def asked_reset(self, email: str) -> NewLink | None:
        """The same for whoever says that this address is theirs; ``None`` where nobody of it has one."""

        def transaction(conn: sa.Connection) -> NewLink | None:
            row, now = by_email(conn, email), self._clock()
            if row is None or row.disabled_at is not None or not row.password_hash:
                return None
            until = now + MAILED_RESET_MS
            made = _make(conn, now, Purpose.RESET, "anyone", until=until, person_id=row.id, email=row.email)
            note(conn, now, "anyone", "password.link", row.id)
            return made

        return await self._storage.write(transaction)

    async def reset(self, token: str, password: str) -> str:
        """A new password for whom the link is; all their sessions end. Their id. Raises :class:`Problem`."""
        link = await self._usable(token, Purpose.RESET)
        person_id = link.person_id or ""
        name = await self._storage.read(
            lambda conn: conn.scalar(sa.select(t.person.c.name).where(t.person.c.id == person_id)) or ""
        )
        kept = await self._chosen(password, link.email, name)

        def transaction(conn: sa.Connection) -> str:
            now, who = self._clock(), Caller("", Role.READER, None, person_id)
            _use(conn, token, Purpose.RESET, now)
            set_password(conn, now, person_id, kept)
            end_sessions(conn, now, who, t.session.c.person_id == person_id)
            note(conn, now, who.name, "password.reset", person_id)
            return person_id

        return await self._storage.write(transaction)

    async def _usable(self, token: str, purpose: Purpose) -> Link:
        found = await self.find(token, purpose)
        if found is None:
            raise over()
        return found

    async def _chosen(self, password: str, *known: str) -> str:
        refused = await self._passwords.refusal(password, *known)
        if refused is not None:
            raise wrong("password", refused)
        return await self._passwords.hashed(password)


def over() -> Problem:
    """The link is not good, or not any more."""
    return Problem(ProblemType.NOT_FOUND, _("This link is over: it was used, revoked, or its time has passed."))


def _is_empty(conn: sa.Connection) -> bool:
    """Whether nobody can sign in yet."""
    people, keys = sa.select(t.person.c.id).limit(1), sa.select(t.key.c.id).limit(1)
    return conn.execute(people).first() is None and conn.execute(keys).first() is None


def _make(
    conn: sa.Connection, now: int, purpose: Purpose, by: str, *, until: int | None = None, **more: Any
) -> NewLink:
    made = NewLink(new_id(), new_token("lko"), more.get("email") or "")
    values: dict[str, Any] = {"id": made.id, "token_hash": hashed(made.token), "purpose": purpose.value}
    values |= {"made_by": by, "created_at": now, "until": until or now + VALID_MS[purpose]}
    conn.execute(sa.insert(t.one_time_link).values(values | more))
    return made


def _find(conn: sa.Connection, token: str, purpose: Purpose, now: int) -> sa.Row[Any] | None:
    o = t.one_time_link.c
    good = (o.token_hash == hashed(token), o.purpose == purpose.value, o.ended_at.is_(None), o.until > now)
    return conn.execute(sa.select(t.one_time_link).where(*good)).first()


def _use(conn: sa.Connection, token: str, purpose: Purpose, now: int) -> None:
    """It is over from now on; of many who use it at once one does."""
    o = t.one_time_link.c
    good = (o.token_hash == hashed(token), o.purpose == purpose.value, o.ended_at.is_(None), o.until > now)
    if not conn.execute(sa.update(t.one_time_link).where(*good).values(ended_at=now)).rowcount:
        raise over()


def _waiting(publisher_id: str | None, now: int) -> tuple[sa.ColumnElement[bool], ...]:
    o = t.one_time_link.c
    whose = o.publisher_id.is_(None) if publisher_id is None else o.publisher_id == publisher_id
    return (whose, o.purpose == Purpose.INVITATION.value, o.ended_at.is_(None), o.until > now)


def _as_link(row: sa.Row[Any], publisher_name: str, *, known: bool) -> Link:
    return Link(
        id=row.id,
        purpose=Purpose(row.purpose),
        email=row.email or "",
        publisher_id=row.publisher_id,
        publisher_name=publisher_name,
        role=None if row.role is None else Role(row.role),
        until=row.until,
        person_id=row.person_id,
        known=known,
    )
