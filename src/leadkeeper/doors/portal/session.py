"""Who is signed in to the portal: a session's token in a cookie, and a token against forged forms."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.access.people.sign_in import SignedIn
from leadkeeper.access.permissions import ROLE_NAMES, Caller, Permission
from leadkeeper.access.sessions import How, NewSession, OpenSession, SignInPlace
from leadkeeper.access.sign_ins import SignIns
from leadkeeper.doors.client_address import ClientAddresses
from leadkeeper.doors.cookies import cookie
from leadkeeper.offer import title_or_name

COOKIE: Final = "leadkeeper_portal"
FRAME_COOKIE: Final = "leadkeeper_frame"
DEVICE_COOKIE: Final = "leadkeeper_browser"
_YEAR: Final = 31_536_000


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in member of a publisher, or an operator. ``form_token`` stands in every form of theirs."""

    open: OpenSession
    form_token: str

    @property
    def caller(self) -> Caller:
        """Who it is, in which role."""
        return self.open.caller

    @property
    def is_person(self) -> bool:
        """Whether a person signed in, and not a key."""
        return self.caller.person_id is not None

    @property
    def in_frame(self) -> bool:
        """Whether its pages stand in a page of another site."""
        return self.open.how is How.FRAME

    @property
    def may_change(self) -> bool:
        """Whether pages show what changes something."""
        return self.caller.may(Permission.CHANGE, self.caller.publisher_id)

    @property
    def may_invite(self) -> bool:
        """Whether pages show what changes who is a member."""
        return self.caller.may(Permission.INVITE, self.caller.publisher_id)

    @property
    def publisher(self) -> str:
        """What people call the publisher whose pages these are; empty for an operator's own."""
        return title_or_name(self.open.publisher_name, self.caller.publisher_id or "")

    @property
    def role_name(self) -> str:
        """What they are, as people read it."""
        return ROLE_NAMES[self.caller.role]


class Door:
    """Lets members in, and knows them again. ``secure``: cookies only over https."""

    def __init__(self, sign_ins: SignIns, addresses: ClientAddresses, *, secure: bool) -> None:
        self._sign_ins = sign_ins
        self._sessions = sign_ins.sessions
        self._addresses = addresses
        self._secure = secure

    async def session(self, request: Request, *, acts: bool = True) -> Session | None:
        """Whoever is signed in; ``None`` when nobody is, the time is over, or their key or role was taken away.

        ``acts`` is whether this counts as an act of theirs.
        """
        for name in _cookies(request):
            token = cookie(request.scope, name)
            found = None if token is None else await self._sessions.find(token, acts=acts)
            if token is not None and found is not None and (found.how is How.FRAME) == (name == FRAME_COOKIE):
                return Session(found, _form_token(token))
        return None

    def is_framed(self, request: Request) -> bool:
        """Whether the page is asked for by a frame, as far as the browser says."""
        return request.headers.get("sec-fetch-dest") in _FRAMES

    async def pending(self, request: Request) -> OpenSession | None:
        """Whoever gave the right password, and not the second factor yet."""
        token = cookie(request.scope, COOKIE)
        return None if token is None else await self._sessions.find(token, pending=True)

    def place_of(self, request: Request) -> SignInPlace:
        """Where they are."""
        return SignInPlace(self._addresses.of(request.scope), request.headers.get("user-agent", ""))

    def device_of(self, request: Request) -> str | None:
        """What this browser kept when somebody signed in with it."""
        return cookie(request.scope, DEVICE_COOKIE)

    async def sign_in_with_key(self, key: str, request: Request, response: Response) -> None:
        """Sign in with a key. Raises :class:`Problem` for one that is unknown, revoked, or may only hand in leads."""
        self._let_in(await self._sign_ins.to_portal(key, self.place_of(request)), response)

    def let_in(self, signed_in: SignedIn, response: Response) -> None:
        """A person's session began: the browser keeps it, and what it is known by."""
        self._let_in(signed_in.session, response)
        if signed_in.device:
            self.keep(response, DEVICE_COOKIE, signed_in.device, _YEAR)

    def let_into_frame(self, begun: NewSession, response: Response) -> None:
        """A session in another site's page began.

        Its cookie goes to a frame although the page around it is another site's (``SameSite=None``, which browsers
        take with ``Secure`` alone), and only to frames below the site in which it was set (``Partitioned``): no other
        site that frames us finds it, nor does a tab of its own. Browsers without partitions have the first part.
        """
        seconds = self._sessions.lasts_ms // 1_000
        kept = f"{FRAME_COOKIE}={begun.token}; Max-Age={seconds}; Path=/portal; HttpOnly"
        response.headers.append("Set-Cookie", f"{kept}; Secure; SameSite=None; Partitioned")

    def _let_in(self, begun: NewSession, response: Response) -> None:
        self.keep(response, COOKIE, begun.token, self._sessions.lasts_ms // 1_000)

    def keep(self, response: Response, name: str, value: str, seconds: int, *, path: str = "/portal") -> None:
        """The browser keeps this for so long, for our pages below ``path`` alone."""
        response.set_cookie(name, value, max_age=seconds, path=path, secure=self._secure, httponly=True, samesite="lax")

    def forget(self, response: Response, name: str, *, path: str = "/portal") -> None:
        """The browser keeps it no more."""
        response.delete_cookie(name, path=path, secure=self._secure, httponly=True, samesite="lax")

    async def sign_out(self, request: Request, response: Response) -> None:
        """End the session, here and for whoever else holds its cookie."""
        await self._sessions.end(cookie(request.scope, COOKIE) or "")
        self.forget(response, COOKIE)


_FRAMES: Final = ("iframe", "frame", "embed", "object")


def _cookies(request: Request) -> tuple[str, ...]:
    """Whose cookie counts, in this order: a tab's page is never a frame's, and a frame's never a tab's.

    What pages ask for by themselves does not say where they stand: there the session in a frame, which may do less,
    comes first.
    """
    dest = request.headers.get("sec-fetch-dest")
    if dest == "document":
        return (COOKIE,)
    return (FRAME_COOKIE,) if dest in _FRAMES else (FRAME_COOKIE, COOKIE)


def _form_token(token: str) -> str:
    """Only a page of ours knows it: it is made from the cookie, which no other site can read."""
    return hashlib.sha256(b"portal form " + token.encode()).hexdigest()


def is_own_form(session: Session, sent: str) -> bool:
    """Whether a form came from a page of ours."""
    return hmac.compare_digest(session.form_token.encode(), sent.encode())
