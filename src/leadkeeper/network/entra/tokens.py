"""Tokens of Microsoft Entra ID, shared by all adapters of one network. Source: ``docs/reference/vendors/entra.md``.

An application signs in with its secret, or a user with a password (without a second factor). A token is kept as long as
it is good; however many sends wait for one, one request at a time is on its way for each credential.
"""

from __future__ import annotations

import asyncio
import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import urlencode
from weakref import WeakKeyDictionary

from leadkeeper.catalogue import diagnose
from leadkeeper.diagnosis import Diagnosis, Evidence, Kind, Outcome
from leadkeeper.network import rest
from leadkeeper.network.answer import Private
from leadkeeper.network.client import NETWORK_ERRORS, Network, diagnose_network
from leadkeeper.network.entra.diagnoses import EntraKind
from leadkeeper.network.entra.errors import WHERE, SignInWay, diagnose_refusal
from leadkeeper.network.entra.system import SystemKinds
from leadkeeper.network.rest import read_json, request, unsent
from leadkeeper.network.trouble import about_fixed_host
from leadkeeper.texts import join_lazily

AUTHORITY: Final = "https://login.microsoftonline.com"
"""Where tokens are to be had, outside the sovereign clouds."""

EARLY_SECONDS: Final = 300.0
"""How long before a token expires the next is asked for (half its life where it is shorter)."""

REFUSED_SECONDS: Final = 30.0
"""How long a refusal is believed without asking again: a credential that is wrong is wrong for all who wait."""

LOCKED_SECONDS: Final = 900.0
"""The same for a locked account, even for a check: each try prolongs the lock."""

FAILED_SECONDS: Final = 1.0
"""The same for a sign-in service that failed on its own side."""

_UNSAID_SECONDS: Final = 300.0
_KEPT: Final = 2_000
_HEADERS: Final = {
    "content-type": "application/x-www-form-urlencoded",
    "accept": "application/json",
}
_TOKEN: Final = re.compile(r"[\x21-\x7e]{1,32768}")


@dataclass(frozen=True, slots=True)
class Credential:
    """Who asks for a token, and for what: equal credentials share their token.

    ``secret`` is an application's, ``password`` a user's (then ``tenant`` may be ``organizations``, and ``secret`` is
    left out for a public application; ``own_client`` says whether the publisher named that). ``resource`` is the
    origin of the system that is signed in to, ``system`` what that calls the causes that concern it.
    """

    tenant: str
    client: str
    resource: str
    system: SystemKinds
    secret: str = field(default="", repr=False)
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    authority: str = AUTHORITY
    own_client: bool = True

    @property
    def way(self) -> SignInWay:
        """Who signs in, and under whose application."""
        if not self.username:
            return SignInWay.APPLICATION
        return SignInWay.USER if self.own_client else SignInWay.USER_OF_MICROSOFTS

    @property
    def private(self) -> tuple[str, ...]:
        """What must not be shown of it."""
        return tuple(text for text in (self.secret, self.username, self.password) if text)

    @property
    def form(self) -> dict[str, str]:
        """The request for a token."""
        form = {"client_id": self.client, "scope": f"{self.resource}/.default"}
        if self.secret:
            form["client_secret"] = self.secret
        if not self.username:
            return form | {"grant_type": "client_credentials"}
        return form | {"grant_type": "password", "username": self.username, "password": self.password}


@dataclass(frozen=True, slots=True)
class BearerToken:
    """A bearer token and how many seconds it is good for."""

    text: str = field(repr=False)
    seconds: float


@dataclass(slots=True)
class _Line:
    """What is known of one credential: ``asked`` counts requests, ``summary`` is what came of the last.

    ``refused`` is believed until ``refused_until``.
    """

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    asked: int = 0
    summary: str | Diagnosis = ""
    token: str | None = None
    renew_at: float = 0.0
    expires_at: float = 0.0
    refused: Diagnosis | None = None
    refused_until: float = 0.0


_LINES: Final[WeakKeyDictionary[Network, dict[Credential, _Line]]] = WeakKeyDictionary()
"""The tokens of each network, for as long as it lives."""


