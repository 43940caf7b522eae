"""Choosing leads by name, company, address and country in their bodies."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic_core import to_json

from leadkeeper.inbox.lists.filter import LeadFilter
from leadkeeper.inbox.lists.narrowing import fitting


def body(ascii_only: bool = False, **customer: str) -> str:
    """A stored body of this customer."""
    names = ("firstName", "lastName", "email", "phone", "country", "company", "title")
    content = {"customer": dict.fromkeys(names, "") | customer, "description": "", "campaign": "", "extra": {}}
    return json.dumps(content) if ascii_only else to_json(content).decode()


def found(text: str, stored: str, **more: Any) -> bool:
    """Whether a lead of that body is found."""
    rows: Any = [SimpleNamespace(body=stored)]
    return bool(fitting(rows, LeadFilter(text=text, **more), 5))


@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize(
    "text", ["ada", "LOVE", "ada  love", "a l", "müller", "ÉTÉ & cie", "@fabrikam", '"the best"', "\\b"]
)
def test_a_part_is_found_however_it_is_stored(text: str, ascii_only: bool) -> None:
    customer = {"firstName": "Ada", "lastName": "Lovelace-Müller", "email": "ada@fabrikam.example"}
    stored = body(ascii_only, **customer, company='Été & Cie "The Best" A\\B')
    assert found(text, stored)


@pytest.mark.parametrize("country", ["PT", " pt", "Pt ", "\u00a0PT"])
def test_a_country_is_found_without_regard_to_case_and_spaces(country: str) -> None:
    assert found("ada", body(firstName="Ada", country="PT"), country=country)
    assert not found("ada", body(firstName="Ada", country="PTX"), country=country)


def test_a_country_is_told_by_as_many_letters_as_the_index_has() -> None:
    long = "The United Kingdom of Great Britain and Northern Ireland, and what else belongs to it"
    assert found("ada", body(firstName="Ada", country=long), country=long)
    assert found("ada", body(firstName="Ada", country=long), country=f" {long}")


def test_what_stands_elsewhere_in_the_body_is_not_found() -> None:
    stored = body(firstName="Ada", lastName="Lovelace", country="PT", title="Head of Sales")
    assert not found("head", stored)
    assert not found("lovelace ada", stored)
    assert not found("firstname", stored)
    assert found("", stored, country="pt")
    assert not found("ada", stored, country="GB")
