"""A server that answers as a test says, and exchanges with it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import aiohttp
import pytest
from yarl import URL

from leadkeeper.gate import Gate
from leadkeeper.network.connector import Connector
from leadkeeper.network.exchange import Exchanges

TAKEN = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"
IDLE = 3
"""How many connections are kept."""

Play = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def read_request(reader: asyncio.StreamReader) -> bytes:
    """The next request, whole."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
    return head + await reader.readexactly(int(length or 0))


@dataclass
class Server:
    """Answers each request with the next of ``answers``, or plays ``play`` on each connection."""

    port: int = 0
    answers: list[bytes] = field(default_factory=lambda: [TAKEN] * 9)
    play: Play | None = None
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            while self.play is None:
                self.requests.append(await read_request(reader))
                writer.write(self.answers.pop(0))
            await self.play(reader, writer)
        writer.close()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    listening = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = listening.sockets[0].getsockname()[1]
    yield made
    listening.close()


@pytest.fixture
async def exchanges() -> AsyncIterator[Exchanges]:
    connector = Connector(Gate(100, 10), 30, IDLE)
    yield Exchanges(connector, aiohttp.ClientTimeout(connect=30), 65_536)
    await connector.close()


async def ask(
    exchanges: Exchanges,
    server: Server,
    method: str = "POST",
    data: bytes | None = b"{}",
    headers: Mapping[str, str] = MappingProxyType({}),
    *,
    alone: bool = False,
) -> tuple[int, bytes]:
    """One request, and its answer read whole."""
    url = URL(f"http://127.0.0.1:{server.port}/in?sig=a%2Fb#part", encoded=True)
    async with asyncio.timeout(60):
        exchange = await exchanges.begin(method, url, data, headers, alone=alone)
    with exchange:
        async with asyncio.timeout(60):
            return exchange.status, await exchange.content.read()
