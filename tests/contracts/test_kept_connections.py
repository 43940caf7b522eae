"""Which connections to destinations are kept for the next request: the latest of those that are still good."""

from __future__ import annotations

import asyncio
import contextlib

import aiohttp
import pytest
from yarl import URL

from leadkeeper.network.exchange import Exchanges
from tests.contracts.exchanging import IDLE, Server, ask, exchanges, read_request, server

__all__ = ["exchanges", "server"]


async def test_only_the_latest_connections_are_kept(exchanges: Exchanges, server: Server) -> None:
    """One for each of thousands of destinations would take the files that others need."""
    hosts = [f"127.0.0.{number}" for number in range(1, IDLE + 3)]
    servers = [await asyncio.start_server(server.serve, host, server.port) for host in hosts[1:]]
    for host in [*hosts, *hosts[-IDLE:]]:
        with await exchanges.begin("POST", URL(f"http://{host}:{server.port}/"), b"", {}) as exchange:
            await exchange.content.read()
    assert server.connections == len(hosts), "the latest served again"
    await ask(exchanges, server)
    assert server.connections == len(hosts) + 1, "the first was closed"
    for each in servers:
        each.close()


@pytest.mark.parametrize("hangs_up", [False, True])
async def test_connections_that_are_closed_take_nobody_s_place(
    exchanges: Exchanges, server: Server, hangs_up: bool
) -> None:
    """One publisher's destination that hangs up, or its posts over connections of their own, cost others nothing."""

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.transport.abort()

    kept = [f"127.0.0.{number}" for number in range(2, IDLE + 2)]
    servers = [await asyncio.start_server(server.serve, host, server.port) for host in kept]
    for host in kept:
        with await exchanges.begin("POST", URL(f"http://{host}:{server.port}/"), b"", {}) as exchange:
            await exchange.content.read()
    server.play = hang_up if hangs_up else server.play
    here = URL(f"http://127.0.0.1:{server.port}/")
    for _ in range(IDLE + 1):
        await _asked(exchanges, here, alone=not hangs_up)
    connections = server.connections
    for host in kept:
        await _asked(exchanges, URL(f"http://{host}:{server.port}/"))
    assert server.connections == connections
    for each in servers:
        each.close()


async def _asked(exchanges: Exchanges, url: URL, *, alone: bool = False) -> None:
    """One request; that nothing answers it says nothing of the connections."""
    with contextlib.suppress(aiohttp.ClientError), await exchanges.begin("POST", url, b"", {}, alone=alone) as exchange:
        await exchange.content.read()
