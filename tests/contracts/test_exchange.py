"""A request over a connection of aiohttp's without its session: what is sent, and when the connection is used again."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable

import aiohttp
import pytest
from yarl import URL

from leadkeeper.diagnosis import Kind, Outcome
from leadkeeper.gate import Gate
from leadkeeper.network.client import diagnose_network
from leadkeeper.network.connector import Connector
from leadkeeper.network.exchange import Exchanges
from leadkeeper.network.trust import trusting
from leadkeeper.sandbox.authority import Authority
from tests.contracts.exchanging import IDLE, TAKEN, Server, ask, exchanges, read_request, server

__all__ = ["exchanges", "server"]

LARGE = b"x" * 8_000_000
"""More than the buffers between two sockets hold."""
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


async def test_what_is_sent_is_what_was_given_and_what_every_request_needs(
    exchanges: Exchanges, server: Server
) -> None:
    assert await ask(exchanges, server, headers={"Content-Type": "application/json"}) == (200, b"OK")
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    line, *fields = head.decode().split("\r\n")
    assert line == "POST /in?sig=a%2Fb HTTP/1.1", "byte for byte, and no fragment"
    assert body == b"{}"
    sent = dict(field.split(": ", 1) for field in fields)
    assert sent.pop("User-Agent").startswith("Leadkeeper/")
    assert sent == {
        "Host": f"127.0.0.1:{server.port}",
        "Content-Type": "application/json",
        "Accept": "*/*",
        "Accept-Encoding": "identity",
        "Content-Length": "2",
    }


async def test_what_is_given_stands_in_the_place_of_the_usual(exchanges: Exchanges, server: Server) -> None:
    await ask(exchanges, server, "GET", None, {"accept": "application/json", "user-agent": "Other/1"})
    head = server.requests[0].lower()
    assert (head.count(b"accept:"), head.count(b"user-agent:"), head.count(b"content-length:")) == (1, 1, 0)
    assert b"accept: application/json" in head


async def test_a_body_that_is_empty_or_missing_is_said_to_have_no_length(exchanges: Exchanges, server: Server) -> None:
    for data in (b"", None):
        await ask(exchanges, server, "POST", data)
        assert b"Content-Length: 0\r\n" in server.requests[-1]


@pytest.mark.parametrize("text", ["a\r\nX: 1", "a\nX: 1", "a\rX: 1", "a\0"])
async def test_a_header_of_several_lines_is_never_sent(exchanges: Exchanges, server: Server, text: str) -> None:
    for headers in ({"X-Text": text}, {text: "a"}):
        with pytest.raises(ValueError, match="more than one line"):
            await ask(exchanges, server, headers=headers)
    assert server.connections == 0


async def test_a_connection_is_used_again_once_its_answer_was_read(exchanges: Exchanges, server: Server) -> None:
    server.answers = [TAKEN, b"HTTP/1.1 204 No Content\r\n\r\n", TAKEN]
    assert [(await ask(exchanges, server))[0] for _ in range(3)] == [200, 204, 200]
    assert server.connections == 1


async def test_the_answer_to_head_is_not_waited_for(exchanges: Exchanges, server: Server) -> None:
    server.answers = [b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", TAKEN]
    assert await ask(exchanges, server, "HEAD", None) == (200, b"")
    assert await ask(exchanges, server) == (200, b"OK")
    assert server.connections == 1


async def test_a_server_that_says_that_it_closes_is_believed(exchanges: Exchanges, server: Server) -> None:
    server.answers = [b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", TAKEN]
    for _ in range(2):
        await ask(exchanges, server)
    assert server.connections == 2


async def test_a_connection_whose_answer_was_not_read_whole_is_closed(exchanges: Exchanges, server: Server) -> None:
    server.answers = [b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nbegun", TAKEN]
    with await exchanges.begin("POST", URL(f"http://127.0.0.1:{server.port}/"), b"", {}) as exchange:
        assert await exchange.content.readany() == b"begun"
    assert await ask(exchanges, server) == (200, b"OK")
    assert server.connections == 2


async def test_a_connection_is_closed_that_was_answered_before_all_was_written(
    exchanges: Exchanges, server: Server
) -> None:
    """What is left would go before the next request, to a server that has stopped reading."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")
        await asyncio.sleep(600)

    server.play = refuse
    for count in (1, 2):
        assert (await ask(exchanges, server, data=LARGE))[0] == 413
        assert server.connections == count


async def test_a_connection_is_closed_whose_request_was_given_up(exchanges: Exchanges, server: Server) -> None:
    heard, gone = asyncio.Event(), asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        heard.set()
        await reader.read()
        gone.set()

    server.play = hang
    asking = asyncio.create_task(ask(exchanges, server))
    await heard.wait()
    asking.cancel()
    async with asyncio.timeout(60):
        await gone.wait()


async def test_what_is_no_answer_is_said_to_be_none(exchanges: Exchanges, server: Server) -> None:
    server.answers = [b"SSH-2.0-OpenSSH\r\n\r\n"]
    with pytest.raises(aiohttp.ClientError) as caught:
        await ask(exchanges, server)
    found = diagnose_network(caught.value)
    assert (found.kind, found.outcome) == (Kind.ANSWER_NOT_UNDERSTOOD, Outcome.AMBIGUOUS)


async def test_a_connection_that_ends_without_an_answer_says_so(exchanges: Exchanges, server: Server) -> None:
    async def leave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)

    server.play = leave
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await ask(exchanges, server)


