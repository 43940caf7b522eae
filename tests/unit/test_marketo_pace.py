"""How fast Marketo's form is called: within the window, one person at a time, each process its part."""

from __future__ import annotations

import asyncio

import pytest

from leadkeeper.destinations.marketo.pace import Busy, FormPace


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


async def test_calls_stay_in_the_window(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    pace = FormPace(3, 20, 5, clock)
    monkeypatch.setattr(asyncio, "sleep", sleep)
    for _ in range(3):
        await pace.call()
    assert slept == []
    clock.now += 10
    await pace.call()
    assert slept == [10]
    clock.now += 0.1
    pace.rest(100)
    with pytest.raises(Busy) as caught:
        await pace.call()
    assert caught.value.seconds == pytest.approx(100)


async def test_several_processes_divide_what_a_subscription_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, processes = Clock(), 2
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    calls = FormPace(5, 20, 5, clock, lambda: processes)
    for _ in range(2):
        await calls.call()
    assert slept == []
    clock.now += 10
    await calls.call()
    assert slept == [10], "two of five are this process's"
    posts = FormPace(1, 1, 1, clock, lambda: processes)
    for _ in range(2):
        await posts.call()
    assert slept == [10, 2], "the one post a second is made in every second second"
    processes = 1
    alone = FormPace(5, 20, 5, clock, lambda: processes)
    for _ in range(5):
        await alone.call()
    assert slept == [10, 2]


async def test_several_processes_divide_calls_at_once() -> None:
    processes, running, most = 2, 0, 0
    pace = FormPace(1_000, 1, 5, parts=lambda: processes)

    async def one() -> None:
        nonlocal running, most
        async with pace.turn():
            running += 1
            most = max(most, running)
            await asyncio.sleep(0)
            running -= 1

    await asyncio.gather(*(one() for _ in range(20)))
    assert most == 2
    processes, most = 100, 0
    await asyncio.gather(*(one() for _ in range(5)))
    assert most == 1


async def test_one_person_at_a_time_and_few_persons_at_once() -> None:
    pace = FormPace(1_000, 1, 2)
    running: list[str] = []
    seen: list[tuple[str, ...]] = []

    async def one(person: str) -> None:
        async with pace.turn(person):
            running.append(person)
            seen.append(tuple(running))
            await asyncio.sleep(0.01)
            running.remove(person)

    await asyncio.gather(*(one(person) for person in ("a", "b", "c", "a", "a", "b")))
    assert max(map(len, seen)) == 2
    assert not [each for each in seen if len(set(each)) < len(each)]
