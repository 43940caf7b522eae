"""Which remote field gets what: templates, constants, what is taken away, and cutting."""

from __future__ import annotations

import tracemalloc
import unicodedata
from dataclasses import replace
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AfterValidator, BaseModel, ValidationError

from leadkeeper.destinations.mapping import (
    FIELD_LIMIT,
    PLACEHOLDERS,
    RECORD_LIMIT,
    TEMPLATE_LIMIT,
    FieldMapping,
    FieldNames,
    Value,
    cut,
    fill,
    noted,
    record,
    units,
)
from leadkeeper.lead import Customer
from tests.contracts.faults import LEAD

DEFAULTS: dict[str, Value] = {"firstname": "{firstName}", "company": "{company}", "rating": 2}


class Settings(BaseModel):
    fields: Annotated[
        FieldMapping,
        AfterValidator(FieldNames("[a-z_]{1,20}", "lower-case letters and _.", frozenset({"leadid"}))),
    ]


def wrong(fields: Any) -> str:
    """What the settings say against these fields."""
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate({"fields": fields})
    return "; ".join(error["msg"] for error in caught.value.errors())


def test_defaults_are_changed_added_to_and_taken_away() -> None:
    changes = Settings.model_validate(
        {"fields": {"company": "{company} ({country})", "rating": None, "campaign": "{campaign}", "web": True, "n": 0}}
    ).fields
    assert record(DEFAULTS, changes, LEAD) == {
        "firstname": "Zoltana",
        "company": "Northwind (DE)",
        "campaign": "spring",
        "web": True,
        "n": 0,
    }


def test_what_is_empty_is_left_out() -> None:
    lead = replace(LEAD, customer=Customer(first_name="  ", company="\x00"), campaign="")
    changes: dict[str, Value] = {"a": "", "b": "  ", "c": "Campaign: {campaign}", "d": "{company}"}
    assert record(DEFAULTS, changes, lead) == {"rating": 2}


def test_every_placeholder_is_filled_in() -> None:
    values = {name: fill(f"{{{name}}}", LEAD) for name in PLACEHOLDERS}
    assert all(values.values())
    assert values["createdTime"] == "2026-03-04T05:06:07Z"
    assert values["leadSource"] == "AzureMarketplace-INS|contoso.crm"
    assert values["title"] == "Treasurer"
    assert values["offerTitle"] == "CRM for everybody"


def test_a_line_without_values_is_left_out() -> None:
    template = "{description}\n\nCampaign: {campaign}\nSource: {source}, {campaign}\nFixed"
    assert fill(template, replace(LEAD, campaign="", description="")) == "Source: AzureMarketplace, \nFixed"
    assert fill(template, LEAD).startswith("Ring the doorbell twice; mind the dog.\n\nCampaign: spring\n")


def test_braces_can_be_written() -> None:
    assert fill("{{email}} }} {country}", LEAD) == "{email} } DE"


def test_a_value_is_never_read_as_a_template() -> None:
    lead = replace(LEAD, description="{email} {{", campaign="}")
    assert fill("{description}{campaign}", lead) == "{email} {{}"


@pytest.mark.parametrize("template", ["{nothing}", "{first_name}", "{}", "{ email }", "{0.__class__}", "{email!r}"])
def test_an_unknown_placeholder_is_refused_and_the_known_are_named(template: str) -> None:
    text = wrong({"a": template})
    assert "there is no placeholder" in text
    assert "{firstName}" in text
    assert "{createdTime}" in text


@pytest.mark.parametrize("template", ["{", "a}", "{email}}", "{{{", "{a{b}"])
def test_a_lone_brace_is_refused(template: str) -> None:
    assert "brace" in wrong({"a": template})


def test_names_are_those_of_the_destination() -> None:
    assert "lower-case letters" in wrong({"Bad Name": "x"})
    assert "filled in by Leadkeeper" in wrong({"leadid": "x"})


@pytest.mark.parametrize("value", [[1], {"a": 1}, float("inf"), float("nan"), "x" * (TEMPLATE_LIMIT + 1)])
def test_values_are_texts_numbers_and_truths(value: Any) -> None:
    assert wrong({"a": value})


def test_there_is_an_end_to_fields() -> None:
    assert wrong({"a" * n: "x" for n in range(1, 102)})


def test_constants_keep_their_type() -> None:
    fields = Settings.model_validate({"fields": {"a": 1, "b": 1.5, "c": True, "d": "1", "e": None}}).fields
    assert list(map(type, fields.values())) == [int, float, bool, str, type(None)]
    dumped = Settings(fields=fields).model_dump(mode="json", exclude_none=True)
    assert Settings.model_validate(dumped).fields == fields


def test_cutting_says_what_and_how_much_and_nothing_else() -> None:
    fitting, notes = cut({"description": "x" * 3120, "n": 12345, "free": "y" * 9}, {"description": 2000, "n": 1})
    assert fitting == {"description": "x" * 2000, "n": 12345, "free": "y" * 9}
    assert notes == ("description cut from 3,120 to 2,000 characters",)
    assert noted(notes) == "description cut from 3,120 to 2,000 characters."
    assert noted(()) is None


@given(st.text(), st.integers(1, 40))
def test_what_is_cut_fits_and_is_a_beginning(text: str, limit: int) -> None:
    fitting, notes = cut({"a": text}, {"a": limit})
    assert units(fitting["a"]) <= limit
    assert bool(notes) is (units(text) > limit)
    if not notes:
        assert fitting["a"] == text


@given(st.text(st.characters(), max_size=40))
def test_any_value_can_be_sent_as_utf_8(text: str) -> None:
    filled = fill("{description}", replace(LEAD, description=text))
    filled.encode()
    assert not [c for c in filled if unicodedata.category(c) == "Cc" and ord(c) < 0x80 and c not in "\t\n\r"]


def test_what_a_template_makes_of_a_long_text_is_bounded() -> None:
    lead = replace(LEAD, description="x" * 60_000)
    template = "{description}" * (TEMPLATE_LIMIT // len("{description}"))
    assert len(fill(template, lead)) <= FIELD_LIMIT
    made = record({}, {f"field{number}": template for number in range(100)}, lead)
    assert sum(len(value) for value in made.values()) <= RECORD_LIMIT
    # What comes first is kept whole, and the lead's own text fits a field.
    assert len(record({}, {"text": "{description}"}, lead)["text"]) == 60_000


def test_what_was_cut_is_told() -> None:
    lead = replace(LEAD, description="é😀" * 20_000)
    template = "{description}" * 10
    made = record({"a": template, "b": "{firstName}"}, {}, lead)
    fitting, notes = cut(made, {})
    assert fitting["b"] == "Zoltana"
    assert notes == (f"a cut to {FIELD_LIMIT:,} characters",)
    assert units(fitting["a"]) <= FIELD_LIMIT
    assert fitting["a"].encode("utf-16-le")[-2:] != b"\x3d\xd8"


def test_filling_a_template_takes_no_more_memory_than_its_bound() -> None:
    lead = replace(LEAD, description="x" * 60_000)
    template = "{description}" * 300
    tracemalloc.start()
    for _ in range(10):
        record({}, {f"f{n}": template for n in range(10)}, lead)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 6 * RECORD_LIMIT
