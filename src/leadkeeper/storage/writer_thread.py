"""The thread in which SQLite is written: transactions of the installation pass those on behalf of a publisher."""

from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from queue import Empty, PriorityQueue
from typing import Any, Final, NamedTuple, TypeVar

from leadkeeper.gate import NOBODY, acting_for

R = TypeVar("R")

PASSED_BY: Final = 8
"""How many transactions of the installation that came later may go ahead of one on behalf of a publisher."""
TOGETHER: Final = 8
"""How many transactions of the installation are committed together at most."""


class TransactionResult(NamedTuple):
    """What came of a transaction: its result, or its error."""

    result: Any = None
    error: BaseException | None = None


class _Work(NamedTuple):
    """A transaction in the queue; the one without is the last."""

    place: float
    number: int
    own: bool
    future: Future[Any]
    transaction: Callable[[Any], Any] | None


class WriterThread:
    """Does one thing after another, in the order in which it was given.

    What the installation does itself (leads that come in, claims, what came of them) goes ahead of at most
    :data:`PASSED_BY` places of what is done on behalf of a publisher: leads of all wait for one such transaction at
    most, the one that runs, and each such one comes soon, however much comes in. Of the installation's own transactions
    those that wait at the same time are given to ``write`` together: a commit costs more than most of them. It answers
    one outcome for each, in order, once they are on the disk; it raises nothing.
    """

    def __init__(
        self, name: str, write: Callable[[Sequence[Callable[[Any], Any]]], Sequence[TransactionResult]]
    ) -> None:
        self._write = write
        self._waiting: PriorityQueue[_Work] = PriorityQueue()
        self._numbers = itertools.count()
        self._closing = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(self, transaction: Callable[[Any], R]) -> Future[R]:
        """Do ``transaction`` when its turn comes. Raises :class:`RuntimeError` after :meth:`shutdown`."""
        future: Future[R] = Future()
        with self._closing:
            if self._closed:
                raise RuntimeError("the database is closed")
            number, own = next(self._numbers), acting_for() == NOBODY
            self._waiting.put(_Work(number if own else number + PASSED_BY, number, own, future, transaction))
        return future

    def shutdown(self) -> None:
        """Take nothing more, and end once all that was given is done."""
        with self._closing:
            self._closed = True
            # Behind all that was given.
            self._waiting.put(_Work(math.inf, next(self._numbers), False, Future(), None))
        self._thread.join()

    def _run(self) -> None:
        while (taken := self._next()) is not None:
            works = [work for work in taken if work.future.set_running_or_notify_cancel()]
            transactions = [work.transaction for work in works if work.transaction is not None]
            if not transactions:
                continue  # whoever asked has gone
            for work, outcome in zip(works, self._write(transactions), strict=True):
                if outcome.error is None:
                    work.future.set_result(outcome.result)
                else:
                    work.future.set_exception(outcome.error)
            del taken, works, transactions  # what a transaction held is not held until the next one comes

    def _next(self) -> list[_Work] | None:
        """What is done now: one transaction, and those of the installation that wait behind it; ``None`` at the end."""
        works = [self._waiting.get()]
        if works[0].transaction is None:
            return None
        while works[-1].own and len(works) < TOGETHER:
            try:
                work = self._waiting.get_nowait()
            except Empty:
                break
            if work.transaction is None or not work.own:
                self._waiting.put(work)  # it keeps its place
                break
            works.append(work)
        return works
