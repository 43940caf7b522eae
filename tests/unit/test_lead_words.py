"""By which words a lead is found, and the index terms that stand for them."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from leadkeeper.lead import Customer
from leadkeeper.lead_body import from_body, to_body
from leadkeeper.lead_words import stands_in, terms_of, wanted_terms, wanted_text, words_in, words_of

TEXTS = st.text("aAbß éÉ.@-_’ \n日本İı1", max_size=12)


@given(first=TEXTS, last=TEXTS, company=TEXTS, email=TEXTS, wanted=TEXTS)
def test_every_lead_that_is_found_has_the_terms(first: str, last: str, company: str, email: str, wanted: str) -> None:
    asked = wanted_text(wanted)
    if asked and any(stands_in(asked, part) for part in (f"{first} {last}", company, email)):
        assert wanted_terms(asked) <= terms_of(words_of(first, last, company, email))


@given(first=st.text(), last=TEXTS, company=st.text(max_size=20), email=TEXTS)
def test_the_terms_of_a_body_are_the_same_however_they_are_made(
    first: str, last: str, company: str, email: str
) -> None:
    """What is taken out of the index must be what was put in, by whichever version."""
    try:
        body = to_body(Customer(first, last, email, "+44", "GB", company, "Head"), "text", "spring", {})
    except ValueError:
        return
    assert terms_of(words_in(body)) == _plain_terms(f"{first} {last} {company} {email}")
    older = {"firstName": first, "lastName": last, "email": email, "company": company}
    assert words_in(json.dumps({"customer": older})) == words_in(body)


def _plain_terms(text: str) -> set[str]:
    found = set()
    for word in re.findall(r"[^\W_]+", text.casefold()):
        found |= {f"a{word[:1]}"} | {f"b{word[:2]}" for _ in word[1:2]}
        found |= {f"c{word[at : at + 3]}" for at in range(len(word) - 2)}
    return found


@given(st.recursive(st.none() | st.integers() | TEXTS, lambda part: st.lists(part, max_size=8), max_leaves=40))
@example([[1, "", "", "", "", "", ""], "", "", {}])
@example([["Ada", "", "", 1, "", "", ""], "", "", {}])
@example([["Ada", "", "", "", "", ""], "", "", {}])
@example([["Ada", "", "", "", "", "", ""], "", ""])
def test_words_are_those_of_what_the_body_is_read_as(content: object) -> None:
    body = json.dumps(content)
    try:
        customer = from_body(body)["customer"]
    except ValueError:
        assert words_in(body) == ""
        return
    texts = [customer[name] for name in ("firstName", "lastName", "company", "email")]
    assert words_in(body) == (words_of(*texts) if all(isinstance(each, str) for each in texts) else "")


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
