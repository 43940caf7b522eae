"""Rows of people and memberships, for transactions of this folder. All SQL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.access.permissions import MEMBER_ROLES, Role
from leadkeeper.clock import new_id
from leadkeeper.mail.address import parse_address
from leadkeeper.problem import FieldError, Problem, ProblemType
from leadkeeper.storage import tables as t
from leadkeeper.texts import lazy_gettext as _

LONGEST_NAME: Final = 200


@dataclass(frozen=True, slots=True)
class Membership:
    """What a person is in one publisher."""

    publisher_id: str
    publisher_name: str
    role: Role


@dataclass(frozen=True, slots=True)
class Person:
    """A person as lists show them; ``role`` is theirs in the publisher that was asked for, or operator, or none."""

    id: str
    email: str
    name: str
    role: Role | None
    is_operator: bool
    has_factor: bool
    is_disabled: bool
    has_password: bool
    created_at: int


def email_of(text: str) -> str:
    """The one way in which an address is kept. Raises :class:`Problem` for what is none."""
    try:
        return parse_address(text).key
    except ValueError:
        raise wrong("email", _("Write it like name@company.example.")) from None


def name_of(text: str) -> str:
    """A person's name. Raises :class:`Problem` for one that is missing or too long."""
    name = " ".join(text.split())
    if not name or not name.isprintable():
        raise wrong("name", _("Enter your name: others of your publisher read it."))
    if len(name) > LONGEST_NAME:
        raise wrong("name", _("At most %(most)s characters.", most=LONGEST_NAME))
    return name


def member_role(text: str) -> Role:
    """A role in a publisher. Raises :class:`Problem` for any other."""
    if text not in MEMBER_ROLES:
        raise wrong("role", _("Choose one of these."))
    return Role(text)


def wrong(field: str, message: str) -> Problem:
    """Something that was entered cannot be taken."""
    return Problem(ProblemType.INVALID_REQUEST, message, (FieldError(field, message),))


def no_such_person() -> Problem:
    """There is none, or not here."""
    return Problem(ProblemType.NOT_FOUND, _("There is no such person here."))


def by_email(conn: sa.Connection, email: str) -> sa.Row[Any] | None:
    """The person of this address."""
    return conn.execute(sa.select(t.person).where(t.person.c.email == email)).first()


def add_person(conn: sa.Connection, now: int, email: str, name: str, password_hash: str, *, operator: bool) -> str:
    """A new person; their id."""
    person_id = new_id()
    values: dict[str, Any] = {"id": person_id, "email": email, "name": name, "is_operator": operator}
    values |= {"password_hash": password_hash, "password_at": now, "created_at": now}
    conn.execute(sa.insert(t.person).values(values))
    return person_id


def memberships(conn: sa.Connection, person_id: str) -> list[Membership]:
    """What the person is a member of, by the publishers' names."""
    m, p = t.membership.c, t.publisher.c
    query = sa.select(m.publisher_id, p.display_name, m.role).join(t.publisher, p.id == m.publisher_id)
    rows = conn.execute(query.where(m.person_id == person_id).order_by(p.display_name, p.id))
    return [Membership(row.publisher_id, row.display_name, Role(row.role)) for row in rows]


def join(conn: sa.Connection, now: int, person_id: str, publisher_id: str | None, role: str) -> None:
    """The person becomes this, of the publisher or (``None``) an operator; what they were there is over."""
    p, m = t.person.c, t.membership.c
    if publisher_id is None:
        conn.execute(sa.update(t.person).where(p.id == person_id).values(is_operator=True, operator_by_group=False))
        return
    conn.execute(sa.delete(t.membership).where(m.person_id == person_id, m.publisher_id == publisher_id))
    values = {"person_id": person_id, "publisher_id": publisher_id, "role": role, "created_at": now}
    conn.execute(sa.insert(t.membership).values(values))


def as_person(row: sa.Row[Any], role: Role | None) -> Person:
    """A row of ``person``."""
    return Person(
        id=row.id,
        email=row.email,
        name=row.name,
        role=role,
        is_operator=row.is_operator,
        has_factor=row.factor_at is not None,
        is_disabled=row.disabled_at is not None,
        has_password=bool(row.password_hash),
        created_at=row.created_at,
    )
