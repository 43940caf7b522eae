"""The people of an installation: who is a member of what, who runs it, and what they change about themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.access.audit import note
from leadkeeper.access.people.passwords import Passwords
from leadkeeper.access.people.records import (
    Membership,
    Person,
    as_person,
    member_role,
    memberships,
    name_of,
    no_such_person,
    wrong,
)
from leadkeeper.access.permissions import Caller, Role
from leadkeeper.access.sessions import end_sessions
from leadkeeper.clock import Clock, now_ms
from leadkeeper.problem import Problem, ProblemType
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage, one_of
from leadkeeper.texts import lazy_gettext as _

MOST: Final = 500
"""The most members of one publisher that are listed."""
PAGE: Final = 100
"""The most people of one page."""
_WORDS: Final = 5
"""Of a search no more words are looked for."""


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """Some people by name, with what they are members of. ``following`` is where others follow: the last one's id."""

    people: Sequence[tuple[Person, Sequence[Membership]]]
    following: str | None = None


class People:
    """Lists and changes people. Who may do what is asked before, by the doors."""

    def __init__(self, storage: Storage, passwords: Passwords, clock: Clock = now_ms) -> None:
        self._storage = storage
        self._clock = clock
        self.passwords = passwords

    async def members(self, publisher_id: str) -> Sequence[Person]:
        """The members of a publisher by name."""
        p, m = t.person.c, t.membership.c

        def transaction(conn: sa.Connection) -> list[Person]:
            query = sa.select(t.person, m.role).join(t.membership, m.person_id == p.id)
            query = query.where(m.publisher_id == publisher_id).order_by(p.name, p.id).limit(MOST)
            return [as_person(row, Role(row.role)) for row in conn.execute(query)]

        return await self._storage.read(transaction)

    async def everybody(self, after: str | None = None, text: str = "") -> PeoplePage:
        """A page of all people by name, behind the person ``after``; with ``text``, whose name or e-mail holds it."""
        return await self._storage.read(_everybody, after, text)

    async def one(self, person_id: str) -> tuple[Person, Sequence[Membership]]:
        """A person and their memberships. Raises :class:`Problem` for one that is not there."""

        def transaction(conn: sa.Connection) -> tuple[Person, Sequence[Membership]]:
            return as_person(_row(conn, person_id), None), memberships(conn, person_id)

        return await self._storage.read(transaction)

    async def set_role(self, publisher_id: str, person_id: str, role_text: str, *, by: Caller) -> None:
        """A member becomes this. Raises :class:`Problem` for no member, for no role, and for the last owner."""

        def transaction(conn: sa.Connection) -> None:
            _require_member(conn, publisher_id, person_id)
            role = member_role(role_text)
            _keep_an_owner(conn, publisher_id, person_id, by, becomes=role)
            m = t.membership.c
            this = (m.person_id == person_id, m.publisher_id == publisher_id)
            conn.execute(sa.update(t.membership).where(*this).values(role=role.value, by_group=False))
            note(conn, self._clock(), by.name, "member.role", person_id, role.value, publisher_id=publisher_id)

        await self._storage.write(transaction)

    async def remove(self, publisher_id: str, person_id: str, *, by: Caller) -> None:
        """A member is none any more, from their next request on. Raises :class:`Problem` as :meth:`set_role`."""

        def transaction(conn: sa.Connection) -> None:
            _require_member(conn, publisher_id, person_id)
            _keep_an_owner(conn, publisher_id, person_id, by, becomes=None)
            m, s = t.membership.c, t.session.c
            conn.execute(sa.delete(t.membership).where(m.person_id == person_id, m.publisher_id == publisher_id))
            end_sessions(conn, self._clock(), by, s.person_id == person_id, s.publisher_id == publisher_id)
            note(conn, self._clock(), by.name, "member.remove", person_id, publisher_id=publisher_id)

        await self._storage.write(transaction)

    async def disable(self, person_id: str, *, disabled: bool, by: Caller) -> None:
        """A person may not sign in any more, or may again. Raises :class:`Problem` for oneself."""

        def transaction(conn: sa.Connection) -> None:
            now = self._clock()
            _row(conn, person_id)
            if person_id == by.person_id:
                raise Problem(ProblemType.NOT_POSSIBLE_NOW, _("Nobody can shut themselves out: ask another operator."))
            this = sa.update(t.person).where(t.person.c.id == person_id)
            conn.execute(this.values(disabled_at=now if disabled else None))
            if disabled:
                end_sessions(conn, now, by, t.session.c.person_id == person_id)
            note(conn, now, by.name, "person.disable" if disabled else "person.enable", person_id)

        await self._storage.write(transaction)

    async def rename(self, person_id: str, name: str) -> None:
        """A person calls themselves so. Raises :class:`Problem`."""
        message = name_of(name)
        this = sa.update(t.person).where(t.person.c.id == person_id)
        await self._storage.write(lambda conn: conn.execute(this.values(name=message)) and None)

    async def change_password(self, caller: Caller, session_id: str, now_is: str, new: str) -> int:
        """A person changes their password; all their other sessions end, and how many is answered.

        Raises :class:`Problem` for a wrong one, and for a new one that may not be chosen.
        """
        person_id = caller.person_id or ""
        row = await self.require_password(person_id, now_is)
        refused = await self.passwords.refusal(new, row.email, row.name)
        if refused is not None:
            raise wrong("new", refused)
        kept = await self.passwords.hashed(new)

        def transaction(conn: sa.Connection) -> int:
            now, s = self._clock(), t.session.c
            set_password(conn, now, person_id, kept)
            note(conn, now, caller.name, "password.change", person_id)
            return end_sessions(conn, now, caller, s.person_id == person_id, s.id != session_id)

        return await self._storage.write(transaction)

    async def require_password(self, person_id: str, now_is: str) -> sa.Row[Any]:
        """Raise :class:`Problem` unless this is the person's password; their row."""
        row = await self._storage.read(_row, person_id)
        if not await self.passwords.fits(now_is, row.password_hash or None):
            raise wrong("password", _("This is not your password."))
        return row


