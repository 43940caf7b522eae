"""What can go wrong between a service and its caller, for every stand-in alike: before the work is done, or after it.

A mishap is told of the exchange and of the ``work`` that the stand-in would do. It may answer instead of the stand-in,
let it work and lose the answer, or only take its time. In-process tests hand mishaps to ``Sandbox.fail``; over the
control API they are named by ``kind`` (:func:`from_json`).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Final, TypeVar

from leadkeeper.sandbox import faults
from leadkeeper.sandbox.faults import Exchange, Fault
from leadkeeper.sandbox.stand_in import Answer, Request

Work = Callable[[], Awaitable[Answer]]
"""Lets the stand-in do what the request asks for; its answer is not sent by that."""
Mishap = Callable[[Exchange, Work], Awaitable[None]]
"""What happens to one request."""

GIANT: Final = 64 * 1024 * 1024
N = TypeVar("N", int, float)


class MishapInvalid(ValueError):
    """What was asked for over the control API is no mishap; the text says why."""


@dataclass(frozen=True, slots=True)
class Match:
    """Which requests a mishap is meant for. ``*`` stands for any text; paths are compared with escapes undone."""

    host: str = "*"
    method: str = "*"
    path: str = "*"

    def fits(self, request: Request) -> bool:
        """Whether the request is meant."""
        return (
            fnmatchcase(request.host, self.host.lower())
            and fnmatchcase(request.method, self.method.upper())
            and fnmatchcase(request.path, self.path)
        )


@dataclass(slots=True)
class Planned:
    """A mishap that waits: ``after_n`` more fitting requests go well, then ``times`` go wrong (None: all of them)."""

    mishap: Mishap
    match: Match = field(default_factory=Match)
    after_n: int = 0
    times: int | None = 1
    label: str = ""

    def takes(self, request: Request) -> bool:
        """Whether the mishap is due with this request; counts it."""
        if self.times == 0 or not self.match.fits(request):
            return False
        if self.after_n > 0:
            self.after_n -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True


class Plan:
    """The mishaps of a sandbox, in the order in which they were asked for; the first one that is due happens."""

    def __init__(self) -> None:
        self._planned: dict[int, Planned] = {}
        self._next = 1

    def add(self, planned: Planned) -> int:
        """Wait for the requests meant; the number is for :meth:`remove`."""
        number, self._next = self._next, self._next + 1
        self._planned[number] = planned
        return number

    def remove(self, number: int) -> bool:
        """Let it not happen any more; whether there was such a one."""
        return self._planned.pop(number, None) is not None

    def clear(self) -> None:
        """Let nothing happen any more."""
        self._planned.clear()

    def __iter__(self) -> Iterator[tuple[int, Planned]]:
        return iter(self._planned.items())

    def due(self, request: Request) -> Mishap | None:
        """What happens to this request; used-up mishaps are forgotten."""
        found = next((planned for planned in self._planned.values() if planned.takes(request)), None)
        self._planned = {number: planned for number, planned in self._planned.items() if planned.times != 0}
        return found.mishap if found else None


def instead(fault: Fault) -> Mishap:
    """Do ``fault``; the stand-in never hears of the request."""

    async def act(exchange: Exchange, work: Work) -> None:
        await fault(exchange)

    return act


def after_work(fault: Fault) -> Mishap:
    """Let the stand-in do its work, throw its answer away, and do ``fault``: what is sent may have been written."""

    async def act(exchange: Exchange, work: Work) -> None:
        await work()
        await fault(exchange)

    return act


commit_then_drop: Final = after_work(faults.commit_then_drop)
"""The work is done and the connection ends in good order, without an answer."""


def delay(seconds: float, *, after: bool = False) -> Mishap:
    """The right answer, late; ``after`` means that the work is done first."""

    async def act(exchange: Exchange, work: Work) -> None:
        if after:
            message = await work()
            await asyncio.sleep(seconds)
        else:
            await asyncio.sleep(seconds)
            message = await work()
        await exchange.send(message.encoded())

    return act


def altered(alter: Callable[[Answer], Answer]) -> Mishap:
    """The stand-in's own answer, changed on the way."""

    async def act(exchange: Exchange, work: Work) -> None:
        await exchange.send(alter(await work()).encoded())

    return act


def answered(message: Answer, *, after: bool = False) -> Mishap:
    """Another answer than the stand-in's; ``after`` means that the work is done first."""

    async def act(exchange: Exchange) -> None:
        await exchange.send(message.encoded())

    return after_work(act) if after else instead(act)


def wrong_content_type(content_type: str = "text/plain") -> Mishap:
    """The right answer under a wrong name."""
    return altered(lambda message: message.with_headers({"Content-Type": content_type}))


