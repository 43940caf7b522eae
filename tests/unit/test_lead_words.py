"""By which words a lead is found, and the index terms that stand for them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadkeeper.lead import Customer
from leadkeeper.lead_body import to_body
from leadkeeper.lead_words import stands_in, terms_of, wanted_terms, wanted_text, words_in, words_of

TEXTS = st.text("aAbß éÉ.@-_’ \n日本İı1", max_size=12)


@given(first=TEXTS, last=TEXTS, company=TEXTS, email=TEXTS, wanted=TEXTS)
def test_every_lead_that_is_found_has_the_terms(first: str, last: str, company: str, email: str, wanted: str) -> None:
    asked = wanted_text(wanted)
    if asked and any(stands_in(asked, part) for part in (f"{first} {last}", company, email)):
        assert wanted_terms(asked) <= terms_of(words_of(first, last, company, email))


@pytest.mark.parametrize(
    ("wanted", "terms"),
    [
        ("lovel", {"clov", "cove", "cvel"}),
        ("l", {"al"}),
        ("lo", {"blo"}),
        ("a lo", {"al", "blo"}),
        ("@", set()),
        ("é@x.de", {"ax", "ad", "bde"}),
    ],
)
def test_terms(wanted: str, terms: set[str]) -> None:
    assert wanted_terms(wanted) == terms


def test_words_are_those_of_the_body() -> None:
    body = to_body(
        Customer("Ada", "Love-lace", "ada@x.example", "+44", "GB", "Été & Cie", "Head"), "text", "spring", {}
    )
    assert words_in(body) == " ada love lace été   cie ada x example"


@pytest.mark.parametrize("body", ["", "{", "[]", "{}", '{"customer": 3}', '{"customer": {"firstName": 3}}', "\udcff"])
def test_what_is_damaged_has_no_words(body: str) -> None:
    assert words_in(body) == ""
