"""A burst of one publisher's requests stands before nobody else's, and none of them waits for a remote system."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from leadkeeper import publisher_turns
from leadkeeper.doors.client_address import ClientAddresses
from leadkeeper.doors.entrance import Entrance
from leadkeeper.doors.origins import Secure
from leadkeeper.problem import Problem, ProblemType
from leadkeeper.publisher_turns import PublisherTurns, Strain, wait_for_turn

BURST = 20
MOST = 4

Ask = Callable[[str], Coroutine[None, None, None]]


@pytest.fixture(autouse=True)
def turns_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn ends when its request does, however long a busy machine keeps the loop waiting."""
    monkeypatch.setattr(publisher_turns, "TURN_SECONDS", 600.0)


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
    entrance = Entrance(door, {}, {}, door, Secure(ClientAddresses(()), "http://leads.example"), PublisherTurns())

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
def requests(door: ASGIApp, *publishers: str, ask: Ask | None = None) -> Iterator[list[asyncio.Task[None]]]:
    """One request of each, all at once; through the entrance of ``ask``, or one of their own."""
    ask = ask or asking(door)
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


class Short:
    """A door whose requests are those of the publisher in the path, of the kind behind it; mallory's take long."""

    def __init__(self) -> None:
        self.ended: Counter[str] = Counter()
        self.refused: list[Problem] = []
        self.progress = asyncio.Condition()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        publisher, slash, kind = scope["path"].strip("/").partition("/")
        try:
            await wait_for_turn(publisher, slash + kind)
            await asyncio.sleep(0.01 if publisher == "mallory" else 0)
            self.ended[publisher] += 1
        except Problem as problem:
            self.refused.append(problem)
        async with self.progress:
            self.progress.notify_all()

    async def until(self, publisher: str, ended: int, refused: int = 0) -> None:
        """Wait until so many of the publisher's requests have ended, and so many of anybody's were refused."""
        async with self.progress:
            await self.progress.wait_for(lambda: self.ended[publisher] >= ended and len(self.refused) >= refused)


class Lateness:
    """How late the event loop seems to be, in seconds, whatever the machine does; rests outlast the test."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.seconds = 0.0
        patch.setattr(publisher_turns, "MOST_REST_SECONDS", 600.0)
        patch.setattr(Strain, "measure", lambda strain: setattr(strain, "late", self.seconds))


@pytest.fixture
def lateness(monkeypatch: pytest.MonkeyPatch) -> Lateness:
    """The loop is in time until the test says otherwise."""
    return Lateness(monkeypatch)


VERY_LATE = 10_000 * publisher_turns.LATE_SECONDS


async def test_who_used_most_rests_while_the_process_is_late_and_others_do_not(lateness: Lateness) -> None:
    lateness.seconds, door = VERY_LATE, Short()
    ask = asking(door)
    await ask("contoso")
    with requests(door, *["mallory"] * BURST, ask=ask):
        await door.until("mallory", MOST)
        with requests(door, *["contoso"] * MOST, "mallory/hooks", ask=ask) as others:
            await asyncio.gather(*others)
        for _ in range(3 * MOST):
            await ask("contoso")
        assert door.ended == {"mallory": MOST + 1, "contoso": 1 + 4 * MOST}
    assert not door.refused


async def test_who_is_alone_does_not_rest(lateness: Lateness) -> None:
    lateness.seconds, door = VERY_LATE, Short()
    with requests(door, *["mallory"] * 2 * BURST) as tasks:
        await asyncio.gather(*tasks)
    assert door.ended["mallory"] == 2 * BURST
    assert not door.refused


async def test_a_rest_ends(lateness: Lateness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publisher_turns, "MOST_REST_SECONDS", 0.01)
    lateness.seconds, door = VERY_LATE, Short()
    with requests(door, "contoso", *["mallory"] * BURST) as tasks:
        await asyncio.gather(*tasks)
    assert door.ended["mallory"] == BURST


async def test_nobody_rests_while_the_process_is_in_time(lateness: Lateness) -> None:
    lateness.seconds, door = publisher_turns.LATE_SECONDS, Short()
    with requests(door, "contoso", *["mallory"] * BURST) as tasks:
        await asyncio.gather(*tasks)
    assert door.ended["mallory"] == BURST


async def test_more_than_a_few_that_wait_while_the_process_is_late_are_told_to_come_again(lateness: Lateness) -> None:
    lateness.seconds, door = VERY_LATE, Short()
    ask = asking(door)
    await ask("contoso")
    with requests(door, *["mallory"] * (MOST + publisher_turns.MOST_WAITING), ask=ask):
        await door.until("mallory", MOST)
        with requests(door, *["mallory"] * 5, ask=ask):
            await door.until("mallory", MOST, refused=5)
        await ask("contoso")
    assert door.ended["contoso"] == 2
    assert [(each.type, each.retry_after) for each in door.refused] == [
        (ProblemType.TOO_MANY_REQUESTS, publisher_turns.RETRY_SECONDS)
    ] * 5


async def test_leads_wait_however_many_they_are(lateness: Lateness) -> None:
    lateness.seconds, door = VERY_LATE, Short()
    ask = asking(door)
    await ask("contoso")
    with requests(door, *["mallory/hooks"] * 2 * (MOST + publisher_turns.MOST_WAITING), ask=ask) as tasks:
        await door.until("mallory", MOST)
        await ask("contoso")
        assert sum(task.done() for task in tasks) == MOST
    assert not door.refused


async def test_a_loop_that_is_held_up_is_late() -> None:
    strain = Strain()
    asyncio.get_running_loop().call_soon(time.sleep, 3 * publisher_turns.LATE_SECONDS)
    strain.measure()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert strain.is_late


def test_lateness_is_that_of_the_last_moments() -> None:
    strain = Strain()
    strain.add(0.05, 100.0)
    assert strain.late == 0.025, "one callback alone says half"
    for number in range(1, 41):
        strain.add(0.05, 100.0 + number * 0.01)
    assert 0.045 < strain.late < 0.05
    for number in range(41, 71):
        strain.add(0.0, 100.0 + number * 0.01)
    assert not strain.is_late
