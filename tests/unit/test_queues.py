"""Who may begin a call: publishers first, their connections second; what one queue claims ahead and closes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from leadkeeper.delivery.due import Due, in_turn
from leadkeeper.delivery.pace import MOST, START
from leadkeeper.delivery.queue import ConnectionQueue
from leadkeeper.delivery.queues import CALLS, CALLS_RESERVED, MOST_IDLE, ConnectionQueues
from leadkeeper.destinations.email.adapter import Email
from leadkeeper.destinations.email.settings import EmailConfig
from leadkeeper.mail.service import MailService


class Line:
    """An adapter that sends nothing."""

    repeatable, batch = True, 1

    async def aclose(self) -> None:
        """Nothing is held."""


class Work:
    """Claimed deliveries of which only the number matters."""

    def __init__(self, count: int, *, half_open: bool = False) -> None:
        self.claimed = [_Claim() for _ in range(count)]
        self.half_open, self.alone = half_open, False


class _Claim:
    crash_count, id = 0, "delivery"


def queue_of(
    queues: ConnectionQueues, name: str, publisher: str, leads: int, *, half_open: bool = False
) -> ConnectionQueue:
    queue = queues.open(name, publisher)
    queue.destination = Line()  # type: ignore[assignment]
    work: Any = Work(leads, half_open=half_open)
    queue.take(work, leads)
    return queue


def begun(queues: ConnectionQueues, queue: ConnectionQueue) -> int:
    count = 0
    while queues.begin(queue) is not None:
        count += 1
    return count


def test_a_connection_alone_has_all_the_calls_of_its_pace() -> None:
    queues = ConnectionQueues()
    queue = queue_of(queues, "one", "contoso", 1_000)
    queue.pace.limit = MOST
    assert begun(queues, queue) == MOST


def test_600_connections_that_hang_leave_places_for_others() -> None:
    queues = ConnectionQueues()
    sick = [queue_of(queues, f"trap-{number}", "mallory", 8) for number in range(600)]
    hanging = sum(begun(queues, queue) for queue in sick)
    assert hanging == (CALLS - CALLS_RESERVED) // 2
    assert begun(queues, queue_of(queues, "well", "contoso", 100)) == START
    for number in range(CALLS_RESERVED):
        assert begun(queues, queue_of(queues, f"more-{number}", f"publisher-{number}", 1)) == 1
    assert not queues.unblocked()
    queues.ended("contoso", half_open=False)
    assert not queues.unblocked()
    for queue in sick[:150]:
        for _ in range(queue.running):
            queues.ended("mallory", half_open=False)
        queue.running = 0
    again = queues.unblocked()
    assert again
    assert {queue.publisher_id for queue in again} == {"mallory"}


def test_connections_on_trial_leave_room_for_those_of_their_publisher_that_are_well() -> None:
    queues = ConnectionQueues()
    half_opens = sum(begun(queues, queue_of(queues, f"trap-{n}", "mallory", 1, half_open=True)) for n in range(600))
    assert 32 <= half_opens <= 100
    assert begun(queues, queue_of(queues, "well", "mallory", 100)) == START


def test_no_more_is_claimed_than_finds_a_place_and_whoever_was_left_out_comes_next() -> None:
    queues = ConnectionQueues()
    due = [Due(f"trap-{number:03}", "mallory") for number in range(600)] + [Due("well", "contoso")]
    plan = queues.plan(due)
    assert plan.calls.pop("well") == START
    assert set(plan.calls.values()) == {1}
    assert len(plan.calls) == (CALLS - CALLS_RESERVED) // 2
    following = queues.plan(due)
    assert not plan.calls.keys() & (following.calls.keys() - {"well"})
    assert queues.looks_again()
    assert not queues.looks_again()


def test_publishers_take_turns_in_a_claim() -> None:
    class Row:
        def __init__(self, publisher_id: str, number: int) -> None:
            self.publisher_id, self.number = publisher_id, number

    rows: Any = [Row("mallory", number) for number in range(9)] + [Row("contoso", 0), Row("fabrikam", 0)]
    for start in range(12):
        turned = in_turn(rows, start)
        assert sorted(map(id, turned)) == sorted(map(id, rows))
        assert {row.publisher_id for row in turned[:3]} == {"mallory", "contoso", "fabrikam"}


async def test_idle_lanes_are_let_go() -> None:
    queues = ConnectionQueues()
    for number in range(MOST_IDLE + 50):
        queue_of(queues, f"lane-{number}", "contoso", 0)
    busy = queue_of(queues, "busy", "contoso", 1)
    queues.let_go(1_000.0)
    assert sum(queue.destination is not None for queue in queues) == MOST_IDLE + 1
    queues.let_go(2_000.0)
    assert [queue for queue in queues if queue.destination is not None] == [busy]
    for queue in list(queues):
        if queue is not busy:
            await queue.closed()
    queues.let_go(2_000.0)
    assert list(queues) == [busy]


def test_whoever_waited_for_a_place_comes_before_the_lane_that_gives_one_back() -> None:
    queues = ConnectionQueues(calls=4, reserved=0)
    first, second, third = (queue_of(queues, name, "contoso", 50) for name in ("first", "second", "third"))
    assert [begun(queues, queue) for queue in (first, second, third)] == [1, 1, 0]
    first.running -= 1
    queues.ended("contoso", half_open=False)
    assert queues.next_after(first)[0] is third


def test_a_publisher_is_crowded_only_while_it_has_no_place() -> None:
    queues = ConnectionQueues(calls=16, reserved=0)
    busy = [queue_of(queues, f"busy-{number}", "contoso", 1) for number in range(8)]
    assert sum(begun(queues, queue) for queue in busy) == 8
    queues.plan([Due("more", "contoso")])
    crowd = queues.crowd()
    assert crowd is not None
    assert set(crowd.publishers) == {"contoso"}
    assert set(crowd.connections) == {f"busy-{number}" for number in range(8)}
    busy[0].running = 0
    queues.ended("contoso", half_open=False)
    assert queues.crowd() is None


def test_a_crowd_of_trials_hides_nothing_that_is_well() -> None:
    queues = ConnectionQueues(calls=16, reserved=0)
    queues.plan([Due(f"trial-{number}", "contoso", half_open=True) for number in range(50)])
    assert queues.crowd() is None


def test_whoever_has_leads_due_gets_a_place_in_time_however_busy_the_others_are() -> None:
    """All are always due and hold what they get: each comes by before any comes by again."""
    queues = ConnectionQueues(calls=16, reserved=0)
    names = [f"line-{number:02}" for number in range(40)]
    rounds: list[set[str]] = []
    for _ in range(2 * len(names)):
        planned = queues.plan([Due(name, "contoso") for name in names])
        rounds.append(set(planned.connections))
        running = [queue_of(queues, name, "contoso", 1) for name in planned.connections]
        for queue in running:
            while queues.begin(queue) is not None:
                pass
        for queue in running:
            for _ in range(queue.running):
                queues.ended("contoso", half_open=False)
            queue.running = 0
            queue.drop()
    turns = -(-len(names) // min(len(each) for each in rounds))
    for start in range(len(rounds) - turns):
        assert set().union(*rounds[start : start + turns + 1]) == set(names)


async def test_only_what_may_be_sent_again_is_claimed_ahead() -> None:
    queue = ConnectionQueue("one", "contoso")
    queue.reopen(Email(EmailConfig(contact_email=["ada@contoso.example"]), MailService()), 1)
    assert queue.wanted(100) == queue.pace.limit
    queue.running = queue.pace.limit
    assert queue.wanted(100) == 0
    queue.pace.limit = 1
    assert queue.wanted(100) == 0
    await queue.closed()


async def test_stopping_closes_adapters_that_were_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[str] = []

    class Line:
        repeatable, batch = True, 1

        def __init__(self, name: str) -> None:
            self.name = name

        async def aclose(self) -> None:
            closed.append(self.name)

    queue = ConnectionQueue("one", "contoso")
    queue.reopen(Line("old"), 1)  # type: ignore[arg-type]
    queue.reopen(Line("new"), 2)  # type: ignore[arg-type]
    await asyncio.sleep(0)
    await queue.closed()
    assert closed == ["old", "new"]


@pytest.mark.parametrize("hangs", [False, True])
async def test_an_adapter_that_cannot_be_closed_ends_nothing(monkeypatch: pytest.MonkeyPatch, hangs: bool) -> None:
    monkeypatch.setattr("leadkeeper.connections.adapters.CLOSING_SECONDS", 0.01)

    class Line:
        repeatable, batch = True, 1

        async def aclose(self) -> None:
            if hangs:
                await asyncio.Event().wait()
            raise RuntimeError("no")

    queue = ConnectionQueue("one", "contoso")
    queue.reopen(Line(), 1)  # type: ignore[arg-type]
    async with asyncio.timeout(60):
        await queue.closed()