class EntraTokens:
    """Gives tokens for credentials, over ``network``. Instances of one network share what they know.

    ``clock`` counts seconds from anywhere; ``now`` those since 1970 (for a ``Retry-After`` that is a date).
    """

    def __init__(
        self,
        network: Network,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._network = network
        self._clock = clock
        self._now = now
        self._lines = _LINES.setdefault(network, {})

    async def get(
        self, credential: Credential, *, instead_of: str | None = None, anew: bool = False
    ) -> str | Diagnosis:
        """A token that is good for some minutes, or why there is none; then nothing was sent to the resource.

        ``instead_of`` is a token that the resource refused: another is asked for, once for all who say so. ``anew``
        proves the credential: it asks although a token is still good or a refusal still believed (but never for a
        locked account).
        """
        line = self._line(credential)
        if (known := self._known(line, instead_of, anew)) is not None:
            return known
        seen = line.asked
        async with line.lock:
            if line.asked != seen and anew:
                return line.summary
            if (known := self._known(line, instead_of, anew)) is not None:
                return known
            return await self._renew(line, credential, instead_of, anew)

    def _line(self, credential: Credential) -> _Line:
        line = self._lines.get(credential)
        if line is None:
            if len(self._lines) >= _KEPT:
                self._forget()
            line = self._lines[credential] = _Line()
        return line

    def _forget(self) -> None:
        """Let go of credentials that nobody is asking for and whose token is over."""
        moment = self._clock()
        for credential, line in tuple(self._lines.items()):
            if not line.lock.locked() and moment >= line.expires_at and moment >= line.refused_until:
                del self._lines[credential]

    def _known(self, line: _Line, instead_of: str | None, anew: bool) -> str | Diagnosis | None:
        moment = self._clock()
        refused = line.refused if moment < line.refused_until else None
        if anew:
            return refused if refused is not None and refused.kind is EntraKind.ACCOUNT_LOCKED else None
        until = line.renew_at if refused is None else line.expires_at
        if line.token is not None and line.token != instead_of and moment < until:
            return line.token
        return refused

    async def _renew(self, line: _Line, credential: Credential, instead_of: str | None, anew: bool) -> str | Diagnosis:
        asked = self._clock()
        found = await self._ask(credential)
        line.asked += 1
        if isinstance(found, BearerToken):
            line.token, line.refused = found.text, None
            line.expires_at = asked + found.seconds
            line.renew_at = asked + max(found.seconds - EARLY_SECONDS, found.seconds / 2)
            line.summary = found.text
            return found.text
        line.refused, line.refused_until = found, self._clock() + _believed(found)
        line.summary = found
        return found if anew else self._known(line, instead_of, anew) or found

    async def _ask(self, credential: Credential) -> BearerToken | Diagnosis:
        url = f"{credential.authority}/{credential.tenant}/oauth2/v2.0/token"
        body = urlencode(credential.form).encode()
        try:
            answered = await request(self._network, "POST", url, headers=_HEADERS, data=body)
        except NETWORK_ERRORS as error:
            return _unreached(diagnose_network(error), credential.authority)
        if answered.status != 200:
            private = Private(None, credential.private)
            return diagnose_refusal(answered, credential.way, credential.system, private, self._now())
        if answered.fault is not None:
            return _unreached(diagnose_network(answered.fault), credential.authority)
        token = read_token(read_json(answered))
        return token or diagnose(Kind.ANSWER_NOT_UNDERSTOOD, Evidence(status=200, text=WHERE))


class CredentialToken:
    """One credential's tokens, for a :class:`~leadkeeper.network.rest.RestClient`."""

    def __init__(self, tokens: EntraTokens, credential: Credential) -> None:
        self._tokens = tokens
        self._credential = credential

    async def get(self, instead_of: rest.Token | None = None) -> rest.Token | Diagnosis:
        """A token that may be good; see :class:`~leadkeeper.network.rest.TokenGiver`."""
        refused = None if instead_of is None else instead_of.text
        found = await self._tokens.get(self._credential, instead_of=refused)
        return found if isinstance(found, Diagnosis) else rest.Token(found)

    async def prove(self) -> Diagnosis | None:
        """Why there is no token, asked anew; ``None`` when there is."""
        found = await self._tokens.get(self._credential, anew=True)
        return found if isinstance(found, Diagnosis) else None

    async def aclose(self) -> None:
        """Nothing: tokens are shared, and so are the requests for them."""


def read_token(content: Any) -> BearerToken | None:
    """The token in the sign-in service's answer, or ``None`` when it is not such an answer."""
    if not isinstance(content, dict):
        return None
    text = content.get("access_token")
    if not isinstance(text, str) or not _TOKEN.fullmatch(text):
        return None
    try:
        seconds = float(content.get("expires_in", _UNSAID_SECONDS))
    except (TypeError, ValueError):
        return None
    return BearerToken(text, min(max(seconds, 0.0), 86_400.0)) if math.isfinite(seconds) else None


def _believed(refusal: Diagnosis) -> float:
    """For how many seconds nobody need ask again."""
    if refusal.kind is EntraKind.ACCOUNT_LOCKED:
        return LOCKED_SECONDS
    if refusal.outcome is Outcome.BROKEN:
        return REFUSED_SECONDS
    return min(refusal.retry_after or FAILED_SECONDS, LOCKED_SECONDS)


def _unreached(diagnosis: Diagnosis, authority: str) -> Diagnosis:
    """What keeps us from the sign-in service: no lead was sent, and no setting of the publisher's names its host."""
    diagnosis = about_fixed_host(diagnosis, authority.removeprefix("https://"))
    text = diagnosis.evidence.text
    evidence = replace(diagnosis.evidence, text=join_lazily((WHERE, text)) if text else WHERE)
    return replace(unsent(diagnosis), evidence=evidence)
