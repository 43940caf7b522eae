"""The thread in which SQLite is written: acts of the installation itself pass those on behalf of a publisher."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, Final, ParamSpec, TypeVar

from leadkeeper.gate import NOBODY, acting_for

P = ParamSpec("P")
R = TypeVar("R")

PASSED_BY: Final = 8
"""How many acts of the installation that came later may go ahead of one on behalf of a publisher."""

_Work = tuple[int, int, Future[Any], Callable[[], Any]]


class WriterThread(Executor):
    """Does one thing after another, in the order in which it was given.

    What the installation does itself (leads that come in, claims, what came of them) goes ahead of at most
    :data:`PASSED_BY` places of what is done on behalf of a publisher: leads of all wait for one such act at most, the
    one that runs, and each such act comes soon, however much comes in.
    """

    def __init__(self, name: str) -> None:
        self._waiting: list[_Work] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """Do ``fn`` when its turn comes. Raises :class:`RuntimeError` after :meth:`shutdown`."""
        future: Future[R] = Future()
        with self._changed:
            if self._closed:
                raise RuntimeError("the database is closed")
            number = next(self._numbers)
            place = number if acting_for() == NOBODY else number + PASSED_BY
            heapq.heappush(self._waiting, (place, number, future, lambda: fn(*args, **kwargs)))
            self._changed.notify()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take nothing more; what was given is still done, unless it is to be canceled."""
        with self._changed:
            self._closed = True
            if cancel_futures:
                for _, _, future, _ in self._waiting:
                    future.cancel()
            self._changed.notify()
        if wait:
            self._thread.join()

    def _next(self) -> _Work | None:
        with self._changed:
            while not self._waiting:
                if self._closed:
                    return None
                self._changed.wait()
            return heapq.heappop(self._waiting)

    def _run(self) -> None:
        while (work := self._next()) is not None:
            _, _, future, do = work
            if not future.set_running_or_notify_cancel():
                continue
            try:
                result = do()
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(result)
            del work, future, do
