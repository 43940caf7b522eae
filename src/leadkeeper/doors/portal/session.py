"""Who is signed in to the portal: an access token in a cookie, and a token against forged forms."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.access.keys import Caller, Keys, Role
from leadkeeper.doors.cookies import cookie

COOKIE: Final = "leadkeeper_portal"
SECONDS: Final = 8 * 3600
"""How long one stays signed in."""


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in member of a publisher, or an operator. ``form_token`` stands in every form of theirs."""

    caller: Caller
    form_token: str


class Door:
    """Lets members in with their key, and knows them again. ``secure``: cookies only over https."""

    def __init__(self, keys: Keys, *, secure: bool) -> None:
        self._keys = keys
        self._secure = secure

    async def session(self, request: Request) -> Session | None:
        """Whoever is signed in; ``None`` when nobody is, the time is over, or the key was revoked."""
        token = cookie(request.scope, COOKIE)
        caller = None if token is None else await self._keys.caller(token)
        if token is None or caller is None or caller.role is Role.MARKETPLACE:
            return None
        return Session(caller, _form_token(token))

    async def sign_in(self, key: str, response: Response) -> bool:
        """Sign in with a key; false for one that is unknown, revoked, or may only hand in leads."""
        caller = await self._keys.caller(key)
        if caller is None or caller.role is Role.MARKETPLACE:
            return False
        token = await self._keys.access_token(caller.key_id, key, SECONDS)
        if token is None:
            return False
        response.set_cookie(
            COOKIE, token, max_age=SECONDS, path="/portal", secure=self._secure, httponly=True, samesite="lax"
        )
        return True

    def sign_out(self, response: Response) -> None:
        """Forget who is signed in here."""
        response.delete_cookie(COOKIE, path="/portal", secure=self._secure, httponly=True, samesite="lax")


def _form_token(token: str) -> str:
    """Only a page of ours knows it: it is made from the cookie, which no other site can read."""
    return hashlib.sha256(b"portal form " + token.encode()).hexdigest()


def is_own_form(session: Session, sent: str) -> bool:
    """Whether a form came from a page of ours."""
    return hmac.compare_digest(session.form_token.encode(), sent.encode())
