"""The thread in which SQLite is written: acts of the installation itself pass those on behalf of a publisher."""

from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from queue import PriorityQueue
from typing import Any, Final, ParamSpec, TypeVar

from leadkeeper.gate import NOBODY, acting_for

P = ParamSpec("P")
R = TypeVar("R")

PASSED_BY: Final = 8
"""How many acts of the installation that came later may go ahead of one on behalf of a publisher."""

_Work = tuple[float, int, Future[Any] | None, Callable[[], Any] | None]


class WriterThread(Executor):
    """Does one thing after another, in the order in which it was given.

    What the installation does itself (leads that come in, claims, what came of them) goes ahead of at most
    :data:`PASSED_BY` places of what is done on behalf of a publisher: leads of all wait for one such act at most, the
    one that runs, and each such act comes soon, however much comes in.
    """

    def __init__(self, name: str) -> None:
        self._waiting: PriorityQueue[_Work] = PriorityQueue()
        self._numbers = itertools.count()
        self._closing = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """Do ``fn`` when its turn comes. Raises :class:`RuntimeError` after :meth:`shutdown`."""
        future: Future[R] = Future()
        with self._closing:
            if self._closed:
                raise RuntimeError("the database is closed")
            number = next(self._numbers)
            place = number if acting_for() == NOBODY else number + PASSED_BY
            self._waiting.put((place, number, future, lambda: fn(*args, **kwargs)))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take nothing more. What was given is done all the same: ``cancel_futures`` is not heeded."""
        with self._closing:
            self._closed = True
            self._waiting.put((math.inf, next(self._numbers), None, None))  # behind all that was given
        if wait:
            self._thread.join()

    def _run(self) -> None:
        while True:
            _, _, future, do = self._waiting.get()
            if future is None or do is None:
                return
            if not future.set_running_or_notify_cancel():
                continue
            try:
                result = do()
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(result)
            del future, do  # what an act held is not held until the next one comes
