"""Group commit: what many callers hand in at the same time is written in one transaction."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from leadkeeper.gate import NOBODY, on_behalf_of
from leadkeeper.storage.engine import StorageAway

Item = TypeVar("Item")
Result = TypeVar("Result")


class GroupCommit(Generic[Item, Result]):
    """Gathers items while a write runs, then writes all of them at once; each caller hears after the commit.

    ``write`` is given at most ``limit`` items and returns one result per item, in order. When the database is away,
    every caller of that group hears so: nothing of it was kept. When it raises anything else, each item is written
    alone, so that one which cannot be written spoils no other.
    """

    def __init__(self, write: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]], limit: int) -> None:
        self._write = write
        self._limit = limit
        self._waiting: deque[tuple[Item, asyncio.Future[Result]]] = deque()
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        """How many items wait for their group."""
        return len(self._waiting)

    @property
    def busy(self) -> bool:
        """Whether a write is under way, or items wait for one."""
        return self._task is not None

    def put(self, item: Item) -> asyncio.Future[Result]:
        """Hand in ``item``; the future ends with its result once the transaction it shares is committed."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._task is None:
            with on_behalf_of(NOBODY):  # a group holds what many handed in, whoever came first
                self._task = asyncio.create_task(self._run(), name="group-commit")
        return future

    async def drained(self) -> None:
        """Return when all that was handed in is written."""
        while self._task is not None:
            await asyncio.shield(self._task)

    async def _run(self) -> None:
        try:
            # One turn of the loop, so that requests which arrived together share the first transaction too.
            await asyncio.sleep(0)
            while self._waiting:
                group = [self._waiting.popleft() for _ in range(min(self._limit, len(self._waiting)))]
                await self._write_group(group)
        finally:
            self._task = None

    async def _write_group(self, group: list[tuple[Item, asyncio.Future[Result]]]) -> None:
        try:
            results = await self._write([item for item, _ in group])
        except Exception as error:
            if len(group) > 1 and not isinstance(error, StorageAway):
                # One of them cannot be written; alone, each finds out for itself.
                for one in group:
                    await self._write_group([one])
                return
            for _, future in group:
                if not future.done():
                    future.set_exception(error)
        else:
            for (_, future), result in zip(group, results, strict=True):
                if not future.done():
                    future.set_result(result)
