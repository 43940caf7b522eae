"""When people are told of an outage: a matter of when it began, when they were told last, and now."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from leadkeeper.connections.health import Health
from leadkeeper.connections.outage import AGAIN_AFTER, SETTLED, TELL_AFTER, News, breaks, fails, is_failing, tell, works

NOW = 1_800_000_000_000
FAILING = replace(fails(Health(), NOW), diagnosis="{}")


def test_nobody_is_told_before_it_has_lasted() -> None:
    assert tell(FAILING, True, NOW + TELL_AFTER - 1).news is None
    told = tell(FAILING, True, NOW + TELL_AFTER)
    assert told.news is News.FAILING
    assert told.health.tell_at == NOW + TELL_AFTER + AGAIN_AFTER


def test_more_failures_begin_no_other_outage() -> None:
    assert fails(FAILING, NOW + 5) == FAILING


def test_a_lead_that_is_taken_before_anybody_was_told_ends_it_in_silence() -> None:
    well = works(FAILING, Health(), NOW + 1)
    assert well == Health()
    assert tell(well, True, NOW + AGAIN_AFTER).news is None


def test_whoever_was_told_hears_that_it_is_over_once_it_has_settled() -> None:
    told = tell(FAILING, True, NOW + TELL_AFTER).health
    well = works(told, Health(), NOW + TELL_AFTER + 1)
    assert not is_failing(well)
    assert works(well, Health(), NOW + TELL_AFTER + 9) == well, "every further lead changes nothing"
    assert tell(well, False, NOW + TELL_AFTER + SETTLED).news is None
    over = tell(well, False, NOW + TELL_AFTER + 1 + SETTLED)
    assert (over.news, over.health) == (News.OVER, Health())


def test_a_relapse_before_it_has_settled_is_the_same_outage() -> None:
    told = tell(FAILING, True, NOW + TELL_AFTER).health
    again = fails(works(told, Health(), NOW + TELL_AFTER + 1), NOW + TELL_AFTER + 2)
    assert (again.failing_since, again.told_at, is_failing(again)) == (NOW, NOW + TELL_AFTER, True)
    assert again.tell_at == NOW + TELL_AFTER + AGAIN_AFTER


def test_what_is_broken_was_told_at_that_moment() -> None:
    broken = breaks(Health(), NOW, told=True)
    assert (broken.told_at, broken.tell_at) == (NOW, NOW + AGAIN_AFTER)
    assert breaks(FAILING, NOW + 1, told=False).told_at is None


def test_nobody_is_reminded_while_nothing_waits_unless_it_is_paused() -> None:
    due = NOW + TELL_AFTER
    assert tell(FAILING, False, due).news is None
    assert tell(replace(FAILING, paused=True), False, due).news is News.FAILING
    assert tell(replace(FAILING, diagnosis=None), True, due).news is None, "nothing is known to be wrong"


@given(st.lists(st.tuples(st.sampled_from(["fails", "works", "look"]), st.integers(1, 6 * 3_600_000)), max_size=60))
def test_never_told_more_often_than_daily_and_never_of_an_end_without_a_beginning(steps: list[tuple[str, int]]) -> None:
    health, now, last = Health(), NOW, None
    open_ = False
    for what, ms in steps:
        now += ms
        if what == "fails":
            health = replace(fails(health, now), diagnosis="{}")
        elif what == "works":
            health = works(health, Health(), now)
        elif health.tell_at is not None and health.tell_at <= now:
            told = tell(health, True, now)
            health = told.health
            assert health.tell_at is None or health.tell_at > now, "the next look lies ahead"
            if told.news is News.OVER:
                assert open_
                open_ = False
            elif told.news is not None:
                assert told.news is (News.STILL_FAILING if open_ else News.FAILING)
                assert not open_ or last is None or now - last >= AGAIN_AFTER
                open_, last = True, now
