"""Whether whoever asked for something that goes on without them may still ask for it."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from leadkeeper.access.keys import key_in_force
from leadkeeper.access.permissions import Caller, Permission, Role
from leadkeeper.storage import tables as t
from leadkeeper.storage.known import is_suspended


def may_still_change(conn: sa.Connection, by: str, publisher_id: str | None) -> bool:
    """Whether ``by``, a caller's name, may change what is the publisher's, or of none, what is everybody's.

    A revoked key may not, nor a person who is disabled, no longer a member, or a reader now; nobody may for a publisher
    that is suspended. Who is neither a key nor a person runs the machine itself, and may.
    """
    if publisher_id is not None and is_suspended(conn, publisher_id):
        return False
    kind, _, id_ = by.partition(":")
    if kind not in ("key", "person"):
        return True
    caller = key_in_force(conn, id_) if kind == "key" else _person(conn, id_, publisher_id)
    return caller is not None and caller.may(Permission.CHANGE, publisher_id)


def _person(conn: sa.Connection, person_id: str, publisher_id: str | None) -> Caller | None:
    p, m = t.person.c, t.membership.c
    query: sa.Select[Any] = sa.select(sa.literal(Role.OPERATOR.value)).where(p.is_operator)
    if publisher_id is not None:
        query = sa.select(m.role).join(t.person, p.id == m.person_id).where(m.publisher_id == publisher_id)
    role: str | None = conn.scalar(query.where(p.id == person_id, p.disabled_at.is_(None)))
    return None if role is None else Caller("", Role(role), publisher_id, person_id)
