"""Who is signed in to the portal: a session's token in a cookie, and a token against forged forms."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.access.keys import Caller
from leadkeeper.access.sign_ins import SignIns
from leadkeeper.doors.cookies import cookie

COOKIE: Final = "leadkeeper_portal"


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in member of a publisher, or an operator. ``form_token`` stands in every form of theirs."""

    caller: Caller
    form_token: str


class Door:
    """Lets members in with their key, and knows them again. ``secure``: cookies only over https."""

    def __init__(self, sign_ins: SignIns, *, secure: bool) -> None:
        self._sign_ins = sign_ins
        self._sessions = sign_ins.sessions
        self._secure = secure

    async def session(self, request: Request, *, acts: bool = True) -> Session | None:
        """Whoever is signed in; ``None`` when nobody is, the time is over, or the key was revoked.

        ``acts``: whether this counts as an act of theirs.
        """
        token = cookie(request.scope, COOKIE)
        caller = None if token is None else await self._sessions.caller(token, acts=acts)
        return None if token is None or caller is None else Session(caller, _form_token(token))

    async def sign_in(self, key: str, address: str, response: Response) -> None:
        """Sign in with a key. Raises :class:`Problem` for one that is unknown, revoked, or may only hand in leads."""
        begun = await self._sign_ins.to_portal(key, address)
        response.set_cookie(
            COOKIE,
            begun.token,
            max_age=self._sessions.lasts_ms // 1_000,
            path="/portal",
            secure=self._secure,
            httponly=True,
            samesite="lax",
        )

    async def sign_out(self, request: Request, response: Response) -> None:
        """End the session, here and for whoever else holds its cookie."""
        await self._sessions.end(cookie(request.scope, COOKIE) or "")
        response.delete_cookie(COOKIE, path="/portal", secure=self._secure, httponly=True, samesite="lax")


def _form_token(token: str) -> str:
    """Only a page of ours knows it: it is made from the cookie, which no other site can read."""
    return hashlib.sha256(b"portal form " + token.encode()).hexdigest()


def is_own_form(session: Session, sent: str) -> bool:
    """Whether a form came from a page of ours."""
    return hmac.compare_digest(session.form_token.encode(), sent.encode())
