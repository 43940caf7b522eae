"""Links that show a publisher's pages in a page of the operator's own site: signed, short-lived, good once.

Whoever opens one is signed in as a member of that publisher, by the key that the link was made with: revoking it ends
the sessions.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import sqlalchemy as sa

from leadkeeper.access.audit import note
from leadkeeper.access.keys import hashed
from leadkeeper.access.people.links import VALID_MS, Purpose
from leadkeeper.access.permissions import Caller, Role
from leadkeeper.access.sessions import How, NewSession, Sessions, SignInPlace
from leadkeeper.access.tokens import Tokens
from leadkeeper.clock import Clock, new_id, now_ms
from leadkeeper.problem import Problem, ProblemType
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage
from leadkeeper.texts import lazy_gettext as _

AUDIENCE: Final = "portal"
"""What the signed token is good for, and nothing else."""
_KEY: Final = "key:"
_KEPT: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class PortalLink:
    """A link that was just made: the only moment at which its token is known. ``until`` in ms."""

    id: str
    token: str = field(repr=False)
    until: int


class PortalLinks:
    """Makes such links and opens them. ``ancestors`` are the sites whose pages may show ours."""

    def __init__(
        self, storage: Storage, sessions: Sessions, tokens: Tokens, ancestors: tuple[str, ...], clock: Clock = now_ms
    ) -> None:
        self._storage = storage
        self._sessions = sessions
        self._tokens = tokens
        self._clock = clock
        self.ancestors = ancestors

    async def create(self, publisher_id: str, role: Role, *, by: Caller) -> PortalLink:
        """A link to the pages of this publisher, for somebody in this role.

        Raises :class:`Problem` for no such publisher, and where no site may show our pages.
        """
        if not self.ancestors:
            message = _("No site may show pages of the portal: name yours in LEADKEEPER_FRAME_ANCESTORS.")
            raise Problem(ProblemType.NOT_POSSIBLE_NOW, message)

        def transact(conn: sa.Connection) -> PortalLink:
            now, o = self._clock(), t.one_time_link.c
            if conn.execute(sa.select(t.publisher.c.id).where(t.publisher.c.id == publisher_id)).first() is None:
                raise Problem(ProblemType.UNKNOWN_PUBLISHER, _("There is no such publisher."))
            old = sa.delete(t.one_time_link).where(o.purpose == Purpose.PORTAL.value, o.until < now - _KEPT)
            conn.execute(old)
            link_id, until = new_id(), now + VALID_MS[Purpose.PORTAL]
            made = PortalLink(link_id, self._tokens.issue(link_id, until, AUDIENCE), until)
            values = {"id": link_id, "token_hash": hashed(made.token), "purpose": Purpose.PORTAL.value}
            values |= {"publisher_id": publisher_id, "role": role.value, "made_by": by.name}
            conn.execute(sa.insert(t.one_time_link).values(values | {"created_at": now, "until": until}))
            note(conn, now, by.name, "portalLink.create", link_id, role.value, publisher_id=publisher_id)
            return made

        return await self._storage.write(transact)

    async def open(self, token: str, place: SignInPlace) -> NewSession | None:
        """Use a link: a session begins. ``None`` when it is not ours, was used, or its time is over."""
        link_id = self._tokens.key_id(token, self._clock(), AUDIENCE)
        caller = None if link_id is None else await self._storage.write(self._use, link_id)
        return None if caller is None else await self._sessions.begin(caller, place, how=How.FRAME)

    def _use(self, conn: sa.Connection, link_id: str) -> Caller | None:
        now, o = self._clock(), t.one_time_link.c
        good = (o.id == link_id, o.purpose == Purpose.PORTAL.value, o.ended_at.is_(None), o.until > now)
        row = conn.execute(
            sa.update(t.one_time_link).where(*good).values(ended_at=now).returning(o.publisher_id, o.role, o.made_by)
        ).first()
        if row is None:
            return None
        note(conn, now, row.made_by, "portalLink.open", link_id, row.role, publisher_id=row.publisher_id)
        return Caller(row.made_by.removeprefix(_KEY), Role(row.role), row.publisher_id)
