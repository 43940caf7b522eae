"""What one answer means for its delivery: the table of retries."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadkeeper.catalogue import diagnose
from leadkeeper.delivery.schedule import (
    CRASH_DELAYS,
    GIVE_UP_AFTER,
    HOUR,
    LAST_DELAY,
    MINUTE,
    MOST_ATTEMPTS,
    RETRY_DELAYS,
    SECOND,
    Next,
    State,
    after_crash,
    next_step,
)
from leadkeeper.destinations.registry import OURS
from leadkeeper.diagnosis import Answer, AnyKind, Kind, Outcome, Receipt

NOW = 1_000_000


def step(
    answer: Answer,
    attempts: int = 0,
    *,
    repeatable: bool = True,
    random_unit: float = 0.5,
    crash_count: int = 0,
    since: int = 0,
) -> Next:
    return next_step(answer, attempts, crash_count, NOW, random_unit, repeatable=repeatable, since=since)


def test_delivered_and_unconfirmed_are_done() -> None:
    assert step(Receipt()).state is State.DELIVERED
    assert step(Receipt(confirmed=False)).state is State.UNCONFIRMED
    assert step(Receipt("duplicate")).attempts == 1


def test_the_table_of_delays() -> None:
    seconds = [(step(diagnose(Kind.SERVER_ERROR), n).due_at - NOW) // SECOND for n in range(10)]
    assert seconds == [2, 10, 60, 300, 900, 3600, 10800, 21600, 43200, 43200]


def test_fourteen_days_then_a_person() -> None:
    total = sum(RETRY_DELAYS) + (MOST_ATTEMPTS - len(RETRY_DELAYS)) * LAST_DELAY
    assert 14 * 24 * HOUR <= total < 15 * 24 * HOUR
    early = step(diagnose(Kind.SERVER_ERROR), MOST_ATTEMPTS - 1, since=NOW - GIVE_UP_AFTER + 1)
    assert early.state is State.WAITING
    last = step(diagnose(Kind.SERVER_ERROR), MOST_ATTEMPTS - 1, since=NOW - GIVE_UP_AFTER)
    assert last.state is State.SET_ASIDE
    assert isinstance(last.answer, type(diagnose(Kind.GAVE_UP)))
    assert last.answer.kind is Kind.GAVE_UP
    assert step(diagnose(Kind.SERVER_ERROR), MOST_ATTEMPTS - 2).state is State.WAITING


@given(st.sampled_from(OURS.kinds), st.integers(0, MOST_ATTEMPTS - 2), st.floats(0, 1, exclude_max=True))
def test_only_what_the_destination_did_is_charged(kind: AnyKind, attempts: int, random_unit: float) -> None:
    answer = diagnose(kind)
    after = step(answer, attempts, random_unit=random_unit)
    charged = answer.outcome in (Outcome.FAILED, Outcome.AMBIGUOUS, Outcome.REFUSED)
    assert after.attempts == attempts + charged
    assert after.due_at >= NOW
    if answer.outcome in (Outcome.BROKEN, Outcome.THROTTLED, Outcome.OURS):
        assert after.state is State.WAITING


@given(st.integers(0, 7), st.floats(0, 1, exclude_max=True))
def test_jitter_stays_within_a_fifth(attempts: int, random_unit: float) -> None:
    delay = step(diagnose(Kind.SERVER_ERROR), attempts, random_unit=random_unit).due_at - NOW
    assert 0.79 * RETRY_DELAYS[attempts] <= delay <= 1.21 * RETRY_DELAYS[attempts]


def test_retry_after_is_kept_but_not_for_ever() -> None:
    assert step(diagnose(Kind.THROTTLED, retry_after=7)).due_at == NOW + 7 * SECOND
    assert step(diagnose(Kind.THROTTLED, retry_after=10**9)).due_at == NOW + 24 * HOUR
    assert step(diagnose(Kind.SERVER_ERROR, retry_after=90)).due_at == NOW + 90 * SECOND


def test_an_ambiguous_send_is_never_repeated_blindly() -> None:
    assert step(diagnose(Kind.NO_ANSWER)).state is State.WAITING
    blind = step(diagnose(Kind.NO_ANSWER), repeatable=False)
    assert blind.state is State.SET_ASIDE
    assert blind.answer.outcome is Outcome.AMBIGUOUS
    assert after_crash(0, 0, NOW, repeatable=False).state is State.SET_ASIDE


def test_our_own_trouble_waits_longer_each_time() -> None:
    crash_count, waited = 0, []
    for _ in range(len(CRASH_DELAYS) + 2):
        after = step(diagnose(Kind.INTERNAL_ERROR), crash_count=crash_count)
        crash_count = after.crash_count
        waited.append(after.due_at - NOW)
    assert waited == [*CRASH_DELAYS, CRASH_DELAYS[-1], CRASH_DELAYS[-1]]
    assert step(diagnose(Kind.INTERRUPTED), crash_count=3) == Next(
        State.WAITING, NOW, 0, diagnose(Kind.INTERRUPTED), crash_count=3
    )
    assert after_crash(4, 2, NOW, repeatable=True).attempts == 4


@pytest.mark.parametrize("crash_count", range(1, 9))
def test_a_poisoned_lead_comes_back_later_and_later(crash_count: int) -> None:
    assert (
        after_crash(0, crash_count, NOW, repeatable=True).due_at
        >= after_crash(0, crash_count - 1, NOW, repeatable=True).due_at
    )
    assert after_crash(0, crash_count, NOW, repeatable=True).due_at <= NOW + 15 * MINUTE
