"""Names of destinations that take long to look up delay no others."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import Any

import pytest

from leadkeeper.network.client import Network, NetworkPolicy, parse_ranges

HEALTHY = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 443))]


async def test_eight_slow_names_delay_no_healthy_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """More look-ups hang than the event loop has threads for them; another name is looked up all the same."""
    asked, let_go = threading.Semaphore(0), threading.Event()

    def getaddrinfo(host: str | bytes, *_: Any, **__: Any) -> list[Any]:
        if "slow" in (host.decode() if isinstance(host, bytes) else host):
            asked.release()
            let_go.wait(100)
        return HEALTHY

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    policy = NetworkPolicy(allow_addresses=parse_ranges("127.0.0.0/8"), total_seconds=90, connect_seconds=80)
    network = Network(policy)
    slow = [asyncio.create_task(network.check_reach(f"https://slow{number}.example:1/")) for number in range(8)]
    try:
        assert await asyncio.to_thread(_all_asked, asked, 4)
        check = await asyncio.wait_for(network.check_reach("https://healthy.example:1/"), 60)
        assert [(step.name, step.ok) for step in check.steps][:2] == [("address", True), ("name", True)]
        assert not any(task.done() for task in slow)
    finally:
        let_go.set()
        await asyncio.gather(*slow, return_exceptions=True)
        await network.aclose()


def _all_asked(asked: threading.Semaphore, count: int) -> bool:
    return all(asked.acquire(timeout=60) for _ in range(count))
