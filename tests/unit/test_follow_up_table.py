"""A table of follow-up that comes back from a spreadsheet."""

from __future__ import annotations

import csv
import io
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadkeeper.inbox.follow_up.columns import names_in
from leadkeeper.inbox.follow_up.table import MOST_ROWS, Row, read_file, read_table
from leadkeeper.languages import read_languages
from leadkeeper.spreadsheet import cell

NAMES: Final = names_in(read_languages())
ONE: Final = "019a9e3b-7c2e-7d41-b1a5-3f0f6f3c2a11"
TWO: Final = "019a9e3b-7c2e-7d41-b1a5-3f0f6f3c2a12"


HEADS: Final = ("Lead id", "Follow-up", "Reason", "Owner")


def file(*rows: tuple[str, ...], heads: tuple[str, ...] = HEADS, by: str = ",") -> str:
    """A file as a spreadsheet saves it."""
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=by).writerows([heads, *rows])
    return out.getvalue()


@pytest.mark.parametrize("by", [",", ";", "\t"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_file_of_any_land_is_read(by: str, mark: str) -> None:
    table = read_table(mark + file((ONE, "Won", "", "Ada"), (TWO.upper(), "", "", ""), ("", "", "", ""), by=by), NAMES)
    assert (table.rows, table.errors) == ([Row(2, ONE, "won", None, "Ada")], [])


def test_a_file_in_another_language_and_order_is_read() -> None:
    table = read_table(file(("x", "ganho", ONE), heads=("Empresa", "Acompanhamento", "Id do lead")), NAMES)
    assert not table.errors, table.errors
    assert table.rows == [Row(2, ONE, "won")]


@pytest.mark.parametrize(
    ("row", "column", "word"),
    [
        (("nonsense", "won", "", ""), "id", "no lead id"),
        ((ONE, "nearly", "", ""), "state", "no such state"),
        ((ONE, "lost", "", ""), "reason", "Say why"),
        ((ONE, "", "too dear", ""), "state", "Write the state"),
        ((ONE, "lost", "x" * 201, ""), "reason", "At most 200"),
    ],
)
def test_what_is_wrong_is_told_by_line_and_column(row: tuple[str, ...], column: str, word: str) -> None:
    table = read_table(file((TWO, "won", "", ""), row), NAMES)
    assert [(each.number, each.column, word in each.message) for each in table.errors] == [(3, column, True)]
    assert [each.lead_id for each in table.rows] == [TWO]


def test_a_lead_stands_in_it_once() -> None:
    table = read_table(file((ONE, "won", "", ""), (TWO, "won", "", ""), (ONE, "active", "", "")), NAMES)
    assert [(each.number, each.column) for each in table.errors] == [(4, "id")]


@pytest.mark.parametrize("text", ["", "\n", "a,b\n1,2\n", "Lead id\n" + ONE, '"', "Lead id,Reason\n\0\n"])
def test_what_is_no_such_file_says_what_to_do(text: str) -> None:
    assert not read_table(text, NAMES).rows


def test_it_is_bounded() -> None:
    rows = [(f"019a9e3b-7c2e-7d41-b1a5-{number:012x}", "won", "", "") for number in range(MOST_ROWS + 1)]
    assert len(read_table(file(*rows[:-1]), NAMES).rows) == MOST_ROWS
    table = read_table(file(*rows), NAMES)
    assert (table.rows, ["split the file" in each.message for each in table.errors]) == ([], [True])


@given(reason=st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\u2028\u2029"), max_size=40))
def test_what_was_made_safe_comes_back_as_it_was(reason: str) -> None:
    table = read_table(file((ONE, "won", cell(reason.strip()), "")), NAMES)
    wanted = reason.strip() or None
    (row,) = table.rows
    if wanted is None or wanted[:1] in "=+-@":
        assert row.reason == wanted


@given(text=st.text(max_size=300))
def test_nothing_breaks_it(text: str) -> None:
    read_table("Lead id,Reason\n" + text, NAMES)


@pytest.mark.parametrize("content", [b"PK\x03\x04\0\0", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0"])
def test_a_workbook_is_told_apart(content: bytes) -> None:
    (error,) = read_file(content, NAMES).errors
    assert error.message == "This is a workbook: save it as CSV (UTF-8)."


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_a_file_is_read_as_a_spreadsheet_saves_it(encoding: str) -> None:
    content = file((ONE, "lost", "Núñez", ""), by="\t").encode(encoding)
    assert read_file(content, NAMES).rows == [Row(2, ONE, "lost", "Núñez")]
    other_way = b"\xfe\xff" + file((ONE, "lost", "Núñez", ""), by="\t").encode("utf-16-be")
    assert read_file(other_way, NAMES).rows == [Row(2, ONE, "lost", "Núñez")]


@pytest.mark.parametrize("content", [b"\xff\xfea", b"\xff\xfe\0\xd8\n\0", b"\xfe\xff"])
def test_half_a_file_is_no_table(content: bytes) -> None:
    (error,) = read_file(content, NAMES).errors
    assert "no list of leads" in error.message


@pytest.mark.parametrize(("row", "column"), [((ONE, "lost", "a\0b", ""), "reason"), ((ONE, "", "", "a\0b"), "owner")])
def test_what_no_database_keeps_is_refused(row: tuple[str, ...], column: str) -> None:
    table = read_file(file(row).encode(), NAMES)
    assert [(each.number, each.column) for each in table.errors] == [(2, column)]
    assert not table.rows
