"""The thread in which SQLite is written: who goes ahead of whom, and that everybody's turn comes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from typing import Any

import pytest

from leadkeeper.gate import on_behalf_of
from leadkeeper.storage.writer_thread import PASSED_BY, TOGETHER, TransactionResult, WriterThread


def each(acts: Sequence[Callable[[Any], Any]]) -> list[TransactionResult]:
    """Do them one by one, on nothing."""
    outcomes = []
    for act in acts:
        try:
            outcomes.append(TransactionResult(act(None)))
        except Exception as error:
            outcomes.append(TransactionResult(error=error))
    return outcomes


def asked(writer: WriterThread, act: Callable[[Any], Any]) -> Future[Any]:
    """Hand ``act`` over; what comes of it."""
    future: Future[Any] = Future()

    def answer(outcome: TransactionResult) -> None:
        if outcome.error is None:
            future.set_result(outcome.result)
        else:
            future.set_exception(outcome.error)

    writer.submit(act, answer)
    return future


class Queue:
    """A writer that is busy until :meth:`go`; notes in which order things were done."""

    def __init__(self) -> None:
        self.writer = WriterThread("test-writer", self._write)
        self.done: list[str] = []
        self.together: list[int] = []
        self._busy, self._go = threading.Event(), threading.Event()
        self.futures: list[Future[Any]] = [asked(self.writer, self._be_busy)]
        self._busy.wait(30)

    def _write(self, acts: Sequence[Callable[[Any], Any]]) -> list[TransactionResult]:
        self.together.append(len(acts))
        return each(acts)

    def _be_busy(self, _: object) -> None:
        self._busy.set()
        self._go.wait(30)

    def own(self, name: str) -> None:
        self.futures.append(asked(self.writer, lambda _: self.done.append(name)))

    def of_publisher(self, name: str) -> None:
        with on_behalf_of("contoso"):
            self.own(name)

    def go(self) -> list[str]:
        self._go.set()
        wait(self.futures, 30)
        self.writer.shutdown()
        return self.done


def test_what_the_installation_does_goes_ahead_of_what_is_done_for_a_publisher() -> None:
    queue = Queue()
    queue.of_publisher("settings")
    queue.own("lead")
    queue.own("claim")
    assert queue.go() == ["lead", "claim", "settings"]


def test_each_keeps_its_order_among_its_own() -> None:
    queue = Queue()
    for number in range(4):
        queue.of_publisher(f"settings {number}")
        queue.own(f"lead {number}")
    done = queue.go()
    assert [each for each in done if each.startswith("lead")] == [f"lead {number}" for number in range(4)]
    assert [each for each in done if each.startswith("settings")] == [f"settings {number}" for number in range(4)]


def test_a_publishers_turn_comes_however_much_comes_in() -> None:
    queue = Queue()
    queue.of_publisher("settings")
    for number in range(3 * PASSED_BY):
        queue.own(f"lead {number}")
    assert queue.go().index("settings") <= PASSED_BY


def test_what_the_installation_does_at_once_is_written_together_and_a_publishers_act_alone() -> None:
    queue = Queue()
    for name in ("lead", "claim", "record"):
        queue.own(name)
    for _ in range(2):
        queue.of_publisher("settings")
    queue.go()
    assert queue.together[1:] == [3, 1, 1]


def test_no_more_are_written_together_than_a_lead_can_wait_for() -> None:
    queue = Queue()
    for number in range(2 * TOGETHER + 1):
        queue.own(f"lead {number}")
    queue.go()
    assert queue.together[1:] == [TOGETHER, TOGETHER, 1]


def test_an_error_is_told_to_whoever_asked_and_the_next_goes_on() -> None:
    writer = WriterThread("test-writer", each)
    with pytest.raises(ZeroDivisionError):
        asked(writer, lambda _: 1 // 0).result(30)
    assert asked(writer, lambda _: 7).result(30) == 7
    writer.shutdown()


def test_what_was_given_is_done_before_it_ends_and_nothing_is_taken_after() -> None:
    queue = Queue()
    queue.own("last")
    closing = threading.Thread(target=queue.writer.shutdown)
    closing.start()
    assert queue.go() == ["last"]
    closing.join(30)
    with pytest.raises(RuntimeError, match="closed"):
        asked(queue.writer, lambda _: None)


def test_while_nothing_is_to_be_done_it_looks_again_and_again_if_it_is_told_to() -> None:
    looked = threading.Semaphore(0)
    writer = WriterThread("test-writer", each, looked.release)
    assert not looked.acquire(timeout=0.1)
    writer.idle_seconds = 0.001
    assert looked.acquire(timeout=30)
    assert looked.acquire(timeout=30)
    assert asked(writer, lambda _: 7).result(30) == 7
    assert looked.acquire(timeout=30)
    writer.shutdown()