def giant(size: int = GIANT) -> Fault:
    """An answer of ``size`` bytes that says its length honestly and comes as fast as it is read."""

    async def act(exchange: Exchange) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {size}\r\n\r\n"
        await exchange.send(head.encode())
        left = size
        while left > 0:
            await exchange.send(b" " * min(left, 65_536))
            left -= 65_536

    return act


FAULTS: Final[Mapping[str, Callable[[Mapping[str, object]], Fault]]] = {
    "hang": lambda _: faults.hang,
    "hangInHeaders": lambda _: faults.hang_in_headers,
    "hangAfterHeaders": lambda options: faults.hang_after_headers(_number(options, "status", 200)),
    "drip": lambda options: faults.drip(_number(options, "status", 200)),
    "reset": lambda _: faults.reset_before_answer,
    "resetInHeaders": lambda options: faults.reset_in_headers(_number(options, "status", 200)),
    "resetInBody": lambda options: faults.reset_in_body(_number(options, "status", 200)),
    "drop": lambda _: faults.commit_then_drop,
    "html": lambda options: faults.html(_number(options, "status", 200)),
    "giant": lambda options: giant(_number(options, "size", GIANT)),
    "endless": lambda _: faults.endless(),
    "notHttp": lambda _: faults.not_http,
}
"""The faults by name; each may come before the work (instead of it) or after it."""
KINDS: Final = (*FAULTS, "answer", "delay", "wrongContentType")


def from_json(wanted: object) -> Planned:
    """The mishap that a JSON object describes; raises :class:`MishapInvalid`.

    Keys: ``kind`` (one of :data:`KINDS`), ``when`` (``before`` the work, which is usual, or ``after`` it), ``match``
    (``host``, ``method``, ``path``), ``after_n``, ``times`` (null: always); for ``answer`` also ``status``,
    ``headers`` and ``body`` (a text, or JSON), for ``delay`` ``seconds``, for ``wrongContentType`` ``contentType``.
    """
    options = _object(wanted, "a mishap")
    _only(options, {*_COMMON, *_OPTIONS}, "a mishap")
    kind = options.get("kind")
    if kind not in KINDS:
        raise MishapInvalid(f"kind is one of {', '.join(KINDS)}")
    times = options.get("times", 1)
    return Planned(
        _mishap(str(kind), options),
        _match(options.get("match", {})),
        _number(options, "after_n", 0),
        None if times is None else _number(options, "times", 1),
        str(kind),
    )


_COMMON: Final = ("kind", "when", "match", "after_n", "times")
_OPTIONS: Final = ("status", "headers", "body", "seconds", "size", "contentType")


def _mishap(kind: str, options: Mapping[str, object]) -> Mishap:
    when = options.get("when", "before")
    if when not in {"before", "after"}:
        raise MishapInvalid("when is before or after")
    after = when == "after"
    if kind == "answer":
        return answered(_answer(options), after=after)
    if kind == "delay":
        return delay(_number(options, "seconds", 1.0), after=after)
    if kind == "wrongContentType":
        return wrong_content_type(str(options.get("contentType", "text/plain")))
    return (after_work if after else instead)(FAULTS[kind](options))


def _answer(options: Mapping[str, object]) -> Answer:
    headers = _object(options.get("headers", {}), "headers")
    texts = {name: str(value) for name, value in headers.items()}
    if any(mark in text for pair in texts.items() for text in pair for mark in "\r\n"):
        raise MishapInvalid("headers hold no line breaks")
    body, status = options.get("body", ""), _number(options, "status", 500)
    message = Answer.text(status, body) if isinstance(body, str) else Answer.json(status, body)
    given = {name.lower() for name in texts}
    kept = {name: value for name, value in message.headers.items() if name.lower() not in given}
    return replace(message, headers=kept | texts)


def _match(wanted: object) -> Match:
    names = _object(wanted, "match")
    _only(names, {"host", "method", "path"}, "match")
    return Match(**{name: str(value) for name, value in names.items()})


def _object(value: object, what: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise MishapInvalid(f"{what} is a JSON object, not {json.dumps(value)[:40]}")
    return value


def _only(given: Mapping[str, object], known: set[str], what: str) -> None:
    if unknown := sorted(given.keys() - known):
        raise MishapInvalid(f"{what} has no {', '.join(unknown)}")


def _number(options: Mapping[str, object], name: str, otherwise: N) -> N:
    value = options.get(name, otherwise)
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        raise MishapInvalid(f"{name} is a number, 0 or more")
    return type(otherwise)(value)
