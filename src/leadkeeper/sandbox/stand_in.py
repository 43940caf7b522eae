"""How a stand-in plugs in to the sandbox: what it is asked, what it answers, and what the sandbox wants to know of it.

See :mod:`leadkeeper.sandbox.server` for the whole; a stand-in needs nothing from there.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from http import HTTPStatus
from typing import Final, Protocol, Self, runtime_checkable
from urllib.parse import parse_qs, unquote, urlsplit

OK: Final = "ok"
"""The state in which every stand-in begins: it behaves as the real service does when nothing is wrong."""


_REASONS: Final = {int(status): status.phrase for status in HTTPStatus}


class Clock:
    """The time as all stand-ins of a sandbox see it: the machine's, moved by whoever tests expiry or rate windows."""

    def __init__(self) -> None:
        self._moved = 0.0

    def now(self) -> float:
        """Seconds since 1970, UTC."""
        return time.time() + self._moved

    def moment(self) -> datetime:
        """The same as an aware moment in UTC."""
        return datetime.fromtimestamp(self.now(), UTC)

    def advance(self, seconds: float) -> None:
        """Let time pass (or go back, when negative)."""
        self._moved += seconds

    def reset(self) -> None:
        """Show the machine's time again."""
        self._moved = 0.0


@dataclass(frozen=True, slots=True)
class Request:
    """A whole request. ``host`` is lower case without port, ``headers`` have lower-case names, ``target`` is raw."""

    method: str
    host: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def raw_path(self) -> str:
        """The path as sent, without the query."""
        return self.target.partition("?")[0]

    @property
    def path(self) -> str:
        """The path with escapes undone."""
        return unquote(self.raw_path)

    @property
    def query(self) -> dict[str, str]:
        """The query's parameters; of a name that stands twice the last one."""
        found = parse_qs(urlsplit(self.target).query, keep_blank_values=True)
        return {name: values[-1] for name, values in found.items()}

    @property
    def content_type(self) -> str:
        """The media type of the body in lower case, without parameters; empty when not said."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def form(self) -> dict[str, str]:
        """The body as a form (``application/x-www-form-urlencoded``); of a name that stands twice the last one."""
        found = parse_qs(self.body.decode("utf-8", "replace"), keep_blank_values=True)
        return {name: values[-1] for name, values in found.items()}

    def json(self) -> object:
        """The body as JSON; raises :class:`ValueError` when it is none."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. Length and date are added when it is sent."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, status: int, data: object, headers: Mapping[str, str] | None = None) -> Self:
        """``data`` as JSON; ``headers`` may name another content type."""
        always = {"Content-Type": "application/json; charset=utf-8"}
        return cls(status, json.dumps(data, ensure_ascii=False).encode(), always | dict(headers or {}))

    @classmethod
    def html(cls, status: int, page: str, headers: Mapping[str, str] | None = None) -> Self:
        """A web page, which must be escaped already."""
        return cls(status, page.encode(), {"Content-Type": "text/html; charset=utf-8"} | dict(headers or {}))

    @classmethod
    def text(cls, status: int, text: str, headers: Mapping[str, str] | None = None) -> Self:
        """Plain text."""
        return cls(status, text.encode(), {"Content-Type": "text/plain; charset=utf-8"} | dict(headers or {}))

    def with_headers(self, headers: Mapping[str, str]) -> Self:
        """The same answer with ``headers`` added or replaced."""
        return replace(self, headers=dict(self.headers) | dict(headers))

    def encoded(self, *, head_only: bool = False) -> bytes:
        """The answer as it goes over the wire; ``head_only`` for HEAD."""
        lines = [
            f"HTTP/1.1 {self.status} {_REASONS.get(self.status, 'Unknown')}",
            f"Date: {format_datetime(datetime.now(UTC), usegmt=True)}",
        ]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        bodiless = self.status in {204, 304}
        if not bodiless:
            lines.append(f"Content-Length: {len(self.body)}")
        head = "\r\n".join([*lines, "", ""]).encode("utf-8")
        return head if bodiless or head_only else head + self.body


class StandIn(Protocol):
    """One service as the outside sees it. Everything runs in one event loop; nothing needs a lock.

    ``hosts`` are the production host names it answers for; ``*`` stands for any text, dots too
    (``*.dynamics.com``, ``app-*.marketo.com``). ``states`` maps each state that can be chosen to one line that says
    what is wrong in it; ``ok`` is always the first. What the request itself does wrong is answered in every state.
    """

    @property
    def name(self) -> str: ...
    @property
    def hosts(self) -> tuple[str, ...]: ...
    @property
    def states(self) -> Mapping[str, str]: ...
    @property
    def state(self) -> str: ...

    def choose(self, state: str) -> None:
        """Be in ``state`` from the next request on; it is one of ``states`` (the sandbox has checked)."""

    def reset(self) -> None:
        """Behave again (``ok``), forget what was received and what was counted; what was set up stays."""

    def received(self) -> Sequence[Mapping[str, object]]:
        """What was taken, oldest first, as values that JSON knows; a record appears once, however often it came."""

    async def handle(self, request: Request) -> Answer:
        """Do the work and say the answer. An exception is a mistake in the stand-in: it is answered 500 and kept."""


@runtime_checkable
class HasPeople(Protocol):
    """A stand-in whose records people change by hand, in the service's own pages."""

    def by_hand(self, asked: Mapping[str, object]) -> Mapping[str, object]:
        """Do what ``asked`` says and tell what became of it; raises :class:`ValueError` when it cannot be done."""
