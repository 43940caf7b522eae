"""What is remembered of a payload: its keys, and nothing that could be a value."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from leadkeeper.access.payloads import KEPT, read_payloads, with_payloads
from leadkeeper.intake.payload_keys import MORE, MOST_KEYS, keys_of

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=30,
)


def test_keys_are_told_in_their_order_and_values_are_not() -> None:
    payload = {
        "UserDetails": {"FirstName": "Ada", "Email": "ada@contoso.com"},
        "LeadSource": "SPZA",
        "Lines": [{"a": 1}],
    }
    assert keys_of(payload) == ("UserDetails.FirstName", "UserDetails.Email", "LeadSource", "Lines.a")


def test_a_key_that_could_be_a_value_is_not_told() -> None:
    assert keys_of({"ada@contoso.com": 1, "+351 21 000": {"b": 1}, "": 2, "Name": 3}) == (MORE, "Name")
    assert keys_of({"x" * 41: 1}) == (MORE,)


def test_many_and_deep_keys_are_cut() -> None:
    assert len(keys_of({f"k{n}": n for n in range(500)})) == MOST_KEYS + 1
    assert keys_of({"a": {"b": {"c": {"d": {"e": 1}}}}}) == (f"a.b.c.d.{MORE}",)


@given(st.dictionaries(st.text(), JSON, max_size=80))
def test_any_payload_has_few_short_keys(payload: dict[str, object]) -> None:
    found = keys_of(payload)
    assert len(found) <= MOST_KEYS + 1
    assert all(len(key) <= 4 * 41 + len(MORE) for key in found)
    assert len(set(found)) == len(found)


def test_the_newest_sets_of_keys_are_kept_each_once() -> None:
    stored = with_payloads(None, {("a",): 5, ("b",): 7})
    stored = with_payloads(stored, {("a",): 9, ("b",): 6})
    assert [(each.at, each.keys) for each in read_payloads(stored)] == [(9, ("a",)), (7, ("b",))]
    stored = with_payloads(stored, {(str(n),): 10 + n for n in range(20)})
    assert [each.at for each in read_payloads(stored)] == [29 - n for n in range(KEPT)]


def test_what_cannot_be_read_is_nothing() -> None:
    for damaged in ("", "{", "7", "[7]", '[{"at": "x", "keys": []}]', '[{"keys": []}]', "null"):
        assert read_payloads(damaged) == ()
    assert json.loads(with_payloads("{", {("a",): 1})) == [{"at": 1, "keys": ["a"]}]
