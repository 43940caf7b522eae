"""Every way to sign in with a key: right ones are let in, wrong ones are counted and stand in the audit.

A right key is always let in, however many wrong ones were tried by its id or from its address: nobody can lock another
out. A key is 256 random bits, so a limit has no guess to prevent; it bounds what wrong keys cost and write.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from limits import parse

from leadkeeper.access.audit import Audit
from leadkeeper.access.keys import Keys, hashed
from leadkeeper.access.sessions import NewSession, Sessions, SignInPlace
from leadkeeper.access.tries import Tries
from leadkeeper.clock import Clock, now_ms
from leadkeeper.problem import Problem, ProblemType
from leadkeeper.texts import lazy_gettext

LIMIT: Final = "10/minute"
_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class SignIns:
    """The ways in of one process. ``limit`` is how many wrong keys one address, and one person, may send: 10/minute.

    Of these each of the processes that answer (so many says ``doors``) lets pass its part.
    """

    def __init__(
        self,
        keys: Keys,
        sessions: Sessions,
        audit: Audit,
        *,
        limit: str = LIMIT,
        clock: Clock = now_ms,
        doors: Callable[[], int] = lambda: 1,
    ) -> None:
        rate = parse(limit)
        self.keys = keys
        self.sessions = sessions
        self.audit = audit
        self._clock = clock
        self._doors = doors
        self._by_address = Tries(rate.amount, rate.get_expiry() * 1_000)
        self._by_person = Tries(rate.amount, rate.get_expiry() * 1_000)

    def wrong_key(self, door: str, address: str, person: str = "") -> Problem:
        """Count a wrong key that came to ``door`` from ``address``, as ``person``; the problem to answer with."""
        now, doors = self._clock(), self._doors()
        waits = self._by_address.count(address, now, doors)
        if person:
            waits = max(waits, self._by_person.count(person, now, doors))
        if not waits:
            # Only an id is told: who mistakes one field for another sends a secret as their name.
            claimed = f", as {person}" if _ID.fullmatch(person) else ""
            detail = f"from {address or 'an unknown address'}{claimed}"
            self.audit.later("anyone", "signIn.refused", door, detail, caused_by=f"address:{address}")
            return Problem(ProblemType.UNAUTHORIZED, lazy_gettext("This key is unknown or revoked."))
        seconds = -(-waits // 1_000)
        too_many = lazy_gettext("Too many wrong keys. Send the right one, or wait %(seconds)s s.", seconds=seconds)
        return Problem(ProblemType.TOO_MANY_REQUESTS, too_many, retry_after=seconds)

    async def to_portal(self, key: str, place: SignInPlace) -> NewSession:
        """Begin a session. Raises :class:`Problem` for a key that is unknown, revoked, or may only hand in leads."""
        caller = await self.keys.caller(key)
        if caller is None or not caller.may_read or not self.keys.is_key(key):
            # The same wrong key, again and again from many places, is one person with an old key.
            raise self.wrong_key("portal", place.address, f"key#{hashed(key)[:12]}")
        return await self.sessions.begin(caller, place)

    async def to_token(self, client_id: str, secret: str, seconds: int, address: str) -> str:
        """An access token for a key. Raises :class:`Problem` for a wrong pair."""
        token = await self.keys.access_token(client_id, secret, seconds)
        if token is None:
            raise self.wrong_key("token", address, client_id[:64])
        caller = await self.keys.caller(secret)
        whose = None if caller is None else caller.publisher_id
        detail = f"for {seconds} s, from {address}"
        await self.audit.record(f"key:{client_id}", "token.grant", client_id, detail, publisher_id=whose)
        return token
