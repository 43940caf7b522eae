"""What the loop of a test leaves behind, a later test would fail for."""

from __future__ import annotations

import asyncio
import gc
import socket
import warnings
from contextlib import ExitStack, suppress

from tests.ending_loop import EndingLoop


def test_who_waits_at_a_listening_socket_as_the_loop_ends_is_left_by_nobody() -> None:
    loop = EndingLoop()
    server = loop.run_until_complete(loop.create_server(asyncio.Protocol, "127.0.0.1", 0))
    with ExitStack() as stack, warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        clients = [stack.enter_context(socket.create_connection(server.sockets[0].getsockname())) for _ in range(3)]
        loop.close()
        server.close()
        gc.collect()
        for client in clients:
            client.settimeout(10)
            with suppress(ConnectionResetError):  # nobody had taken it
                assert client.recv(1) == b""
    assert [str(each.message) for each in found] == []
