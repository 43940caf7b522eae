"""The page about the REST API names every path and limit that there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from leadkeeper.doors.api.batch import LONGEST_KEY, MAX_LINES
from leadkeeper.doors.web import MAX_BODY
from tests.house.openapi import openapi_document

PAGE = (Path(__file__).parents[2] / "docs/reference/rest-api.md").read_text(encoding="utf-8")
OPERATION = re.compile(r"`(?:(?:GET|PUT|POST|DELETE)`, `)*(?:GET|PUT|POST|DELETE) /[^`]*`")


@pytest.fixture(scope="module")
def operations() -> set[str]:
    """Every operation of the OpenAPI document, as ``GET /v1/leads``."""
    paths = openapi_document()["paths"]
    return {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}


def written() -> set[str]:
    """Every operation that the page names."""
    found = set()
    for text in OPERATION.findall(PAGE):
        methods, path = re.findall(r"GET|PUT|POST|DELETE", text), text[text.index("/") : -1]
        found |= {f"{method} {path}" for method in methods}
    return found


def test_every_operation_is_on_the_page(operations: set[str]) -> None:
    assert written() == operations


def test_every_filter_of_leads_is_on_the_page() -> None:
    names = {parameter["name"] for parameter in openapi_document()["paths"]["/v1/leads"]["get"]["parameters"]}
    section = PAGE[PAGE.index("`GET /v1/leads`") : PAGE.index("null ends the list")]
    assert {name for name in names - {"Accept-Language"} if f"`{name}`" not in section} == set()


def test_limits_are_on_the_page() -> None:
    assert f"at most {MAX_LINES:,} lines of {MAX_BODY // 1024} KiB" in PAGE
    assert f"at most {LONGEST_KEY} characters" in PAGE
