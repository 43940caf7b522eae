"""The authorised REST client that destinations share, and what it is made of.

A destination says once how its system speaks (:class:`Dialect`) and where its tokens come from (:class:`TokenGiver`);
then each request is one :meth:`RestClient.call`::

    dialect = Dialect(read=read_words, known=CODES, request_ids=("x-request-id",), host_missing=Kind.DOMAIN_NOT_FOUND)
    client = RestClient(network, "https://api.example.com", FixedToken(key), dialect, secrets=(key,))
    reply = await client.call("POST", "/v1/contacts", {"email": lead.customer.email})
    if isinstance(reply, Diagnosis):        # nothing answered, or there was no token
        return reply
    if reply.status != 201:
        return diagnose(CODES.get(reply.code or "", Kind.LEAD_REFUSED), client.evidence(reply, client.private(lead)))

A token is :class:`FixedToken` (a key that never changes), :class:`SignIn` (asked for by the destination's own function)
or ``entra.tokens.CredentialToken``. The client renews it once where the answer says that it is no longer good, and
sends once more what met a connection that was closed while idle: send only what may be repeated.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Generic, NamedTuple, Protocol, TypeVar

from aiohttp import ServerDisconnectedError

from leadkeeper.diagnosis import AnyKind, Diagnosis, Evidence, Outcome
from leadkeeper.lead import OutgoingLead
from leadkeeper.network.answer import Private, RemoteMessage, read_error
from leadkeeper.network.client import NETWORK_ERRORS, Answered, Network, diagnose_network
from leadkeeper.network.trouble import about_chosen_host, about_fixed_host

DESCRIPTION_LIMIT: Final = 4_194_304
"""The most bytes of a system's description of its fields: far more than any other answer may have."""

LONGEST_QUERY: Final = 16_000
"""The most characters of an address that we make: what is asked for stands in its query."""

T = TypeVar("T")

_EARLY: Final = 60.0
_EARLY_SHARE: Final = 0.5


async def request(
    network: Network,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    data: bytes | None = None,
    limit: int | None = None,
) -> Answered:
    """One request that may be repeated, and its answer; at most ``limit`` bytes of it (usually the network's limit).

    A connection that closes without a word may have been an idle one that the server gave up: then it is tried once
    more. Raises one of ``NETWORK_ERRORS`` when no status came; trouble with the body is ``Answered.fault``.
    """
    target = network.check_url(url, LONGEST_QUERY)
    try:
        return await network.request(method, target, data=data, headers=headers, limit=limit)
    except ServerDisconnectedError:
        return await network.request(method, target, data=data, headers=headers, limit=limit)


def read_json(answered: Answered) -> Any:
    """The answer's JSON, or ``None`` when it has none that can be read whole."""
    if answered.fault is not None:
        return None
    try:
        return json.loads(answered.body)
    except (ValueError, RecursionError):
        return None


def unsent(diagnosis: Diagnosis) -> Diagnosis:
    """The same where no lead was sent yet: none can have arrived."""
    return replace(diagnosis, outcome=Outcome.FAILED) if diagnosis.outcome is Outcome.AMBIGUOUS else diagnosis


@dataclass(frozen=True, slots=True)
class Token:
    """An access token; printing does not show it."""

    text: str = field(repr=False)


class Fresh(NamedTuple, Generic[T]):
    """What was just asked for, and for how many seconds it is good; ``None`` when only the system knows."""

    value: T
    seconds: float | None = None


