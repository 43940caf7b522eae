"""Leads in JSON: what the quick reader makes of one is what its model makes of it, and so is what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from leadkeeper.doors.api.lead_reader import read_lead
from leadkeeper.doors.api.schemas import CustomerBody, LeadBody
from leadkeeper.intake.new_lead import NewLead

USUAL: dict[str, Any] = LeadBody.model_config["json_schema_extra"]["example"]  # type: ignore[index,assignment]
CUSTOMER: dict[str, Any] = USUAL["customer"]


def plainly(body: bytes) -> NewLead:
    """The definition."""
    return LeadBody.model_validate_json(body).lead("a key", 2)


def outcome(read: Callable[[bytes], NewLead], body: bytes) -> object:
    """The lead, or what is wrong with it."""
    try:
        return read(body)
    except ValidationError as error:
        return error.errors(include_url=False, include_context=False, include_input=False)


texts = (
    st.text(max_size=8)
    | st.text(alphabet="@a.<> -|\uff20\ufe6b\u00ad\x7f\x85\t\n\0é", max_size=8)
    | st.sampled_from(["contoso", "crm-pro", "spza", "AppSource (SPZA)", " plt ", "a@b", "a" * 320 + "@b", "x" * 201])
)
values = (
    st.none()
    | texts
    | texts
    | st.integers()
    | st.floats()
    | st.booleans()
    | st.lists(texts, max_size=1)
    | st.dictionaries(texts, texts, max_size=1)
)
of_customer = st.sampled_from([*CUSTOMER, *CustomerBody.model_fields, "other"])
of_lead = st.sampled_from([*USUAL, *LeadBody.model_fields, "other"])
customers = st.lists(st.tuples(of_customer, values), max_size=4)


def written(pairs: list[tuple[str, str]]) -> str:
    """An object of these keys and values, which are JSON; a key may come twice."""
    return "{" + ",".join(f"{json.dumps(key)}:{value}" for key, value in pairs) + "}"


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """A usual lead with some of it otherwise: left out, of another kind, twice, or in other words."""
    escaped = draw(st.booleans())

    def dumped(value: object) -> str:
        return json.dumps(value, ensure_ascii=escaped)

    out = draw(st.sets(st.sampled_from([*USUAL]), max_size=2))
    who = {key: dumped(value) for key, value in CUSTOMER.items()}
    for name in draw(st.sets(st.sampled_from([*CUSTOMER]), max_size=3)):
        del who[name]
    pairs = [(key, dumped(value)) for key, value in USUAL.items() if key != "customer" and key not in out]
    if "customer" not in out:
        pairs.append(("customer", written([*who.items(), *((k, dumped(v)) for k, v in draw(customers))])))
    pairs += [(key, dumped(value)) for key, value in draw(st.lists(st.tuples(of_lead, values), max_size=3))]
    return written(draw(st.permutations(pairs))).encode("utf-8", "surrogatepass")


@given(bodies())
@example(json.dumps(USUAL).encode())
@example(b'{"publisherId":"a","offerId":"b","source":"TestDrive","action":"INS","customer":{"email":"\\ud800@b"}}')
@example(b'{"publisherId":"a","offerId":"b","source":"TestDrive","action":"INS","customer":0}')
def test_what_is_read_and_refused_is_what_the_model_reads_and_refuses(body: bytes) -> None:
    assert outcome(lambda text: read_lead(text, "a key", 2), body) == outcome(plainly, body)


@given(st.binary(max_size=40) | st.sampled_from([b"", b"[]", b'""', b"null", b"{}", b"1", b'{"publisherId":[]}']))
def test_what_is_no_lead_is_refused_as_the_model_refuses_it(body: bytes) -> None:
    assert outcome(read_lead, body) == outcome(plainly, body)


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"customer": None},
        {"customer": {}, "campaign": None},
        {"customer": CUSTOMER | {"firstName": "José \u5f20", "email": None, "title": "\U0001f600"}},
        {"description": 'Two lines\nand a "word"\\, tabbed\t.'},
        {"source": "appsource", "action": "plt"},
    ],
)
def test_a_usual_lead_is_read_at_once(said: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever its language: the model is for what may have to be refused."""
    for escaped in (True, False):
        body = json.dumps(USUAL | said, ensure_ascii=escaped).encode()
        expected = plainly(body)
        with monkeypatch.context() as patched:
            patched.setattr(LeadBody, "model_validate_json", None)
            assert read_lead(body, "a key", 2) == expected
