"""What becomes of requests that are still here when a server ends."""

from __future__ import annotations

import asyncio
import contextlib
import socket

import pytest
from starlette.types import Receive, Scope, Send
from structlog.testing import CapturingLogger

from leadkeeper.doors.client_address import ClientAddresses
from leadkeeper.doors.listener.limits import Limits
from leadkeeper.doors.listener.server import listen

REQUEST = b"POST /v1/leads HTTP/1.1\r\nHost: leads.example\r\nContent-Length: 0\r\n\r\n"


async def test_whoever_waits_when_the_time_to_end_is_over_is_told_nothing(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Any answer would say that the lead was kept, or that it was not: neither is known.
    begun, said = asyncio.Event(), CapturingLogger()
    monkeypatch.setattr("leadkeeper.doors.listener.server.log", said)

    async def hangs(scope: Scope, receive: Receive, send: Send) -> None:
        begun.set()
        await asyncio.Event().wait()

    bound = socket.create_server(("127.0.0.1", 0))
    server = await listen(hangs, bound, Limits(), ClientAddresses(()), ending_seconds=0)
    reader, writer = await asyncio.open_connection(*bound.getsockname())
    writer.write(REQUEST)
    await begun.wait()
    await server.end()
    with contextlib.suppress(ConnectionError):
        assert await reader.read() == b""
    writer.close()
    await asyncio.sleep(0)
    assert [record.getMessage() for record in caplog.records if record.name.startswith("uvicorn")] == []
    assert said.calls == [("warning", ("requests took too long to end",), {"requests": 1})], "one plain line"
