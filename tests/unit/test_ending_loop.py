"""What the loop of a test leaves behind, a later test would fail for."""

from __future__ import annotations

import asyncio
import gc
import socket
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from leadkeeper.sandbox.authority import Authority
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


def test_who_connects_again_at_once_is_let_in_no_more() -> None:
    """Each round of the end drops a connection, and each that is dropped brings another."""
    loop = EndingLoop()
    server = loop.run_until_complete(loop.create_server(asyncio.Protocol, "127.0.0.1", 0))
    address = server.sockets[0].getsockname()
    ends = threading.Event()
    came = threading.Semaphore(0)

    def connect() -> None:
        while not ends.is_set():
            with suppress(OSError), socket.create_connection(address, 10) as client:
                came.release()
                client.recv(1)

    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        with ThreadPoolExecutor(20) as clients:
            for _ in range(20):
                clients.submit(connect)
            for _ in range(20):
                came.acquire()
            loop.close()
            ends.set()
            server.close()
        del server
        gc.collect()
    assert [str(each.message) for each in found] == []


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("ends", ["the server", "the loop", "every task"])
def test_who_is_let_in_as_it_ends_is_left_by_nobody(tmp_path: Path, ends: str, turns: int) -> None:
    """The loop has taken them from the listening socket, and their tasks have not begun, or are amid the handshake."""
    context = Authority(tmp_path).server_context("127.0.0.1")
    loop = EndingLoop()
    server = loop.run_until_complete(loop.create_server(asyncio.Protocol, "127.0.0.1", 0, ssl=context))

    async def let_in() -> None:
        for _ in range(turns):
            await asyncio.sleep(0)
        if ends == "the server":
            server.close()
            await asyncio.sleep(0)
        elif ends == "every task":
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()

    with ExitStack() as stack, warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        clients = [stack.enter_context(socket.create_connection(server.sockets[0].getsockname())) for _ in range(4)]
        loop.run_until_complete(let_in())
        loop.close()
        gc.collect()
        for client in clients:
            client.settimeout(20)
            with suppress(ConnectionResetError):
                assert client.recv(1) == b""
    assert [str(each.message) for each in found] == []