async def test_an_answer_that_nobody_asked_for_is_no_answer_to_the_next_request(
    exchanges: Exchanges, server: Server
) -> None:
    """A lead that was refused counted as delivered, since an answer more had come before; so did each after it."""
    closed = asyncio.Event()

    async def answer_twice(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n")
        await left.wait()
        writer.write(TAKEN)
        with contextlib.suppress(OSError):
            await reader.read()
        closed.set()

    left, server.play = asyncio.Event(), answer_twice
    assert (await ask(exchanges, server))[0] == 500
    left.set()
    async with asyncio.timeout(60):
        await closed.wait()
    left.clear()
    assert (await ask(exchanges, server))[0] == 500
    assert server.connections == 2


async def test_what_must_not_be_sent_twice_goes_over_a_connection_of_its_own(
    exchanges: Exchanges, server: Server
) -> None:
    await ask(exchanges, server)
    assert await ask(exchanges, server, alone=True) == (200, b"OK")
    assert server.connections == 2, "the one that was kept is not taken"
    assert b"\r\nConnection: close\r\n" in server.requests[-1]
    await ask(exchanges, server)
    assert server.connections == 2, "but by the next"
    await ask(exchanges, server, alone=True)
    assert server.connections == 3, "and nothing is sent after it, whatever the answer says"


TOO_MUCH = {
    "a byte behind the body": (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK!", (200, b"OK")),
    "a body that has no length": (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n{}", (200, b"")),
    "a body with 204": (b"HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\nnull", (204, b"")),
    "chunks with 204": (b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", (204, b"")),
    "announced, and with 204": (
        b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n{}",
        (204, b""),
    ),
}


@pytest.mark.parametrize("piece", [1, 2, 3, 8_192])
@pytest.mark.parametrize(("sent", "expected"), TOO_MUCH.values(), ids=TOO_MUCH)
async def test_what_is_too_much_does_not_take_the_status_with_it(
    exchanges: Exchanges, server: Server, sent: bytes, expected: tuple[int, bytes], piece: int
) -> None:
    """However the network cuts it: a lead was sent again and again for as long as its answer came in one piece."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        with contextlib.suppress(OSError):
            for start in range(0, len(sent), piece):
                writer.write(sent[start : start + piece])
                await asyncio.sleep(0)
            await reader.read()
        closed.set()

    server.play = answer
    for count in (1, 2):
        closed = asyncio.Event()
        assert await ask(exchanges, server) == expected
        assert server.connections == count
        async with asyncio.timeout(60):
            await closed.wait()


async def test_a_body_that_is_not_http_is_not_waited_for(exchanges: Exchanges, server: Server) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nOK\r\n0\r\n\r\n")
        await asyncio.sleep(600)

    server.play = answer
    with pytest.raises(aiohttp.ClientPayloadError):
        await ask(exchanges, server)


CHUNK = b"1\r\nx\r\n"
ENDLESS = {
    "a head": (b"HTTP/1.1 200 OK\r\n", lambda number: b"X-%d: %s\r\n" % (number, b"x" * 1_000)),
    "heads that announce an answer": (b"", lambda number: b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    "chunks of a byte": (CHUNKED, lambda number: CHUNK),
    "a chunk's extension": (CHUNKED + b"1;", lambda number: b"x" * 1_000),
    "what follows the last chunk": (CHUNKED + b"0\r\n", lambda number: b"X-%d: x\r\n" % number),
}


@pytest.mark.parametrize(("begun", "more"), ENDLESS.values(), ids=ENDLESS)
async def test_what_comes_without_end_is_given_up(
    exchanges: Exchanges, server: Server, begun: bytes, more: Callable[[int], bytes]
) -> None:
    """And not too soon: what is read of it is less than a megabyte, however little of it is an answer's body."""
    sent = 0

    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await read_request(reader)
        writer.write(begun)
        with contextlib.suppress(OSError):
            while not writer.is_closing():
                piece = more(sent)
                sent += len(piece)
                writer.write(piece)
                await writer.drain()
        gone.set()

    gone, server.play = asyncio.Event(), pour
    with pytest.raises(aiohttp.ClientError):
        await ask(exchanges, server)
    async with asyncio.timeout(60):
        await gone.wait()


async def test_a_long_line_of_a_head_is_read(exchanges: Exchanges, server: Server) -> None:
    server.answers = [
        b"HTTP/1.1 200 OK\r\nContent-Security-Policy: %s\r\nContent-Length: 2\r\n\r\nOK" % (b"a" * 20_000)
    ]
    assert await ask(exchanges, server) == (200, b"OK")


async def test_a_body_of_many_chunks_is_read(exchanges: Exchanges, server: Server) -> None:
    pieces = 2_000
    server.answers = [CHUNKED + CHUNK * pieces + b"0\r\n\r\n"]
    assert await ask(exchanges, server) == (200, b"x" * pieces)


async def test_a_connection_ends_at_once_whatever_the_other_side_does(server: Server, authority: Authority) -> None:
    """Over TLS it can leave our goodbye unanswered: for half a minute each such socket took a file of the process."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(TAKEN)
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await left.wait()

    left, server.play = asyncio.Event(), answer
    tls = authority.server_context("localhost")
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=tls)
    port = listening.sockets[0].getsockname()[1]
    connector = Connector(Gate(100, 10), 30, IDLE, ssl=trusting(authority.ca_file, "http/1.1"))
    exchanges = Exchanges(connector, aiohttp.ClientTimeout(connect=30), 65_536)
    files = _open_files()
    with await exchanges.begin("POST", URL(f"https://localhost:{port}/"), b"", {}, alone=True) as exchange:
        await exchange.content.read()
        assert _open_files() == files + 2, "ours and the server's"
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert _open_files() == files + 1
    left.set()
    listening.close()
    await connector.close()


def _open_files() -> int:
    return len(os.listdir("/proc/self/fd"))
