"""A table of follow-up that somebody worked on in a spreadsheet, read back. Pure.

It is the file that the list of leads gives, or any with a column of lead ids and one or more of follow-up, reason and
owner; other columns are passed over. Commas, semicolons and tabs are taken for the ends of cells, whichever the first
line has most of. An empty cell leaves what is there; a dash gives the lead to nobody.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from leadkeeper.inbox.follow_up.state import LONGEST_REASON, NEEDS_REASON
from leadkeeper.intake.texts import UNCLEAN
from leadkeeper.spreadsheet import FORMULA_SIGNS, is_workbook, text_of_file
from leadkeeper.texts import lazy_gettext as _

MOST_ROWS: Final = 1_000
NOBODY: Final = "-"
_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MADE_SAFE: Final = re.compile(rf"'(?=[{FORMULA_SIGNS}])")


@dataclass(frozen=True, slots=True)
class ColumnNames:
    """By what the columns ``id``, ``state``, ``reason`` and ``owner`` are found, and states by the words for them.

    Both in lower case, in every language that the file may have been written in.
    """

    columns: Mapping[str, str]
    states: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Row:
    """What one line of the file asks for; ``None`` leaves what is there, an owner is a name, an address or a dash."""

    number: int
    lead_id: str
    state: str | None = None
    reason: str | None = None
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class RowError:
    """What is wrong in one line: in which column, and what to do about it."""

    number: int
    column: str
    message: str


@dataclass(slots=True)
class Table:
    """The lines that can be read, and what is wrong with the others."""

    rows: list[Row] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)


def read_file(content: bytes, names: ColumnNames) -> Table:
    """As :func:`read_table`, of a file as a spreadsheet saved it. A workbook is told apart from a table."""
    if is_workbook(content):
        return Table(errors=[RowError(1, "", _("This is a workbook: save it as CSV (UTF-8)."))])
    return read_table(text_of_file(content), names)


def read_table(text: str, names: ColumnNames) -> Table:
    """Never raises. A file that is no such table has one error, of its first line."""
    text = text.removeprefix("\ufeff")
    first = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count))
    table = Table()
    try:
        heads = [names.columns.get(each.strip().casefold(), "") for each in next(reader, [])]
        if "id" not in heads or not {"state", "reason", "owner"} & set(heads):
            message = _("This is no list of leads. Download the list, change its follow-up columns, upload that file.")
            return Table(errors=[RowError(1, "", message)])
        for number, cells in enumerate(reader, 2):
            if any(each.strip() for each in cells):
                _read_row(table, number, dict(zip(heads, cells, strict=False)), names)
            if len(table.rows) + len(table.errors) > MOST_ROWS:
                message = _("Upload at most %(most)s leads at once: split the file.", most=MOST_ROWS)
                return Table(errors=[RowError(number, "", message)])
    except csv.Error:
        table.errors.append(RowError(reader.line_num, "", _("This line cannot be read. Save the file as CSV again.")))
    return table


def _read_row(table: Table, number: int, cells: Mapping[str, str], names: ColumnNames) -> None:
    found = {name: _MADE_SAFE.sub("", cells.get(name, "").strip(), 1) for name in ("id", "state", "reason", "owner")}
    state = names.states.get(found["state"].casefold())
    row = Row(number, found["id"].lower(), state, found["reason"] or None, found["owner"] or None)
    errors = _wrong(row, found)
    if row.lead_id in table.seen:
        errors.append(("id", _("This lead stands in the file twice. Keep one of the lines.")))
    table.seen.add(row.lead_id)
    table.errors += [RowError(number, column, message) for column, message in errors]
    if not errors and (row.state, row.reason, row.owner) != (None, None, None):
        table.rows.append(row)


def _wrong(row: Row, found: Mapping[str, str]) -> list[tuple[str, str]]:
    wrong = list[tuple[str, str]]()
    if not _ID.fullmatch(row.lead_id):
        wrong.append(("id", _("This is no lead id. Copy it from the list again.")))
    if found["state"] and row.state is None:
        wrong.append(("state", _("There is no such state. Write new, active, won, lost, declined or expired.")))
    if found["reason"] and not found["state"]:
        wrong.append(("state", _("Write the state to which the reason belongs.")))
    if row.state in NEEDS_REASON and not row.reason:
        wrong.append(("reason", _("Say why: others learn from it.")))
    wrong += [
        (name, _("This holds a control character. Type it again.")) for name in found if UNCLEAN.search(found[name])
    ]
    if len(found["reason"]) > LONGEST_REASON:
        wrong.append(("reason", _("At most %(most)s characters.", most=LONGEST_REASON)))
    return wrong
