"""A remote system that answers by a script: for tests of what an adapter sends and makes of the answers."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl

from leadkeeper.network.client import Network, NetworkPolicy
from leadkeeper.sandbox import faults
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.faults import Exchange, Fault, FaultServer, Seen

Script = Mapping[str, Fault | Sequence[Fault]]
"""What to do by ``"METHOD /path"``, or by the beginning of it; of several the last goes on."""


class Remote:
    """The remote system, and the network that leads to it."""

    def __init__(self, server: FaultServer, network: Network) -> None:
        self.server = server
        self.network = network

    def requests(self, beginning: str = "") -> list[Seen]:
        """The requests whose ``METHOD /path`` begins so, in order."""
        return [seen for seen in self.server.received if f"{seen.method} {seen.target}".startswith(beginning)]


def message(content: Any, status: int = 200, **headers: str) -> Fault:
    """An answer of JSON."""
    return faults.answer(status, json.dumps(content).encode(), **headers)


def form_of(seen: Seen) -> dict[str, str]:
    """The form in a request."""
    return dict(parse_qsl(seen.body.decode(), keep_blank_values=True, strict_parsing=True))


def _by_script(script: Script) -> Fault:
    steps = {name: deque([each] if callable(each) else each) for name, each in script.items()}

    async def act(exchange: Exchange) -> None:
        line = f"{exchange.request.method} {exchange.request.target}"
        name = max((name for name in steps if line.startswith(name)), key=len, default=None)
        if name is None:
            await faults.answer(599, f"not in the script: {line}".encode())(exchange)
            return
        todo = steps[name]
        await (todo.popleft() if len(todo) > 1 else todo[0])(exchange)

    return act


@asynccontextmanager
async def remote_side(
    authority: Authority, script: Script, *names: str, total_seconds: float = 30.0
) -> AsyncIterator[Remote]:
    """A server for the host ``names`` that follows ``script``."""
    server = FaultServer(_by_script(script))
    await server.start(authority.server_context(*names))
    hosts: dict[str, tuple[str, int | None]] = dict.fromkeys(names, ("127.0.0.1", server.port))
    network = Network(NetworkPolicy(hosts=hosts, ca_file=authority.ca_file, total_seconds=total_seconds))
    try:
        yield Remote(server, network)
    finally:
        await network.aclose()
        await server.aclose()
