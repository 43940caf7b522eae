"""Who may begin a call: publishers first, their connections second."""

from __future__ import annotations

from typing import Any

from leadkeeper.delivery.due import Due, in_turn
from leadkeeper.delivery.lane import Lane
from leadkeeper.delivery.lanes import CALLS, CALLS_RESERVED, MOST_IDLE, Lanes
from leadkeeper.delivery.pace import MOST, START


class Line:
    """An adapter that sends nothing."""

    repeatable, batch = True, 1

    async def aclose(self) -> None:
        """Nothing is held."""


class Work:
    """Claimed deliveries of which only the number matters."""

    def __init__(self, count: int, *, trial: bool = False) -> None:
        self.claimed = [_Claim() for _ in range(count)]
        self.trial, self.alone = trial, False


class _Claim:
    lost, id = 0, "delivery"


def lane_of(lanes: Lanes, name: str, publisher: str, leads: int, *, trial: bool = False) -> Lane:
    lane = lanes.open(name, publisher)
    lane.destination = Line()  # type: ignore[assignment]
    work: Any = Work(leads, trial=trial)
    lane.take(work, leads)
    return lane


def begun(lanes: Lanes, lane: Lane) -> int:
    count = 0
    while lanes.begin(lane) is not None:
        count += 1
    return count


def test_a_connection_alone_has_all_the_calls_of_its_pace() -> None:
    lanes = Lanes()
    lane = lane_of(lanes, "one", "contoso", 1_000)
    lane.pace.limit = MOST
    assert begun(lanes, lane) == MOST


def test_600_connections_that_hang_leave_places_for_others() -> None:
    lanes = Lanes()
    sick = [lane_of(lanes, f"trap-{number}", "mallory", 8) for number in range(600)]
    hanging = sum(begun(lanes, lane) for lane in sick)
    assert hanging == (CALLS - CALLS_RESERVED) // 2
    assert begun(lanes, lane_of(lanes, "well", "contoso", 100)) == START
    for number in range(CALLS_RESERVED):
        assert begun(lanes, lane_of(lanes, f"more-{number}", f"publisher-{number}", 1)) == 1
    assert not lanes.unblocked()
    lanes.ended("contoso", trial=False)
    assert not lanes.unblocked()
    for lane in sick[:150]:
        for _ in range(lane.running):
            lanes.ended("mallory", trial=False)
        lane.running = 0
    again = lanes.unblocked()
    assert again
    assert {lane.publisher_id for lane in again} == {"mallory"}


def test_connections_on_trial_leave_room_for_those_of_their_publisher_that_are_well() -> None:
    lanes = Lanes()
    trials = sum(begun(lanes, lane_of(lanes, f"trap-{n}", "mallory", 1, trial=True)) for n in range(600))
    assert 32 <= trials <= 100
    assert begun(lanes, lane_of(lanes, "well", "mallory", 100)) == START


def test_no_more_is_claimed_than_finds_a_place_and_whoever_was_left_out_comes_next() -> None:
    lanes = Lanes()
    due = [Due(f"trap-{number:03}", "mallory") for number in range(600)] + [Due("well", "contoso")]
    plan = lanes.plan(due)
    assert plan.calls.pop("well") == START
    assert set(plan.calls.values()) == {1}
    assert len(plan.calls) == (CALLS - CALLS_RESERVED) // 2
    following = lanes.plan(due)
    assert not plan.calls.keys() & (following.calls.keys() - {"well"})
    assert lanes.looks_again()
    assert not lanes.looks_again()


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
    lanes = Lanes()
    for number in range(MOST_IDLE + 50):
        lane_of(lanes, f"lane-{number}", "contoso", 0)
    busy = lane_of(lanes, "busy", "contoso", 1)
    lanes.let_go(1_000.0)
    assert sum(lane.destination is not None for lane in lanes) == MOST_IDLE + 1
    lanes.let_go(2_000.0)
    assert [lane for lane in lanes if lane.destination is not None] == [busy]
    for lane in list(lanes):
        if lane is not busy:
            await lane.closed()
    lanes.let_go(2_000.0)
    assert list(lanes) == [busy]


def test_whoever_waited_for_a_place_comes_before_the_lane_that_gives_one_back() -> None:
    lanes = Lanes(calls=4, reserved=0)
    first, second, third = (lane_of(lanes, name, "contoso", 50) for name in ("first", "second", "third"))
    assert [begun(lanes, lane) for lane in (first, second, third)] == [1, 1, 0]
    first.running -= 1
    lanes.ended("contoso", trial=False)
    assert lanes.next_after(first)[0] is third


def test_a_publisher_is_crowded_only_while_it_has_no_place() -> None:
    lanes = Lanes(calls=16, reserved=0)
    busy = [lane_of(lanes, f"busy-{number}", "contoso", 1) for number in range(8)]
    assert sum(begun(lanes, lane) for lane in busy) == 8
    lanes.plan([Due("more", "contoso")])
    crowd = lanes.crowd()
    assert crowd is not None
    assert set(crowd.publishers) == {"contoso"}
    assert set(crowd.connections) == {f"busy-{number}" for number in range(8)}
    busy[0].running = 0
    lanes.ended("contoso", trial=False)
    assert lanes.crowd() is None


def test_a_crowd_of_trials_hides_nothing_that_is_well() -> None:
    lanes = Lanes(calls=16, reserved=0)
    lanes.plan([Due(f"trial-{number}", "contoso", trial=True) for number in range(50)])
    assert lanes.crowd() is None


def test_whoever_has_leads_due_gets_a_place_in_time_however_busy_the_others_are() -> None:
    """All are always due and hold what they get: each comes by before any comes by again."""
    lanes = Lanes(calls=16, reserved=0)
    names = [f"line-{number:02}" for number in range(40)]
    rounds: list[set[str]] = []
    for _ in range(2 * len(names)):
        planned = lanes.plan([Due(name, "contoso") for name in names])
        rounds.append(set(planned.connections))
        running = [lane_of(lanes, name, "contoso", 1) for name in planned.connections]
        for lane in running:
            while lanes.begin(lane) is not None:
                pass
        for lane in running:
            for _ in range(lane.running):
                lanes.ended("contoso", trial=False)
            lane.running = 0
            lane.drop()
    turns = -(-len(names) // min(len(each) for each in rounds))
    for start in range(len(rounds) - turns):
        assert set().union(*rounds[start : start + turns + 1]) == set(names)
