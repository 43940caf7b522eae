"""The load generator: hands in leads over connections that are kept, for as little work of its own as can be.

``python -m bench.load`` follows orders: ``burst`` keeps every connection busy for some seconds, ``paced`` sends at a
fixed rate, whatever the answers do. Only the expected status counts.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final, cast

import uvloop

from bench.orders import Order, follow_orders
from bench.payload import CUSTOMERS, body, request

_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_LEAD_ID: Final = re.compile(rb'"id": ?"([0-9a-f-]{36})"')

Answered = Callable[["Line", bytes, int, int], None]
"""Called with the connection, the whole answer, and when its request began and its answer was whole (ns)."""


class Line(asyncio.Protocol):
    """One connection: a request, its whole answer, the next request."""

    def __init__(self, answered: Answered) -> None:
        self._answered = answered
        self._begun = 0
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def send(self, message: bytes) -> None:
        """Send one request; not before the last one's answer."""
        self._begun = time.monotonic_ns()
        self._transport.write(message)

    def data_received(self, data: bytes) -> None:
        data = self._rest + data if self._rest else data
        end = data.find(b"\r\n\r\n")
        found = _LENGTH.search(data, 0, end) if end >= 0 else None
        if found is None or len(data) < end + 4 + int(found[1]):
            self._rest = data
            return
        self._rest = b""
        self._answered(self, data, self._begun, time.monotonic_ns())

    def close(self) -> None:
        """Close without waiting."""
        self._transport.abort()


async def _connect(port: int, connections: int, answered: Answered) -> list[Line]:
    loop = asyncio.get_running_loop()
    lines = []
    for _ in range(connections):
        _, line = await loop.create_connection(lambda: Line(answered), "127.0.0.1", port)
        lines.append(line)
    return lines


class Burst:
    """Every connection always waits for an answer; counts those that came between the warm-up and the end."""

    def __init__(self, order: Order) -> None:
        self._messages = _messages(order)
        self._good = f"HTTP/1.1 {order['status']} ".encode()
        self._next = 0
        self._busy = 0
        self._taken = 0
        self._refused = 0
        self._took: list[int] = []
        self._from = self._until = 0
        self._ended = asyncio.Event()

    async def run(self, order: Order) -> dict[str, Any]:
        """Returns how many were taken in all, the rate within the time measured, and how long answers took."""
        lines = await _connect(order["port"], order["connections"], self._answered)
        self._from = time.monotonic_ns() + int(order["warmup"] * 1e9)
        self._until = self._from + int(order["seconds"] * 1e9)
        self._busy = len(lines)
        for line in lines:
            line.send(self._message())
        await self._ended.wait()
        for line in lines:
            line.close()
        took = sorted(self._took)
        return {
            "taken": self._taken,
            "refused": self._refused,
            "rate": len(took) / order["seconds"],
            "p50": took[len(took) // 2] / 1e6 if took else None,
            "p99": took[len(took) * 99 // 100] / 1e6 if took else None,
        }

    def _message(self) -> bytes:
        self._next = (self._next + 1) % len(self._messages)
        return self._messages[self._next]

    def _answered(self, line: Line, answer: bytes, begun: int, now: int) -> None:
        if answer.startswith(self._good):
            self._taken += 1
            if self._from <= now < self._until:
                self._took.append(now - begun)
        else:
            self._refused += 1
        if now < self._until:
            line.send(self._message())
            return
        self._busy -= 1
        if not self._busy:
            self._ended.set()


class Paced:
    """Requests begin at fixed moments. Should all connections be busy, one waits: that is counted as ``starved``."""

    def __init__(self, order: Order) -> None:
        self._messages = _messages(order)
        self._good = f"HTTP/1.1 {order['status']} ".encode()
        self._free: deque[Line] = deque()
        self._waiting: deque[bytes] = deque()
        self._sent: dict[str, int] = {}
        self._took: list[float] = []
        self._refused = 0
        self._starved = 0
        self._left = 0
        self._ended = asyncio.Event()

    async def run(self, order: Order) -> dict[str, Any]:
        """Returns for each lead taken its id and when its request began (ns), and how long the answers took (ms)."""
        loop = asyncio.get_running_loop()
        self._free.extend(await _connect(order["port"], order["connections"], self._answered))
        lines = list(self._free)
        self._left = int(order["rate"] * order["seconds"])
        start = loop.time()
        for number in range(self._left):
            loop.call_at(start + number / order["rate"], self._begin, self._messages[number % len(self._messages)])
        await self._ended.wait()
        for line in lines:
            line.close()
        return {"sent": self._sent, "refused": self._refused, "starved": self._starved, "took": self._took}

    def _begin(self, message: bytes) -> None:
        if self._free:
            self._free.popleft().send(message)
        else:
            self._starved += 1
            self._waiting.append(message)

    def _answered(self, line: Line, answer: bytes, begun: int, now: int) -> None:
        found = _LEAD_ID.search(answer) if answer.startswith(self._good) else None
        if found:
            self._sent[found[1].decode()] = begun
            self._took.append((now - begun) / 1e6)
        else:
            self._refused += 1
        if self._waiting:
            line.send(self._waiting.popleft())
        else:
            self._free.append(line)
        self._left -= 1
        if not self._left:
            self._ended.set()


def _messages(order: Order) -> list[bytes]:
    """Requests for the offers in turn."""
    offers = order["offers"]
    count = CUSTOMERS * len(offers)
    return [
        request("/v1/leads", body(number // len(offers), offers[number % len(offers)]), order["token"])
        for number in range(count)
    ]


async def _obey(order: Order) -> dict[str, Any]:
    return await (Burst(order).run(order) if order["order"] == "burst" else Paced(order).run(order))


if __name__ == "__main__":
    uvloop.run(follow_orders(_obey))
