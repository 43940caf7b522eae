"""What commits announce is told at once while little happens, and together while much does."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

import pytest

from leadkeeper.storage.announcing import LEAST_SECONDS, MANY, MOST_SECONDS, Announcing
from leadkeeper.storage.away import StorageAway


class Pauses:
    """The pauses of a test, which end when it says so; and what was announced."""

    def __init__(self) -> None:
        self.announced: list[frozenset[str]] = []
        self.pauses: list[float] = []
        self.is_away = False
        self.error: Exception = StorageAway("away")
        self._begun = asyncio.Event()
        self._end = asyncio.Event()
        self.announcing = Announcing(self.announce, self.sleep)

    async def announce(self, connections: Collection[str]) -> None:
        """Note it, or fail."""
        if self.is_away:
            raise self.error
        self.announced.append(frozenset(connections))

    async def sleep(self, seconds: float) -> None:
        """A pause."""
        self.pauses.append(seconds)
        self._begun.set()
        await self._end.wait()
        self._end.clear()

    async def begun(self) -> None:
        """Return when a pause has begun."""
        await self._begun.wait()
        self._begun.clear()

    async def end(self) -> None:
        """End the pause, and return when all that follows from it is done."""
        self._end.set()
        for _ in range(5):
            await asyncio.sleep(0)


async def test_the_first_is_told_at_once_and_the_others_together() -> None:
    pauses = Pauses()
    pauses.announcing.tell(["a"])
    await pauses.begun()
    assert pauses.announced == [{"a"}]
    for name in ("b", "c", "b"):
        pauses.announcing.tell([name])
    assert len(pauses.announced) == 1
    await pauses.end()
    assert pauses.announced[1:] == [{"b", "c"}]
    pauses.announcing.tell(["d"])
    pauses.announcing.tell(())  # any
    await pauses.end()
    assert pauses.announced[2:] == [frozenset()]
    await pauses.end()
    await pauses.begun()
    pauses.announcing.tell(["e"])
    await pauses.begun()
    assert pauses.announced[3:] == [{"e"}]
    await pauses.announcing.close()


async def test_pauses_grow_while_much_is_told_and_shrink_again() -> None:
    pauses = Pauses()
    pauses.announcing.tell(["a"])
    for number in range(8):
        await pauses.begun()
        for name in range(MANY):
            pauses.announcing.tell([f"{number}-{name}"])
        await pauses.end()
    assert pauses.pauses[:4] == [min(2**number * LEAST_SECONDS, MOST_SECONDS) for number in range(4)]
    assert max(pauses.pauses) == MOST_SECONDS
    for number in range(8):
        pauses.announcing.tell([f"{number}"])
        await pauses.end()
    assert pauses.pauses[-1] == LEAST_SECONDS
    await pauses.announcing.close()


@pytest.mark.parametrize("is_away", [False, True])
async def test_what_waits_is_told_at_the_end(is_away: bool) -> None:
    pauses = Pauses()
    pauses.announcing.tell(["a"])
    await pauses.begun()
    pauses.announcing.tell(["b"])
    pauses.is_away = is_away
    await pauses.announcing.close()
    assert pauses.announced == ([{"a"}] if is_away else [{"a"}, {"b"}])


@pytest.mark.parametrize("error", [StorageAway("away"), RuntimeError("too many notifications in the queue")])
async def test_what_goes_wrong_once_ends_nothing(error: Exception) -> None:
    pauses = Pauses()
    pauses.is_away, pauses.error = True, error
    pauses.announcing.tell(["a"])
    await pauses.begun()
    pauses.is_away = False
    pauses.announcing.tell(["b"])
    await pauses.end()
    assert pauses.announced == [{"b"}]
    await pauses.announcing.close()
