"""What a connection's answers mean for its health."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from leadkeeper.catalogue import diagnose
from leadkeeper.connections.health import OPEN_AFTER, Health, Trouble
from leadkeeper.connections.outage import is_failing
from leadkeeper.connections.state import ConnectionState, Known, state_of
from leadkeeper.delivery.breaker import (
    BROKEN_AFTER,
    FIRST_PROBE,
    LONGEST_HANG_REST,
    LONGEST_PROBE,
    LONGEST_REST,
    HealthChange,
    ObservedResult,
    after_answers,
    after_probe,
    is_half_open,
)
from leadkeeper.delivery.schedule import SECOND
from leadkeeper.destinations.registry import OURS
from leadkeeper.diagnosis import Answer, Kind, Outcome, Receipt

NOW = 10_000_000
FAILED = diagnose(Kind.SERVER_ERROR)
BROKEN = diagnose(Kind.CREDENTIALS_REJECTED)
REFUSED = diagnose(Kind.LEAD_REFUSED)


def hear(health: Health, *answers: Answer, now: int = NOW, half_open: bool = False) -> HealthChange:
    return after_answers(health, [ObservedResult(answer, half_open) for answer in answers], now, 0.5)


def test_success_changes_nothing_of_a_healthy_connection() -> None:
    assert hear(Health(), Receipt(), Receipt()).health == Health()


@st.composite
def healths(draw: st.DrawFn) -> Health:
    moment = st.none() | st.integers(0, 2 * NOW)
    return Health(
        failures=draw(st.integers(0, 2 * OPEN_AFTER)),
        refusals=draw(st.integers(0, BROKEN_AFTER)),
        refused_since=draw(moment),
        throttles=draw(st.integers(0, 2)),
        closed_until=draw(st.sampled_from([0, NOW + SECOND])),
        paused=draw(st.booleans()),
        paused_by_person=draw(st.booleans()),
        probes=draw(st.integers(0, 2)),
        failing_since=draw(moment),
        works_since=draw(moment),
        notified_at=draw(moment),
        tell_at=draw(moment),
    )


_ANSWERS = st.sampled_from([Receipt(), Receipt(confirmed=False), FAILED, BROKEN, REFUSED, diagnose(Kind.THROTTLED)])
_OBSERVED = st.builds(ObservedResult, _ANSWERS, st.booleans(), st.booleans(), st.sampled_from([1, 30 * SECOND]))


@given(healths(), st.lists(st.just(ObservedResult(Receipt())) | _OBSERVED, max_size=8), st.floats(0, 1))
def test_many_answers_change_what_each_changes_after_the_other(
    before: Health, observed: list[ObservedResult], random_unit: float
) -> None:
    steps = [HealthChange(before)]
    for one in observed:
        steps.append(after_answers(steps[-1].health, [one], NOW, random_unit))
    after = steps[-1].health
    assert after_answers(before, observed, NOW, random_unit) == HealthChange(
        after,
        paused_now=any(step.paused_now for step in steps),
        recovered=any(step.recovered for step in steps),
        works_again=_is_down(before) and not _is_down(after),
        take_back_since=next((step.take_back_since for step in steps if step.take_back_since is not None), None),
    )


def _is_down(health: Health) -> bool:
    return is_failing(health) or is_half_open(health)


def test_the_breaker_opens_after_several_in_a_row_only() -> None:
    assert hear(Health(), *[FAILED] * (OPEN_AFTER - 1), Receipt(), FAILED).health.closed_until == 0
    opened = hear(Health(), *[FAILED] * OPEN_AFTER).health
    assert opened.closed_until == NOW + SECOND
    assert is_half_open(opened)


def test_many_failures_at_once_open_it_no_longer_than_a_few() -> None:
    assert hear(Health(), *[FAILED] * 64).health.closed_until == NOW + SECOND


def test_each_failed_trial_doubles_the_rest_up_to_a_few_seconds() -> None:
    health, rests = hear(Health(), *[FAILED] * OPEN_AFTER).health, []
    for _ in range(8):
        now = health.closed_until
        health = hear(health, FAILED, now=now, half_open=True).health
        rests.append((health.closed_until - now) // SECOND)
    assert rests == [2, 4, 5, 5, 5, 5, 5, 5]
    assert LONGEST_REST == 5 * SECOND


def hang(health: Health, now: int, took: int = 30 * SECOND, *, half_open: bool = False) -> Health:
    return after_answers(health, [ObservedResult(FAILED, half_open, took_ms=took)], now, 0.5).health


def test_two_hangs_in_a_row_open_it() -> None:
    once = hang(Health(), NOW)
    assert not is_half_open(once)
    assert hear(once, Receipt()).health == Health()
    twice = hang(once, NOW)
    assert is_half_open(twice)
    assert twice.closed_until == NOW + 30 * SECOND


def test_a_connection_that_hangs_rests_longer_each_time_in_proportion_to_what_it_held() -> None:
    for took, expected in ((30, [60, 120, 240, 480, 480, 480]), (3, [6, 12, 24, 48, 48]), (300, [600, 600])):
        health, rests = hang(hang(Health(), NOW), NOW), []
        for _ in expected:
            now = health.closed_until
            health = hang(health, now, took * SECOND, half_open=True)
            rests.append((health.closed_until - now) // SECOND)
        assert rests == expected
        assert max(rests) <= LONGEST_HANG_REST // SECOND


def test_one_that_hung_and_now_fails_fast_is_tried_within_seconds() -> None:
    health = hang(hang(Health(), NOW), NOW)
    for _ in range(6):
        health = hang(health, health.closed_until, half_open=True)
    now = health.closed_until
    assert hear(health, FAILED, now=now, half_open=True).health.closed_until == now + LONGEST_REST


def test_a_trial_that_succeeds_recovers_the_connection() -> None:
    health = hear(Health(), *[FAILED] * OPEN_AFTER).health
    change = hear(health, Receipt(), now=health.closed_until, half_open=True)
    assert change.health == Health()
    assert change.recovered


def test_a_refusal_does_not_forget_an_outage_under_way() -> None:
    """It has lasted for ten minutes, and nobody was told yet: one lead that is refused is not one that gets through."""
    health = hear(Health(), *[FAILED] * OPEN_AFTER).health
    assert is_half_open(health)
    later = hear(health, REFUSED, now=NOW + 600 * SECOND, half_open=True).health
    assert later.failing_since == NOW
    assert later.tell_at == health.tell_at


def test_a_refusal_after_a_single_failure_leaves_no_outage_behind() -> None:
    assert hear(hear(Health(), FAILED).health, REFUSED).health.failing_since is None


def test_broken_pauses_with_one_notice() -> None:
    change = hear(Health(), BROKEN, BROKEN, BROKEN)
    assert change.health.paused
    assert change.paused_now
    assert change.health.probe_at == NOW + FIRST_PROBE
    assert not hear(change.health, BROKEN).paused_now
    assert state_of(change.health, Known(tried=True, proven=True)) is ConnectionState.BROKEN


def test_a_probe_resumes_on_trial_and_a_relapse_sends_no_second_notice() -> None:
    paused = hear(Health(), BROKEN).health
    trying = after_probe(paused, None, NOW, 0.5)
    assert not trying.paused
    assert is_half_open(trying)
    relapse = hear(trying, BROKEN, half_open=True)
    assert relapse.health.paused
    assert not relapse.paused_now
    assert relapse.health.probe_at == NOW + 2 * FIRST_PROBE
    well = hear(trying, Receipt(), half_open=True).health
    assert (well.paused, well.probes, well.failures) == (False, 0, 0)


def test_failed_probes_come_ever_less_often() -> None:
    health = hear(Health(), BROKEN).health
    for _ in range(20):
        health = after_probe(health, diagnose(Kind.NO_ANSWER), NOW, 0.5)
    assert health.probe_at == NOW + LONGEST_PROBE


def test_a_probe_that_could_not_be_made_says_nothing_of_the_connection() -> None:
    health = hear(Health(), BROKEN).health
    for _ in range(20):
        health = after_probe(health, diagnose(Kind.INTERNAL_ERROR), NOW, 0.5)
    assert (health.probes, health.probe_at) == (hear(Health(), BROKEN).health.probes, NOW + FIRST_PROBE)
    assert health.paused


def test_refusals_pause_only_when_nothing_else_comes() -> None:
    mixed = hear(Health(), *([REFUSED] * (BROKEN_AFTER - 1) + [Receipt()]) * 3)
    assert not mixed.health.paused
    change = hear(Health(), *[REFUSED] * BROKEN_AFTER)
    assert change.health.paused
    assert change.take_back_since == NOW


def test_throttling_closes_for_as_long_as_asked() -> None:
    asked = hear(Health(), diagnose(Kind.THROTTLED, retry_after=30)).health
    assert asked.closed_until == NOW + 30 * SECOND
    assert asked.trouble(NOW) is Trouble.THROTTLED
    assert hear(asked, Receipt(), now=asked.closed_until).health == Health()


def test_a_person_pause_outlives_success() -> None:
    assert hear(Health(paused_by_person=True, failures=2), Receipt()).health == Health(paused_by_person=True)


answers = st.one_of(
    st.just(Receipt()),
    st.builds(
        diagnose,
        st.sampled_from(OURS.kinds),
        outcome=st.none() | st.sampled_from([o for o in Outcome if o not in (Outcome.DELIVERED, Outcome.UNCONFIRMED)]),
        retry_after=st.none() | st.floats(0, 1e6),
    ),
)


@given(st.lists(st.tuples(answers, st.booleans(), st.integers(0, 10**7)), max_size=60), st.floats(0, 0.99))
def test_no_sequence_closes_a_connection_for_good(observed: list[tuple[Answer, bool, int]], random_unit: float) -> None:
    """Whatever it hears, a connection is open now, opens by itself within a day, or is paused and will be probed."""
    health, now = Health(), NOW
    for answer, half_open, later in observed:
        now += later
        health = after_answers(health, [ObservedResult(answer, half_open)], now, random_unit).health
        assert health.closed_until <= now + 24 * 3600 * SECOND * 1.2
        assert health.paused == (health.probe_at is not None)
        if health.probe_at is not None:
            assert health.probe_at <= now + LONGEST_PROBE * 1.2
