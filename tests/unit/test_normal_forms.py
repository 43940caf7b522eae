"""Normal forms: those of Unicode for every text that anybody writes, and in bounded time for all others."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadkeeper.access.people.passwords import refusal
from leadkeeper.inbox.lists.sorting import folded
from leadkeeper.intake.normal import normal_address
from leadkeeper.normal_forms import composed, decomposed, is_composed, without_marks
from leadkeeper.privacy.withholding import Withholding
from tests.costs import least_seconds

USUAL = st.lists(st.text(max_size=20), max_size=5).map("".join)
"""Thirty marks on one letter do not come about by chance."""


@given(USUAL)
def test_they_are_unicode_s(text: str) -> None:
    assert composed(text) == unicodedata.normalize("NFKC", text)
    assert decomposed(text) == unicodedata.normalize("NFKD", text)
    assert is_composed(text) == unicodedata.is_normalized("NFKC", text)
    assert without_marks(text) == "".join(c for c in decomposed(text) if not unicodedata.combining(c))


@given(st.text(alphabet="e\u0301\u0345\u0f73\uff9e\u3099 ", max_size=300))
def test_no_run_of_marks_is_long(text: str) -> None:
    longest = run = 0
    for letter in decomposed(text):
        run = run + 1 if unicodedata.combining(letter) else 0
        longest = max(longest, run)
    assert longest <= 32, "thirty, and what a letter and the last one of them consist of"


def test_every_character_that_can_follow_another_as_a_mark_is_seen() -> None:
    for point in range(sys.maxunicode + 1):
        letter = chr(point)
        if unicodedata.combining(unicodedata.normalize("NFKD", letter)[0]):
            assert "\u034f" in composed(letter * 40), f"U+{point:04X}"


@pytest.mark.parametrize("letter", ["\u0301", "\u0f73", "\uff9e"])
@pytest.mark.parametrize(
    "act",
    [
        composed,
        decomposed,
        is_composed,
        without_marks,
        folded,
        lambda text: normal_address(f"x@{text}"),
        lambda text: refusal(text, ()),
        Withholding.parse(".edu").withholds,
    ],
)
def test_marks_cost_what_letters_cost(act: object, letter: str) -> None:
    """Twice as many cost twice as much, not four times, at a length where four times would be long since plain."""
    assert callable(act)
    one, two = (least_seconds(lambda number=number: act("e" + letter * number)) for number in (8_000, 32_000))  # type: ignore[misc]
    assert two < 10 * one + 0.01


@given(st.text(alphabet="&#x;0123456789abcdefxn-%\\u@. (\u0301"))
def test_withholding_never_fails(text: str) -> None:
    Withholding.parse(".edu, contoso.org").withholds_any([text])


@pytest.mark.parametrize("text", ["&#" + "1" * 5_000 + ";", "&#x" + "f" * 5_000, "x@xn--" + "9" * 60_000 + ".edu"])
def test_numbers_and_labels_of_any_length_are_read(text: str) -> None:
    Withholding.parse(".edu").withholds_any([text])


def test_zeros_before_a_character_s_number_hide_nothing() -> None:
    withholding = Withholding.parse(".edu")
    assert withholding.withholds("rosa&#0000000000064;mit.edu")
    assert withholding.withholds("rosa&#X000000000000040;mit.edu")
