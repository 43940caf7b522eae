"""An answer of known length is one write, and byte for byte what uvicorn writes by itself."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
import uvicorn
from starlette.types import Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from leadkeeper.doors.client_address import ClientAddresses
from leadkeeper.doors.listener.limits import Limits
from leadkeeper.doors.listener.protocol import BoundedProtocol
from leadkeeper.doors.listener.server import Listener

POST = b"POST /v1/leads HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}"
GET = b"GET /page HTTP/1.1\r\nHost: a\r\n\r\n"
LAST = b"GET /page HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
HEAD = GET.replace(b"GET", b"HEAD")
OLD = GET.replace(b"HTTP/1.1", b"HTTP/1.0")
PATIENT = POST.replace(b"Host: a", b"Host: a\r\nExpect: 100-continue")
BODY = b"12345"
LENGTH = (b"content-length", b"5")
WHOLE: list[Message] = [{"type": "http.response.body", "body": BODY}]
PARTS: list[Message] = [
    {"type": "http.response.body", "body": b"12", "more_body": True},
    {"type": "http.response.body", "body": b"345"},
]
NONE: list[Message] = [{"type": "http.response.body"}]


class Wire:
    """A transport that remembers what was written, and whether it was closed after it."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        assert not self.closed
        self.writes.append(data)

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def get_extra_info(self, _name: str, default: object = None) -> object:
        return default

    def pause_reading(self) -> None:
        """Nothing is read."""

    def resume_reading(self) -> None:
        """Nothing is read."""


async def answered(kind: type[HttpToolsProtocol], request: bytes, start: Message, then: list[Message]) -> Wire:
    """What is written when the application sends these messages."""

    async def app(_scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(start)
        for message in then:
            await asyncio.sleep(0)
            await send(message)

    config = uvicorn.Config(app, ws="none", lifespan="off", log_config=None, access_log=False)
    wire, state = Wire(), ServerState()
    state.default_headers = [(b"date", b"today")]
    protocol = kind(config, state, {})
    protocol.connection_made(cast(asyncio.Transport, wire))
    protocol.data_received(request)
    while tasks := [*state.tasks]:  # a request that waits begins when the one before it ends
        await asyncio.gather(*tasks)
    if protocol.timeout_keep_alive_task is not None:
        protocol.timeout_keep_alive_task.cancel()
    return wire


def both(request: bytes, status: int, headers: list[Any], then: list[Message]) -> tuple[Wire, Wire]:
    """What the listener writes, and what uvicorn does."""
    ours = type("Connection", (BoundedProtocol,), {"listener": Listener(Limits(), ClientAddresses())})

    async def run() -> tuple[Wire, Wire]:
        start: Message = {"type": "http.response.start", "status": status, "headers": headers}
        return await answered(ours, request, start, then), await answered(HttpToolsProtocol, request, start, then)

    return asyncio.run(run())


@pytest.mark.parametrize("request_", [POST, GET, LAST, OLD, POST + GET, GET + GET + GET])
def test_an_answer_of_known_length_is_one_write(request_: bytes) -> None:
    """Requests that came together are answered one by one."""
    ours, plain = both(request_, 202, [LENGTH], WHOLE)
    assert (b"".join(ours.writes), ours.closed) == (b"".join(plain.writes), plain.closed)
    assert len(ours.writes) * 2 == len(plain.writes)


@pytest.mark.parametrize(
    ("request_", "status", "headers", "then", "writes"),
    [
        (HEAD, 200, [LENGTH], WHOLE, 1),
        (GET, 204, [], NONE, 1),
        (GET, 304, [], NONE, 1),
        (GET, 200, [LENGTH], PARTS, 2),
        (PATIENT, 202, [LENGTH], WHOLE, 2),
        (GET, 200, [], WHOLE, 2),
        (GET, 200, [], PARTS, 3),
        (LAST, 200, [], PARTS, 3),
        (GET, 200, [LENGTH], [], 1),
        (GET, 200, [LENGTH], PARTS[:1], 1),
    ],
)
def test_whatever_is_sent_is_written(
    request_: bytes, status: int, headers: list[Any], then: list[Message], writes: int
) -> None:
    """Answers without a body, in parts, without a length, and those that the application leaves unfinished."""
    ours, plain = both(request_, status, headers, then)
    assert (b"".join(ours.writes), ours.closed) == (b"".join(plain.writes), plain.closed)
    assert len(ours.writes) == writes


def test_the_head_of_an_answer_without_a_length_does_not_wait() -> None:
    """Events may be long in coming; whoever listens for them hears at once that it is connected."""
    ours, plain = both(GET, 200, [], [])
    assert ours.writes[:1] == plain.writes[:1] != []
