"""Whoever signed in at the identity provider becomes a person here, with the roles that their groups give.

What groups gave goes when they give it no more; what was given here by hand stays until somebody takes it by hand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.access.audit import note
from leadkeeper.access.people.records import LONGEST_NAME, add_person, by_email, email_of
from leadkeeper.access.people.sign_in import PersonSignIns, SignedIn
from leadkeeper.access.permissions import Caller, Role
from leadkeeper.access.provider.protocol import Claims, IdentityProvider
from leadkeeper.access.provider.settings import ProviderSettings, roles_of
from leadkeeper.access.sessions import How, SignInPlace, end_sessions
from leadkeeper.network.client import Network
from leadkeeper.problem import Problem, ProblemType
from leadkeeper.storage import tables as t
from leadkeeper.texts import lazy_gettext as _

BACK: Final = "/portal/sign-in/provider/back"
"""Our page that the provider sends browsers back to."""
_REFUSED: Final = "signIn.refused"


class ProviderSignIns:
    """How people sign in with an identity provider. No second factor of ours is asked for: that is the provider's."""

    def __init__(self, provider: IdentityProvider, sign_ins: PersonSignIns) -> None:
        self.provider = provider
        self._sign_ins = sign_ins
        self._storage = sign_ins.storage
        self._audit = sign_ins.audit
        self._clock = sign_ins.clock

    async def sign_in(self, claims: Claims, place: SignInPlace) -> SignedIn:
        """Begin a session. Raises :class:`Problem` for somebody who is nothing here; their roles are gone then, too."""
        roles = roles_of(claims.groups, self.provider.settings.groups)
        try:
            person_id = await self._storage.write(self._person, claims, roles)
            return await self._sign_ins.as_person(person_id, place, factor_too=False, how=How.PROVIDER)
        except Problem as problem:
            if problem.type is ProblemType.FORBIDDEN:
                detail = f"from {place.address or 'an unknown address'}"
                self._audit.later("anyone", _REFUSED, "provider", detail, caused_by=f"address:{place.address}")
            raise

    def _person(self, conn: sa.Connection, claims: Claims, roles: Mapping[str | None, Role]) -> str:
        now, i, p = self._clock(), t.identity.c, t.publisher.c
        there = set(conn.scalars(sa.select(p.id).where(p.id.in_([each for each in roles if each is not None]))))
        roles = {each: role for each, role in roles.items() if each is None or each in there}
        this = (i.issuer == claims.issuer, i.subject == claims.subject)
        person_id = conn.scalar(sa.select(i.person_id).where(*this))
        if person_id is None:
            person_id = self._first_time(conn, now, claims, roles)
            values = {"issuer": claims.issuer, "subject": claims.subject, "person_id": person_id, "created_at": now}
            conn.execute(sa.insert(t.identity).values(values))
        give(conn, now, str(person_id), roles)
        return str(person_id)

    def _first_time(self, conn: sa.Connection, now: int, claims: Claims, roles: Mapping[str | None, Role]) -> str:
        if not claims.email:
            message = _("The sign-in service does not tell your e-mail address. Ask your operator to have it sent.")
            raise Problem(ProblemType.FORBIDDEN, message)
        email = email_of(claims.email)
        known = by_email(conn, email)
        if known is not None:
            if not claims.is_verified and not self.provider.settings.trust_email:
                message = _(
                    "Somebody with your e-mail address is known here, and the sign-in service does not say that the "
                    "address is verified. Sign in with your password, or ask your operator."
                )
                raise Problem(ProblemType.FORBIDDEN, message)
            note(conn, now, f"person:{known.id}", "person.link", known.id)
            return str(known.id)
        if not roles:
            raise _nobody()
        name = "".join(each for each in claims.name if each.isprintable()).strip()[:LONGEST_NAME]
        person_id = add_person(conn, now, email, name or email, "", operator=False)
        note(conn, now, f"person:{person_id}", "person.create", person_id, "from the identity provider")
        return person_id


def open_provider(
    settings: ProviderSettings | None,
    sign_ins: PersonSignIns,
    network: Network,
    secret_keys: Sequence[str],
    base_url: str,
) -> ProviderSignIns | None:
    """Signing in with the provider of ``settings``, if there is one; it is first asked when somebody signs in."""
    if settings is None:
        return None
    provider = IdentityProvider(settings, network, secret_keys, f"{base_url}{BACK}", sign_ins.clock)
    return ProviderSignIns(provider, sign_ins)


def give(conn: sa.Connection, now: int, person_id: str, roles: Mapping[str | None, Role]) -> None:
    """The person has from groups what ``roles`` says, and nothing else from groups."""
    person = conn.execute(sa.select(t.person).where(t.person.c.id == person_id)).one()
    changed = _operator(conn, now, person, Role.OPERATOR in roles.values())
    m = t.membership.c
    theirs = {row.publisher_id: row for row in conn.execute(sa.select(t.membership).where(m.person_id == person_id))}
    wanted = {publisher: role.value for publisher, role in roles.items() if publisher is not None}
    for publisher, row in theirs.items():
        if row.by_group and publisher not in wanted:
            conn.execute(sa.delete(t.membership).where(m.person_id == person_id, m.publisher_id == publisher))
            _end(conn, now, person_id, publisher)
            note(conn, now, f"person:{person_id}", "member.groups", person_id, "none", publisher_id=publisher)
    for publisher, role in wanted.items():
        known = theirs.get(publisher)
        if known is not None and (not known.by_group or known.role == role):
            continue
        conn.execute(sa.delete(t.membership).where(m.person_id == person_id, m.publisher_id == publisher))
        values: dict[str, Any] = {"person_id": person_id, "publisher_id": publisher, "role": role, "by_group": True}
        conn.execute(sa.insert(t.membership).values(values | {"created_at": now}))
        note(conn, now, f"person:{person_id}", "member.groups", person_id, role, publisher_id=publisher)
    if changed:
        note(conn, now, f"person:{person_id}", "member.groups", person_id, changed)


def _operator(conn: sa.Connection, now: int, person: sa.Row[Any], wanted: bool) -> str:
    """What became of their being an operator: empty for nothing."""
    this = sa.update(t.person).where(t.person.c.id == person.id)
    if wanted and not person.is_operator:
        conn.execute(this.values(is_operator=True, operator_by_group=True))
        return Role.OPERATOR.value
    if not wanted and person.operator_by_group:
        conn.execute(this.values(is_operator=False, operator_by_group=False))
        _end(conn, now, person.id, None)
        return "no operator"
    return ""


def _end(conn: sa.Connection, now: int, person_id: str, publisher_id: str | None) -> None:
    s = t.session.c
    where = s.publisher_id.is_(None) if publisher_id is None else s.publisher_id == publisher_id
    end_sessions(conn, now, Caller("", Role.READER, None, person_id), s.person_id == person_id, where)


def _nobody() -> Problem:
    message = _(
        "You signed in, but nobody here knows you yet: none of your groups has a role, and nobody invited you. "
        "Ask your operator, or whoever wanted you to come."
    )
    return Problem(ProblemType.FORBIDDEN, message)