class Kept(Generic[T]):
    """Something that a system gives for a while, such as a token. However many want it, one request is on its way.

    ``fetch`` asks the system; its diagnosis goes to all who waited, and the next who wants it tries again.
    """

    def __init__(
        self, fetch: Callable[[], Awaitable[Fresh[T] | Diagnosis]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._value: T | None = None
        self._last: T | None = None
        self._until = 0.0
        self._fetching: asyncio.Task[T | Diagnosis] | None = None

    @property
    def last(self) -> T | None:
        """What was given last, though it may be rejected or out of date by now."""
        return self._last

    async def get(self) -> T | Diagnosis:
        """One that is good for a minute at least (half its life where it is short), or why there is none."""
        if self._value is not None and self._clock() < self._until:
            return self._value
        if self._fetching is None or self._fetching.done():
            self._fetching = asyncio.create_task(self._renew(), name="fetch")
        return await asyncio.shield(self._fetching)

    def reject(self, value: T) -> None:
        """``value`` is not good any more: the next who wants one gets another."""
        if self._value is value:
            self._value = None

    def forget(self) -> None:
        """Ask anew, whatever is kept."""
        self._value = None

    async def aclose(self) -> None:
        """Give up a request that is on its way."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.gather(self._fetching, return_exceptions=True)

    async def _renew(self) -> T | Diagnosis:
        asked = self._clock()
        found = await self._fetch()
        if isinstance(found, Diagnosis):
            return found
        life = float("inf") if found.seconds is None else found.seconds
        self._value = self._last = found.value
        self._until = asked + max(life - _EARLY, life * _EARLY_SHARE)
        return found.value


class TokenGiver(Protocol):
    """Where a client's tokens come from."""

    async def get(self, instead_of: Token | None = None) -> Token | Diagnosis:
        """A token that may be good, or why there is none; then nothing was sent to the system.

        ``instead_of`` is one that the system refused. Who has no other gives the same again.
        """
        ...

    async def aclose(self) -> None:
        """Give up a request for a token."""
        ...


class FixedToken:
    """A token that the publisher was given and that nothing renews, such as a private app's."""

    def __init__(self, text: str) -> None:
        self._token = Token(text)

    async def get(self, instead_of: Token | None = None) -> Token | Diagnosis:
        """The token, good or not."""
        return self._token

    async def aclose(self) -> None:
        """Nothing is on its way."""


class SignIn:
    """Tokens that ``fetch`` asks the system for, kept as long as they are good; see :class:`Kept`."""

    def __init__(
        self, fetch: Callable[[], Awaitable[Fresh[Token] | Diagnosis]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._kept = Kept(fetch, clock)

    async def get(self, instead_of: Token | None = None) -> Token | Diagnosis:
        """A token that may be good; see :class:`TokenGiver`."""
        if instead_of is not None:
            self._kept.reject(instead_of)
        return await self._kept.get()

    async def aclose(self) -> None:
        """Give up a request for a token."""
        await self._kept.aclose()


NO_ERROR: Final = RemoteMessage(None, "")


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that was read: its JSON (``None`` without any), and what it says if it is an error."""

    answered: Answered
    content: Any = None
    error: RemoteMessage = NO_ERROR

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.answered.status

    @property
    def code(self) -> str | None:
        """The system's own code of the error; not masked."""
        return self.error.code


def read_words(answered: Answered, content: Any) -> RemoteMessage:
    """What an answer says that is no success, in the usual fields of errors."""
    if answered.status // 100 == 2:
        return NO_ERROR
    return read_error(answered.headers.get("content-type", ""), answered.body)


def token_refused(reply: Reply) -> bool:
    """Whether another token may do: the usual answer to one that is no longer good."""
    return reply.status == 401


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How one system speaks.

    ``read`` finds an answer's error code and words; ``token_over`` says which answers mean that the token is no longer
    good. Codes in ``known`` are shown as they are, others only if they hold nothing private; ``request_ids`` are the
    headers that may name the request. ``headers`` go with each request.

    ``host_missing`` is what it means that the host's name does not exist where each customer has a host: a wrong
    setting. Where the host is the same for all, ``fixed_host`` is its name, and the operator acts.
    """

    read: Callable[[Answered, Any], RemoteMessage] = read_words
    token_over: Callable[[Reply], bool] = token_refused
    known: Container[str] = ()
    request_ids: tuple[str, ...] = ()
    host_missing: AnyKind | None = None
    fixed_host: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def about_host(self, diagnosis: Diagnosis) -> Diagnosis:
        """The same; of a host that is not found, what that means here."""
        if self.fixed_host is not None:
            return about_fixed_host(diagnosis, self.fixed_host)
        return diagnosis if self.host_missing is None else about_chosen_host(diagnosis, self.host_missing)

    def evidence(self, reply: Reply, private: Private | None) -> Evidence:
        """Status, code, request id and masked words of ``reply``.

        ``private`` is ``None`` where the request was about several leads: then no words are shown.
        """
        code, text = reply.error
        if private is None:
            return Evidence(reply.status, code if code in self.known else None)
        ids = (private.shown(reply.answered.headers.get(name)) for name in self.request_ids)
        return Evidence(
            status=reply.status,
            code=code if code in self.known else private.shown(code),
            request_id=next((shown for shown in ids if shown is not None), None),
            text=private.mask(text) or None,
        )


class RestClient:
    """The way to one system's REST interface at ``base``, with one connection's tokens. See the module's beginning.

    ``secrets`` are what no evidence may show besides tokens and leads. ``before`` is waited for before each request,
    for whoever keeps a pace; what it raises goes through.
    """

    def __init__(
        self,
        network: Network,
        base: str,
        tokens: TokenGiver,
        dialect: Dialect,
        *,
        secrets: Iterable[str] = (),
        before: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self.network = network
        self.dialect = dialect
        self._base = base
        self._tokens = tokens
        self._secrets = tuple(secrets)
        self._before = before
        self._last = Token("")

    async def call(
        self,
        method: str,
        path: str,
        content: Mapping[str, Any] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        limit: int | None = None,
    ) -> Reply | Diagnosis:
        """One request that may be repeated, with ``content`` as JSON; its answer, or why there is none.

        ``path`` is what follows ``base``; ``limit`` the most bytes of the answer, usually the network's. A token that
        is no longer good is renewed, once. Never raises for what the other side does.
        """
        token = await self.token()
        if isinstance(token, Diagnosis):
            return token
        reply = await self._once(method, path, token, content, headers, limit)
        if isinstance(reply, Diagnosis) or not self.dialect.token_over(reply):
            return reply
        renewed = await self.token(instead_of=token)
        if renewed is token:
            return reply
        if isinstance(renewed, Diagnosis):
            return renewed
        return await self._once(method, path, renewed, content, headers, limit)

    async def token(self, instead_of: Token | None = None) -> Token | Diagnosis:
        """A token that may be good, or why there is none; then nothing was sent."""
        token = await self._tokens.get(instead_of)
        if isinstance(token, Token):
            self._last = token
        return token

    def private(self, lead: OutgoingLead | None = None) -> Private:
        """What no evidence may show: ``lead``, the secrets, the token in use."""
        return Private(lead, (*self._secrets, self._last.text))

    def evidence(self, reply: Reply, private: Private | None) -> Evidence:
        """What may be shown of ``reply``; see :meth:`Dialect.evidence`."""
        return self.dialect.evidence(reply, private)

    async def aclose(self) -> None:
        """Give up a request for a token."""
        await self._tokens.aclose()

    async def _once(
        self,
        method: str,
        path: str,
        token: Token,
        content: Mapping[str, Any] | None,
        headers: Mapping[str, str] | None,
        limit: int | None,
    ) -> Reply | Diagnosis:
        sent = {
            "accept": "application/json",
            "authorization": f"Bearer {token.text}",
            **self.dialect.headers,
            **(headers or {}),
        }
        data = None
        if content is not None:
            sent["content-type"] = "application/json; charset=utf-8"
            data = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        if self._before is not None:
            await self._before()
        try:
            answered = await request(self.network, method, self._base + path, headers=sent, data=data, limit=limit)
        except NETWORK_ERRORS as error:
            return self.dialect.about_host(diagnose_network(error))
        found = read_json(answered)
        return Reply(answered, found, self.dialect.read(answered, found))
