"""How long the removal of what is old rests between its steps, where leads that come in wait for each of them."""

from __future__ import annotations

from leadkeeper.privacy.retention import HASTE_AFTER_MS, MOST_PAUSE_SECONDS, PAUSE_SECONDS, rest_between_steps


def test_the_longer_a_step_took_the_longer_others_find_the_database_free() -> None:
    assert rest_between_steps(0.0) == PAUSE_SECONDS
    assert rest_between_steps(0.02) > rest_between_steps(0.01) > PAUSE_SECONDS
    assert rest_between_steps(60.0) == MOST_PAUSE_SECONDS


def test_what_has_been_due_for_long_is_removed_in_haste() -> None:
    assert rest_between_steps(0.05, HASTE_AFTER_MS) == rest_between_steps(0.05)
    assert rest_between_steps(0.05, HASTE_AFTER_MS + 1) < rest_between_steps(0.05)
