"""How many calls run at once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from leadkeeper.catalogue import diagnose
from leadkeeper.delivery.pace import MOST, START, Pace
from leadkeeper.destinations.registry import OURS
from leadkeeper.diagnosis import Kind, Receipt


def test_it_grows_slowly_and_halves_at_once() -> None:
    pace = Pace()
    for _ in range(10_000):
        pace.observed([Receipt()])
    assert pace.limit == MOST
    pace.observed([diagnose(Kind.THROTTLED)])
    assert pace.limit == MOST // 2


def test_a_refused_lead_says_nothing_about_the_pace() -> None:
    pace = Pace()
    pace.observed([diagnose(Kind.LEAD_REFUSED)])
    assert pace.limit == START


@given(st.lists(st.sampled_from([Receipt(), *(diagnose(kind) for kind in OURS.kinds)])))
def test_it_stays_between_one_and_most(answers: list[Receipt]) -> None:
    pace = Pace()
    for answer in answers:
        pace.observed([answer])
        assert 1 <= pace.limit <= MOST
