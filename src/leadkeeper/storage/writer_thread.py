"""The thread in which SQLite is written: transactions of the installation pass those on behalf of a publisher."""

from __future__ import annotations

import heapq
import itertools
import math
import threading
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Any, Final, NamedTuple

from leadkeeper.gate import NOBODY, acting_for

PASSED_BY: Final = 8
"""How many transactions of the installation that came later may go ahead of one on behalf of a publisher."""
TOGETHER: Final = 8
"""How many transactions of the installation are committed together at most."""


class TransactionResult(NamedTuple):
    """What came of a transaction: its result, or its error."""

    result: Any = None
    error: BaseException | None = None


class _Work(NamedTuple):
    """A transaction in the queue, and who hears what came of it; the one without is the last."""

    place: float
    number: int
    own: bool
    transaction: Callable[[Any], Any] | None
    answer: Callable[[TransactionResult], object]


class WriterThread:
    """Does one thing after another, in the order in which it was given.

    What the installation does itself (leads that come in, claims, what came of them) goes ahead of at most
    :data:`PASSED_BY` places of what is done on behalf of a publisher: leads of all wait for one such transaction at
    most, the one that runs, and each such one comes soon, however much comes in. Of the installation's own transactions
    those that wait at the same time are given to ``write`` together: a commit costs more than most of them. It answers
    one outcome for each, in order, once they are on the disk; it raises nothing.

    ``idle`` is called again and again, in the thread, while nothing is to be done and :attr:`idle_seconds` is set.
    """

    def __init__(
        self,
        name: str,
        write: Callable[[Sequence[Callable[[Any], Any]]], Sequence[TransactionResult]],
        idle: Callable[[], object] = lambda: None,
    ) -> None:
        self._write = write
        self._idle = idle
        self._idle_seconds: float | None = None
        # Handed over without a lock of Python's own, and put in order by the thread alone: it costs a third as much as
        # a queue that keeps order by itself. ``None`` wakes the thread.
        self._given: SimpleQueue[_Work | None] = SimpleQueue()
        self._waiting: list[_Work] = []
        self._numbers = itertools.count()
        self._closing = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def idle_seconds(self) -> float | None:
        """After so many seconds without anything to do ``idle`` is called, and after so many once more."""
        return self._idle_seconds

    @idle_seconds.setter
    def idle_seconds(self, seconds: float | None) -> None:
        self._idle_seconds = seconds
        self._given.put(None)

    def submit(self, transaction: Callable[[Any], Any], answer: Callable[[TransactionResult], object]) -> None:
        """Do ``transaction`` when its turn comes; ``answer`` is then told in the thread what came of it.

        Raises :class:`RuntimeError` after :meth:`shutdown`.
        """
        own = acting_for() == NOBODY
        with self._closing:
            if self._closed:
                raise RuntimeError("the database is closed")
            number = next(self._numbers)
            self._given.put(_Work(number if own else number + PASSED_BY, number, own, transaction, answer))

    def shutdown(self) -> None:
        """Take nothing more, and end once all that was given is done."""
        with self._closing:
            self._closed = True
            # Behind all that was given.
            self._given.put(_Work(math.inf, next(self._numbers), False, None, lambda _: None))
        self._thread.join()

    def _run(self) -> None:
        while works := self._next():
            transactions = [work.transaction for work in works if work.transaction is not None]
            for work, outcome in zip(works, self._write(transactions), strict=True):
                work.answer(outcome)
            del works, transactions, work, outcome  # what a transaction held is not held until the next one comes

    def _next(self) -> list[_Work]:
        """What is done now: one transaction, and those of the installation that wait behind it; none at the end."""
        waiting = self._waiting
        self._take_in()
        work = heapq.heappop(waiting)
        if work.transaction is None:
            return []
        works = [work]
        while work.own and waiting and waiting[0].own and len(works) < TOGETHER:
            work = heapq.heappop(waiting)
            works.append(work)
        return works

    def _take_in(self) -> None:
        """Put in order all that was given by now; at least one, for which it waits."""
        waiting, given = self._waiting, self._given
        while True:
            try:
                work = given.get_nowait() if waiting else given.get(timeout=self._idle_seconds)
            except Empty:
                if waiting:
                    return
                self._idle()
            else:
                if work is not None:
                    heapq.heappush(waiting, work)
