"""Somebody who speaks to the server byte by byte, and what that costs the server."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

PIECE = 65_536


def request(line: str, *headers: str, body: bytes = b"") -> bytes:
    """A whole request; its length is said unless ``headers`` say otherwise."""
    lines = [f"{line} HTTP/1.1", "Host: leads.example", *headers]
    if body and not any(h.lower().startswith(("content-length", "transfer-encoding")) for h in headers):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


@dataclass(frozen=True)
class RemoteMessage:
    """What came back: the status, 0 if the connection was closed without one; and how much was sent till then."""

    status: int
    answer: bytes
    sent: int


async def say(port: int, content: bytes, seconds: float = 60, piece: int = PIECE) -> RemoteMessage:
    """Send ``content`` until it is answered or refused; a server that does neither fails the test."""
    async with asyncio.timeout(seconds):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        answered = asyncio.create_task(_head(reader))
        sent = 0
        try:
            for start in range(0, len(content), piece):
                if answered.done():
                    break
                part = content[start : start + piece]
                try:
                    writer.write(part)
                    await writer.drain()
                except OSError:
                    break
                sent += len(part)
                await asyncio.sleep(0)
            head = await answered
        finally:
            answered.cancel()
            writer.transport.abort()
    return RemoteMessage(int(head.split(b" ", 2)[1]) if head.startswith(b"HTTP/1.1 ") else 0, head, sent)


async def _head(reader: asyncio.StreamReader) -> bytes:
    """The first of an answer that comes, however the connection ends."""
    got = b""
    with contextlib.suppress(OSError):
        while b"\r\n\r\n" not in got:
            more = await reader.read(65_536)
            if not more:
                break
            got += more
    return got


class HalfOpen:
    """Many connections that never finish what they begin. Use ``async with``."""

    def __init__(self, port: int, count: int, beginning: bytes) -> None:
        self._port, self._count, self._beginning = port, count, beginning
        self._open: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def __aenter__(self) -> HalfOpen:
        gate = asyncio.Semaphore(100)

        async def begin() -> None:
            async with gate:
                with contextlib.suppress(OSError):
                    made = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", self._port), 60)
                    made[1].write(self._beginning)
                    self._open.append(made)

        await asyncio.gather(*(begin() for _ in range(self._count)))
        return self

    async def __aexit__(self, *_: object) -> None:
        for _reader, writer in self._open:
            writer.transport.abort()
        await asyncio.sleep(0)

    @property
    def begun(self) -> int:
        """How many were taken, at least for a while."""
        return len(self._open)


class Meter:
    """The CPU seconds that a process uses, user and system."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)

    def read(self) -> float:
        """All seconds so far."""
        times = self._process.cpu_times()
        return times.user + times.system


async def cost(port: int, meter: Meter, content: bytes, times: int) -> tuple[float, Sequence[RemoteMessage]]:
    """The CPU seconds of one such request, from so many of them; the machine's timer counts in steps of 10 ms."""
    before = meter.read()
    message = [await say(port, content) for _ in range(times)]
    return (meter.read() - before) / times, message
