"""A burst of one publisher's requests stands before nobody else's, and none of them waits for a remote system."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from leadkeeper.doors import publisher_turns
from leadkeeper.doors.client_address import ClientAddresses
from leadkeeper.doors.entrance import Entrance
from leadkeeper.doors.origins import Secure
from leadkeeper.doors.publisher_turns import wait_for_turn
from leadkeeper.problem import Problem, ProblemType

BURST = 20
MOST = 4

Ask = Callable[[str], Awaitable[None]]


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


def asking(door: ASGIApp) -> Ask:
    """Makes one request of a publisher, through the entrance."""
    entrance = Entrance(door, {}, {}, door, Secure(ClientAddresses(()), "http://leads.example"))

    async def receive() -> dict[str, object]:
        return {"type": "http.disconnect"}

    async def send(_: object) -> None:
        """Nobody reads."""

    def scope(publisher: str) -> Scope:
        return {"type": "http", "path": f"/{publisher}", "method": "GET", "headers": [], "scheme": "http"}

    async def ask(publisher: str) -> None:
        await entrance(scope(publisher), receive, send)

    return ask


@contextmanager
def requests(door: Door, *publishers: str) -> Iterator[list[asyncio.Task[None]]]:
    """One request of each, all at once."""
    ask = asking(door)
    tasks = [asyncio.create_task(ask(publisher)) for publisher in publishers]
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


class Late:
    """Makes the event loop late, as a process with too much to do is, until it ends."""

    def __init__(self) -> None:
        self._ending = False

    def __enter__(self) -> Late:
        self._work()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending = True

    def _work(self) -> None:
        if not self._ending:
            time.sleep(3 * publisher_turns.LATE_SECONDS)
            asyncio.get_running_loop().call_soon(self._work)


class Short:
    """A door whose requests are those of the publisher in the path and end after a moment; it counts them."""

    def __init__(self) -> None:
        self.ended: Counter[str] = Counter()
        self.refused: list[Problem] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        publisher = scope["path"].strip("/")
        try:
            await wait_for_turn(publisher)
        except Problem as problem:
            self.refused.append(problem)
            return
        await asyncio.sleep(0.001)
        self.ended[publisher] += 1


async def ask_again_and_again(ask: Ask, seconds: float, **at_once: int) -> None:
    """So many of each publisher ask, each anew when it was answered."""
    end = asyncio.get_running_loop().time() + seconds

    async def asks(publisher: str) -> None:
        while asyncio.get_running_loop().time() < end:
            await ask(publisher)

    await asyncio.gather(*(asks(who) for who, count in at_once.items() for _ in range(count)))


async def test_who_used_most_rests_while_the_process_is_late_and_others_do_not() -> None:
    """Four of one beside one of another: it would have four times as many turns, and has fewer than twice as many."""
    door = Short()
    ask = asking(door)
    with Late():
        await ask_again_and_again(ask, 0.5, mallory=MOST, contoso=1)
        door.ended.clear()
        await ask_again_and_again(ask, 2.0, mallory=MOST, contoso=1)
    assert door.ended["mallory"] < 2 * door.ended["contoso"]
    assert door.ended["mallory"] >= 2, "it rests, and is not shut out"
    assert not door.refused


async def test_nobody_rests_in_a_process_that_is_in_time_again() -> None:
    door = Short()
    ask = asking(door)
    with Late():
        await ask_again_and_again(ask, 1.0, mallory=MOST)
    await asyncio.sleep(publisher_turns.MOST_REST_SECONDS)
    door.ended.clear()
    await ask_again_and_again(ask, 0.5, mallory=MOST)
    assert door.ended["mallory"] > 10 * MOST


async def test_more_than_a_few_that_wait_while_the_process_is_late_are_told_to_come_again() -> None:
    door = Short()
    ask = asking(door)
    with Late():
        await ask_again_and_again(ask, 0.5, mallory=MOST)
        await asyncio.gather(*[ask("mallory") for _ in range(5 * publisher_turns.MOST_WAITING)], ask("contoso"))
    assert len(door.refused) >= 3 * publisher_turns.MOST_WAITING
    assert door.ended["contoso"] == 1
    assert {(each.type, each.retry_after) for each in door.refused} == {
        (ProblemType.TOO_MANY_REQUESTS, publisher_turns.RETRY_SECONDS)
    }


def test_lateness_is_that_of_the_last_moments() -> None:
    strain = publisher_turns.Strain()
    strain.add(0.05, 100.0)
    assert strain.late == 0.025, "one callback alone says half"
    for number in range(1, 41):
        strain.add(0.05, 100.0 + number * 0.01)
    assert 0.045 < strain.late < 0.05
    for number in range(41, 71):
        strain.add(0.0, 100.0 + number * 0.01)
    assert not strain.is_late
