"""What destinations with a token-guarded REST interface share: a request by any method, and a token asked for once."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Generic, NamedTuple, TypeVar

from aiohttp import ServerDisconnectedError
from yarl import URL

from leadkeeper.diagnosis import Diagnosis, Outcome
from leadkeeper.network.client import NETWORK_ERRORS, Answered, Network, read_capped

DESCRIPTION_LIMIT: Final = 4_194_304
"""The most bytes of a system's description of its fields: far more than any other answer may have."""

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
    target = network.check_url(url)
    try:
        return await _once(network, method, target, headers, data, limit)
    except ServerDisconnectedError:
        return await _once(network, method, target, headers, data, limit)


async def _once(
    network: Network, method: str, url: URL, headers: Mapping[str, str], data: bytes | None, limit: int | None
) -> Answered:
    if method == "POST" and data is not None and limit is None:
        return await network.post(url, data=data, headers=headers)
    async with network.session.request(
        method, url, data=data, headers=headers, allow_redirects=False, timeout=network.time_for_one()
    ) as response:
        body = bytearray()
        fault: Exception | None = None
        try:
            await read_capped(response.content, limit or network.policy.answer_limit, body)
        except NETWORK_ERRORS as error:
            fault = error
            response.close()
        return Answered(response.status, response.headers, bytes(body), fault)


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
