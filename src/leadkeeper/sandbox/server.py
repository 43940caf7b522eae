"""The sandbox: one TLS server on one port that answers for the production host names of many services.

**How a stand-in plugs in.** Write a class that fits :class:`~leadkeeper.sandbox.stand_in.StandIn` (``name``,
``hosts``, ``states``, ``state``, ``choose``, ``reset``, ``received``, ``async handle(request) -> Answer``), take a
:class:`~leadkeeper.sandbox.stand_in.Clock` if time matters, and add it to
:func:`leadkeeper.sandbox.stand_ins.every`. The sandbox does the rest: TLS with a certificate for whatever name the
caller asks for (if a stand-in has it), finding the stand-in by the ``Host`` header, every mishap of
:mod:`leadkeeper.sandbox.mishaps`, choosing states, the control API and the page that shows what arrived.

**In a test**::

    async with Sandbox(tmp_path) as sandbox:
        sandbox.hosts_setting()                      # for LEADKEEPER_HOSTS
        sandbox.ca_file                              # for LEADKEEPER_CA_FILE
        sandbox.stand_in("dynamics").choose("noRoles")
        sandbox.stand_in(Dynamics).received()        # the same, with its own type
        sandbox.fail(commit_then_drop, Match(host="*.dynamics.com", method="POST"))
        sandbox.clock.advance(3600)

**Over HTTPS**, on ``localhost`` and 127.0.0.1 only: :mod:`leadkeeper.sandbox.control`.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar, overload

from leadkeeper.sandbox import stand_ins as household
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.control import CONTROL_HOSTS, Control
from leadkeeper.sandbox.faults import Exchange, FaultServer
from leadkeeper.sandbox.mishaps import Match, Mishap, Plan, Planned
from leadkeeper.sandbox.stand_in import Answer, Clock, Request, StandIn

S = TypeVar("S")
CERTIFICATES: Final = 1_000
"""Most host names that get a certificate of their own; then the oldest is made again when asked for."""

_log: Final = logging.getLogger(__name__)


class Sandbox:
    """The server and its stand-ins: those of ``stand_ins``, or all there are.

    ``authority_folder`` holds the private authority (made when missing). ``port`` 0 is any free one. Everything runs
    in the event loop that opened it. ``mistakes`` holds the exceptions of stand-ins, which are our own bugs.
    """

    def __init__(
        self,
        authority_folder: Path,
        stand_ins: Callable[[Clock], Sequence[StandIn]] = household.every,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.clock = Clock()
        self.plan = Plan()
        self.mistakes: list[Exception] = []
        self.stand_ins: dict[str, StandIn] = {each.name: each for each in stand_ins(self.clock)}
        self._authority = Authority(authority_folder)
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._host, self._wanted_port = host, port
        self._server = FaultServer(self._serve)
        self._control = Control(self.stand_ins, self.plan, self.clock, self.reset)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def start(self) -> None:
        """Listen. Raises :class:`OSError` when the port is taken."""
        context = self._authority.server_context(*CONTROL_HOSTS)
        context.sni_callback = self._choose_certificate
        await self._server.start(context, self._host, self._wanted_port)

    async def aclose(self) -> None:
        """Stop listening and drop every connection, hanging ones too."""
        await self._server.aclose()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._server.port

    @property
    def ca_file(self) -> Path:
        """The certificate of the authority that signs for all host names."""
        return self._authority.ca_file

    @property
    def control_url(self) -> str:
        """Where the page is; the control API is below it."""
        return f"https://localhost:{self.port}/"

    def hosts_setting(self) -> str:
        """The text for ``LEADKEEPER_HOSTS`` that leads all host names here."""
        patterns = dict.fromkeys(_mapped(pattern) for each in self.stand_ins.values() for pattern in each.hosts)
        return ",".join(f"{pattern}={self._host}:{self.port}" for pattern in patterns)

    @overload
    def stand_in(self, which: str) -> StandIn: ...
    @overload
    def stand_in(self, which: type[S]) -> S: ...
    def stand_in(self, which: str | type[S]) -> StandIn | S:
        """The stand-in of a name or a class; raises :class:`KeyError` when there is none."""
        if isinstance(which, str):
            return self.stand_ins[which]
        for each in self.stand_ins.values():
            if isinstance(each, which):
                return each
        raise KeyError(which)

    def fail(self, mishap: Mishap, match: Match | None = None, *, after_n: int = 0, times: int | None = 1) -> int:
        """Let ``mishap`` happen to ``times`` fitting requests (None: all) after the next ``after_n``; its number."""
        return self.plan.add(Planned(mishap, match or Match(), after_n, times))

    def reset(self) -> None:
        """Everything behaves again, and what was received is forgotten."""
        self.plan.clear()
        self.clock.reset()
        self.mistakes.clear()
        for each in self.stand_ins.values():
            each.reset()

    async def _serve(self, exchange: Exchange) -> None:
        self._server.received.clear()  # each stand-in keeps what it took
        seen = exchange.request
        request = Request(seen.method, _name(seen.headers.get("host", "")), seen.target, seen.headers, seen.body)
        head_only = seen.method == "HEAD"
        if seen.headers.get("transfer-encoding", "chunked").lower() != "chunked":  # where it ends cannot be told
            await exchange.send(Answer.text(501, "of transfer encodings only chunked is known").encoded())
            exchange.writer.close()
            return
        if request.host in CONTROL_HOSTS:
            await exchange.send(self._control.handle(request).encoded(head_only=head_only))
            return
        there = self._for_host(request.host)
        if there is None:
            await exchange.send(Answer.text(421, f"no stand-in for {request.host}").encoded(head_only=head_only))
            return

        async def work() -> Answer:
            return await self._worked(there, request)

        mishap = self.plan.due(request)
        if mishap is None:
            await exchange.send((await work()).encoded(head_only=head_only))
        else:
            await mishap(exchange, work)

    async def _worked(self, there: StandIn, request: Request) -> Answer:
        try:
            return await there.handle(request)
        except Exception as error:
            self.mistakes.append(error)
            _log.exception("the stand-in %s made a mistake", there.name)
            return Answer.text(500, f"mistake in the stand-in {there.name}: {error!r}")

    def _for_host(self, host: str) -> StandIn | None:
        fits = (each for each in self.stand_ins.values() if any(fnmatchcase(host, mask) for mask in each.hosts))
        return next(fits, None)

    def _choose_certificate(
        self, connection: ssl.SSLSocket | ssl.SSLObject, name: str | None, context: ssl.SSLContext
    ) -> int | None:
        """Show a certificate for the name asked for; a name that nobody here has is refused by TLS already."""
        host = (name or "").lower()
        if not host or host in CONTROL_HOSTS:
            return None
        if self._for_host(host) is None:
            return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        if host not in self._contexts:
            if len(self._contexts) >= CERTIFICATES:
                del self._contexts[next(iter(self._contexts))]
            self._contexts[host] = self._authority.server_context(host)
        connection.context = self._contexts[host]
        return None


def _name(host: str) -> str:
    """The host of a ``Host`` header: lower case, without port and brackets."""
    name = host.strip().lower()
    if name.startswith("["):
        return name[1:].partition("]")[0]
    return name.partition(":")[0].removesuffix(".")


def _mapped(pattern: str) -> str:
    """The pattern as the host map knows it: a name, or ``*.`` and a name for all below it."""
    first, _, rest = pattern.partition(".")
    return f"*.{rest}" if "*" in first else pattern
