"""Where leads arrive: a TLS server that does as little as it can and remembers when each lead came first.

``python -m bench.sink FOLDER HOST...`` writes ``{"port": ...}``; FOLDER holds the certificate authority. What it plays
goes by the path: ``/takes`` 200, ``/hangs`` nothing for 30 s, ``/fails`` 500; ``/$batch`` and ``/MarketplaceLeads``
are Azure Table's, as far as creating rows goes; ``/closed`` answers 401 until it is opened. Orders: ``reset``,
``count``, ``arrivals``, ``gather`` (the arrivals, which are then forgotten), ``open``.
"""

from __future__ import annotations

import asyncio
import re
import sys
import time
from pathlib import Path
from typing import Final, cast

import uvloop

from bench.orders import Order, follow_orders, tell
from leadkeeper.sandbox.authority import Authority

HANG_SECONDS: Final = 30.0

_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_ID: Final = re.compile(rb"\r\nwebhook-id: *([0-9a-f-]+)", re.IGNORECASE)
_ROW_KEY: Final = re.compile(rb'"RowKey": ?"([^"]+)"')
_TAKEN: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
_FAILED: Final = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"
_CLOSED: Final = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"
_MADE: Final = b"HTTP/1.1 204 No Content\r\nx-ms-version: 2019-02-02\r\n\r\n"
_PART: Final = (
    b"--changesetresponse_b\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
    b"HTTP/1.1 204 No Content\r\nX-Content-Type-Options: nosniff\r\nCache-Control: no-cache\r\n"
    b"Preference-Applied: return-no-content\r\nDataServiceVersion: 3.0;\r\nETag: W/\"datetime'0'\"\r\n\r\n\r\n"
)


class Sink:
    """What came. ``arrivals`` holds each lead's id and when it came first, in nanoseconds of the monotonic clock."""

    def __init__(self) -> None:
        self.arrivals: dict[bytes, int] = {}
        self.requests = 0
        self.leads = 0
        self.is_open = False

    def take(self, ids: list[bytes]) -> None:
        """Remember leads that came with one request."""
        now = time.monotonic_ns()
        self.requests += 1
        self.leads += len(ids)
        for lead_id in ids:
            self.arrivals.setdefault(lead_id, now)

    async def obey(self, order: Order) -> object:
        """Answer one order."""
        match order["order"]:
            case "reset":
                self.arrivals, self.requests, self.leads = {}, 0, 0
                self.is_open = False
                return {}
            case "open":
                self.is_open = True
                return {}
            case "gather":
                gathered, self.arrivals = self.arrivals, {}
                return {lead_id.decode(): at for lead_id, at in gathered.items()}
            case "arrivals":
                return {lead_id.decode(): at for lead_id, at in self.arrivals.items()}
            case _:
                times = self.arrivals.values()
                took = (max(times) - min(times)) / 1e9 if times else 0.0
                return {"requests": self.requests, "leads": self.leads, "distinct": len(times), "seconds": took}


class _Connection(asyncio.Protocol):
    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        data = self._rest + data if self._rest else data
        while (end := data.find(b"\r\n\r\n")) >= 0:
            found = _LENGTH.search(data, 0, end)
            whole = end + 4 + (int(found[1]) if found else 0)
            if len(data) < whole:
                break
            self._answer(data[:end], data[end:whole])
            data = data[whole:]
        self._rest = data

    def _answer(self, head: bytes, content: bytes) -> None:
        target = head[: head.index(b"\r\n")].split(b" ")[1].partition(b"?")[0]
        if target == b"/closed" and not self._sink.is_open:
            self._transport.write(_CLOSED)
        elif target in (b"/takes", b"/closed"):
            found = _ID.search(head)
            self._sink.take([found[1]] if found else [])
            self._transport.write(_TAKEN)
        elif target == b"/hangs":
            asyncio.get_running_loop().call_later(HANG_SECONDS, self._transport.write, _TAKEN)
        elif target.endswith(b"/$batch"):
            keys = _ROW_KEY.findall(content)
            self._sink.take(keys)
            self._transport.write(_batch_answer(len(keys)))
        elif target == b"/MarketplaceLeads":
            self._sink.take(_ROW_KEY.findall(content))
            self._transport.write(_MADE)
        else:
            self._transport.write(_FAILED)


def _batch_answer(parts: int) -> bytes:
    body = (
        b"--batchresponse_b\r\nContent-Type: multipart/mixed; boundary=changesetresponse_b\r\n\r\n"
        + _PART * parts
        + b"--changesetresponse_b--\r\n--batchresponse_b--\r\n"
    )
    head = (
        b"HTTP/1.1 202 Accepted\r\nContent-Type: multipart/mixed; boundary=batchresponse_b\r\n"
        b"x-ms-version: 2019-02-02\r\nContent-Length: %d\r\n\r\n"
    )
    return head % len(body) + body


async def _serve(folder: Path, names: list[str]) -> None:
    sink = Sink()
    context = Authority(folder).server_context(*names)
    server = await asyncio.get_running_loop().create_server(lambda: _Connection(sink), "127.0.0.1", 0, ssl=context)
    tell({"port": server.sockets[0].getsockname()[1]})
    await follow_orders(sink.obey)


if __name__ == "__main__":
    uvloop.run(_serve(Path(sys.argv[1]), sys.argv[2:]))
