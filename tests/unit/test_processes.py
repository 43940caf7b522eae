"""How many processes run, when one that ended is started again, and what is said of its end."""

from __future__ import annotations

import pytest

from leadkeeper.processes.plan import LONGEST_PAUSE, Duty, ProcessPlan, by_itself, ends_in_a_row, pause, planned, why


def test_each_takes_in_and_carries_unless_others_carry() -> None:
    assert [each.name for each in planned(Duty.SERVE, 2)] == ["serve-1", "serve-2"]
    assert [each.name for each in planned(Duty.SERVE, 2, 1)] == ["api-1", "api-2", "worker-1"]
    assert [each.name for each in planned(Duty.WORKER, 2)] == ["worker-1", "worker-2"]


@pytest.mark.parametrize("name", ["serve-1", "api-12", "worker-3"])
def test_a_name_says_what_it_is(name: str) -> None:
    assert ProcessPlan.parse(name).name == name


@pytest.mark.parametrize("name", ["", "serve", "serve-x", "clerk-1"])
def test_a_name_that_is_none(name: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        ProcessPlan.parse(name)


@pytest.mark.parametrize(
    ("peers", "cores", "processes"), [(False, 8, 1), (True, 1, 1), (True, 2, 2), (True, 64, 4), (True, 0, 1)]
)
def test_how_many_run_when_nobody_says(peers: bool, cores: int, processes: int) -> None:
    assert by_itself(peers=peers, cores=cores) == processes


def test_one_that_keeps_ending_is_started_ever_later() -> None:
    in_a_row, waits = 0, []
    for _ in range(9):
        in_a_row = ends_in_a_row(in_a_row, 0.5)
        waits.append(pause(in_a_row))
    assert waits == [0, 1, 2, 4, 8, 16, LONGEST_PAUSE, LONGEST_PAUSE, LONGEST_PAUSE]
    assert pause(10_000) == LONGEST_PAUSE


def test_one_that_ran_well_is_started_at_once() -> None:
    assert pause(ends_in_a_row(7, 3_600)) == 0


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (0, "told to end"),
        (3, "exit code 3"),
        (-9, "want of memory"),
        (-11, "crashed (SIGSEGV)"),
        (-15, "from outside (SIGTERM)"),
        (-99, "signal 99"),
    ],
)
def test_why_it_ended_is_said_in_words(code: int, says: str) -> None:
    assert says in why(code)