def set_password(conn: sa.Connection, now: int, person_id: str, kept: str) -> None:
    """From now on the person signs in with this one; links to another are over."""
    conn.execute(sa.update(t.person).where(t.person.c.id == person_id).values(password_hash=kept, password_at=now))
    o = t.one_time_link.c
    theirs = sa.update(t.one_time_link).where(o.person_id == person_id, o.ended_at.is_(None))
    conn.execute(theirs.values(ended_at=now))


def _everybody(conn: sa.Connection, after: str | None, text: str) -> PeoplePage:
    p, m, u = t.person.c, t.membership.c, t.publisher.c
    query = sa.select(t.person).order_by(p.name, p.id).limit(PAGE + 1)
    if last := conn.execute(sa.select(p.name, p.id).where(p.id == after)).first():
        query = query.where((p.name > last.name) | ((p.name == last.name) & (p.id > last.id)))
    for word in text.lower().split()[:_WORDS]:
        held = [sa.func.lower(column).contains(word, autoescape=True) for column in (p.name, p.email)]
        query = query.where(sa.or_(*held))
    rows = conn.execute(query).all()
    shown = rows[:PAGE]
    theirs: dict[str, list[Membership]] = {row.id: [] for row in shown}
    joined = sa.select(m.person_id, m.publisher_id, u.display_name, m.role).join(t.publisher, u.id == m.publisher_id)
    for row in conn.execute(joined.where(one_of(conn, m.person_id, [*theirs])).order_by(u.display_name)):
        theirs[row.person_id].append(Membership(row.publisher_id, row.display_name, Role(row.role)))
    people = [(as_person(row, Role.OPERATOR if row.is_operator else None), theirs[row.id]) for row in shown]
    return PeoplePage(people, shown[-1].id if len(rows) > PAGE else None)


def _row(conn: sa.Connection, person_id: str) -> sa.Row[Any]:
    row = conn.execute(sa.select(t.person).where(t.person.c.id == person_id)).first()
    if row is None:
        raise no_such_person()
    return row


def _require_member(conn: sa.Connection, publisher_id: str, person_id: str) -> None:
    m = t.membership.c
    there = sa.select(m.role).where(m.publisher_id == publisher_id, m.person_id == person_id)
    if conn.execute(there).first() is None:
        raise no_such_person()


def _keep_an_owner(conn: sa.Connection, publisher_id: str, person_id: str, by: Caller, *, becomes: Role | None) -> None:
    """Raise :class:`Problem` for no member, and if a publisher's last owner would cease to be one by a member's act."""
    m, p = t.membership.c, t.publisher.c
    conn.execute(sa.select(p.id).where(p.id == publisher_id).with_for_update(key_share=True))
    rows = conn.execute(sa.select(m.person_id, m.role).where(m.publisher_id == publisher_id)).all()
    roles = {row.person_id: row.role for row in rows}
    others = [role for each, role in roles.items() if each != person_id]
    is_last = roles[person_id] == Role.OWNER and Role.OWNER not in others
    if is_last and becomes is not Role.OWNER and not by.is_operator:
        message = _("A publisher keeps an owner: make somebody else one first.")
        raise Problem(ProblemType.NOT_POSSIBLE_NOW, message)
