"""Deadlines of many tasks over one timer of the loop: nearly none is ever reached, and a timer for each costs more."""

from __future__ import annotations

import asyncio
import math
from types import TracebackType


class Deadlines:
    """Bounds what tasks of one event loop do, as exactly as ``asyncio.timeout_at`` does."""

    def __init__(self) -> None:
        self._pending: set[_Deadline] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._due_at = math.inf

    def at(self, when: float) -> _Deadline:
        """A block under it is cancelled at ``when`` (of the loop's clock, in seconds), and raises ``TimeoutError``."""
        return _Deadline(self, when)

    def within(self, seconds: float) -> _Deadline:
        """The same, so many seconds from now."""
        return _Deadline(self, asyncio.get_running_loop().time() + seconds)

    def begin(self, deadline: _Deadline) -> None:
        """Watch over it until :meth:`end`."""
        self._pending.add(deadline)
        if deadline.when < self._due_at:
            self._look_at(deadline.when)

    def end(self, deadline: _Deadline) -> None:
        """It is not waited for any more; the timer stays as it is, and finds nothing there."""
        self._pending.discard(deadline)

    def _look_at(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._due_at = when
        self._timer = asyncio.get_running_loop().call_at(when, self._expire)

    def _expire(self) -> None:
        # A loop may be a little early by its own clock.
        now = max(self._due_at, asyncio.get_running_loop().time())
        self._timer, self._due_at = None, math.inf
        for deadline in [one for one in self._pending if one.when <= now]:
            self._pending.discard(deadline)
            deadline.expire()
        if self._pending:
            self._look_at(min(one.when for one in self._pending))


class _Deadline:
    """One block of a task. A cancellation from elsewhere stays one."""

    __slots__ = ("_all", "_cancelling", "_is_over", "_task", "when")

    def __init__(self, deadlines: Deadlines, when: float) -> None:
        self._all = deadlines
        self.when = when
        self._is_over = False

    def __enter__(self) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("only a task can have a deadline")
        self._task, self._cancelling = task, task.cancelling()
        self._all.begin(self)

    def expire(self) -> None:
        """Cancel the block."""
        self._is_over = True
        self._task.cancel()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if not self._is_over:
            self._all.end(self)
        elif self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error
