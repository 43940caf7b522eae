"""Group commit: what many callers hand in at the same time is written in one transaction."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeVar

from leadkeeper.gate import NOBODY, on_behalf_of
from leadkeeper.storage.engine import StorageAway

Item = TypeVar("Item")
Result = TypeVar("Result")

PATIENCE: Final = 0.005
"""How many seconds items wait for slow groups before another is begun beside them. Groups that are not slow stay large:
each costs the database and the processor about the same, however many items it holds."""


class Group(Generic[Item, Result]):
    """Items that are written together: those that have come when somebody takes them, ``limit`` at most."""

    def __init__(self, waiting: deque[tuple[Item, asyncio.Future[Result]]], limit: int) -> None:
        self._waiting = waiting
        self._limit = limit
        self._taken: list[tuple[Item, asyncio.Future[Result]]] | None = None

    @property
    def is_open(self) -> bool:
        """Whether what comes now is still written with it."""
        return self._taken is None

    def ahead(self) -> list[Item]:
        """What has come so far; more may join."""
        return [item for item, _ in self._waiting]

    def take(self) -> list[Item]:
        """Its items, of which there may be none; no other joins from now on.

        It may be called in any thread, so in the transaction itself: what comes while that waits for its turn is
        written with the others. Called again it answers the same.
        """
        if self._taken is None:
            taken: list[tuple[Item, asyncio.Future[Result]]] = []
            # Others only add on the other side.
            while self._waiting and len(taken) < self._limit:
                taken.append(self._waiting.popleft())
            self._taken = taken
        return [item for item, _ in self._taken]

    def end(self, results: Sequence[Result]) -> None:
        """Each caller hears its result."""
        for future, result in zip(self.futures(), results, strict=True):
            if not future.done():
                future.set_result(result)

    def fail(self, error: Exception) -> None:
        """All hear that nothing was kept."""
        for future in self.futures():
            if not future.done():
                future.set_exception(error)

    def futures(self) -> list[asyncio.Future[Result]]:
        """What the callers wait for, in the order of the items."""
        self.take()
        return [future for _, future in self._taken or ()]

    def alone(self) -> list[Group[Item, Result]]:
        """A group for each of its items."""
        self.take()
        return [Group(deque([one]), 1) for one in self._taken or ()]


class GroupCommit(Generic[Item, Result]):
    """Gathers items while a write runs, then writes all of them at once; each caller hears after the commit.

    ``write`` is given a group, takes its items (at most ``limit``) and returns one result for each, in order. When the
    database is away, every caller of that group hears so: nothing of it was kept. When it raises anything else, each
    item is written alone, so that one which cannot be written spoils no other. ``at_once``: how many groups are under
    way; a second one waits for its turn, where writers take turns, while the first is written. ``most``: how many, once
    those under way keep others waiting for :data:`PATIENCE`, so that a slow one holds up nobody for long.
    ``pause``: for how many seconds what need not be written at once waits for more to be written with it.
    """

    def __init__(
        self,
        write: Callable[[Group[Item, Result]], Awaitable[Sequence[Result]]],
        limit: int,
        at_once: int = 1,
        most: int = 1,
        pause: float = 0.0,
    ) -> None:
        self._write = write
        self._limit = limit
        self._at_once = at_once
        self._most = most
        self._pause = pause
        self._patience: asyncio.TimerHandle | None = None
        self._later: asyncio.TimerHandle | None = None
        self._waiting: deque[tuple[Item, asyncio.Future[Result]]] = deque()
        self._groups: dict[Group[Item, Result], asyncio.Task[None] | None] = {}

    def __len__(self) -> int:
        """How many items wait for their group."""
        return len(self._waiting)

    @property
    def busy(self) -> bool:
        """Whether a write is under way, or items wait for one."""
        return bool(self._groups or self._waiting)

    def put(self, item: Item, *, at_once: bool = True) -> asyncio.Future[Result]:
        """Hand in ``item``; the future ends with its result once the transaction it shares is committed.

        Unless it is to be written ``at_once``, or many wait already, that may begin as much later as the pause is long.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        self._waiting.append((item, future))
        if at_once or not self._pause or len(self._waiting) >= self._limit:
            self._open()
        elif self._later is None:
            self._later = loop.call_later(self._pause, self._open)
        return future

    async def drained(self) -> None:
        """Return when all that was handed in is written, which none of it waits for any longer."""
        while self.busy:
            self._open()
            await asyncio.wait([task for task in self._groups.values() if task is not None])

    def _open(self) -> None:
        """Begin the next group, unless one is open or as many as may be are under way."""
        if self._later is not None:
            self._later.cancel()
            self._later = None
        if any(group.is_open for group in self._groups):
            return
        if len(self._groups) < self._at_once:
            self._begin()
        elif len(self._groups) < self._most and self._patience is None:
            self._patience = asyncio.get_running_loop().call_later(PATIENCE, self._open_late)

    def _open_late(self) -> None:
        """Those under way have kept others waiting for long enough."""
        self._patience = None
        if self._waiting and len(self._groups) < self._most and not any(group.is_open for group in self._groups):
            self._begin()

    def _begin(self) -> None:
        group = Group(self._waiting, self._limit)
        self._groups[group] = None
        with on_behalf_of(NOBODY):  # a group holds what many handed in, whoever came first
            self._groups[group] = asyncio.create_task(self._run(group), name="group-commit")

    async def _run(self, group: Group[Item, Result]) -> None:
        try:
            # One turn of the loop, so that requests which arrived together share the first transaction too.
            await asyncio.sleep(0)
            await self._write_group(group)
        finally:
            del self._groups[group]
            if self._waiting and self._later is None:
                self._open()

    async def _write_group(self, group: Group[Item, Result]) -> None:
        try:
            results = await self._write(group)
        except Exception as error:
            if len(group.take()) < 2 or isinstance(error, StorageAway):
                group.fail(error)
                return
            # One of them cannot be written; alone, each finds out for itself.
            for one in group.alone():
                await self._write_group(one)
        else:
            group.end(results)
