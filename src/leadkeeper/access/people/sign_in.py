"""People sign in: e-mail address and password, then the second factor where there is one.

Guesses are counted before a password is looked at, by address and by person. Whoever signed in with a browser before is
counted by that browser instead: strangers who guess lock neither it nor its owner out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.access.audit import Audit
from leadkeeper.access.people.devices import Devices
from leadkeeper.access.people.factor import SecondFactor
from leadkeeper.access.people.guesses import Guesses
from leadkeeper.access.people.passwords import Passwords
from leadkeeper.access.people.records import by_email, memberships
from leadkeeper.access.permissions import Caller, Role
from leadkeeper.access.sessions import How, NewSession, OpenSession, Sessions, SignInPlace
from leadkeeper.clock import Clock, now_ms
from leadkeeper.mail.address import parse_address
from leadkeeper.problem import Problem, ProblemType
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage
from leadkeeper.texts import lazy_gettext as _

BY_PERSON: Final = (20, 3_600_000)
"""How many guesses at one person's password, from browsers that are not known, pass in how many ms."""
BY_CODE: Final = (5, 900_000)
"""How many guesses at a second factor, by somebody who has the password, pass in how many ms."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session that began, and what a browser keeps to be known again (empty before the second factor)."""

    session: NewSession
    device: str = ""


class PersonSignIns:
    """How people sign in. ``limit`` is how many guesses in how many ms one address has."""

    def __init__(
        self,
        storage: Storage,
        sessions: Sessions,
        passwords: Passwords,
        factor: SecondFactor,
        devices: Devices,
        audit: Audit,
        *,
        limit: tuple[int, int] = (10, 60_000),
        clock: Clock = now_ms,
    ) -> None:
        self.storage = storage
        self.clock = clock
        self._sessions = sessions
        self._passwords = passwords
        self._factor = factor
        self._devices = devices
        self.audit = audit
        self._by_address = Guesses(storage, "address", *limit, clock)
        self._by_device = Guesses(storage, "device", *limit, clock)
        self._by_person = Guesses(storage, "person", *BY_PERSON, clock)
        self._by_code = Guesses(storage, "code", *BY_CODE, clock)

    async def with_password(self, email: str, password: str, place: SignInPlace, device: str | None = None) -> SignedIn:
        """Begin a session, which waits for the second factor where there is one.

        Raises :class:`Problem`: for a wrong pair, for too many of those, for somebody who may not sign in any more.
        """
        return await self.as_person(await self.check(email, password, place, device), place, factor_too=True)

    async def check(self, email: str, password: str, place: SignInPlace, device: str | None = None) -> str:
        """Whose pair it is. Raises :class:`Problem` as :meth:`with_password`."""
        key = _key_of(email)
        known = self._devices.known(device, key)
        counted = [(self._by_device, known)] if known else [(self._by_address, place.address), (self._by_person, key)]
        waits = max([await counts.count(whose) for counts, whose in counted])
        if waits:
            raise too_many(waits)
        row = await self.storage.read(by_email, key)
        fits = await self._passwords.fits(password, None if row is None else row.password_hash or None)
        if not fits or row is None or row.disabled_at is not None:
            raise self._wrong(place, None if row is None else row.id)
        for counts, whose in counted:
            await counts.take_back(whose)
        return str(row.id)

    async def as_person(self, person_id: str, place: SignInPlace, *, factor_too: bool, how: How = How.OWN) -> SignedIn:
        """Begin a session of somebody whose password, or link, was right. Raises :class:`Problem`."""
        row, theirs = await self.storage.read(_person, person_id)
        if row is None or row.disabled_at is not None or not (row.is_operator or theirs):
            message = _("You are a member of no publisher any more. Ask whoever invited you.")
            raise Problem(ProblemType.FORBIDDEN, message)
        publisher = None if row.is_operator else theirs[0].publisher_id
        role = Role.OPERATOR if row.is_operator else theirs[0].role
        caller = Caller("", role, publisher, person_id)
        if row.factor_at is not None and factor_too:
            return SignedIn(await self._sessions.begin(caller, place, pending=True))
        return SignedIn(await self._sessions.begin(caller, place, how=how), self._devices.issue(row.email))

    async def with_code(self, pending: OpenSession, code: str, place: SignInPlace) -> SignedIn:
        """The second factor came. Raises :class:`Problem` for a wrong code, and for too many of those."""
        person_id = pending.caller.person_id or ""
        waits = await self._by_code.count(person_id)
        if waits:
            raise too_many(waits)
        if not await self._factor.fits(person_id, code):
            self.audit.later(
                "anyone", "signIn.refused", "secondFactor", f"as person:{person_id}", caused_by=f"code:{person_id}"
            )
            raise Problem(ProblemType.UNAUTHORIZED, _("This code is wrong, or was used before."))
        await self._by_code.take_back(person_id)
        await self._sessions.drop_pending(pending.id)
        return await self.as_person(person_id, place, factor_too=False)

    async def require_guess(self, caller: Caller) -> None:
        """Count a try at the own password by somebody who is signed in. Raises :class:`Problem` for too many."""
        waits = await self._by_device.count(f"person:{caller.person_id}")
        if waits:
            raise too_many(waits)

    def _wrong(self, place: SignInPlace, person_id: str | None) -> Problem:
        claimed = f", as person:{person_id}" if person_id else ""
        detail = f"from {place.address or 'an unknown address'}{claimed}"
        self.audit.later("anyone", "signIn.refused", "portal", detail, caused_by=f"address:{place.address}")
        return Problem(ProblemType.UNAUTHORIZED, _("The e-mail address or the password is wrong."))


def too_many(waits: int) -> Problem:
    """Somebody guesses; ``waits`` in ms."""
    seconds = -(-waits // 1_000)
    message = _("Too many tries. Wait %(seconds)s s, or ask for a new password.", seconds=seconds)
    return Problem(ProblemType.TOO_MANY_REQUESTS, message, retry_after=seconds)


def _key_of(email: str) -> str:
    try:
        return parse_address(email).key
    except ValueError:
        return email.strip().lower()[:320]


def _person(conn: sa.Connection, person_id: str) -> tuple[sa.Row[Any] | None, Any]:
    row = conn.execute(sa.select(t.person).where(t.person.c.id == person_id)).first()
    return row, memberships(conn, person_id)
