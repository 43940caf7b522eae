"""A burst of one publisher's requests stands before nobody else's, and none of them waits for a remote system."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from starlette.types import Receive, Scope, Send

from leadkeeper.doors import publisher_turns
from leadkeeper.doors.client_address import ClientAddresses
from leadkeeper.doors.entrance import Entrance
from leadkeeper.doors.origins import Secure
from leadkeeper.doors.publisher_turns import wait_for_turn

BURST = 20
MOST = 4


class Door:
    """A door whose requests are those of the publisher in the path, and take until they are let end."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.ending = asyncio.Event()
        self.progress = asyncio.Condition()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        publisher = scope["path"].strip("/")
        if publisher != "anybody":
            await wait_for_turn(publisher)
        async with self.progress:
            self.begun.append(publisher)
            self.progress.notify_all()
        await self.ending.wait()

    async def has_begun(self, count: int) -> None:
        """Wait for so many requests."""
        async with self.progress:
            await self.progress.wait_for(lambda: len(self.begun) >= count)


@contextmanager
def requests(door: Door, *publishers: str) -> Iterator[list[asyncio.Task[None]]]:
    """One request of each, all at once."""
    entrance = Entrance(door, {}, {}, door, Secure(ClientAddresses(()), "http://leads.example"))

    async def receive() -> dict[str, object]:
        return {"type": "http.disconnect"}

    async def send(_: object) -> None:
        """Nobody reads."""

    def scope(publisher: str) -> Scope:
        return {"type": "http", "path": f"/{publisher}", "method": "GET", "headers": [], "scheme": "http"}

    tasks = [asyncio.create_task(entrance(scope(publisher), receive, send)) for publisher in publishers]
    yield tasks
    for task in tasks:
        task.cancel()


async def test_a_burst_is_worked_on_a_few_at_a_time_and_others_pass_it() -> None:
    door = Door()
    with requests(door, *["mallory"] * BURST, "contoso", "anybody") as tasks:
        await door.has_begun(MOST + 2)
        assert sorted(door.begun) == ["anybody", "contoso", *["mallory"] * MOST]
        door.ending.set()
        await asyncio.gather(*tasks)
    assert door.begun.count("mallory") == BURST, "each had its turn"


async def test_a_request_that_waits_for_somebody_else_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publisher_turns, "TURN_SECONDS", 0.01)
    door = Door()
    with requests(door, *["mallory"] * BURST) as tasks:
        await door.has_begun(BURST)
        door.ending.set()
        await asyncio.gather(*tasks)


async def test_whoever_goes_while_it_waits_takes_no_place_with_it() -> None:
    door = Door()
    with requests(door, *["mallory"] * BURST) as tasks:
        await door.has_begun(MOST)
        for task in tasks[MOST:]:
            task.cancel()
        door.ending.set()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert len(door.begun) == MOST
        door.ending.clear()
        with requests(door, *["mallory"] * MOST):
            await door.has_begun(2 * MOST)
