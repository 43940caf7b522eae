"""How the bench's own programs are told what to do: one line of JSON in, one line of JSON out."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Any

Order = dict[str, Any]


async def follow_orders(obey: Callable[[Order], Awaitable[Any]]) -> None:
    """Do each line of standard input, one after another, and write its answer; return at the end of the input."""
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[bytes] = asyncio.Queue()
    rest = bytearray()

    def readable() -> None:
        chunk = os.read(sys.stdin.fileno(), 65_536)
        rest.extend(chunk)
        while (end := rest.find(b"\n")) >= 0:
            lines.put_nowait(bytes(rest[:end]))
            del rest[: end + 1]
        if not chunk:
            loop.remove_reader(sys.stdin.fileno())
            lines.put_nowait(b"")

    loop.add_reader(sys.stdin.fileno(), readable)
    while line := await lines.get():
        tell(await obey(json.loads(line)))


def tell(answer: object) -> None:
    """Write one line for whoever started us."""
    print(json.dumps(answer, separators=(",", ":")), flush=True)
