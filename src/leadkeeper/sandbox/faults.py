"""A TLS server that misbehaves as it is told, for tests of what a destination's remote system can do."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

FOREVER: Final = 3_600.0
_SIZE: Final = re.compile(rb"[0-9A-Fa-f]{1,8}")


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as it came: target and body byte for byte, header names in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and the connection on which it is to be answered, or not."""

    request: Seen
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        """Write, and wait until there is room for more. Raises :class:`ConnectionResetError` when nobody reads it."""
        self.writer.write(data)
        # Over TLS a connection that broke within the write is only known after the loop's next turn: without it, one
        # who sends for ever would never hear of it, and nothing else would run.
        await asyncio.sleep(0)
        await self.writer.drain()

    def reset(self) -> None:
        """Break the connection with a TCP reset."""
        connection: socket.socket = self.writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Fault = Callable[[Exchange], Awaitable[None]]
"""What the server does with a request once it has read all of it."""


def answer(status: int, body: bytes = b"", *, content_type: str = "application/json", **headers: str) -> Fault:
    """A whole answer. Keyword ``retry_after`` becomes the header ``retry-after``."""

    async def act(exchange: Exchange) -> None:
        await exchange.send(_head(status, len(body), content_type, headers) + body)

    return act


def redirect(location: str, status: int = 302) -> Fault:
    """A redirect to ``location``."""
    return answer(status, location=location)


def html(status: int, title: str = "Sign in", text: str = "Please sign in.") -> Fault:
    """A web page where an interface should be."""
    page = f"<!DOCTYPE html><html><head><title>{title}</title></head><body><p>{text}</p></body></html>"
    return answer(status, page.encode(), content_type="text/html; charset=utf-8")


def echo(status: int) -> Fault:
    """Everything that came goes back in the answer: address, headers and body."""

    async def act(exchange: Exchange) -> None:
        request = exchange.request
        text = f"cannot take {request.target} {request.headers} {request.body.decode()}".encode()
        await exchange.send(_head(status, len(text), "text/plain", {"x_request_id": request.target}) + text)

    return act


async def hang(exchange: Exchange) -> None:
    """Take the request and never answer."""
    await asyncio.sleep(FOREVER)


def hang_after_headers(status: int = 200) -> Fault:
    """Send the headers of an answer and never its body."""

    async def act(exchange: Exchange) -> None:
        await exchange.send(_head(status, 10, "application/json", {}))
        await asyncio.sleep(FOREVER)

    return act


async def hang_in_headers(exchange: Exchange) -> None:
    """Begin the headers of an answer and never end them."""
    await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/js")
    await asyncio.sleep(FOREVER)


def drip(status: int = 200, seconds: float = 0.05) -> Fault:
    """Send the body one byte at a time, for ever."""

    async def act(exchange: Exchange) -> None:
        await exchange.send(_head(status, 1_000_000, "application/json", {}))
        while True:
            await exchange.send(b" ")
            await asyncio.sleep(seconds)

    return act


async def reset_before_answer(exchange: Exchange) -> None:
    """Break the connection instead of answering."""
    exchange.reset()


async def commit_then_drop(exchange: Exchange) -> None:
    """Take the lead (it is in ``received``) and close the connection in good order without an answer."""
    exchange.writer.close()


def reset_in_headers(status: int = 200) -> Fault:
    """Break the connection within the headers."""

    async def act(exchange: Exchange) -> None:
        await exchange.send(f"HTTP/1.1 {status} Fine\r\nContent-Ty".encode())
        await asyncio.sleep(0.02)
        exchange.reset()

    return act


def reset_in_body(status: int = 200) -> Fault:
    """Break the connection within the body."""

    async def act(exchange: Exchange) -> None:
        await exchange.send(_head(status, 1_000, "application/json", {}) + b'{"half":')
        await asyncio.sleep(0.02)
        exchange.reset()

    return act


def endless(status: int = 200, chunk: bytes = b" " * 65_536) -> Fault:
    """An answer that never ends and comes as fast as it is read."""

    async def act(exchange: Exchange) -> None:
        await exchange.send(_head(status, None, "application/json", {}))
        while True:
            await exchange.send(b"%x\r\n%b\r\n" % (len(chunk), chunk))

    return act


async def not_http(exchange: Exchange) -> None:
    """Answer in another protocol."""
    await exchange.send(b"SSH-2.0-OpenSSH_9.2\r\n" * 4)
    exchange.writer.close()


def _head(status: int, length: int | None, content_type: str, headers: dict[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} Scripted", f"Content-Type: {content_type}"]
    lines.append("Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


class FaultServer:
    """Does ``fault`` with every request, and remembers the requests in ``received``."""

    def __init__(self, fault: Fault | None = None) -> None:
        self.fault = fault or answer(200)
        self.received: list[Seen] = []
        self.connections = 0
        self.port = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, context: ssl.SSLContext | None, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; without ``context`` as a plain web server does where TLS is expected."""
        serve = _refuse_tls if context is None else self._serve
        self._server = await asyncio.start_server(serve, host, port, ssl=context)
        self.port = self._server.sockets[0].getsockname()[1]

    async def aclose(self) -> None:
        """Stop listening and drop every connection, hanging ones too."""
        if self._server is not None:
            self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            while not writer.is_closing():
                request = await _read(reader)
                self.received.append(request)
                await self.fault(Exchange(request, writer))
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.transport.abort()


async def _refuse_tls(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1_024)
    writer.write(_head(400, 0, "text/plain", {}))
    writer.close()


async def _read(reader: asyncio.StreamReader) -> Seen:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = head[0].split(" ", 2)
    fields = (line.partition(":") for line in head[1:] if line)
    headers = {name.lower(): value.strip() for name, _, value in fields}
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return Seen(method, target, headers, await _chunks(reader))
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Seen(method, target, headers, body)


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    """A body in chunks, put together; what is no chunk ends the connection (:class:`asyncio.IncompleteReadError`)."""
    body = bytearray()
    while True:
        line = (await reader.readuntil(b"\r\n")).partition(b";")[0].strip()
        if not _SIZE.fullmatch(line):
            raise asyncio.IncompleteReadError(bytes(line), None)
        if (size := int(line, 16)) == 0:
            break
        body += await reader.readexactly(size)
        if await reader.readexactly(2) != b"\r\n":
            raise asyncio.IncompleteReadError(b"", None)
    while await reader.readuntil(b"\r\n") != b"\r\n":
        pass  # trailers say nothing to a stand-in
    return bytes(body)
