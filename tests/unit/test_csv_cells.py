"""No cell of a CSV file becomes a formula, whatever stands between the cells."""

from __future__ import annotations

import csv
import io
import re
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadkeeper.destinations.azure_blob.adapter import encode_csv
from leadkeeper.spreadsheet import cell
from tests.costs import least_seconds

SEPARATORS: Final = ",;\t|"
BEGINS: Final = re.compile(r"[\s\x00-\x1f\x7f]*[=+\-@＝＋－＠﹢﹣−]")
NUMBER: Final = re.compile(r"\s*[+-][0-9]+( [0-9]+)*[\s\"']*")
"""A number, or numbers with a space between them, which nothing calculates."""


def cells(value: str) -> list[str]:
    """What spreadsheets of any land may make of a file with ``value`` in it, cell by cell."""
    text = encode_csv({"A": "x", "B": cell(value), "C": "y"}).decode("utf-8-sig")
    found = []
    for separator in SEPARATORS:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
            found += row
    return [*found, *re.split(r"[,;\t|\r\n]", text)]


def may_be_calculated(text: str) -> bool:
    """Whether a spreadsheet might take the cell for a formula."""
    plain = text.lstrip('"\u200b\ufeff\u00a0 ')
    return bool(BEGINS.match(plain)) and not NUMBER.fullmatch(plain)


@pytest.mark.parametrize(
    "value",
    [
        "+44-20-7946-0958",
        "+1/0",
        "Contoso;=1+1",
        "a\t=1+1",
        "a|=1+1",
        "a\n=1+1",
        "a,=1+1",
        '";=1+1',
        '"=1+1"',
        " =1+1",
        "\u00a0=1+1",
        "\u200b=1+1",
        "\u2212cmd",
        "-1-2",
        "+1 (2)",
        '=HYPERLINK("https://x.example")',
        "a; +A1",
    ],
)
def test_text_stays_text(value: str) -> None:
    for each in cells(value):
        assert not may_be_calculated(each), (value, each)


@settings(deadline=None)
@given(st.text(alphabet="=+-@;,\t|\n\r \"'a1/().＝−\u00a0\u200b", max_size=12))
def test_no_text_becomes_a_formula(value: str) -> None:
    for each in cells(value):
        assert not may_be_calculated(each), (value, each)


@pytest.mark.parametrize(
    "value", ["", "Ada", "+442079460958", "+44 20 7946 0958", "a=b", "rosa@northwind.example", "Lda.; Filhos", "a-b"]
)
def test_harmless_texts_stay_as_they_are(value: str) -> None:
    assert cell(value) == value


@pytest.mark.parametrize("letter", ["\n", "\t", ",", " ", '"', ";"])
def test_empty_cells_cost_what_full_ones_cost(letter: str) -> None:
    """Four times as many cost four times as much; once it was sixteen times."""
    one, four = (least_seconds(lambda number=number: cell(letter * number)) for number in (2_000, 8_000))  # type: ignore[misc]
    assert four < 10 * one + 0.01
