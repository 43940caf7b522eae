"""Who goes when a listener is full: whoever waits longest for its client, and never whoever is being answered."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from leadkeeper.doors.listener.crowd import Crowd, Phase
from leadkeeper.doors.listener.limits import RESERVED_FILES, Limits


@dataclass(eq=False)
class Line:
    """A connection."""

    address: str | None
    since: float = 0.0
    phase: Phase = Phase.HEAD
    gone: list[Line] = field(default_factory=list)


def entered(crowd: Crowd[Line], line: Line) -> bool:
    admitted, line.gone[:] = crowd.enter(line)
    return admitted


def test_there_is_room() -> None:
    crowd: Crowd[Line] = Crowd(3, 2)
    lines = [Line("a"), Line("a"), Line("b")]
    assert all(entered(crowd, line) for line in lines)
    assert not any(line.gone for line in lines)
    assert list(crowd.lines) == lines


def test_the_longest_waiting_goes_by_what_it_waits_for() -> None:
    crowd: Crowd[Line] = Crowd(5, 5)
    lines = [
        Line("busy", 0, Phase.BUSY),
        Line("stalled", 1, Phase.STALLED),
        Line("body", 2, Phase.BODY),
        Line("idle", 3, Phase.IDLE),
        Line("head", 4, Phase.HEAD),
    ]
    for line in lines:
        entered(crowd, line)
    left = []
    while True:
        newcomer = Line("new", 9, Phase.BUSY)
        if not entered(crowd, newcomer):
            break
        left += [line.address for line in newcomer.gone]
        assert len(crowd.lines) == 5
    assert left == ["head", "idle", "body", "stalled"]


def test_the_oldest_of_a_kind_goes_first() -> None:
    crowd: Crowd[Line] = Crowd(3, 3)
    lines = [Line("a", 3), Line("b", 1), Line("c", 2)]
    for line in lines:
        entered(crowd, line)
    newcomer = Line("d", 4)
    assert entered(crowd, newcomer)
    assert newcomer.gone == [lines[1]]


def test_an_address_takes_from_its_own_alone() -> None:
    crowd: Crowd[Line] = Crowd(10, 2)
    other, first, second, third = Line("b", 0), Line("a", 1), Line("a", 2), Line("a", 3)
    for line in (other, first, second, third):
        assert entered(crowd, line)
    assert third.gone == [first]
    second.phase = third.phase = Phase.BUSY
    assert not entered(crowd, Line("a"))
    assert entered(crowd, Line("b"))


def test_a_proxy_s_connections_count_for_nobody_alone() -> None:
    crowd: Crowd[Line] = Crowd(10, 2)
    assert all(entered(crowd, line) and not line.gone for line in [Line(None) for _ in range(10)])
    last = Line(None)
    assert entered(crowd, last)
    assert len(last.gone) == 1


def test_whoever_leaves_makes_room_once() -> None:
    crowd: Crowd[Line] = Crowd(1, 1)
    line = Line("a", phase=Phase.BUSY)
    assert entered(crowd, line)
    crowd.leave(line)
    crowd.leave(line)
    assert not crowd.lines
    newcomer = Line("a")
    assert entered(crowd, newcomer)
    assert not newcomer.gone


def test_many_go_at_once_when_very_many_wait() -> None:
    crowd: Crowd[Line] = Crowd(640, 640)
    for number in range(640):
        entered(crowd, Line(str(number), number))
    newcomer = Line("new", 1_000)
    assert entered(crowd, newcomer)
    assert [line.address for line in newcomer.gone] == [str(number) for number in range(10)]
    assert len(crowd.lines) == 631


@pytest.mark.parametrize(
    ("files", "connections", "per_address"),
    [(100_000, 4_096, 512), (1_024, 1_024 - RESERVED_FILES, 416), (100, 16, 8)],
)
def test_connections_leave_files_for_the_rest(files: int, connections: int, per_address: int) -> None:
    fitted = Limits().fitted(files)
    assert (fitted.connections, fitted.per_address) == (connections, per_address)


def test_whoever_wants_fewer_gets_fewer() -> None:
    fitted = Limits(connections=4, per_address=4).fitted(100_000)
    assert (fitted.connections, fitted.per_address) == (4, 2)
