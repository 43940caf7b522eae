"""What the sandbox does with a connection that breaks under it."""

from __future__ import annotations

import asyncio

import pytest

from leadkeeper.sandbox.faults import Exchange, Seen, endless

REQUEST = Seen("POST", "/in", {}, b"")


class BrokenWithin(asyncio.Transport):
    """The other side goes within a write; the protocol hears of it in the loop's next turn, as with TLS."""

    def __init__(self, protocol: asyncio.BaseProtocol) -> None:
        super().__init__()
        self._protocol, self._writes, self._closed = protocol, 0, False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._writes += 1
        if self._writes == 2:
            asyncio.get_running_loop().call_soon(self._protocol.connection_lost, ConnectionResetError("gone"))
        if self._writes > 1_000:
            raise AssertionError("writes on although nobody is there")

    def is_closing(self) -> bool:
        return self._closed

    def close(self) -> None:
        self._closed = True


async def test_an_endless_answer_ends_with_its_connection() -> None:
    loop = asyncio.get_running_loop()
    protocol = asyncio.StreamReaderProtocol(asyncio.StreamReader())
    writer = asyncio.StreamWriter(BrokenWithin(protocol), protocol, None, loop)
    with pytest.raises(ConnectionResetError):
        await endless()(Exchange(REQUEST, writer))
    writer.close()
