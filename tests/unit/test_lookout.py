"""The worker's lookout: what it is asked for is looked for, whatever else is due."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from leadkeeper.delivery.due import Due, connections_due
from leadkeeper.delivery.lookout import Lookout, due_everywhere
from leadkeeper.storage.engine import Storage, StorageAway


class Asked:
    """A storage that notes which connections are asked for, and finds those that are named."""

    def __init__(self) -> None:
        self.asked: list[frozenset[str] | None] = []
        self.away = False
        self.slow: asyncio.Event | None = None

    async def read(self, act: Any, _now: int, only: Any, *_: Any) -> list[Due]:
        if self.away:
            raise StorageAway("away")
        if act is due_everywhere:
            only = None
            if self.slow is not None:
                await self.slow.wait()
        else:
            assert act is connections_due
        self.asked.append(None if only is None else frozenset(only))
        return [Due(each, "contoso") for each in only or ()]


def lookout(storage: Asked, found: asyncio.Event) -> Lookout:
    return Lookout(cast("Storage", storage), lambda: 0, lambda: None, found.set)


async def test_what_is_named_is_looked_for_although_all_are_due_to_be_looked_at() -> None:
    storage, found = Asked(), asyncio.Event()
    looks = lookout(storage, found)
    looks.look({"one"})  # the first look at all is due as well
    async with asyncio.timeout(60):
        await found.wait()
    assert looks.take() == [Due("one", "contoso")]
    assert frozenset({"one"}) in storage.asked
    await looks.aclose()


async def test_it_looks_again_after_the_database_was_away() -> None:
    storage, found = Asked(), asyncio.Event()
    looks = lookout(storage, found)
    storage.away = True
    looks.look({"one"})
    for _ in range(5):
        await asyncio.sleep(0)
    storage.away = False
    looks.look({"two"})
    async with asyncio.timeout(60):
        await found.wait()
    assert Due("two", "contoso") in looks.take()
    await looks.aclose()


async def test_what_is_named_does_not_wait_for_a_look_at_all() -> None:
    storage, found = Asked(), asyncio.Event()
    storage.slow = asyncio.Event()
    looks = lookout(storage, found)
    looks.look(None)
    await asyncio.sleep(0)
    looks.look({"one"})
    async with asyncio.timeout(60):
        await found.wait()
    assert looks.take() == [Due("one", "contoso")]
    storage.slow.set()
    await looks.aclose()
